/* The administrator's part, in the order: role, database, rights, ledger, files.
 *
 * The administrator is a superuser in a database in which an ordinary role may make functions and operators. So questions of our
 * own are asked with a search path that holds the system's objects only; the files get the default path. */
#include "loader/db/bootstrap.h"

#include <stdio.h>

#include "base/text.h"
#include "loader/db/ledger.h"
#include "loader/db/runner.h"
#include "loader/db/server.h"
#include "sys/clock.h"

#include "base/banned.h"

#define SAFE_PATH "SET search_path = pg_catalog, pg_temp"

enum { SQL_BYTES = 4096, VERIFIER_BYTES = 1024 };

struct run {
    const struct bootstrap_spec *spec;
    struct db_target inside; /* the administrator in the database of the application; borrows from spec */
    struct connection *c;
    struct db_lock *lock;
    struct ledger ledger; /* LEDGER_BOOTSTRAP */
    const struct sql_file *file;
};

static struct connection *connect_admin(const struct db_target *target, struct err *e)
{
    AUTO(connection_close_auto) struct connection *c = connection_open(target, "bootstrap", e);
    if (c == NULL || !server_check(c, e) || !connection_do(c, SAFE_PATH, e))
        return NULL;
    return TAKE(c);
}

/* --- role and database --------------------------------------------------------------------------------------------- */

/* The server's log sees the SCRAM verifier at most, never the password. */
static bool set_role(struct connection *c, const struct db_target *who, bool exists, struct err *e)
{
    AUTO(buf_clear_auto) struct buf sql = BUF_LIMIT(SQL_BYTES);
    buf_adds(&sql, exists ? "ALTER ROLE " : "CREATE ROLE ");
    connection_add_name(c, &sql, who->user);
    buf_adds(&sql, exists ? " LOGIN PASSWORD " : " LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD ");
    return connection_add_verifier(c, &sql, who->user, &who->password, e) && buf_done(&sql, "statement for the role", e) &&
           connection_do(c, buf_text(&sql), e);
}

static bool make_role(struct connection *c, const struct db_target *who, struct err *e)
{
    const char *values[] = { who->user };
    AUTO(answer_free_auto) struct answer *a = connection_ask(c, "SELECT rolsuper FROM pg_roles WHERE rolname = $1", values, 1, e);
    if (a == NULL)
        return false;
    if (answer_rows(a) > 0 && answer_is_true(a, 0, 0)) {
        err_set(e, ERR_POLICY, "database: role %s exists and is a superuser", SHOWN(who->user));
        return err_hint(e, "give the application an ordinary role of its own (database.user in bundle.yaml)");
    }
    if (!secret_is_set(&who->password))
        return err_set(e, ERR_CONFIG, "database: role %s has no password", SHOWN(who->user));
    return set_role(c, who, answer_rows(a) > 0, e);
}

static bool make_database(struct connection *c, const struct db_target *who, struct err *e)
{
    const char *values[] = { who->dbname };
    AUTO(answer_free_auto) struct answer *a = connection_ask(c, "SELECT 1 FROM pg_database WHERE datname = $1", values, 1, e);
    if (a == NULL || answer_rows(a) > 0)
        return a != NULL;
    AUTO(buf_clear_auto) struct buf sql = BUF_LIMIT(SQL_BYTES);
    buf_adds(&sql, "CREATE DATABASE ");
    connection_add_name(c, &sql, who->dbname);
    buf_adds(&sql, " OWNER ");
    connection_add_name(c, &sql, who->user);
    buf_adds(&sql, " ENCODING 'UTF8'");
    return buf_done(&sql, "statement for the database", e) && connection_do(c, buf_text(&sql), e);
}

/* From PostgreSQL 15 on nobody but the owner of the database may make tables in schema public. */
static bool grant(struct connection *c, const struct db_target *who, struct err *e)
{
    AUTO(buf_clear_auto) struct buf sql = BUF_LIMIT(SQL_BYTES);
    AUTO(answer_free_auto) struct answer *a = connection_ask(c, "SELECT 1 FROM pg_namespace WHERE nspname = 'public'", NULL, 0, e);
    if (a == NULL)
        return false;
    buf_adds(&sql, "GRANT CONNECT, CREATE, TEMPORARY ON DATABASE ");
    connection_add_name(c, &sql, who->dbname);
    buf_adds(&sql, " TO ");
    connection_add_name(c, &sql, who->user);
    if (answer_rows(a) > 0) {
        buf_adds(&sql, "; GRANT USAGE, CREATE ON SCHEMA public TO ");
        connection_add_name(c, &sql, who->user);
    }
    return buf_done(&sql, "statement for the rights", e) && connection_do(c, buf_text(&sql), e);
}

/* --- ledger -------------------------------------------------------------------------------------------------------- */

/* The migrations' ledger belongs to the ordinary role, ours to the administrator; the ordinary role may read it. */
static bool give_ledgers(struct connection *c, const struct db_target *who, bool has_migrations, struct err *e)
{
    AUTO(buf_clear_auto) struct buf sql = BUF_LIMIT(SQL_BYTES);
    buf_adds(&sql, "GRANT USAGE ON SCHEMA archon_load TO ");
    connection_add_name(c, &sql, who->user);
    buf_adds(&sql, "; GRANT SELECT ON archon_load.bootstrap TO ");
    connection_add_name(c, &sql, who->user);
    if (!has_migrations) {
        buf_adds(&sql, "; ALTER TABLE archon_load.migrations OWNER TO ");
        connection_add_name(c, &sql, who->user);
    }
    return buf_done(&sql, "statement for the ledger", e) && connection_do(c, buf_text(&sql), e);
}

static bool make_ledgers(struct run *r, bool has_migrations, struct err *e)
{
    struct connection *c = r->c;
    bool ok = connection_do(c, "BEGIN", e) && (has_migrations || ledger_make(c, LEDGER_MIGRATIONS, e)) &&
              ledger_make(c, LEDGER_BOOTSTRAP, e) && give_ledgers(c, r->spec->ordinary, has_migrations, e) && connection_do(c, "COMMIT", e);
    return ok;
}

static bool open_ledgers(struct run *r, struct err *e)
{
    AUTO(ledger_clear_auto) struct ledger migrations = { 0 };
    if (!ledger_read(&migrations, r->c, LEDGER_MIGRATIONS, r->spec->stream, e) || !ledger_check(&migrations, LEDGER_MIGRATIONS, e) ||
        !ledger_read(&r->ledger, r->c, LEDGER_BOOTSTRAP, r->spec->stream, e))
        return false;
    if (r->ledger.exists)
        return ledger_check(&r->ledger, LEDGER_BOOTSTRAP, e);
    return make_ledgers(r, migrations.exists, e);
}

/* --- files --------------------------------------------------------------------------------------------------------- */

static bool is_recorded(const struct ledger *l, const struct sql_file *f, bool *yes, struct err *e)
{
    *yes = false;
    for (size_t i = 0; i < l->n && !*yes; i++) {
        if (!text_is(l->rows[i].name, f->name))
            continue;
        if (!text_is(l->rows[i].sha256, DIGEST_HEX(&f->sha256))) {
            err_set(e, ERR_POLICY, "history changed: bootstrap file %s was run with another content", f->name);
            return err_hint(e, "a bootstrap file runs once: put the change into a new one");
        }
        *yes = true;
    }
    return true;
}

static bool prove(void *ctx, struct connection *c, bool *is_there, struct err *e)
{
    struct run *r = ctx;
    return connection_do(c, SAFE_PATH, e) && ledger_has(c, LEDGER_BOOTSTRAP, r->spec->stream, r->file, is_there, e);
}

static bool run_in(struct run *r, struct transaction *t, const struct sql_file *f, struct err *e)
{
    struct runner runner = { .transaction = t, .lock = r->lock, .report = &r->spec->report };
    uint64_t start = clock_monotonic_ms();
    return connection_do(r->c, "RESET search_path", e) && runner_run_file(&runner, f, e) && connection_do(r->c, SAFE_PATH, e) &&
           ledger_add(r->c, LEDGER_BOOTSTRAP, r->spec->stream, f, r->spec->release, clock_monotonic_ms() - start, e);
}

static bool run_file(struct run *r, const struct sql_file *f, struct err *e)
{
    struct transaction t;
    r->file = f;
    if (transaction_begin(&t, r->c, e) && run_in(r, &t, f, e) && transaction_commit(&t, &r->inside, prove, r, e)) {
        db_report_tell(&r->spec->report, &(struct db_fact){ .event = DB_FILE_DONE, .file = f->name });
        return true;
    }
    transaction_roll_back(&t);
    if (e->code == ERR_DB)
        err_as(e, ERR_DB_ROLLED_BACK);
    if (e->code == ERR_DB_ROLLED_BACK || e->code == ERR_INTERRUPTED)
        err_hint(e, "the database is as before this file");
    return err_in(e, "bootstrap");
}

static bool run_files(struct run *r, struct err *e)
{
    const struct bootstrap_spec *spec = r->spec;
    bool is_done;
    for (size_t i = 0; i < spec->n_files; i++)
        if (!is_recorded(&r->ledger, &spec->files[i], &is_done, e))
            return false;
    for (size_t i = 0; i < spec->n_files; i++)
        if (!is_recorded(&r->ledger, &spec->files[i], &is_done, e) || (!is_done && !run_file(r, &spec->files[i], e)))
            return false;
    return true;
}

static bool run_inside(struct run *r, struct err *e)
{
    AUTO(connection_close_auto) struct connection *c = connect_admin(&r->inside, e);
    if (c == NULL)
        return false;
    r->c = c;
    bool ok = grant(c, r->spec->ordinary, e) && open_ledgers(r, e) && run_files(r, e);
    ledger_clear(&r->ledger);
    return ok;
}

static bool into_database(struct db_target *out, const struct bootstrap_spec *spec)
{
    *out = *spec->admin;
    return text_copy(out->dbname, sizeof out->dbname, spec->ordinary->dbname);
}

bool bootstrap_run(const struct bootstrap_spec *spec, struct err *e)
{
    struct run r = { .spec = spec };
    BUG_IF(!into_database(&r.inside, spec));
    AUTO(connection_close_auto) struct connection *c = connect_admin(spec->admin, e);
    if (c == NULL)
        return false;
    AUTO(db_lock_release_auto) struct db_lock *lock = db_lock_take(spec->admin, spec->lock_wait_ms, &spec->report, e);
    r.lock = lock;
    return lock != NULL && make_role(c, spec->ordinary, e) && make_database(c, spec->ordinary, e) && run_inside(&r, e);
}

/* --- asking -------------------------------------------------------------------------------------------------------- */

static bool files_are_recorded(const struct bootstrap_spec *spec, struct connection *c, bool *yes, struct err *e)
{
    AUTO(ledger_clear_auto) struct ledger migrations = { 0 };
    AUTO(ledger_clear_auto) struct ledger l = { 0 };
    if (!ledger_read(&migrations, c, LEDGER_MIGRATIONS, spec->stream, e) || !ledger_read(&l, c, LEDGER_BOOTSTRAP, spec->stream, e))
        return false;
    *yes = migrations.exists && l.exists;
    for (size_t i = 0; i < spec->n_files && *yes; i++)
        if (!is_recorded(&l, &spec->files[i], yes, e))
            return false;
    return true;
}

bool bootstrap_is_done(const struct bootstrap_spec *spec, bool *yes, struct err *e)
{
    struct err refused = { 0 };
    *yes = false;
    AUTO(connection_close_auto) struct connection *admin = connect_admin(spec->admin, e);
    if (admin == NULL)
        return false;
    AUTO(connection_close_auto) struct connection *c = connection_open(spec->ordinary, "bootstrap", &refused);
    if (c != NULL)
        return files_are_recorded(spec, c, yes, e);
    if (refused.code == ERR_DB) /* the role, its password or the database is missing: not done */
        return true;
    *e = refused;
    return false;
}

bool bootstrap_wait_ready(const struct db_target *admin, unsigned timeout_ms, struct err *e)
{
    AUTO(connection_close_auto) struct connection *c = connection_open_waiting(admin, "wait", timeout_ms, e);
    return c != NULL;
}
