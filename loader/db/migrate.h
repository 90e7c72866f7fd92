/* Migrations run once, in order, all or nothing.
 *
 * migrate_up: connect, check server and role, take the lock on a second connection, compare the ledger with the files, run what is
 * pending in one transaction together with its ledger rows, COMMIT. An answer lost at COMMIT is resolved by looking.
 *
 *     struct migrate_spec spec = { .target = &t, .stream = "shop", .files = set.files, .n_files = set.n, .release = &digest };
 *     struct migrate_result r;
 *     if (!migrate_up(&spec, &r, e)) ...
 */
#ifndef DB_MIGRATE_H
#define DB_MIGRATE_H

#include "loader/db/db_target.h"
#include "loader/db/report.h"
#include "sql/files.h"

struct migrate_spec {
    const struct db_target *target;
    const char *stream;             /* name of the bundle */
    const struct sql_file *files;   /* as sql_set_check left them; down files are carried, not run */
    size_t n_files;
    const struct digest *release;   /* digest of the release document, recorded with each row */
    unsigned lock_wait_ms;          /* how long to wait for another run; 0: 60 s */
    struct db_report report;
};

struct migrate_result {
    size_t n_before;  /* files that were applied already */
    size_t n_applied; /* by this run */
};

/* Fails with ERR_DB (no connection; nothing happened), ERR_POLICY (history changed, database newer, gap, tables without ledger,
 * role too powerful, server unsuited; before any statement), ERR_LOCKED, ERR_DB_ROLLED_BACK ("0003_x.sql:12: SQLSTATE 42601: ..."; the database
 * is as before), ERR_INTERRUPTED (a signal; the database is as before), ERR_DB_PARTIAL (the outcome of COMMIT could not be found out). */
MUST_CHECK bool migrate_up(const struct migrate_spec *spec, struct migrate_result *result, struct err *e);

enum migrate_state { MIGRATE_APPLIED, MIGRATE_PENDING, MIGRATE_CHANGED, MIGRATE_UNKNOWN /* in the database, not in the bundle */ };

struct migrate_row {
    unsigned order;
    char name[LIMIT_SQL_NAME_BYTES + 1]; /* printable */
    enum migrate_state state;
    char finished[32];                   /* "2026-11-21T20:00:00Z"; empty when pending */
    size_t n_statements;
};

struct migrate_list {
    struct migrate_row *rows; /* by order */
    size_t n;
    size_t cap;
    bool has_ledger;          /* false: nothing was ever applied by us */
    bool has_tables;          /* tables of others exist (with no ledger migrate_up refuses) */
};

/* Reads only: neither lock nor ledger is made. spec->release may be null. Fails with ERR_DB, ERR_POLICY (server unsuited). */
MUST_CHECK bool migrate_status(const struct migrate_spec *spec, struct migrate_list *out, struct err *e);
void migrate_list_clear(struct migrate_list *l);
void migrate_list_clear_auto(struct migrate_list *l);

#endif
