/* Names, headers and order of migration files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "sql/files.h"

static bool read_named(struct sql_file *f, enum sql_kind kind, const char *name, const char *text, struct err *e)
{
    return sql_file_read(f, kind, name, text, strlen(text), e);
}

static void is_refused(enum sql_kind kind, const char *name, const char *text, const char *part)
{
    AUTO(sql_file_clear_auto) struct sql_file f = { 0 };
    struct err e = { 0 };
    if (read_named(&f, kind, name, text, &e))
        fail_msg("accepted: %s: %s", name, text);
    assert_int_equal(e.code, ERR_CONFIG);
    if (strstr(e.msg, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", e.msg, part);
}

static void a_file_has_number_digest_and_statements(void **state)
{
    (void)state;
    AUTO(sql_file_clear_auto) struct sql_file f = { 0 };
    struct err e = { 0 };
    assert_true(read_named(&f, SQL_ORDINARY, "app/sql/0042_add-Index_2.sql", "SELECT 1; SELECT 2;\n", &e));
    assert_string_equal(f.name, "0042_add-Index_2.sql");
    assert_int_equal(f.order, 42);
    assert_false(f.is_down);
    assert_int_equal(f.n_statements, 2);
    /* printf 'SELECT 1; SELECT 2;\n' | sha256sum */
    assert_string_equal(DIGEST_HEX(&f.sha256), "afa1f2bfb7a2cc304a4337e955d57e8b41376439f62a04cca8951dd0baf68af5");
}

static void a_down_file_is_known_by_its_name(void **state)
{
    (void)state;
    AUTO(sql_file_clear_auto) struct sql_file f = { 0 };
    struct err e = { 0 };
    assert_true(read_named(&f, SQL_ORDINARY, "0001_a.down.sql", "SELECT 1", &e));
    assert_true(f.is_down);
}

static void other_names_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = { "init.sql", "1_init.sql", "00001_init.sql", "0001-init.sql", "0001_.sql", "0001_a.SQL", "0001_a.sql.bak",
                                         "0001_a b.sql", "0001_a.up.sql", "0001_\xc3\xa9.sql", "0001_-a.sql", "0001_.down.sql", "0001.sql", ".sql", "",
                                         "0001_a;.sql", "0001_a\n.sql",
                                         "0001_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.sql" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        is_refused(SQL_ORDINARY, names[i], "SELECT 1", "not a name for a migration file");
    is_refused(SQL_BOOTSTRAP, "a.b.sql", "SELECT 1", "not a name for a bootstrap file");
    is_refused(SQL_BOOTSTRAP, "a", "SELECT 1", "not a name for a bootstrap file");
}

static void times_are_read_from_the_header(void **state)
{
    (void)state;
    AUTO(sql_file_clear_auto) struct sql_file f = { 0 };
    struct err e = { 0 };
    assert_true(read_named(&f, SQL_ORDINARY, "0001_a.sql", "-- archon: mode=transaction\n-- archon:  timeout=10min \tlock_timeout=500ms\r\nSELECT 1", &e));
    assert_int_equal(f.timeout_ms, 600000);
    assert_int_equal(f.lock_timeout_ms, 500);
}

static void header_is(const char *header, const char *part)
{
    AUTO(mem_auto) char *text = mem_format("-- c\n-- archon: %s\nSELECT 1", header);
    is_refused(SQL_ORDINARY, "0001_a.sql", text, part);
}

static void wrong_headers_are_named_with_their_line(void **state)
{
    (void)state;
    header_is("timeout", "0001_a.sql:2: archon header: expected a time like");
    header_is("timeout=", "expected a time");
    header_is("timeout=5", "expected a time");
    header_is("timeout=0s", "expected a time");
    header_is("timeout=-1s", "expected a time");
    header_is("timeout=169h", "expected a time");
    header_is("timeout=99999999999999999999s", "expected a time");
    header_is("timeout=1s timeout=2s", "repeated key");
    header_is("mode=transaction mode=transaction", "repeated key");
    header_is("mode=both", "expected mode=transaction");
    header_is("timeuot=1s", "unknown key \"timeuot\"");
    header_is("", "nothing after");
}

static void headers_of_later_versions_are_refused_by_name(void **state)
{
    (void)state;
    header_is("mode=single", "not in this version: mode \"single\"");
    header_is("verify=SELECT 1", "not in this version: \"verify\"");
    header_is("baseline", "not in this version: \"baseline\"");
    header_is("optional", "not in this version: \"optional\"");
    header_is("own-transactions", "not in this version: \"own-transactions\"");
}

static void a_header_explains_a_refused_statement(void **state)
{
    (void)state;
    is_refused(SQL_ORDINARY, "0001_a.sql", "-- archon: mode=single\nCREATE INDEX CONCURRENTLY i ON t (a);", "not in this version: mode");
}

static void add(struct sql_set *s, enum sql_kind kind, const char *name)
{
    struct err e = { 0 };
    if (!sql_set_add(s, kind, name, "SELECT 1", 8, &e))
        fail_msg("%s", e.msg);
}

static void a_set_is_sorted_with_down_files_behind(void **state)
{
    (void)state;
    AUTO(sql_set_clear_auto) struct sql_set s = { 0 };
    struct err e = { 0 };
    add(&s, SQL_ORDINARY, "0010_b.sql");
    add(&s, SQL_ORDINARY, "0009_a.down.sql");
    add(&s, SQL_ORDINARY, "0011_c.sql");
    add(&s, SQL_ORDINARY, "0009_a.sql");
    assert_true(sql_set_check(&s, &e));
    assert_string_equal(s.files[0].name, "0009_a.sql");
    assert_string_equal(s.files[1].name, "0009_a.down.sql");
    assert_string_equal(s.files[3].name, "0011_c.sql");
}

static void bootstrap_files_are_sorted_by_name(void **state)
{
    (void)state;
    AUTO(sql_set_clear_auto) struct sql_set s = { 0 };
    struct err e = { 0 };
    add(&s, SQL_BOOTSTRAP, "b.sql");
    add(&s, SQL_BOOTSTRAP, "10_a.sql");
    assert_true(sql_set_check(&s, &e));
    assert_string_equal(s.files[0].name, "10_a.sql");
}

static void set_is_refused(enum sql_kind kind, const char *a, const char *b, const char *part)
{
    AUTO(sql_set_clear_auto) struct sql_set s = { 0 };
    struct err e = { 0 };
    add(&s, kind, a);
    if (b != NULL)
        add(&s, kind, b);
    assert_false(sql_set_check(&s, &e));
    assert_int_equal(e.code, ERR_CONFIG);
    if (strstr(e.msg, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", e.msg, part);
}

static void gaps_duplicates_and_lonely_down_files_are_refused(void **state)
{
    (void)state;
    set_is_refused(SQL_ORDINARY, "0001_a.sql", "0001_b.sql", "0001_a.sql and 0001_b.sql have the same number");
    set_is_refused(SQL_ORDINARY, "0001_a.sql", "0001_a.sql", "have the same number");
    set_is_refused(SQL_ORDINARY, "0001_a.sql", "0003_c.sql", "number 0002 is missing between 0001_a.sql and 0003_c.sql");
    set_is_refused(SQL_ORDINARY, "0001_a.sql", "0001_b.down.sql", "0001_b.down.sql: has no up file");
    set_is_refused(SQL_ORDINARY, "0001_a.down.sql", NULL, "has no up file");
    set_is_refused(SQL_BOOTSTRAP, "a.sql", "x/a.sql", "two files of this name");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_has_number_digest_and_statements),
        cmocka_unit_test(a_down_file_is_known_by_its_name),
        cmocka_unit_test(other_names_are_refused),
        cmocka_unit_test(times_are_read_from_the_header),
        cmocka_unit_test(wrong_headers_are_named_with_their_line),
        cmocka_unit_test(headers_of_later_versions_are_refused_by_name),
        cmocka_unit_test(a_header_explains_a_refused_statement),
        cmocka_unit_test(a_set_is_sorted_with_down_files_behind),
        cmocka_unit_test(bootstrap_files_are_sorted_by_name),
        cmocka_unit_test(gaps_duplicates_and_lonely_down_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
