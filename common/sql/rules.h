/* What a migration may not contain, by the first words of a statement. Policy with a good message, not protection. */
#ifndef SQL_RULES_H
#define SQL_RULES_H

#include "sql/lexer.h"

/* The words of one statement as far as rules need them; filled token by token. Zero is the start of a statement. */
struct sql_words {
    char head[96];      /* first words, lower case, one space between them; "?" stands for any other token */
    size_t head_len;
    unsigned n_head;    /* tokens in head */
    char last[16];      /* previous token when it was a short word, else empty */
    bool has_concurrently;
    bool is_client_copy;   /* COPY ... STDIN or STDOUT */
    bool is_program_copy;  /* COPY ... PROGRAM */
    bool touches_ledger;   /* names the schema archon_load */
};

/* Takes notice of one token: a word (identifier or keyword, without quotes) or, with word null, anything else. */
void sql_words_add(struct sql_words *w, const char *word, size_t n, size_t paren_depth);

/* True when the head begins with these words. */
bool sql_words_begin(const struct sql_words *w, const char *words);

/* CREATE [OR REPLACE] FUNCTION|PROCEDURE: the only statements that may have a BEGIN ATOMIC body. */
bool sql_words_is_routine(const struct sql_words *w);

/* Fails with ERR_POLICY "<name>:<line>: ..." and a hint. */
MUST_CHECK bool sql_rules_check(const struct sql_words *w, enum sql_kind kind, const char *name, size_t line, struct err *e);

#endif
