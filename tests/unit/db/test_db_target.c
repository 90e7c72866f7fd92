/* The database URL file of the operator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loader/db/db_target.h"
#include "tests/support/scratch.h"

static void a_url_is_taken_apart(void **state)
{
    (void)state;
    static const char url[] = "postgresql://sh%40p:p%3A%2f%25x@[2001:db8::1]:6543/my%20db?sslmode=verify-full\r\n";
    AUTO(db_target_clear_auto) struct db_target t = { 0 };
    struct err e = { 0 };
    assert_true(db_target_parse_url(&t, url, sizeof url - 1, "/etc/ca.pem", "url", &e));
    assert_int_equal(t.kind, DB_SITE);
    assert_string_equal(t.host, "2001:db8::1");
    assert_int_equal(t.port, 6543);
    assert_string_equal(t.user, "sh@p");
    assert_string_equal(t.password.bytes, "p:/%x");
    assert_string_equal(t.dbname, "my db");
    assert_string_equal(t.ca_file, "/etc/ca.pem");
}

static void the_port_may_be_left_out(void **state)
{
    (void)state;
    static const char url[] = "postgres://u:p@w@db.example/d";
    AUTO(db_target_clear_auto) struct db_target t = { 0 };
    struct err e = { 0 };
    assert_true(db_target_parse_url(&t, url, sizeof url - 1, NULL, "url", &e));
    assert_int_equal(t.port, 5432);
    assert_string_equal(t.host, "db.example");
    assert_string_equal(t.password.bytes, "p@w");
}

static void other_urls_are_refused_without_showing_them(void **state)
{
    (void)state;
    static const struct {
        const char *url, *part;
    } rows[] = {
        { "", "does not begin with postgres://" },
        { "host=db user=u", "does not begin" },
        { "mysql://u:hunter2@h/d", "does not begin" },
        { "postgres://", "does not begin" },
        { "postgres://h/d", "no user and password" },
        { "postgres://u@h/d", "no user and password" },
        { "postgres://u:@h/d", "the password is empty" },
        { "postgres://:hunter2@h/d", "the user name is empty" },
        { "postgres://u:hunter2%0a@h/d", "wrongly escaped" },
        { "postgres://u:hunter2%00@h/d", "wrongly escaped" },
        { "postgres://u:hunter2%f@h/d", "wrongly escaped" },
        { "postgres://u:hunter2%@h/d", "wrongly escaped" },
        { "postgres://u:hunter2\xff@h/d", "wrongly escaped" },
        { "postgres://u:hunter2@/d", "no host" },
        { "postgres://u:hunter2@%2ftmp/d", "no host" },
        { "postgres://u:hunter2@h", "no database name" },
        { "postgres://u:hunter2@h/", "the database name is empty" },
        { "postgres://u:hunter2@h/a/b", "the database name" },
        { "postgres://u:hunter2@h:/d", "the port" },
        { "postgres://u:hunter2@h:0/d", "the port" },
        { "postgres://u:hunter2@h:65536/d", "the port" },
        { "postgres://u:hunter2@h:5432,h2:5433/d", "the port" },
        { "postgres://u:hunter2@[::1/d", "closing bracket" },
        { "postgres://u:hunter2@[::1]x/d", "the port" },
        { "postgres://u:hunter2@h/d?sslmode=disable", "no parameters" },
        { "postgres://u:hunter2@h/d?sslmode=verify-full&host=x", "no parameters" },
        { "postgres://u:hunter2@h/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "the database name" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(db_target_clear_auto) struct db_target t = { 0 };
        struct err e = { 0 };
        size_t n = strlen(rows[i].url);
        AUTO(mem_auto) char *exact = mem_copy(rows[i].url, n);
        if (db_target_parse_url(&t, exact, n, NULL, "db.url", &e))
            fail_msg("accepted: %s", rows[i].url);
        assert_int_equal(e.code, ERR_CONFIG);
        if (strstr(e.msg, rows[i].part) == NULL || strstr(e.msg, "hunter2") != NULL)
            fail_msg("%s: \"%s\"", rows[i].url, e.msg);
    }
}

static void the_file_must_be_private(void **state)
{
    struct scratch *s = *state;
    AUTO(db_target_clear_auto) struct db_target t = { 0 };
    struct err e = { 0 };
    const char *path = scratch_text(s, "url", "postgres://u:p@h/d\n", 0640);
    assert_false(db_target_read_url_file(&t, path, NULL, &e));
    assert_int_equal(e.code, ERR_CONFIG);
    struct err none = { 0 };
    path = scratch_text(s, "url", "postgres://u:p@h/d\n", 0600);
    assert_true(db_target_read_url_file(&t, path, NULL, &none));
    assert_string_equal(t.dbname, "d");
    struct err missing = { 0 };
    AUTO(db_target_clear_auto) struct db_target other = { 0 };
    assert_false(db_target_read_url_file(&other, scratch_at(s, "none"), NULL, &missing));
    assert_int_equal(missing.code, ERR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_is_taken_apart),
        cmocka_unit_test(the_port_may_be_left_out),
        cmocka_unit_test(other_urls_are_refused_without_showing_them),
        SCRATCH_TEST(the_file_must_be_private),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
