/* Servers and loaders that die at the worst moments: what is in the database afterwards is all or nothing, and what was said about it
 * is true. The server of this program is killed in earnest. */
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
#include "cluster.h"

#define FILES(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Where a run kills itself, like a power cut would. */
struct suicide {
    enum db_event event;
    unsigned countdown;
};

static void maybe_die(void *ctx, const struct db_fact *fact)
{
    struct suicide *s = ctx;
    if (fact->event == s->event && s->countdown-- == 0)
        kill(getpid(), SIGKILL);
}

static int run_set(const struct db_target *t, const struct sql_set *set, struct suicide *s, struct migrate_result *result)
{
    struct migrate_spec spec = { .target = t, .stream = "shop", .files = set->files, .n_files = set->n };
    struct err e = { 0 };
    if (s != NULL)
        spec.report = (struct db_report){ .fn = maybe_die, .ctx = s };
    bool ok = migrate_up(&spec, result, &e);
    if (!ok)
        fprintf(stderr, "# %s\n", e.msg);
    return ok ? 0 : err_status(e.code);
}

/* Runs the migrations in a process of its own. */
static pid_t start_run(const struct db_target *t, const char *const *pairs, struct suicide *s)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    struct migrate_result result;
    AUTO(sql_set_clear_auto) struct sql_set set;
    cluster_files(&set, SQL_ORDINARY, pairs);
    _exit(run_set(t, &set, s, &result));
}

static int end_run(pid_t pid)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void run_again(const struct db_target *t, const char *const *pairs, size_t n_before, size_t n_applied)
{
    struct migrate_result result;
    AUTO(sql_set_clear_auto) struct sql_set set;
    cluster_files(&set, SQL_ORDINARY, pairs);
    assert_int_equal(run_set(t, &set, NULL, &result), 0);
    assert_int_equal(result.n_before, n_before);
    assert_int_equal(result.n_applied, n_applied);
}

static void is_untouched(const struct db_target *t)
{
    assert_string_equal(cluster_ask(t->dbname, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"), "0");
    assert_string_equal(cluster_ask(t->dbname, "SELECT count(*) FROM pg_namespace WHERE nspname = 'archon_load'"), "0");
}

/* Process id of the server process that waits for this event in the database. */
static pid_t backend_in(const struct db_target *t, const char *event)
{
    char sql[300];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM pg_stat_activity WHERE datname = '%s' AND wait_event = '%s'", t->dbname, event);
    cluster_await("postgres", sql, "1");
    snprintf(sql, sizeof sql, "SELECT pid FROM pg_stat_activity WHERE datname = '%s' AND wait_event = '%s'", t->dbname, event);
    return (pid_t)strtol(cluster_ask("postgres", sql), NULL, 10);
}

enum how { TERMINATE_SESSION, KILL_BACKEND, KILL_SERVER };

static void strike(enum how how, pid_t backend)
{
    char sql[100];
    if (how == TERMINATE_SESSION) {
        snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%ld)", (long)backend);
        cluster_ask("postgres", sql);
    } else if (how == KILL_BACKEND) {
        kill(backend, SIGKILL);
    } else {
        cluster_do("kill");
        cluster_do("up");
    }
}

/* COMMIT has been written and waits for a replica that does not exist: whoever asks is not answered, but the data is there. */
static const char *const committed[] = { "0001_a.sql", "CREATE TABLE t (a int)", "0002_b.sql", "INSERT INTO t VALUES (1)", NULL };

static void answer_lost(enum how how)
{
    AUTO(db_target_clear_auto) struct db_target t;
    cluster_database(&t);
    AUTO(mem_auto) char *sql = mem_format("ALTER DATABASE %s SET synchronous_commit = on", t.dbname);
    cluster_sql("postgres", sql);
    pid_t run = start_run(&t, committed, NULL);
    strike(how, backend_in(&t, "SyncRep"));
    assert_int_equal(end_run(run), 0);
    assert_string_equal(cluster_ask(t.dbname, "SELECT count(*) FROM t"), "1");
    run_again(&t, committed, 2, 0);
}

static void a_lost_answer_of_a_commit_that_happened_is_a_success(void **state)
{
    (void)state;
    cluster_sql("postgres", "ALTER SYSTEM SET synchronous_commit = local");
    cluster_sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    cluster_ask("postgres", "SELECT pg_reload_conf()");
    cluster_await("postgres", "SHOW synchronous_standby_names", "nobody");
    answer_lost(TERMINATE_SESSION);
    answer_lost(KILL_BACKEND);
    answer_lost(KILL_SERVER);
}

/* A deferred trigger sleeps inside COMMIT. */
static const char *const slow_commit[] = {
    "0001_a.sql",
    "CREATE TABLE t (a int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(coalesce(current_setting('test.sleep', true), '60')::int); RETURN NULL; END $$;"
    "CREATE CONSTRAINT TRIGGER c AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION f(); INSERT INTO t VALUES (1)",
    NULL,
};

static void struck_in_commit(enum how how)
{
    AUTO(db_target_clear_auto) struct db_target t;
    cluster_database(&t);
    pid_t run = start_run(&t, slow_commit, NULL);
    strike(how, backend_in(&t, "PgSleep"));
    assert_int_equal(end_run(run), 41);
    is_untouched(&t);
    AUTO(mem_auto) char *sql = mem_format("ALTER DATABASE %s SET test.sleep = 0", t.dbname);
    cluster_sql("postgres", sql);
    run_again(&t, slow_commit, 0, 1);
}

static void a_commit_that_did_not_happen_is_a_rolled_back_release(void **state)
{
    (void)state;
    struck_in_commit(TERMINATE_SESSION);
    struck_in_commit(KILL_BACKEND);
    struck_in_commit(KILL_SERVER);
}

static void a_server_that_dies_in_a_statement_leaves_nothing(void **state)
{
    (void)state;
    static const enum how how[] = { KILL_BACKEND, KILL_SERVER };
    for (size_t i = 0; i < ARRAY_LEN(how); i++) {
        AUTO(db_target_clear_auto) struct db_target t;
        cluster_database(&t);
        pid_t run = start_run(&t, FILES("0001_a.sql", "CREATE TABLE t (a int)", "0002_b.sql", "SELECT pg_sleep(60)"), NULL);
        strike(how[i], backend_in(&t, "PgSleep"));
        assert_int_equal(end_run(run), 41);
        is_untouched(&t);
    }
}

enum { MANY = 40 };

static void make_many(const char *pairs[2 * MANY + 1], char names[MANY][32], char texts[MANY][200])
{
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], 32, "%04d_f%d.sql", i + 1, i);
        snprintf(texts[i], 200, "CREATE TABLE t%d (a int, b text DEFAULT 'x;');\nINSERT INTO t%d VALUES (%d);\nCREATE INDEX ON t%d (b)", i, i, i, i);
        pairs[2 * i] = names[i];
        pairs[2 * i + 1] = texts[i];
    }
    pairs[2 * MANY] = NULL;
}

static char *schema_of(const struct db_target *t)
{
    return mem_text(cluster_ask(t->dbname,
                                "SELECT md5(string_agg(c.relname || ' ' || coalesce(pg_get_indexdef(c.oid), '') || ' ' || coalesce(a.attname, '') || ' ' || coalesce(a.atttypid::regtype::text, ''), E'\\n' ORDER BY c.relname, a.attnum))"
                                " || count(*) FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND c.relkind = 'r'"
                                " WHERE c.relnamespace IN ('public'::regnamespace, 'archon_load'::regnamespace) AND c.relkind IN ('r', 'i')"));
}

static void a_loader_killed_anywhere_goes_on_from_what_is_there(void **state)
{
    (void)state;
    const char *pairs[2 * MANY + 1];
    char names[MANY][32];
    char texts[MANY][200];
    AUTO(db_target_clear_auto) struct db_target whole;
    AUTO(db_target_clear_auto) struct db_target t;
    make_many(pairs, names, texts);
    cluster_database(&whole);
    cluster_database(&t);
    run_again(&whole, pairs, 0, MANY);
    struct suicide places[] = { { DB_FILE_STARTED, 0 }, { DB_STATEMENT_DONE, 0 }, { DB_STATEMENT_DONE, 50 }, { DB_FILE_DONE, 20 },
                                { DB_FILE_DONE, MANY - 1 } };
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        assert_int_equal(end_run(start_run(&t, pairs, &places[i])), -SIGKILL);
        is_untouched(&t);
    }
    struct suicide after = { DB_COMMITTED, 0 };
    assert_int_equal(end_run(start_run(&t, pairs, &after)), -SIGKILL);
    run_again(&t, pairs, MANY, 0);
    AUTO(mem_auto) char *expected = schema_of(&whole);
    AUTO(mem_auto) char *found = schema_of(&t);
    assert_string_equal(found, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_answer_of_a_commit_that_happened_is_a_success),
        cmocka_unit_test(a_commit_that_did_not_happen_is_a_rolled_back_release),
        cmocka_unit_test(a_server_that_dies_in_a_statement_leaves_nothing),
        cmocka_unit_test(a_loader_killed_anywhere_goes_on_from_what_is_there),
    };
    return cmocka_run_group_tests(tests, cluster_start, cluster_stop);
}
