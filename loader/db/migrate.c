/* The run of the migrations of one release. */
#include "loader/db/migrate.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "loader/db/history.h"
#include "loader/db/ledger.h"
#include "loader/db/runner.h"
#include "loader/db/server.h"
#include "sys/clock.h"

#include "base/banned.h"

/* The part of a run that is under the lock. */
struct run {
    const struct migrate_spec *spec;
    struct connection *c;
    struct db_lock *lock;
    struct ledger ledger;
    const struct sql_file *last; /* the last file of the unit: its row proves the COMMIT */
};

static bool run_files(struct run *r, struct transaction *t, size_t n_done, size_t *n_applied, struct err *e)
{
    const struct migrate_spec *spec = r->spec;
    struct runner runner = { .transaction = t, .lock = r->lock, .report = &spec->report };
    size_t skip = n_done;
    for (size_t i = 0; i < spec->n_files; i++) {
        const struct sql_file *f = &spec->files[i];
        if (f->is_down || (skip > 0 && skip-- > 0))
            continue;
        uint64_t start = clock_monotonic_ms();
        if (!runner_run_file(&runner, f, e) ||
            !ledger_add(r->c, LEDGER_MIGRATIONS, spec->stream, f, spec->release, clock_monotonic_ms() - start, e))
            return false;
        db_report_tell(&spec->report, &(struct db_fact){ .event = DB_FILE_DONE, .file = f->name });
        r->last = f;
        (*n_applied)++;
    }
    return true;
}

static bool is_recorded(void *ctx, struct connection *c, bool *is_there, struct err *e)
{
    struct run *r = ctx;
    return ledger_has(c, LEDGER_MIGRATIONS, r->spec->stream, r->last, is_there, e);
}

/* Within the transaction every trouble means the same: nothing was kept. */
static bool apply(struct run *r, size_t n_done, size_t *n_applied, struct err *e)
{
    struct transaction t;
    bool ok = transaction_begin(&t, r->c, e) && (r->ledger.exists || ledger_make(r->c, LEDGER_MIGRATIONS, e)) &&
              run_files(r, &t, n_done, n_applied, e) && db_lock_check(r->lock, r->c, e) &&
              transaction_commit(&t, r->spec->target, is_recorded, r, e);
    if (ok)
        return true;
    transaction_roll_back(&t);
    *n_applied = 0;
    if (e->code == ERR_DB)
        err_as(e, ERR_DB_ROLLED_BACK);
    if (e->code == ERR_DB_ROLLED_BACK || e->code == ERR_INTERRUPTED)
        err_hint(e, "the database is as before this run");
    return false;
}

static size_t count_up(const struct migrate_spec *spec)
{
    size_t n = 0;
    for (size_t i = 0; i < spec->n_files; i++)
        n += !spec->files[i].is_down;
    return n;
}

static bool run_locked(struct run *r, struct migrate_result *result, struct err *e)
{
    const struct migrate_spec *spec = r->spec;
    if (!ledger_read(&r->ledger, r->c, LEDGER_MIGRATIONS, spec->stream, e) || !ledger_check(&r->ledger, LEDGER_MIGRATIONS, e) ||
        !history_check(r->ledger.rows, r->ledger.n, spec->files, spec->n_files, &result->n_before, e))
        return false;
    if (result->n_before == count_up(spec))
        return true;
    if (!apply(r, result->n_before, &result->n_applied, e))
        return false;
    db_report_tell(&spec->report, &(struct db_fact){ .event = DB_COMMITTED });
    return true;
}

bool migrate_up(const struct migrate_spec *spec, struct migrate_result *result, struct err *e)
{
    *result = (struct migrate_result){ 0 };
    AUTO(connection_close_auto) struct connection *c = connection_open(spec->target, "migrate", e);
    if (c == NULL || !server_check(c, e) || !server_check_role(c, e))
        return false;
    AUTO(db_lock_release_auto) struct db_lock *lock = db_lock_take(spec->target, spec->lock_wait_ms, &spec->report, e);
    if (lock == NULL)
        return false;
    struct run r = { .spec = spec, .c = c, .lock = lock };
    bool ok = run_locked(&r, result, e);
    ledger_clear(&r.ledger);
    return ok;
}

/* --- status -------------------------------------------------------------------------------------------------------- */

static struct migrate_row *add_row(struct migrate_list *l, unsigned order, const char *name, enum migrate_state state)
{
    struct migrate_row row = { .order = order, .state = state };
    snprintf(row.name, sizeof row.name, "%s", SHOWN(name));
    MEM_PUSH(l->rows, l->n, l->cap) = row;
    return &l->rows[l->n - 1];
}

static void list_recorded(struct migrate_list *out, const struct ledger *l, const struct migrate_spec *spec)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct ledger_row *r = &l->rows[i];
        const struct sql_file *f = history_find(spec->files, spec->n_files, r->order);
        bool is_same = f != NULL && text_is(r->name, f->name) && text_is(r->sha256, DIGEST_HEX(&f->sha256)) && r->is_done;
        struct migrate_row *row = add_row(out, r->order, r->name, f == NULL ? MIGRATE_UNKNOWN : is_same ? MIGRATE_APPLIED : MIGRATE_CHANGED);
        snprintf(row->finished, sizeof row->finished, "%s", SHOWN(r->finished));
        row->n_statements = r->n_statements;
    }
}

static bool is_recorded_order(const struct ledger *l, unsigned order)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->rows[i].order == order)
            return true;
    return false;
}

static void list_pending(struct migrate_list *out, const struct ledger *l, const struct migrate_spec *spec)
{
    for (size_t i = 0; i < spec->n_files; i++) {
        const struct sql_file *f = &spec->files[i];
        if (!f->is_down && !is_recorded_order(l, f->order))
            add_row(out, f->order, f->name, MIGRATE_PENDING)->n_statements = f->n_statements;
    }
}

static int by_order(const void *a, const void *b)
{
    const struct migrate_row *x = a;
    const struct migrate_row *y = b;
    return x->order < y->order ? -1 : x->order > y->order;
}

bool migrate_status(const struct migrate_spec *spec, struct migrate_list *out, struct err *e)
{
    AUTO(ledger_clear_auto) struct ledger l = { 0 };
    AUTO(connection_close_auto) struct connection *c = connection_open(spec->target, "status", e);
    if (c == NULL || !server_check(c, e) || !ledger_read(&l, c, LEDGER_MIGRATIONS, spec->stream, e))
        return false;
    out->has_ledger = l.exists;
    out->has_tables = l.stranger[0] != '\0';
    list_recorded(out, &l, spec);
    list_pending(out, &l, spec);
    if (out->n > 1)
        qsort(out->rows, out->n, sizeof *out->rows, by_order);
    return true;
}

void migrate_list_clear(struct migrate_list *l)
{
    mem_free(l->rows);
    *l = (struct migrate_list){ 0 };
}

void migrate_list_clear_auto(struct migrate_list *l)
{
    migrate_list_clear(l);
}
