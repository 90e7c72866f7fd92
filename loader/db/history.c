/* The comparison is done before anything runs: a database never gets half of somebody else's history. */
#include "loader/db/history.h"

#include "base/text.h"

#include "base/banned.h"

const struct sql_file *history_find(const struct sql_file *files, size_t n_files, unsigned order)
{
    for (size_t i = 0; i < n_files; i++)
        if (files[i].order == order && !files[i].is_down)
            return &files[i];
    return NULL;
}

static bool missing(const struct ledger_row *row, const struct sql_file *last, struct err *e)
{
    if (last != NULL && row->order < last->order)
        return err_set(e, ERR_POLICY, "database: %s is applied there and missing in this bundle", SHOWN(row->name));
    err_set(e, ERR_POLICY, "database is newer than this bundle: it has %s, the bundle ends at %s", SHOWN(row->name),
            last == NULL ? "no migration" : last->name);
    return err_hint(e, "install the release that this database belongs to, or a later one");
}

static bool check_row(const struct ledger_row *row, const struct sql_file *f, const struct sql_file *last, struct err *e)
{
    if (f == NULL)
        return missing(row, last, e);
    if (!text_is(row->name, f->name))
        return err_set(e, ERR_POLICY, "history changed: number %04u was applied as %s and is %s in this bundle", row->order,
                       SHOWN(row->name), f->name);
    if (!text_is(row->sha256, DIGEST_HEX(&f->sha256))) {
        err_set(e, ERR_POLICY, "history changed: %s was applied with sha256 %.12s... and is %.12s... in this bundle", f->name,
                SHOWN(row->sha256), DIGEST_HEX(&f->sha256));
        return err_hint(e, "an applied file must never be edited: put the change into a new one");
    }
    if (!row->is_done)
        return err_set(e, ERR_POLICY, "database: %s is recorded as started and not as done", f->name);
    return true;
}

bool history_check(const struct ledger_row *rows, size_t n_rows, const struct sql_file *files, size_t n_files, size_t *n_done,
                   struct err *e)
{
    const struct sql_file *last = NULL;
    *n_done = 0;
    for (size_t i = 0; i < n_files; i++)
        if (!files[i].is_down)
            last = &files[i];
    for (size_t i = 0; i < n_rows; i++)
        if (!check_row(&rows[i], history_find(files, n_files, rows[i].order), last, e))
            return false;
    /* All rows are among the files and both are in order: a file before the last row that is no row was added in between. */
    size_t row = 0;
    for (size_t i = 0; i < n_files && row < n_rows; i++) {
        if (files[i].is_down)
            continue;
        if (files[i].order != rows[row].order)
            return err_set(e, ERR_POLICY, "history changed: %s is new in this bundle, but %s after it is applied already", files[i].name,
                           SHOWN(rows[row].name));
        row++;
    }
    *n_done = n_rows;
    return true;
}
