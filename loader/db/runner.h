/* Runs the statements of one file inside a transaction that the caller has begun and will end. */
#ifndef DB_RUNNER_H
#define DB_RUNNER_H

#include "loader/db/db_lock.h"
#include "loader/db/transaction.h"
#include "sql/files.h"

enum { DB_NOTICES_PER_FILE = 50, RUNNER_LOCK_TIMEOUT_MS = 60000 };

struct runner {
    struct transaction *transaction;
    struct db_lock *lock;            /* asked who blocks a statement that waits */
    const struct db_report *report;
};

/* Statement by statement; after each the transaction is still the same one. Time-outs are those of the file's header; lock_timeout is
 * RUNNER_LOCK_TIMEOUT_MS without. Afterwards role, settings, cursors, prepared statements and temporary tables are as before the file.
 * Fails with ERR_DB_ROLLED_BACK "<file>:<line>: SQLSTATE ...", ERR_INTERRUPTED, ERR_DB_PARTIAL (sql that left the transaction). */
MUST_CHECK bool runner_run_file(const struct runner *r, const struct sql_file *f, struct err *e);

#endif
