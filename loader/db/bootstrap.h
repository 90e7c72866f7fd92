/* What only an administrator of the bundle's own database can do: the ordinary role with its password, the database, the right to
 * make tables in it, and the bootstrap files (extensions, more roles), each run once. May be called again at any time: what is there
 * stays; the password is set to the given one each time.
 *
 *     struct bootstrap_spec spec = { .admin = &admin, .ordinary = &shop, .stream = "shop", .files = set.files, .n_files = set.n };
 */
#ifndef DB_BOOTSTRAP_H
#define DB_BOOTSTRAP_H

#include "loader/db/db_target.h"
#include "loader/db/report.h"
#include "sql/files.h"

struct bootstrap_spec {
    const struct db_target *admin;    /* dbname: a maintenance database that exists ("postgres") */
    const struct db_target *ordinary; /* dbname, user, password to be made; same server */
    const char *stream;
    const struct sql_file *files;     /* kind SQL_BOOTSTRAP, as sql_set_check left them; may be none */
    size_t n_files;
    const struct digest *release;
    unsigned lock_wait_ms;            /* 0: 60 s */
    struct db_report report;
};

/* Fails with ERR_DB, ERR_POLICY (a recorded bootstrap file has changed; the role exists and is a superuser), ERR_LOCKED, ERR_DB_ROLLED_BACK (a file failed: that file
 * left nothing), ERR_INTERRUPTED. */
MUST_CHECK bool bootstrap_run(const struct bootstrap_spec *spec, struct err *e);

/* Asks the world: the ordinary role can log in to its database and every file is recorded. No connection as administrator: ERR_DB. */
MUST_CHECK bool bootstrap_is_done(const struct bootstrap_spec *spec, bool *yes, struct err *e);

/* Waits until the server answers (it may still be starting). Fails with ERR_DB after timeout_ms (at once on a wrong password), or ERR_INTERRUPTED. */
MUST_CHECK bool bootstrap_wait_ready(const struct db_target *admin, unsigned timeout_ms, struct err *e);

#endif
