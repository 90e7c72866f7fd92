/* The files of a bundle must continue what the database has seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "loader/db/history.h"

static const char *const names[] = { "0003_a.sql", "0004_b.sql", "0004_b.down.sql", "0005_c.sql" };

static void make_files(struct sql_set *set)
{
    struct err e = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!sql_set_add(set, SQL_ORDINARY, names[i], "SELECT 1", 8, &e))
            fail_msg("%s", e.msg);
    assert_true(sql_set_check(set, &e));
}

static struct ledger_row row(const struct sql_set *set, unsigned order, const char *name)
{
    struct ledger_row r = { .order = order, .is_done = true };
    snprintf(r.name, sizeof r.name, "%s", name);
    snprintf(r.sha256, sizeof r.sha256, "%s", DIGEST_HEX(&set->files[0].sha256));
    return r;
}

#define REFUSED(rows, part)                                                                     \
    do {                                                                                        \
        struct err e = { 0 };                                                                   \
        size_t n_done = 0;                                                                      \
        assert_false(history_check(rows, ARRAY_LEN(rows), set.files, set.n, &n_done, &e));      \
        assert_int_equal(e.code, ERR_POLICY);                                                   \
        if (strstr(e.msg, part) == NULL)                                                        \
            fail_msg("\"%s\" does not say \"%s\"", e.msg, part);                                \
    } while (0)

static void applied_files_are_counted_without_down_files(void **state)
{
    (void)state;
    AUTO(sql_set_clear_auto) struct sql_set set = { 0 };
    make_files(&set);
    struct ledger_row rows[] = { row(&set, 3, "0003_a.sql"), row(&set, 4, "0004_b.sql"), row(&set, 5, "0005_c.sql") };
    for (size_t n = 0; n <= 3; n++) {
        struct err e = { 0 };
        size_t n_done = 99;
        assert_true(history_check(rows, n, set.files, set.n, &n_done, &e));
        assert_int_equal(n_done, n);
    }
}

static void a_changed_or_renamed_file_stops(void **state)
{
    (void)state;
    AUTO(sql_set_clear_auto) struct sql_set set = { 0 };
    make_files(&set);
    struct ledger_row changed[] = { row(&set, 3, "0003_a.sql") };
    changed[0].sha256[0] = changed[0].sha256[0] == '0' ? '1' : '0';
    REFUSED(changed, "history changed: 0003_a.sql was applied with sha256 ");
    struct ledger_row renamed[] = { row(&set, 3, "0003_x\033.sql") };
    REFUSED(renamed, "number 0003 was applied as 0003_x\\x1b.sql");
}

static void a_database_that_is_newer_stops(void **state)
{
    (void)state;
    AUTO(sql_set_clear_auto) struct sql_set set = { 0 };
    make_files(&set);
    struct ledger_row rows[] = { row(&set, 3, "0003_a.sql"), row(&set, 4, "0004_b.sql"), row(&set, 5, "0005_c.sql"), row(&set, 6, "0006_d.sql") };
    REFUSED(rows, "database is newer than this bundle: it has 0006_d.sql, the bundle ends at 0005_c.sql");
    struct err e = { 0 };
    size_t n_done;
    assert_false(history_check(rows, 1, NULL, 0, &n_done, &e));
    assert_non_null(strstr(e.msg, "the bundle ends at no migration"));
}

static void gaps_stop(void **state)
{
    (void)state;
    AUTO(sql_set_clear_auto) struct sql_set set = { 0 };
    make_files(&set);
    struct ledger_row lost[] = { row(&set, 2, "0002_z.sql") };
    REFUSED(lost, "0002_z.sql is applied there and missing in this bundle");
    struct ledger_row skipped[] = { row(&set, 3, "0003_a.sql"), row(&set, 5, "0005_c.sql") };
    REFUSED(skipped, "0004_b.sql is new in this bundle, but 0005_c.sql after it is applied already");
    struct ledger_row twice[] = { row(&set, 3, "0003_a.sql"), row(&set, 3, "0003_a.sql") };
    REFUSED(twice, "is new in this bundle");
}

static void a_half_done_file_stops(void **state)
{
    (void)state;
    AUTO(sql_set_clear_auto) struct sql_set set = { 0 };
    make_files(&set);
    struct ledger_row rows[] = { row(&set, 3, "0003_a.sql") };
    rows[0].is_done = false;
    REFUSED(rows, "0003_a.sql is recorded as started and not as done");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(applied_files_are_counted_without_down_files),
        cmocka_unit_test(a_changed_or_renamed_file_stops),
        cmocka_unit_test(a_database_that_is_newer_stops),
        cmocka_unit_test(gaps_stop),
        cmocka_unit_test(a_half_done_file_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
