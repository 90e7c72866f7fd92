/* The administrator's part against a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "cluster.h"
#include "loader/db/bootstrap.h"
#include "loader/db/connection.h"
#include "loader/db/db_lock.h"

#define FILES(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NO_FILES ((const char *const[]){ NULL })

struct site {
    struct db_target admin;
    struct db_target app;
};

static void site_make(struct site *s, const char *dbname, const char *user, const char *password)
{
    cluster_target(&s->admin, "postgres", "postgres", ADMIN_PASSWORD);
    cluster_target(&s->app, dbname, user, password);
}

static void site_clear(struct site *s)
{
    db_target_clear(&s->admin);
    db_target_clear(&s->app);
}

static bool run(const struct site *s, const char *const *pairs, struct err *e)
{
    AUTO(sql_set_clear_auto) struct sql_set set;
    cluster_files(&set, SQL_BOOTSTRAP, pairs);
    struct bootstrap_spec spec = { .admin = &s->admin, .ordinary = &s->app, .stream = "shop", .files = set.files, .n_files = set.n, .lock_wait_ms = 500 };
    return bootstrap_run(&spec, e);
}

static void succeeds(const struct site *s, const char *const *pairs)
{
    struct err e = { 0 };
    if (!run(s, pairs, &e))
        fail_msg("%s", e.msg);
}

static void fails(const struct site *s, const char *const *pairs, enum err_code code, const char *part)
{
    struct err e = { 0 };
    if (run(s, pairs, &e))
        fail_msg("succeeded, expected \"%s\"", part);
    if (e.code != code || strstr(e.msg, part) == NULL)
        fail_msg("got %s \"%s\", expected %s \"%s\"", err_name(e.code), e.msg, err_name(code), part);
}

static bool is_done(const struct site *s, const char *const *pairs)
{
    AUTO(sql_set_clear_auto) struct sql_set set;
    struct err e = { 0 };
    bool yes = false;
    cluster_files(&set, SQL_BOOTSTRAP, pairs);
    struct bootstrap_spec spec = { .admin = &s->admin, .ordinary = &s->app, .stream = "shop", .files = set.files, .n_files = set.n };
    if (!bootstrap_is_done(&spec, &yes, &e))
        fail_msg("%s", e.msg);
    return yes;
}

/* The ordinary role does something in its database. */
static bool can(const struct site *s, const char *sql)
{
    struct err e = { 0 };
    AUTO(connection_close_auto) struct connection *c = connection_open(&s->app, "test", &e);
    bool ok = c != NULL && connection_do(c, sql, &e);
    if (!ok)
        fprintf(stderr, "# %s\n", e.msg);
    return ok;
}

static void migrates(const struct site *s)
{
    AUTO(sql_set_clear_auto) struct sql_set set;
    struct migrate_result result;
    struct err e = { 0 };
    cluster_files(&set, SQL_ORDINARY, FILES("0001_a.sql", "CREATE TABLE migrated (a int)"));
    struct migrate_spec spec = { .target = &s->app, .stream = "shop", .files = set.files, .n_files = set.n };
    if (!migrate_up(&spec, &result, &e))
        fail_msg("%s", e.msg);
}

static void role_database_rights_and_files_are_made_once(void **state)
{
    (void)state;
    AUTO(site_clear) struct site s;
    const char *const *files = FILES("10_ext.sql", "CREATE EXTENSION pgcrypto;\nCREATE TABLE counted (a int); INSERT INTO counted VALUES (1);",
                                     "20_role.sql", "CREATE ROLE made_reader; SET ROLE made_reader; SELECT 1");
    site_make(&s, "made", "made_user", "pass one");
    assert_false(is_done(&s, files));
    succeeds(&s, files);
    assert_true(is_done(&s, files));
    succeeds(&s, files);
    assert_string_equal(cluster_ask("made", "SELECT count(*) FROM counted"), "1");
    assert_string_equal(cluster_ask("made", "SELECT string_agg(concat_ws(' ', stream, name, statements, role, state), '; ' ORDER BY name) FROM archon_load.bootstrap"),
                        "shop 10_ext.sql 3 postgres done; shop 20_role.sql 3 postgres done");
    assert_string_equal(cluster_ask("made", "SELECT rolsuper::text || rolcreaterole || rolcreatedb || rolreplication || rolbypassrls FROM pg_roles WHERE rolname = 'made_user'"),
                        "falsefalsefalsefalsefalse");
    migrates(&s);
    assert_false(is_done(&s, FILES("10_ext.sql", "CREATE EXTENSION pgcrypto;\nCREATE TABLE counted (a int); INSERT INTO counted VALUES (1);", "30_new.sql", "SELECT 1")));
}

static void the_password_is_set_again_and_never_seen_by_the_log(void **state)
{
    (void)state;
    AUTO(site_clear) struct site s;
    AUTO(site_clear) struct site changed;
    site_make(&s, "pw", "pw_user", "first-Pa55word");
    site_make(&changed, "pw", "pw_user", "second-Pa55word");
    succeeds(&s, NO_FILES);
    assert_true(can(&s, "SELECT 1"));
    assert_false(is_done(&changed, NO_FILES));
    succeeds(&changed, NO_FILES);
    assert_false(can(&s, "SELECT 1"));
    assert_true(can(&changed, "SELECT 1"));
    AUTO(mem_auto) char *command = mem_format("grep -q 'PASSWORD .SCRAM-SHA-256' '%s' && ! grep -q Pa55word '%s'", cluster_file("server.log"), cluster_file("server.log"));
    assert_int_equal(system(command), 0);
}

static void a_database_of_the_image_is_opened_to_the_role(void **state)
{
    (void)state;
    AUTO(site_clear) struct site s;
    cluster_sql("postgres", "CREATE DATABASE image_made");
    site_make(&s, "image_made", "image_user", "pass one");
    succeeds(&s, NO_FILES);
    assert_true(can(&s, "CREATE TABLE public.t (a int); CREATE SCHEMA own; DROP TABLE public.t; DROP SCHEMA own"));
    migrates(&s);
}

static void strange_names_are_quoted(void **state)
{
    (void)state;
    AUTO(site_clear) struct site s;
    site_make(&s, "we\"ird'; DROP TABLE x; --", "o'd\"d \xc3\xa9 role", "p'\"\\ \xc3\xa9 w");
    succeeds(&s, NO_FILES);
    assert_true(is_done(&s, NO_FILES));
    migrates(&s);
}

static void a_failing_file_leaves_nothing_of_itself(void **state)
{
    (void)state;
    AUTO(site_clear) struct site s;
    site_make(&s, "failing", "failing_user", "pass one");
    fails(&s, FILES("10_a.sql", "CREATE TABLE kept (a int)", "20_b.sql", "CREATE TABLE gone (a int);\nSELEC 1"), ERR_DB_ROLLED_BACK, "bootstrap: 20_b.sql:2: SQLSTATE 42601: ");
    assert_string_equal(cluster_ask("failing", "SELECT string_agg(relname, ',') FROM pg_class WHERE relnamespace = 'public'::regnamespace"), "kept");
    succeeds(&s, FILES("10_a.sql", "CREATE TABLE kept (a int)", "20_b.sql", "CREATE TABLE gone (a int)"));
}

static void a_changed_file_stops_before_any_runs(void **state)
{
    (void)state;
    AUTO(site_clear) struct site s;
    site_make(&s, "changing", "changing_user", "pass one");
    succeeds(&s, FILES("10_a.sql", "SELECT 1"));
    fails(&s, FILES("05_new.sql", "CREATE TABLE new (a int)", "10_a.sql", "SELECT 2"), ERR_POLICY, "history changed: bootstrap file 10_a.sql");
    assert_string_equal(cluster_ask("changing", "SELECT count(*) FROM pg_class WHERE relname = 'new'"), "0");
}

static void a_superuser_or_foreign_tables_stop(void **state)
{
    (void)state;
    AUTO(site_clear) struct site super;
    AUTO(site_clear) struct site tables;
    site_make(&super, "super", "postgres", "other");
    fails(&super, NO_FILES, ERR_POLICY, "role postgres exists and is a superuser");
    assert_string_equal(cluster_ask("postgres", "SELECT count(*) FROM pg_database WHERE datname = 'super'"), "0");
    cluster_sql("postgres", "CREATE DATABASE tables");
    cluster_sql("tables", "CREATE TABLE theirs (a int)");
    site_make(&tables, "tables", "tables_user", "pass one");
    fails(&tables, FILES("10_a.sql", "SELECT 1"), ERR_POLICY, "it has tables (public.theirs)");
}

static void the_application_cannot_borrow_the_administrators_power(void **state)
{
    (void)state;
    AUTO(site_clear) struct site s;
    site_make(&s, "evil", "evil_user", "pass one");
    succeeds(&s, FILES("10_a.sql", "SELECT 1"));
    /* A better match than the system's operators and functions for what we ask. */
    assert_true(can(&s, "CREATE FUNCTION public.steal(name, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'stolen by %', current_user; END $$;"
                        "CREATE OPERATOR public.|| (LEFTARG = name, RIGHTARG = text, FUNCTION = public.steal);"
                        "CREATE FUNCTION public.steal_equal(name, text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'stolen by %', current_user; END $$;"
                        "CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = text, FUNCTION = public.steal_equal);"));
    succeeds(&s, FILES("10_a.sql", "SELECT 1", "20_b.sql", "SELECT 2"));
    assert_false(can(&s, "DROP TABLE archon_load.bootstrap"));
    assert_false(can(&s, "INSERT INTO archon_load.bootstrap SELECT * FROM archon_load.bootstrap"));
    assert_false(can(&s, "CREATE TABLE archon_load.other (a int)"));
    cluster_sql("evil", "ALTER TABLE archon_load.bootstrap OWNER TO evil_user");
    fails(&s, FILES("10_a.sql", "SELECT 1"), ERR_POLICY, "archon_load.bootstrap belongs to another role");
}

static void another_run_is_waited_for(void **state)
{
    (void)state;
    AUTO(site_clear) struct site s;
    struct err e = { 0 };
    site_make(&s, "locked", "locked_user", "pass one");
    AUTO(db_lock_release_auto) struct db_lock *held = db_lock_take(&s.admin, 0, NULL, &e);
    assert_non_null(held);
    fails(&s, NO_FILES, ERR_LOCKED, "another run is active: pid ");
    assert_string_equal(cluster_ask("postgres", "SELECT count(*) FROM pg_roles WHERE rolname = 'locked_user'"), "0");
}

static void readiness_is_waited_for_but_not_forever(void **state)
{
    (void)state;
    AUTO(site_clear) struct site s;
    struct err e = { 0 };
    site_make(&s, "x", "x", "x");
    assert_true(bootstrap_wait_ready(&s.admin, 1000, &e));
    s.admin.port = 1;
    assert_false(bootstrap_wait_ready(&s.admin, 1000, &e));
    assert_int_equal(e.code, ERR_DB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(role_database_rights_and_files_are_made_once),
        cmocka_unit_test(the_password_is_set_again_and_never_seen_by_the_log),
        cmocka_unit_test(a_database_of_the_image_is_opened_to_the_role),
        cmocka_unit_test(strange_names_are_quoted),
        cmocka_unit_test(a_failing_file_leaves_nothing_of_itself),
        cmocka_unit_test(a_changed_file_stops_before_any_runs),
        cmocka_unit_test(a_superuser_or_foreign_tables_stop),
        cmocka_unit_test(the_application_cannot_borrow_the_administrators_power),
        cmocka_unit_test(another_run_is_waited_for),
        cmocka_unit_test(readiness_is_waited_for_but_not_forever),
    };
    return cmocka_run_group_tests(tests, cluster_start, cluster_stop);
}
