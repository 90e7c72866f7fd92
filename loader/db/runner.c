/* The inner loop of migrations and bootstrap. */
#include "loader/db/runner.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"
#include "sys/start.h"

#include "base/banned.h"

/* What the listeners of one file share. */
struct watch {
    const struct runner *r;
    const struct sql_file *file;
    unsigned n_notices;
    char blocker[200]; /* last one seen while the statement waited */
};

static void tell_text(const struct watch *w, enum db_event event, const char *text)
{
    db_report_tell(w->r->report, &(struct db_fact){ .event = event, .file = w->file->name, .text = text });
}

static bool on_notice(void *ctx, const char *text)
{
    struct watch *w = ctx;
    if (w->n_notices++ < DB_NOTICES_PER_FILE) {
        tell_text(w, DB_NOTICE, text);
        return true;
    }
    tell_text(w, DB_NOTICE, "more messages of this file are not shown");
    return false;
}

static void on_wait(void *ctx)
{
    struct watch *w = ctx;
    char blocker[sizeof w->blocker];
    char text[sizeof w->blocker + 40];
    db_lock_blockers(w->r->lock, connection_server_pid(w->r->transaction->c), blocker, sizeof blocker);
    if (blocker[0] == '\0' || text_is(blocker, w->blocker))
        return;
    snprintf(w->blocker, sizeof w->blocker, "%s", blocker);
    snprintf(text, sizeof text, "waits for a lock held by %s", blocker);
    tell_text(w, DB_WAITS, text);
}

static bool set_timeouts(struct connection *c, const struct sql_file *f, struct err *e)
{
    char sql[200];
    snprintf(sql, sizeof sql, "SET LOCAL statement_timeout = %u; SET LOCAL lock_timeout = %u; SET LOCAL idle_in_transaction_session_timeout = 0",
             f->timeout_ms, f->lock_timeout_ms == 0 ? (unsigned)RUNNER_LOCK_TIMEOUT_MS : f->lock_timeout_ms);
    return connection_do(c, sql, e);
}

/* A later file, or our own row in the ledger, must not depend on what this file set. */
static bool reset_session(struct connection *c, struct err *e)
{
    return connection_do(c, "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; SET standard_conforming_strings = on;"
                            "CLOSE ALL; DEALLOCATE ALL; DISCARD TEMP", e);
}

static bool run_statement(struct watch *w, const struct sql_statement *s, struct err *e)
{
    struct connection *c = w->r->transaction->c;
    AUTO(mem_auto) char *text = mem_text_n(w->file->text + s->at, s->n);
    w->blocker[0] = '\0';
    if (connection_run(c, text, on_wait, w, e))
        return transaction_check(w->r->transaction, e) || err_in(e, "%s:%zu", w->file->name, s->line);
    const struct connection_problem *p = connection_problem(c);
    size_t line = p->position > 0 ? sql_line_of(w->file->text, s, p->position) : s->line;
    if (w->blocker[0] != '\0' && text_is(p->sqlstate, "55P03"))
        err_hint(e, "the lock was held by %s", w->blocker);
    if (text_is(p->sqlstate, "53200"))
        err_hint(e, "all files of a release are one transaction: the server may need more max_locks_per_transaction");
    return err_in(e, "%s:%zu", w->file->name, line);
}

static bool run_statements(struct watch *w, struct err *e)
{
    const struct sql_file *f = w->file;
    for (size_t i = 0; i < f->n_statements; i++) {
        if (!start_check(e))
            return err_in(e, "%s:%zu", f->name, f->statements[i].line);
        if (!run_statement(w, &f->statements[i], e))
            return false;
        db_report_tell(w->r->report, &(struct db_fact){ .event = DB_STATEMENT_DONE, .file = f->name, .line = f->statements[i].line,
                                                        .statement = i + 1, .n_statements = f->n_statements });
    }
    return true;
}

bool runner_run_file(const struct runner *r, const struct sql_file *f, struct err *e)
{
    struct watch w = { .r = r, .file = f };
    struct connection *c = r->transaction->c;
    db_report_tell(r->report, &(struct db_fact){ .event = DB_FILE_STARTED, .file = f->name, .n_statements = f->n_statements });
    connection_on_notice(c, on_notice, &w);
    bool ok = set_timeouts(c, f, e) && run_statements(&w, e);
    connection_on_notice(c, NULL, NULL);
    if (!ok)
        return false;
    return reset_session(c, e) || err_in(e, "%s: after its last statement", f->name);
}
