/* Migrations against a real server: what is kept, what is not, and what is said. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "cluster.h"
#include "loader/db/connection.h"
#include "loader/db/db_lock.h"
#include "sys/clock.h"
#include "sys/start.h"

#define FILES(...) ((const char *const[]){ __VA_ARGS__, NULL })

struct outcome {
    struct err e;
    struct migrate_result result;
    struct told told;
};

static void outcome_clear(struct outcome *o)
{
    buf_clear(&o->told.lines);
}

static bool run(struct outcome *o, const struct db_target *t, const char *const *pairs)
{
    AUTO(sql_set_clear_auto) struct sql_set set;
    struct digest release = { { 0xab } };
    *o = (struct outcome){ 0 };
    cluster_files(&set, SQL_ORDINARY, pairs);
    struct migrate_spec spec = { .target = t, .stream = "shop", .files = set.files, .n_files = set.n, .release = &release,
                                 .lock_wait_ms = 700, .report = told_report(&o->told) };
    return migrate_up(&spec, &o->result, &o->e);
}

static void succeeds(const struct db_target *t, const char *const *pairs, size_t n_before, size_t n_applied)
{
    AUTO(outcome_clear) struct outcome o;
    if (!run(&o, t, pairs))
        fail_msg("%s", o.e.msg);
    assert_int_equal(o.result.n_before, n_before);
    assert_int_equal(o.result.n_applied, n_applied);
}

static void fails(const struct db_target *t, const char *const *pairs, enum err_code code, const char *part)
{
    AUTO(outcome_clear) struct outcome o;
    if (run(&o, t, pairs))
        fail_msg("succeeded, expected \"%s\"", part);
    if (o.e.code != code || strstr(o.e.msg, part) == NULL)
        fail_msg("got %s \"%s\", expected %s \"%s\"", err_name(o.e.code), o.e.msg, err_name(code), part);
    assert_int_equal(o.result.n_applied, 0);
    assert_null(strstr(buf_text(&o.told.lines), "committed"));
}

static const char *ask(const struct db_target *t, const char *sql)
{
    return cluster_ask(t->dbname, sql);
}

/* Neither our schema nor anything of the files. */
static void is_untouched(const struct db_target *t)
{
    assert_string_equal(ask(t, "SELECT count(*) FROM pg_namespace WHERE nspname = 'archon_load'"), "0");
    assert_string_equal(ask(t, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"), "0");
}

/* --- what is kept ---------------------------------------------------------------------------------------------------- */

static void files_run_once_in_order_and_are_recorded(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t;
    AUTO(outcome_clear) struct outcome o;
    cluster_database(&t);
    const char *const *files = FILES("0002_b.sql", "INSERT INTO t VALUES (1);\nINSERT INTO t VALUES (2)", "0001_a.sql", "CREATE TABLE t (a int);",
                                     "0001_a.down.sql", "DROP TABLE t");
    assert_true(run(&o, &t, files));
    assert_string_equal(buf_text(&o.told.lines), "0001_a.sql started 1\n0001_a.sql:1 done 1 of 1\n0001_a.sql done\n"
                                                 "0002_b.sql started 2\n0002_b.sql:1 done 1 of 2\n0002_b.sql:2 done 2 of 2\n0002_b.sql done\ncommitted\n");
    assert_string_equal(ask(&t, "SELECT string_agg(a::text, ',' ORDER BY a) FROM t"), "1,2");
    assert_string_equal(ask(&t, "SELECT string_agg(concat_ws(' ', stream, ord, name, statements, role, state, loader), '; ' ORDER BY ord) FROM archon_load.migrations"),
                        "shop 1 0001_a.sql 1 shop done archon-load " ARCHON_VERSION "; shop 2 0002_b.sql 2 shop done archon-load " ARCHON_VERSION);
    assert_string_equal(ask(&t, "SELECT count(*) FROM archon_load.migrations WHERE sha256 ~ '^[0-9a-f]{64}$' AND release LIKE 'sha256:ab00%' AND started <= finished"), "2");
    succeeds(&t, files, 2, 0);
    assert_string_equal(ask(&t, "SELECT count(*) FROM t"), "2");
}

static void a_later_release_runs_only_what_is_new(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t;
    cluster_database(&t);
    succeeds(&t, FILES("0001_a.sql", "CREATE TABLE t (a int)"), 0, 1);
    succeeds(&t, FILES("0001_a.sql", "CREATE TABLE t (a int)", "0001_a.down.sql", "DROP TABLE t", "0002_b.sql", "CREATE TABLE u (a int)"), 1, 1);
    assert_string_equal(ask(&t, "SELECT count(*) FROM archon_load.migrations"), "2");
}

static void a_thousand_files_are_one_release(void **state)
{
    (void)state;
    enum { N = 1000 };
    static char names[N][32];
    static char texts[N][64];
    static const char *pairs[2 * N + 1];
    AUTO(db_target_clear_auto) struct db_target t;
    cluster_database(&t);
    for (size_t i = 0; i < N; i++) {
        snprintf(names[i], sizeof names[i], "%04zu_f.sql", i);
        snprintf(texts[i], sizeof texts[i], "CREATE TABLE t%zu (a int); INSERT INTO t%zu VALUES (1)", i, i);
        pairs[2 * i] = names[i];
        pairs[2 * i + 1] = texts[i];
    }
    succeeds(&t, pairs, 0, N);
    succeeds(&t, pairs, N, 0);
}

static void nothing_to_run_leaves_no_trace(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t;
    cluster_database(&t);
    succeeds(&t, (const char *const[]){ NULL }, 0, 0);
    is_untouched(&t);
}

static void two_bundles_share_a_database(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t;
    AUTO(sql_set_clear_auto) struct sql_set set;
    struct migrate_result result;
    struct err e = { 0 };
    cluster_database(&t);
    succeeds(&t, FILES("0001_a.sql", "CREATE TABLE t (a int)"), 0, 1);
    cluster_files(&set, SQL_ORDINARY, FILES("0001_x.sql", "CREATE TABLE x (a int)"));
    struct migrate_spec spec = { .target = &t, .stream = "tools", .files = set.files, .n_files = set.n };
    assert_true(migrate_up(&spec, &result, &e));
    assert_int_equal(result.n_applied, 1);
}

static void a_file_does_not_leak_into_the_next(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t;
    cluster_database(&t);
    succeeds(&t,
             FILES("0001_a.sql",
                   "CREATE SCHEMA other; SET search_path = other; SET standard_conforming_strings = off; SET TimeZone = 'Asia/Tokyo';"
                   "CREATE TEMP TABLE t (a int); PREPARE p AS SELECT 1; DECLARE c CURSOR WITH HOLD FOR SELECT 1; SET LOCAL statement_timeout = 1000000;",
                   "0002_b.sql",
                   "CREATE TEMP TABLE t (a int); PREPARE p AS SELECT 1; DECLARE c CURSOR FOR SELECT 1; CREATE TABLE u (path text, strings text, zone text, ms text);"
                   "INSERT INTO u VALUES (current_setting('search_path'), current_setting('standard_conforming_strings'), current_setting('TimeZone'), current_setting('statement_timeout'))"),
             0, 2);
    assert_string_equal(ask(&t, "SELECT path || ' ' || strings || ' ' || (zone <> 'Asia/Tokyo') || ' ' || ms FROM public.u"), "\"$user\", public on true 0");
}

/* --- what is not kept ------------------------------------------------------------------------------------------------ */

static void a_wrong_statement_undoes_the_whole_release(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t;
    cluster_database(&t);
    fails(&t,
          FILES("0001_a.sql", "CREATE TABLE a (a int);", "0002_b.sql",
                "CREATE TABLE t (a int);\nINSERT INTO t VALUES (1);\n-- third\nINSERT INTO t\n  VALUEZ (2);\nSELECT 4;\nSELECT 5;"),
          ERR_DB_ROLLED_BACK, "0002_b.sql:5: SQLSTATE 42601: syntax error at or near \"VALUEZ\"");
    is_untouched(&t);
    succeeds(&t, FILES("0001_a.sql", "CREATE TABLE a (a int);"), 0, 1);
}

static void a_commit_inside_code_does_not_work(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t;
    cluster_database(&t);
    fails(&t, FILES("0001_a.sql", "CREATE TABLE t (a int);\nDO $$ BEGIN INSERT INTO t VALUES (1); COMMIT; END $$;"), ERR_DB_ROLLED_BACK, "0001_a.sql:2: SQLSTATE 2D000");
    is_untouched(&t);
    fails(&t, FILES("0001_a.sql", "CREATE TABLE t (a int); CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN ROLLBACK; END $$; CALL p();"), ERR_DB_ROLLED_BACK, "SQLSTATE 2D000");
    is_untouched(&t);
}

/* A file as no lexer of ours would let it pass: one statement that ends the transaction and begins another. */
static void smuggled(const struct db_target *t, const char *statement, enum err_code code, const char *part)
{
    AUTO(mem_auto) char *text = mem_format("CREATE TABLE t (a int);%s", statement);
    struct sql_statement statements[] = { { .at = 0, .n = 22, .line = 1 }, { .at = 23, .n = strlen(statement), .line = 7 } };
    struct sql_file f = { .name = "0001_a.sql", .order = 1, .text = text, .n = strlen(text), .statements = statements, .n_statements = 2 };
    struct migrate_spec spec = { .target = t, .stream = "shop", .files = &f, .n_files = 1 };
    struct migrate_result result;
    struct err e = { 0 };
    assert_false(migrate_up(&spec, &result, &e));
    if (e.code != code || strstr(e.msg, part) == NULL)
        fail_msg("got %s \"%s\", expected %s \"%s\"", err_name(e.code), e.msg, err_name(code), part);
}

static void a_transaction_that_was_ended_is_noticed_and_named(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t;
    cluster_database(&t);
    smuggled(&t, "ROLLBACK AND CHAIN", ERR_DB_ROLLED_BACK, "0001_a.sql:7: the statement ended the transaction");
    smuggled(&t, "ROLLBACK", ERR_DB_ROLLED_BACK, "0001_a.sql:7: the statement ended the transaction");
    is_untouched(&t);
    smuggled(&t, "COMMIT AND CHAIN", ERR_DB_PARTIAL, "0001_a.sql:7: the statement committed the transaction");
    AUTO(db_target_clear_auto) struct db_target other;
    cluster_database(&other);
    smuggled(&other, "COMMIT", ERR_DB_PARTIAL, "0001_a.sql:7: the statement committed the transaction");
    smuggled(&other, "SELECT 1", ERR_DB_ROLLED_BACK, "0001_a.sql:1: SQLSTATE 42P07");
    AUTO(db_target_clear_auto) struct db_target third;
    cluster_database(&third);
    smuggled(&third, "COMMIT; BEGIN", ERR_DB_ROLLED_BACK, "0001_a.sql:7: SQLSTATE 42601");
    is_untouched(&third);
    smuggled(&third, "COPY t FROM STDIN", ERR_DB_ROLLED_BACK, "0001_a.sql:7: COPY from or to the client");
    is_untouched(&third);
    smuggled(&third, "PREPARE TRANSACTION 'x'", ERR_DB_PARTIAL, "0001_a.sql:7: the statement ");
    cluster_sql(third.dbname, "ROLLBACK PREPARED 'x'");
}

static void a_deferred_constraint_fails_at_commit(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t;
    cluster_database(&t);
    fails(&t, FILES("0001_a.sql", "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (a int REFERENCES a DEFERRABLE INITIALLY DEFERRED); INSERT INTO b VALUES (1)"),
          ERR_DB_ROLLED_BACK, "at COMMIT: SQLSTATE 23503: ");
    is_untouched(&t);
}

static void a_full_disk_undoes_the_release(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t;
    cluster_database(&t);
    AUTO(mem_auto) char *sql = mem_format("CREATE TABLESPACE small LOCATION '%s'", cluster_file("small"));
    cluster_sql("postgres", sql);
    cluster_sql("postgres", "GRANT CREATE ON TABLESPACE small TO shop");
    fails(&t, FILES("0001_a.sql", "CREATE TABLE t (a text) TABLESPACE small;\nALTER TABLE t ALTER a SET STORAGE EXTERNAL;\nINSERT INTO t SELECT repeat('x', 10000) FROM generate_series(1, 5000)"),
          ERR_DB_ROLLED_BACK, "0001_a.sql:3: SQLSTATE 53100: ");
    is_untouched(&t);
}

/* --- history ----------------------------------------------------------------------------------------------------------- */

static void changed_newer_and_missing_files_stop_before_any_statement(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t;
    cluster_database(&t);
    succeeds(&t, FILES("0001_a.sql", "CREATE TABLE t (a int)", "0002_b.sql", "SELECT 1"), 0, 2);
    fails(&t, FILES("0001_a.sql", "CREATE TABLE t (b int)", "0002_b.sql", "SELECT 1", "0003_c.sql", "CREATE TABLE c (a int)"), ERR_POLICY,
          "history changed: 0001_a.sql was applied with sha256 ");
    fails(&t, FILES("0001_a.sql", "CREATE TABLE t (a int)"), ERR_POLICY, "database is newer than this bundle: it has 0002_b.sql");
    fails(&t, FILES("0002_b.sql", "SELECT 1", "0003_c.sql", "CREATE TABLE c (a int)"), ERR_POLICY, "0001_a.sql is applied there and missing");
    cluster_sql(t.dbname, "DELETE FROM archon_load.migrations WHERE ord = 1");
    fails(&t, FILES("0001_a.sql", "CREATE TABLE t (a int)", "0002_b.sql", "SELECT 1"), ERR_POLICY, "0001_a.sql is new in this bundle, but 0002_b.sql");
    assert_string_equal(ask(&t, "SELECT count(*) FROM pg_class WHERE relname = 'c'"), "0");
}

static void tables_without_a_ledger_stop(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t;
    cluster_database(&t);
    cluster_sql(t.dbname, "CREATE EXTENSION pg_stat_statements; CREATE SCHEMA app; CREATE TABLE app.\"x\033y\" (a int)");
    fails(&t, FILES("0001_a.sql", "CREATE TABLE t (a int)"), ERR_POLICY, "it has tables (app.x\\x1by) and no record");
    cluster_sql(t.dbname, "DROP SCHEMA app CASCADE");
    succeeds(&t, FILES("0001_a.sql", "CREATE TABLE t (a int)"), 0, 1);
}

static void a_ledger_that_is_not_ours_stops(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t;
    cluster_database(&t);
    succeeds(&t, FILES("0001_a.sql", "SELECT 1"), 0, 1);
    cluster_sql(t.dbname, "ALTER TABLE archon_load.migrations OWNER TO postgres; GRANT ALL ON archon_load.migrations TO shop");
    fails(&t, FILES("0001_a.sql", "SELECT 1"), ERR_POLICY, "archon_load.migrations belongs to another role");
    cluster_sql(t.dbname, "ALTER TABLE archon_load.migrations OWNER TO shop; UPDATE archon_load.migrations SET name = repeat('x', 200)");
    fails(&t, FILES("0001_a.sql", "SELECT 1"), ERR_POLICY, "has a row that this loader did not write");
    cluster_sql(t.dbname, "ALTER TABLE archon_load.migrations ADD more int");
    fails(&t, FILES("0001_a.sql", "SELECT 1"), ERR_POLICY, "archon_load.migrations was altered");
}

/* --- roles ------------------------------------------------------------------------------------------------------------- */

static void the_role_must_be_ordinary_and_able(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t;
    AUTO(db_target_clear_auto) struct db_target admin;
    cluster_database(&t);
    cluster_target(&admin, t.dbname, "postgres", ADMIN_PASSWORD);
    fails(&admin, FILES("0001_a.sql", "SELECT 1"), ERR_POLICY, "role postgres is a superuser");
    AUTO(mem_auto) char *sql = mem_format("ALTER DATABASE %s OWNER TO postgres", t.dbname);
    cluster_sql("postgres", sql);
    fails(&t, FILES("0001_a.sql", "SELECT 1"), ERR_DB_ROLLED_BACK, "42501 permission denied for database");
    is_untouched(&t);
}

/* --- locks ------------------------------------------------------------------------------------------------------------- */

static void another_run_is_waited_for_and_named(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t;
    AUTO(outcome_clear) struct outcome o;
    struct err e = { 0 };
    cluster_database(&t);
    {
        AUTO(db_lock_release_auto) struct db_lock *held = db_lock_take(&t, 0, NULL, &e);
        assert_non_null(held);
        assert_false(run(&o, &t, FILES("0001_a.sql", "SELECT 1")));
    }
    assert_int_equal(o.e.code, ERR_LOCKED);
    assert_non_null(strstr(o.e.msg, "another run is active: pid "));
    assert_non_null(strstr(o.e.msg, "archon-load lock pid "));
    assert_non_null(strstr(o.e.msg, "connected since 20"));
    assert_non_null(strstr(buf_text(&o.told.lines), "waits: another run holds the database: pid "));
    is_untouched(&t);
    /* The server frees the lock when it notices that the connection has ended. */
    cluster_await(t.dbname, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", "0");
    succeeds(&t, FILES("0001_a.sql", "SELECT 1"), 0, 1);
}

static void a_lost_lock_undoes_the_release(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t;
    cluster_database(&t);
    fails(&t,
          FILES("0001_a.sql", "CREATE TABLE t (a int); SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name LIKE 'archon-load lock %'"),
          ERR_DB_ROLLED_BACK, "the lock against other runs was lost");
    is_untouched(&t);
}

static void a_migration_cannot_free_the_lock(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t;
    cluster_database(&t);
    succeeds(&t, FILES("0001_a.sql", "SELECT pg_advisory_unlock_all()"), 0, 1);
}

static void a_blocked_statement_names_the_blocker(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t;
    AUTO(outcome_clear) struct outcome o;
    struct err e = { 0 };
    cluster_database(&t);
    succeeds(&t, FILES("0001_a.sql", "CREATE TABLE t (a int)"), 0, 1);
    AUTO(connection_close_auto) struct connection *other = connection_open(&t, "other", &e);
    assert_true(other != NULL && connection_do(other, "BEGIN; LOCK TABLE t", &e));
    assert_false(run(&o, &t, FILES("0001_a.sql", "CREATE TABLE t (a int)", "0002_b.sql", "-- archon: lock_timeout=3s\nALTER TABLE t ADD b int")));
    assert_int_equal(o.e.code, ERR_DB_ROLLED_BACK);
    assert_non_null(strstr(o.e.msg, "0002_b.sql:2: SQLSTATE 55P03: "));
    assert_non_null(strstr(o.e.hint, "the lock was held by pid "));
    assert_non_null(strstr(o.e.hint, "archon-load other pid "));
    assert_non_null(strstr(o.e.hint, "idle in transaction"));
    assert_non_null(strstr(buf_text(&o.told.lines), "0002_b.sql waits: waits for a lock held by pid "));
}

/* --- time, signals, floods --------------------------------------------------------------------------------------------- */

static void a_timeout_of_the_header_is_obeyed(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t;
    cluster_database(&t);
    fails(&t, FILES("0001_a.sql", "-- archon: timeout=100ms\nCREATE TABLE t (a int);\nSELECT pg_sleep(60)"), ERR_DB_ROLLED_BACK, "0001_a.sql:3: SQLSTATE 57014: ");
    is_untouched(&t);
}

static void a_killed_session_is_a_rolled_back_release(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t;
    cluster_database(&t);
    fails(&t, FILES("0001_a.sql", "CREATE TABLE t (a int);\nSELECT pg_terminate_backend(pg_backend_pid())"), ERR_DB_ROLLED_BACK, "0001_a.sql:2: SQLSTATE 57P01: ");
    is_untouched(&t);
}

static _Noreturn void child(const struct db_target *t)
{
    struct outcome o;
    struct err e = { 0 };
    if (!start_process(NULL, &e))
        _exit(99);
    bool ok = run(&o, t, FILES("0001_a.sql", "CREATE TABLE t (a int);\nSELECT pg_sleep(60)"));
    bool is_named = strstr(o.e.msg, "0001_a.sql:2: ") != NULL;
    outcome_clear(&o);
    _exit(ok ? 98 : is_named ? err_status(o.e.code) : 97);
}

static void a_signal_cancels_on_the_server(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t;
    int status = 0;
    cluster_database(&t);
    uint64_t start = clock_monotonic_ms();
    pid_t pid = fork();
    if (pid == 0)
        child(&t);
    cluster_await("postgres", "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%' AND state = 'active'", "1");
    kill(pid, SIGINT);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 62);
    assert_true(clock_monotonic_ms() - start < 50000); /* it did not sleep to its end */
    cluster_await("postgres", "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%'", "0");
    is_untouched(&t);
}

static void a_flood_of_notices_is_cut_and_escaped(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t;
    AUTO(outcome_clear) struct outcome o;
    cluster_database(&t);
    assert_true(run(&o, &t, FILES("0001_a.sql", "DO $$ BEGIN FOR i IN 1..200000 LOOP RAISE NOTICE E'\\033[2J % sh%%p:''\"@ pass %', i, repeat('x', 900); END LOOP; END $$")));
    assert_int_equal(o.told.n_notices, 51);
    assert_non_null(strstr(buf_text(&o.told.lines), "0001_a.sql notice: \\x1b[2J 1 *** xxx"));
    assert_non_null(strstr(buf_text(&o.told.lines), "more messages of this file are not shown"));
}

/* --- status ------------------------------------------------------------------------------------------------------------ */

static char *list(const struct db_target *t, const char *const *pairs)
{
    static const char *const words[] = { "applied", "pending", "changed", "unknown" };
    AUTO(sql_set_clear_auto) struct sql_set set;
    AUTO(migrate_list_clear_auto) struct migrate_list l = { 0 };
    struct buf out = BUF_LIMIT(10000);
    struct err e = { 0 };
    cluster_files(&set, SQL_ORDINARY, pairs);
    struct migrate_spec spec = { .target = t, .stream = "shop", .files = set.files, .n_files = set.n };
    if (!migrate_status(&spec, &l, &e))
        fail_msg("%s", e.msg);
    buf_addf(&out, "%d%d", l.has_ledger, l.has_tables);
    for (size_t i = 0; i < l.n; i++)
        buf_addf(&out, " %s %s %zu%s", l.rows[i].name, words[l.rows[i].state], l.rows[i].n_statements, strlen(l.rows[i].finished) == 20 ? "*" : "");
    return buf_take(&out);
}

static void status_tells_applied_pending_changed_and_unknown(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t;
    cluster_database(&t);
    AUTO(mem_auto) char *fresh = list(&t, FILES("0001_a.sql", "SELECT 1"));
    assert_string_equal(fresh, "00 0001_a.sql pending 1");
    is_untouched(&t);
    succeeds(&t, FILES("0001_a.sql", "CREATE TABLE t (a int)", "0002_b.sql", "SELECT 1", "0003_c.sql", "SELECT 1"), 0, 3);
    cluster_sql(t.dbname, "DELETE FROM archon_load.migrations WHERE ord = 3; INSERT INTO archon_load.migrations SELECT stream, 9, '0009_z.sql', sha256, 7, release, loader, role, started, finished, state FROM archon_load.migrations LIMIT 1");
    AUTO(mem_auto) char *later = list(&t, FILES("0001_a.sql", "CREATE TABLE t (a int)", "0001_a.down.sql", "SELECT 1", "0002_b.sql", "SELECT 2; SELECT 3", "0003_c.sql", "SELECT 1"));
    assert_string_equal(later, "11 0001_a.sql applied 1* 0002_b.sql changed 1* 0003_c.sql pending 1 0009_z.sql unknown 7*");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_run_once_in_order_and_are_recorded),
        cmocka_unit_test(a_later_release_runs_only_what_is_new),
        cmocka_unit_test(a_thousand_files_are_one_release),
        cmocka_unit_test(nothing_to_run_leaves_no_trace),
        cmocka_unit_test(two_bundles_share_a_database),
        cmocka_unit_test(a_file_does_not_leak_into_the_next),
        cmocka_unit_test(a_wrong_statement_undoes_the_whole_release),
        cmocka_unit_test(a_commit_inside_code_does_not_work),
        cmocka_unit_test(a_transaction_that_was_ended_is_noticed_and_named),
        cmocka_unit_test(a_deferred_constraint_fails_at_commit),
        cmocka_unit_test(a_full_disk_undoes_the_release),
        cmocka_unit_test(changed_newer_and_missing_files_stop_before_any_statement),
        cmocka_unit_test(tables_without_a_ledger_stop),
        cmocka_unit_test(a_ledger_that_is_not_ours_stops),
        cmocka_unit_test(the_role_must_be_ordinary_and_able),
        cmocka_unit_test(another_run_is_waited_for_and_named),
        cmocka_unit_test(a_lost_lock_undoes_the_release),
        cmocka_unit_test(a_migration_cannot_free_the_lock),
        cmocka_unit_test(a_blocked_statement_names_the_blocker),
        cmocka_unit_test(a_timeout_of_the_header_is_obeyed),
        cmocka_unit_test(a_killed_session_is_a_rolled_back_release),
        cmocka_unit_test(a_signal_cancels_on_the_server),
        cmocka_unit_test(a_flood_of_notices_is_cut_and_escaped),
        cmocka_unit_test(status_tells_applied_pending_changed_and_unknown),
    };
    return cmocka_run_group_tests(tests, cluster_start, cluster_stop);
}
