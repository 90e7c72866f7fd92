#include "cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loader/db/connection.h"
#include "sys/clock.h"

static char directory[64];
static unsigned port;
static unsigned n_databases;

static void script(char *out, size_t size, const char *verb)
{
    char command[4096];
    const char *source = getenv("ARCHON_SOURCE_DIR");
    snprintf(command, sizeof command, "OWNER_PID=%ld '%s/tests/support/postgres.sh' %s '%s' %s", (long)getpid(),
             source == NULL ? SOURCE_DIR : source, verb, directory, strcmp(verb, "start") == 0 ? "max_prepared_transactions=4" : "");
    FILE *f = popen(command, "r");
    if (f == NULL)
        abort();
    size_t n = fread(out, 1, size - 1, f);
    out[n] = '\0';
    if (pclose(f) != 0) {
        fprintf(stderr, "postgres.sh %s: %s\n", verb, out);
        exit(1);
    }
}

int cluster_start(void **state)
{
    (void)state;
    char answer[64];
    /* What would change libpq's mind in the tests as in the program. */
    unsetenv("PGHOST");
    unsetenv("PGPORT");
    unsetenv("PGUSER");
    unsetenv("PGPASSWORD");
    unsetenv("PGDATABASE");
    unsetenv("PGDATA");
    snprintf(directory, sizeof directory, "/tmp/archon-pg-%ld", (long)getpid());
    script(answer, sizeof answer, "start");
    port = (unsigned)strtoul(answer, NULL, 10);
    cluster_sql("postgres", "CREATE ROLE shop LOGIN PASSWORD 'sh%p:''\"@ pass'");
    return 0;
}

int cluster_stop(void **state)
{
    (void)state;
    char answer[64];
    script(answer, sizeof answer, "stop");
    return 0;
}

void cluster_do(const char *verb)
{
    char answer[64];
    script(answer, sizeof answer, verb);
}

unsigned cluster_port(void)
{
    return port;
}

const char *cluster_file(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

void cluster_target(struct db_target *out, const char *dbname, const char *user, const char *password)
{
    *out = (struct db_target){ .kind = DB_BUNDLED, .host = "127.0.0.1", .port = port, .password = secret_of(password, strlen(password)) };
    snprintf(out->dbname, sizeof out->dbname, "%s", dbname);
    snprintf(out->user, sizeof out->user, "%s", user);
}

void cluster_database(struct db_target *out)
{
    char name[32];
    char sql[100];
    snprintf(name, sizeof name, "test%u", ++n_databases);
    snprintf(sql, sizeof sql, "CREATE DATABASE %s OWNER shop", name);
    cluster_sql("postgres", sql);
    cluster_target(out, name, "shop", SHOP_PASSWORD);
}

static struct connection *connect_admin(const char *dbname)
{
    AUTO(db_target_clear_auto) struct db_target t;
    struct err e = { 0 };
    cluster_target(&t, dbname, "postgres", ADMIN_PASSWORD);
    struct connection *c = connection_open_waiting(&t, "test", 20000, &e);
    if (c == NULL)
        fail_msg("%s", e.msg);
    return c;
}

void cluster_sql(const char *dbname, const char *sql)
{
    struct err e = { 0 };
    AUTO(connection_close_auto) struct connection *c = connect_admin(dbname);
    if (!connection_do(c, sql, &e))
        fail_msg("%s: %s", sql, e.msg);
}

const char *cluster_ask(const char *dbname, const char *sql)
{
    static char text[4096];
    struct err e = { 0 };
    AUTO(connection_close_auto) struct connection *c = connect_admin(dbname);
    AUTO(answer_free_auto) struct answer *a = connection_ask(c, sql, NULL, 0, &e);
    if (a == NULL)
        fail_msg("%s: %s", sql, e.msg);
    const char *first = answer_rows(a) == 0 ? "no row" : answer_text(a, 0, 0);
    snprintf(text, sizeof text, "%s", first == NULL ? "NULL" : first);
    return text;
}

void cluster_await(const char *dbname, const char *sql, const char *answer)
{
    for (int i = 0; i < 200; i++) {
        if (strcmp(cluster_ask(dbname, sql), answer) == 0)
            return;
        clock_sleep_ms(100);
    }
    fail_msg("%s did not become %s", sql, answer);
}

void cluster_files(struct sql_set *out, enum sql_kind kind, const char *const *pairs)
{
    struct err e = { 0 };
    *out = (struct sql_set){ 0 };
    for (; *pairs != NULL; pairs += 2)
        if (!sql_set_add(out, kind, pairs[0], pairs[1], strlen(pairs[1]), &e))
            fail_msg("%s", e.msg);
    if (!sql_set_check(out, &e))
        fail_msg("%s", e.msg);
}

static void on_fact(void *ctx, const struct db_fact *fact)
{
    struct told *t = ctx;
    const char *file = fact->file == NULL ? "" : fact->file;
    const char *text = fact->text == NULL ? "" : fact->text;
    t->n_notices += fact->event == DB_NOTICE;
    switch (fact->event) {
    case DB_WAITS: buf_addf(&t->lines, "%s waits: %s\n", file, text); break;
    case DB_FILE_STARTED: buf_addf(&t->lines, "%s started %zu\n", file, fact->n_statements); break;
    case DB_STATEMENT_DONE: buf_addf(&t->lines, "%s:%zu done %zu of %zu\n", file, fact->line, fact->statement, fact->n_statements); break;
    case DB_NOTICE: buf_addf(&t->lines, "%s notice: %s\n", file, text); break;
    case DB_FILE_DONE: buf_addf(&t->lines, "%s done\n", file); break;
    case DB_COMMITTED: buf_addf(&t->lines, "committed\n"); break;
    default: abort();
    }
}

struct db_report told_report(struct told *t)
{
    t->lines.max = 1 << 20;
    return (struct db_report){ .fn = on_fact, .ctx = t };
}
