/* The door to libpq, against a real server. */
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
#include "loader/db/connection.h"
#include "loader/db/server.h"
#include "sys/clock.h"

static struct connection *must_open(const struct db_target *t)
{
    struct err e = { 0 };
    struct connection *c = connection_open(t, "test", &e);
    if (c == NULL)
        fail_msg("%s", e.msg);
    return c;
}

static void cannot_open(const struct db_target *t, enum err_code code, const char *part)
{
    struct err e = { 0 };
    AUTO(connection_close_auto) struct connection *c = connection_open(t, "test", &e);
    assert_null(c);
    if (e.code != code || strstr(e.msg, part) == NULL)
        fail_msg("got %s \"%s\", expected \"%s\"", err_name(e.code), e.msg, part);
}

static struct db_target shop(void)
{
    struct db_target t;
    cluster_target(&t, "postgres", "shop", SHOP_PASSWORD);
    return t;
}

static void parameters_are_set_one_by_one(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t = shop();
    AUTO(connection_close_auto) struct connection *c = must_open(&t);
    struct err e = { 0 };
    AUTO(answer_free_auto) struct answer *a = connection_ask(
        c, "SELECT current_setting('client_encoding'), current_setting('application_name'), current_user, $1::text, NULL", (const char *[]){ "x'y" }, 1, &e);
    assert_non_null(a);
    assert_string_equal(answer_text(a, 0, 0), "UTF8");
    assert_true(text_starts(answer_text(a, 0, 1), "archon-load test pid "));
    assert_string_equal(answer_text(a, 0, 2), "shop");
    assert_string_equal(answer_text(a, 0, 3), "x'y");
    assert_null(answer_text(a, 0, 4));
    assert_true(server_check(c, &e));
    assert_true(server_check_role(c, &e));
}

static void a_wrong_password_is_refused_and_not_shown(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t;
    cluster_target(&t, "postgres", "shop", "wrong-password");
    cannot_open(&t, ERR_DB, "password authentication failed");
    struct err e = { 0 };
    uint64_t start = clock_monotonic_ms();
    AUTO(connection_close_auto) struct connection *c = connection_open_waiting(&t, "test", 60000, &e);
    assert_null(c);
    assert_true(clock_monotonic_ms() - start < 30000);
    assert_null(strstr(e.msg, "wrong-password"));
}

static void nobody_there_is_no_connection(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t = shop();
    t.port = 1;
    cannot_open(&t, ERR_DB, "127.0.0.1");
    t.port = 65536;
    cannot_open(&t, ERR_CONFIG, "port");
}

static void hosts_that_are_lists_or_sockets_are_refused(void **state)
{
    (void)state;
    static const char *const hosts[] = { "", "127.0.0.1,localhost", "@abstract", "a b", "h/x" };
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        AUTO(db_target_clear_auto) struct db_target t = shop();
        snprintf(t.host, sizeof t.host, "%s", hosts[i]);
        cannot_open(&t, ERR_CONFIG, "not a name or address");
    }
    AUTO(db_target_clear_auto) struct db_target t = shop();
    t.kind = DB_SITE;
    snprintf(t.host, sizeof t.host, "%s", "/tmp");
    cannot_open(&t, ERR_CONFIG, "a socket has no TLS");
}

static void the_environment_may_not_speak(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t = shop();
    setenv("PGOPTIONS", "-c search_path=evil", 1);
    cannot_open(&t, ERR_CONFIG, "PGOPTIONS");
    unsetenv("PGOPTIONS");
}

static void a_site_database_is_verified_by_its_ca(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t = shop();
    t.kind = DB_SITE;
    cannot_open(&t, ERR_CONFIG, "no CA file");
    t.ca_file = mem_text(cluster_file("ca.pem"));
    AUTO(connection_close_auto) struct connection *c = must_open(&t);
    struct err e = { 0 };
    AUTO(answer_free_auto) struct answer *a = connection_ask(c, "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()", NULL, 0, &e);
    assert_true(answer_is_true(a, 0, 0));
}

static void another_ca_or_name_is_no_connection(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t = shop();
    t.kind = DB_SITE;
    t.ca_file = mem_text("/etc/ssl/certs/ca-certificates.crt");
    cannot_open(&t, ERR_DB, "");
    mem_free(t.ca_file);
    t.ca_file = mem_text("/nonexistent.pem");
    cannot_open(&t, ERR_DB, "/nonexistent.pem");
    mem_free(t.ca_file);
    t.ca_file = mem_text(cluster_file("ca.pem"));
    snprintf(t.host, sizeof t.host, "%s", "127.0.0.2");
    cannot_open(&t, ERR_DB, "");
}

static void one_message_is_one_statement(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t = shop();
    AUTO(connection_close_auto) struct connection *c = must_open(&t);
    struct err e = { 0 };
    assert_true(connection_run(c, "SELECT 1", NULL, NULL, &e));
    assert_false(connection_run(c, "SELECT 1; COMMIT", NULL, NULL, &e));
    assert_int_equal(e.code, ERR_DB_ROLLED_BACK);
    assert_string_equal(connection_problem(c)->sqlstate, "42601");
    assert_non_null(strstr(e.msg, "cannot insert multiple commands"));
}

static void problems_carry_state_place_and_detail(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t = shop();
    AUTO(connection_close_auto) struct connection *c = must_open(&t);
    struct err e = { 0 };
    assert_false(connection_run(c, "SELECT é FROM", NULL, NULL, &e));
    assert_string_equal(e.msg, "SQLSTATE 42601: syntax error at end of input");
    assert_int_equal(connection_problem(c)->position, 14);
    struct err raised = { 0 };
    assert_false(connection_run(c, "DO $$ BEGIN RAISE EXCEPTION E'a\\nb\\033[1m%', repeat('x', 100000) USING DETAIL = 'the sh%p:''\"@ pass'; END $$", NULL, NULL, &raised));
    assert_true(text_starts(raised.msg, "SQLSTATE P0001: a b\\x1b[1mxxx"));
    struct err secret = { 0 };
    assert_false(connection_run(c, "DO $$ BEGIN RAISE EXCEPTION 'bad' USING DETAIL = 'the sh%p:''\"@ pass'; END $$", NULL, NULL, &secret));
    assert_string_equal(secret.msg, "SQLSTATE P0001: bad (the ***)");
    assert_true(connection_is_alive(c));
}

static void copy_with_the_client_ends_the_connection(void **state)
{
    (void)state;
    static const char *const texts[] = { "COPY (SELECT 1) TO STDOUT", "COPY t FROM STDIN" };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO(db_target_clear_auto) struct db_target t;
        cluster_target(&t, "postgres", "postgres", ADMIN_PASSWORD);
        AUTO(connection_close_auto) struct connection *c = must_open(&t);
        struct err e = { 0 };
        assert_true(connection_do(c, "CREATE TEMP TABLE t (a text)", &e));
        assert_false(connection_run(c, texts[i], NULL, NULL, &e));
        assert_non_null(strstr(e.msg, "COPY from or to the client is not allowed"));
        assert_false(connection_is_alive(c));
    }
}

static void empty_statements_are_errors(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t = shop();
    AUTO(connection_close_auto) struct connection *c = must_open(&t);
    struct err e = { 0 };
    assert_false(connection_run(c, " -- nothing", NULL, NULL, &e));
    assert_non_null(strstr(e.msg, "empty"));
}

static void many_rows_do_not_fill_memory(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target t = shop();
    AUTO(connection_close_auto) struct connection *c = must_open(&t);
    struct err e = { 0 };
    /* 600 MB of rows; held together they would be seen in the peak of this process (AddressSanitizer itself keeps up to 256 MB
     * of freed memory). */
    assert_true(connection_run(c, "SELECT repeat('x', 10000) FROM generate_series(1, 60000)", NULL, NULL, &e));
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    unsigned long peak_kb = 0;
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "VmHWM:", 6) == 0)
            peak_kb = strtoul(line + 6, NULL, 10);
    fclose(f);
    assert_true(peak_kb > 0 && peak_kb < 450 * 1024);
}

static void superusers_and_file_roles_are_refused(void **state)
{
    (void)state;
    AUTO(db_target_clear_auto) struct db_target admin;
    cluster_target(&admin, "postgres", "postgres", ADMIN_PASSWORD);
    AUTO(connection_close_auto) struct connection *c = must_open(&admin);
    struct err e = { 0 };
    assert_false(server_check_role(c, &e));
    assert_int_equal(e.code, ERR_POLICY);
    assert_non_null(strstr(e.msg, "role postgres is a superuser"));
    cluster_sql("postgres", "GRANT pg_execute_server_program TO shop");
    AUTO(db_target_clear_auto) struct db_target t = shop();
    AUTO(connection_close_auto) struct connection *member = must_open(&t);
    struct err power = { 0 };
    assert_false(server_check_role(member, &power));
    cluster_sql("postgres", "REVOKE pg_execute_server_program FROM shop");
    assert_non_null(strstr(power.msg, "member of pg_execute_server_program"));
}

static void other_encodings_and_string_rules_are_refused(void **state)
{
    (void)state;
    cluster_sql("postgres", "CREATE DATABASE ascii OWNER shop ENCODING 'SQL_ASCII' TEMPLATE template0");
    AUTO(db_target_clear_auto) struct db_target t;
    cluster_target(&t, "ascii", "shop", SHOP_PASSWORD);
    AUTO(connection_close_auto) struct connection *c = must_open(&t);
    struct err e = { 0 };
    assert_false(server_check(c, &e));
    assert_string_equal(e.msg, "database: its encoding is SQL_ASCII, expected UTF8");
    AUTO(db_target_clear_auto) struct db_target other;
    cluster_database(&other);
    AUTO(mem_auto) char *sql = mem_format("ALTER DATABASE %s SET standard_conforming_strings = off", other.dbname);
    cluster_sql("postgres", sql);
    AUTO(connection_close_auto) struct connection *d = must_open(&other);
    struct err strings = { 0 };
    assert_false(server_check(d, &strings));
    assert_non_null(strstr(strings.msg, "standard_conforming_strings is off"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_set_one_by_one),
        cmocka_unit_test(a_wrong_password_is_refused_and_not_shown),
        cmocka_unit_test(nobody_there_is_no_connection),
        cmocka_unit_test(hosts_that_are_lists_or_sockets_are_refused),
        cmocka_unit_test(the_environment_may_not_speak),
        cmocka_unit_test(a_site_database_is_verified_by_its_ca),
        cmocka_unit_test(another_ca_or_name_is_no_connection),
        cmocka_unit_test(one_message_is_one_statement),
        cmocka_unit_test(problems_carry_state_place_and_detail),
        cmocka_unit_test(copy_with_the_client_ends_the_connection),
        cmocka_unit_test(empty_statements_are_errors),
        cmocka_unit_test(many_rows_do_not_fill_memory),
        cmocka_unit_test(superusers_and_file_roles_are_refused),
        cmocka_unit_test(other_encodings_and_string_rules_are_refused),
    };
    return cmocka_run_group_tests(tests, cluster_start, cluster_stop);
}
