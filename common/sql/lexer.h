/* Splits a SQL file into statements the way PostgreSQL itself reads it, and refuses what a migration may not contain.
 *
 * Quotes, E'' with continuation, U&'', dollar quotes, nested comments, BEGIN ATOMIC bodies and parentheses are
 * understood; standard_conforming_strings is on (the loader makes sure). The split is a service: the server, which gets
 * every statement in a message of its own, refuses a second command hidden in one. The refusals are policy with a good
 * message, not protection: that is the check of the transaction after each statement (loader/db/runner.h).
 *
 *     AUTO(sql_split_clear_auto) struct sql_split split = { 0 };
 *     if (!sql_split_read(&split, SQL_ORDINARY, text, n, "0001_init.sql", e))
 *         return false;
 */
#ifndef SQL_LEXER_H
#define SQL_LEXER_H

#include "base/err.h"

/* Who runs the file: the ordinary role, or the administrator once (who may change roles). */
enum sql_kind { SQL_ORDINARY, SQL_BOOTSTRAP };

struct sql_statement {
    size_t at;   /* offset of its first token */
    size_t n;    /* bytes up to, not including, the semicolon */
    size_t line; /* of its first token, from 1 */
};

/* A line comment `-- archon: ...` before the first statement, without that prefix. */
struct sql_header_line {
    size_t at;
    size_t n;
    size_t line;
};

struct sql_split {
    struct sql_statement *statements;
    size_t n_statements;
    size_t cap_statements;
    struct sql_header_line *headers;
    size_t n_headers;
    size_t cap_headers;
};

/* Reads n bytes; name is for messages ("name:line: ..."). Positions refer to text, nothing is copied.
 * Fails with ERR_FORMAT (NUL, BOM, not UTF-8, bare CR, too long, something not closed, no statement) or ERR_POLICY (a statement
 * that is not allowed in a migration). */
MUST_CHECK bool sql_split_read(struct sql_split *out, enum sql_kind kind, const char *text, size_t n, const char *name,
                               struct err *e);
void sql_split_clear(struct sql_split *s);
void sql_split_clear_auto(struct sql_split *s);

/* Line (from 1) of the file in which the character number `position` (from 1, as PostgreSQL counts) of a statement is. */
size_t sql_line_of(const char *text, const struct sql_statement *s, size_t position);

#endif
