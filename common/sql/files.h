/* Migration files as values: name, order, header comments, statements, digest; and a set of them in order.
 *
 *     AUTO(sql_set_clear_auto) struct sql_set set = { 0 };
 *     for each member: sql_set_add(&set, SQL_ORDINARY, "0001_init.sql", bytes, n, e)     // bytes stay the caller's
 *     sql_set_check(&set, e)                                                             // sorts; duplicates, gaps, down files
 *
 * Names: NNNN_name.sql and NNNN_name.down.sql; bootstrap files: name.sql, run in the order of their bytes.
 * Headers that this version does not build (mode=single, verify, baseline, optional, own-transactions) are ERR_CONFIG. */
#ifndef SQL_FILES_H
#define SQL_FILES_H

#include "base/limits.h"
#include "format/digest.h"
#include "sql/lexer.h"

struct sql_file {
    char name[LIMIT_SQL_NAME_BYTES + 1]; /* without folder */
    enum sql_kind kind;
    unsigned order;                      /* NNNN; 0 for bootstrap files */
    bool is_down;
    const char *text;                    /* borrowed from the caller of sql_file_read; no NUL at the end */
    size_t n;
    struct sql_statement *statements;    /* owned */
    size_t n_statements;
    struct digest sha256;                /* of the whole file */
    unsigned timeout_ms;                 /* statement_timeout; 0: not given */
    unsigned lock_timeout_ms;            /* 0: not given */
};

/* Reads one file: name (last component of a path is taken), header, statements, digest. Borrows bytes as long as out lives.
 * Fails with ERR_CONFIG (name, header), ERR_FORMAT or ERR_POLICY (sql/lexer.h). */
MUST_CHECK bool sql_file_read(struct sql_file *out, enum sql_kind kind, const char *name, const void *bytes, size_t n,
                              struct err *e);
void sql_file_clear(struct sql_file *f);
void sql_file_clear_auto(struct sql_file *f);

struct sql_set {
    struct sql_file *files; /* after sql_set_check: up files in order, each followed by its down file if there is one */
    size_t n;
    size_t cap;
};
MUST_CHECK bool sql_set_add(struct sql_set *s, enum sql_kind kind, const char *name, const void *bytes, size_t n,
                            struct err *e);
/* Sorts. Duplicate numbers, a missing number between two files, a down file without its up file: ERR_CONFIG. */
MUST_CHECK bool sql_set_check(struct sql_set *s, struct err *e);
void sql_set_clear(struct sql_set *s);
void sql_set_clear_auto(struct sql_set *s);

#endif
