/* One run at a time in one database: an advisory lock, held by a connection of its own. It is polled: waiting for it inside the
 * server would be a transaction that CREATE INDEX CONCURRENTLY waits for; and on the second connection no migration can free it. */
#ifndef DB_LOCK_H
#define DB_LOCK_H

#include "loader/db/connection.h"
#include "loader/db/report.h"

struct db_lock;

/* Fails with ERR_LOCKED "held by ..." after wait_ms (0: 60 s), ERR_DB, ERR_INTERRUPTED. Waiting is reported. */
MUST_CHECK struct db_lock *db_lock_take(const struct db_target *target, unsigned wait_ms, const struct db_report *report,
                                        struct err *e);
void db_lock_release(struct db_lock *l);
AUTO_FREE(struct db_lock, db_lock_release)

/* Asks the server on another connection, so that the answer belongs to its transaction: is the lock still ours? No: ERR_DB_ROLLED_BACK. */
MUST_CHECK bool db_lock_check(const struct db_lock *l, struct connection *other, struct err *e);

/* Who keeps the server process `pid` waiting, on one printable line; empty when nobody does or it cannot be found out. */
void db_lock_blockers(struct db_lock *l, int pid, char *out, size_t size);

#endif
