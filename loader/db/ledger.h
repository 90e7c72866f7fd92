/* What was run in this database, in a schema of our own: archon_load.migrations, and archon_load.bootstrap for the files of the
 * administrator. A row is written in the transaction of the change it records. */
#ifndef DB_LEDGER_H
#define DB_LEDGER_H

#include "loader/db/connection.h"
#include "sql/files.h"

enum ledger_table { LEDGER_MIGRATIONS, LEDGER_BOOTSTRAP };

struct ledger_row {
    unsigned order;                      /* 0 in LEDGER_BOOTSTRAP */
    char name[LIMIT_SQL_NAME_BYTES + 1]; /* as it is in the database: not printable by itself */
    char sha256[65];
    bool is_done;
    size_t n_statements;
    char finished[32];
};

struct ledger {
    bool exists;
    bool is_ours;         /* the role of the session owns the table (LEDGER_MIGRATIONS: or is a member of the owner) */
    char stranger[160];   /* a table of somebody else in this database, printable; empty: none */
    struct ledger_row *rows; /* of one stream, by order and name */
    size_t n;
    size_t cap;
};

/* Fails with ERR_DB, or ERR_POLICY when the table does not have our columns. */
MUST_CHECK bool ledger_read(struct ledger *out, struct connection *c, enum ledger_table table, const char *stream, struct err *e);

/* May the session go on with what was read? Not with another role's table, nor with tables of which nobody knows how they were
 * made: ERR_POLICY. */
MUST_CHECK bool ledger_check(const struct ledger *l, enum ledger_table table, struct err *e);
void ledger_clear(struct ledger *l);
void ledger_clear_auto(struct ledger *l);

/* Makes the schema (unless it is there) and the table. */
MUST_CHECK bool ledger_make(struct connection *c, enum ledger_table table, struct err *e);

/* Records a file that has just run for elapsed_ms in this transaction. */
MUST_CHECK bool ledger_add(struct connection *c, enum ledger_table table, const char *stream, const struct sql_file *f,
                           const struct digest *release, uint64_t elapsed_ms, struct err *e);

/* Is exactly this file recorded as done? */
MUST_CHECK bool ledger_has(struct connection *c, enum ledger_table table, const char *stream, const struct sql_file *f, bool *yes,
                           struct err *e);

#endif
