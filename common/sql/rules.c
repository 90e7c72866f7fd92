/* The table of refusals. A head is compared word by word, so that "set role" meets SET ROLE but not SET roles. */
#include "sql/rules.h"

#include <string.h>

#include "base/text.h"

#include "base/banned.h"

enum rule_reason {
    REASON_TRANSACTION, /* the loader opens and closes the transaction */
    REASON_SESSION,     /* would outlive or undermine the file */
    REASON_OUTSIDE,     /* PostgreSQL runs it outside a transaction only */
};

struct rule {
    const char *words;
    enum rule_reason reason;
    bool is_for_admin; /* bootstrap files may not do it either */
};

static const struct rule rules[] = {
    { "begin", REASON_TRANSACTION, true },
    { "start transaction", REASON_TRANSACTION, true },
    { "commit", REASON_TRANSACTION, true },
    { "end", REASON_TRANSACTION, true },
    { "rollback", REASON_TRANSACTION, true },
    { "abort", REASON_TRANSACTION, true },
    { "savepoint", REASON_TRANSACTION, true },
    { "release", REASON_TRANSACTION, true },
    { "prepare transaction", REASON_TRANSACTION, true },
    { "set transaction", REASON_TRANSACTION, true },
    { "set local transaction", REASON_TRANSACTION, true },
    { "discard", REASON_SESSION, true },
    { "listen", REASON_SESSION, true },
    { "set role", REASON_SESSION, false },
    { "set local role", REASON_SESSION, false },
    { "set session role", REASON_SESSION, false },
    { "set session authorization", REASON_SESSION, false },
    { "set local session authorization", REASON_SESSION, false },
    { "set session session authorization", REASON_SESSION, false },
    { "alter system", REASON_OUTSIDE, true },
    { "vacuum", REASON_OUTSIDE, true },
    { "create database", REASON_OUTSIDE, true },
    { "drop database", REASON_OUTSIDE, true },
    { "create tablespace", REASON_OUTSIDE, true },
    { "drop tablespace", REASON_OUTSIDE, true },
    { "reindex database", REASON_OUTSIDE, true },
    { "reindex system", REASON_OUTSIDE, true },
    { "reindex schema", REASON_OUTSIDE, true },
};

/* With CONCURRENTLY these leave the transaction; REFRESH MATERIALIZED VIEW CONCURRENTLY does not. */
static const char *const concurrent[] = { "create index", "create unique index", "drop index", "reindex", "alter table" };

enum { HEAD_WORDS = 6 };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool word_is(const char *word, size_t n, const char *text)
{
    if (n != strlen(text))
        return false;
    for (size_t i = 0; i < n; i++)
        if (lower(word[i]) != text[i])
            return false;
    return true;
}

static void head_add(struct sql_words *w, const char *word, size_t n)
{
    if (w->n_head == HEAD_WORDS || w->head_len + n + 2 > sizeof w->head) {
        w->n_head = HEAD_WORDS;
        return;
    }
    if (w->n_head++ > 0)
        w->head[w->head_len++] = ' ';
    for (size_t i = 0; i < n; i++)
        w->head[w->head_len++] = lower(word[i]);
    w->head[w->head_len] = '\0';
}

static void watch_copy(struct sql_words *w, const char *word, size_t n)
{
    if (!sql_words_begin(w, "copy") || !(text_is(w->last, "from") || text_is(w->last, "to")))
        return;
    w->is_client_copy |= word_is(word, n, "stdin") || word_is(word, n, "stdout");
    w->is_program_copy |= word_is(word, n, "program");
}

void sql_words_add(struct sql_words *w, const char *word, size_t n, size_t paren_depth)
{
    if (word == NULL) {
        head_add(w, "?", 1);
        w->last[0] = '\0';
        return;
    }
    head_add(w, word, n);
    if (paren_depth == 0)
        watch_copy(w, word, n);
    w->has_concurrently |= word_is(word, n, "concurrently");
    w->touches_ledger |= word_is(word, n, "archon_load");
    size_t kept = n < sizeof w->last ? n : 0;
    for (size_t i = 0; i < kept; i++)
        w->last[i] = lower(word[i]);
    w->last[kept] = '\0';
}

bool sql_words_begin(const struct sql_words *w, const char *words)
{
    size_t n = strlen(words);
    return w->head_len >= n && memcmp(w->head, words, n) == 0 && (w->head[n] == '\0' || w->head[n] == ' ');
}

bool sql_words_is_routine(const struct sql_words *w)
{
    return sql_words_begin(w, "create function") || sql_words_begin(w, "create procedure") ||
           sql_words_begin(w, "create or replace function") || sql_words_begin(w, "create or replace procedure");
}

static bool refuse(const struct rule *r, const char *name, size_t line, struct err *e)
{
    static const char *const why[] = {
        [REASON_TRANSACTION] = "is transaction control: the loader runs the files of a release in one transaction",
        [REASON_SESSION] = "is not allowed in a migration: it changes the session that other files use",
        [REASON_OUTSIDE] = "cannot run inside a transaction (mode=single is not in this version)",
    };
    err_set(e, ERR_POLICY, "%s:%zu: \"%s\" %s", SHOWN(name), line, r->words, why[r->reason]);
    return err_hint(e, "take the statement out of the file");
}

static bool check_copy(const struct sql_words *w, const char *name, size_t line, struct err *e)
{
    if (w->is_client_copy) {
        err_set(e, ERR_POLICY, "%s:%zu: COPY from or to the client is not allowed in a migration", SHOWN(name), line);
        return err_hint(e, "write the rows as INSERT ... VALUES");
    }
    if (w->is_program_copy)
        return err_set(e, ERR_POLICY, "%s:%zu: COPY ... PROGRAM is not allowed in a migration", SHOWN(name), line);
    return true;
}

static bool check_concurrent(const struct sql_words *w, const char *name, size_t line, struct err *e)
{
    for (size_t i = 0; w->has_concurrently && i < ARRAY_LEN(concurrent); i++)
        if (sql_words_begin(w, concurrent[i])) {
            err_set(e, ERR_POLICY, "%s:%zu: \"%s ... concurrently\" cannot run inside a transaction (mode=single is not in this version)",
                    SHOWN(name), line, concurrent[i]);
            return err_hint(e, "leave CONCURRENTLY out: the table is then locked while the statement runs");
        }
    return true;
}

bool sql_rules_check(const struct sql_words *w, enum sql_kind kind, const char *name, size_t line, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if ((kind == SQL_ORDINARY || rules[i].is_for_admin) && sql_words_begin(w, rules[i].words))
            return refuse(&rules[i], name, line, e);
    if (w->touches_ledger)
        return err_set(e, ERR_POLICY, "%s:%zu: the schema archon_load belongs to the loader", SHOWN(name), line);
    return check_copy(w, name, line, e) && check_concurrent(w, name, line, e);
}
