/* The end of a transaction is where certainty is won or lost.
 *
 * After a lost connection the old server process may still be about to commit (it may wait for a replica). So we first wait
 * until the server says that the transaction is no longer in progress, then look for its traces. */
#include "loader/db/transaction.h"

#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "sys/clock.h"
#include "sys/start.h"

#include "base/banned.h"

enum { LOOK_WAIT_MS = 120000, LOOK_POLL_MS = 500 };

static bool read_id(struct connection *c, char *out, size_t size, struct err *e)
{
    AUTO(answer_free_auto) struct answer *a = connection_ask(c, "SELECT pg_catalog.pg_current_xact_id()::pg_catalog.text", NULL, 0, e);
    if (a == NULL)
        return false;
    const char *id = answer_text(a, 0, 0);
    return (id != NULL && text_copy(out, size, id)) || err_set(e, ERR_DB, "database: no transaction id");
}

bool transaction_begin(struct transaction *t, struct connection *c, struct err *e)
{
    *t = (struct transaction){ .c = c };
    return connection_do(c, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", e) && read_id(c, t->id, sizeof t->id, e);
}

/* "committed", "aborted", "in progress", or empty when the server does not know (any more). */
static void status_of(struct connection *c, const char *id, char out[16])
{
    struct err ignored = { 0 };
    const char *values[] = { id };
    AUTO(answer_free_auto) struct answer *a =
        connection_ask(c, "SELECT pg_catalog.pg_xact_status($1::pg_catalog.xid8)", values, 1, &ignored);
    const char *text = a == NULL ? NULL : answer_text(a, 0, 0);
    if (text == NULL || !text_copy(out, 16, text))
        out[0] = '\0';
}

static bool left(struct transaction *t, struct err *e)
{
    char status[16];
    if (connection_is_in_transaction(t->c))
        transaction_roll_back(t); /* the one that was begun behind our back */
    status_of(t->c, t->id, status);
    if (text_is(status, "aborted"))
        return err_set(e, ERR_DB_ROLLED_BACK, "the statement ended the transaction of the loader");
    err_set(e, ERR_DB_PARTIAL, "the statement committed the transaction of the loader: what stands before it is in the database, but not recorded");
    return err_hint(e, "restore the database, or undo by hand what the files before this line did; then take the statement out");
}

bool transaction_check(struct transaction *t, struct err *e)
{
    char id[sizeof t->id];
    if (!connection_is_in_transaction(t->c))
        return left(t, e);
    if (!read_id(t->c, id, sizeof id, e))
        return false;
    return text_is(id, t->id) || left(t, e);
}

static bool unknown(struct err *e, const struct err *why)
{
    err_set(e, ERR_DB_PARTIAL, "the connection broke at COMMIT and the outcome is not known: %s", why->msg);
    return err_hint(e, "run the same command again when the database is back: it looks at what is recorded there");
}

static bool wait_until_ended(struct transaction *t, struct connection *c, struct err *e)
{
    char status[16];
    uint64_t end = clock_monotonic_ms() + LOOK_WAIT_MS;
    for (;;) {
        status_of(c, t->id, status);
        if (!text_is(status, "in progress"))
            return true;
        if (clock_monotonic_ms() > end)
            return err_set(e, ERR_DB, "the server still works on the transaction");
        if (!start_check(e))
            return false;
        clock_sleep_ms(LOOK_POLL_MS);
    }
}

static bool look(struct transaction *t, const struct db_target *target, transaction_proof_fn proof, void *ctx, struct err *e)
{
    struct err why = { 0 };
    bool is_there = false;
    log_warn("database: the connection broke at COMMIT; asking the server what became of it");
    AUTO(connection_close_auto) struct connection *c = connection_open_waiting(target, "look", LOOK_WAIT_MS, &why);
    if (c == NULL || !wait_until_ended(t, c, &why) || !proof(ctx, c, &is_there, &why))
        return unknown(e, &why);
    return is_there || err_set(e, ERR_DB_ROLLED_BACK, "at COMMIT: the connection broke and the server rolled the transaction back");
}

bool transaction_commit(struct transaction *t, const struct db_target *target, transaction_proof_fn proof, void *ctx, struct err *e)
{
    struct err why = { 0 };
    if (connection_do(t->c, "COMMIT", &why)) {
        if (text_is(connection_tag(t->c), "COMMIT"))
            return true;
        return err_set(e, ERR_DB_ROLLED_BACK, "at COMMIT: the server rolled the transaction back");
    }
    const struct connection_problem *p = connection_problem(t->c);
    if (p->is_lost)
        return look(t, target, proof, ctx, e);
    return err_set(e, ERR_DB_ROLLED_BACK, "at COMMIT: SQLSTATE %s: %s", p->sqlstate, p->text);
}

void transaction_roll_back(struct transaction *t)
{
    struct err e = { 0 };
    if (connection_is_alive(t->c) && !connection_do(t->c, "ROLLBACK", &e))
        log_warn("%s", e.msg);
}
