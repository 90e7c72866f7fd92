/* A place for a result is looked at before the work, and nothing of the look stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sys/place.h"
#include "tests/support/scratch.h"

static void expect_refused(const char *path, enum err_code code, const char *words)
{
    struct err e = { 0 };
    assert_false(place_check(path, &e));
    assert_int_equal(e.code, code);
    if (strstr(e.msg, words) == NULL)
        fail_msg("\"%s\" lacks \"%s\"", e.msg, words);
    assert_true(e.hint[0] != '\0');
}

static void a_folder_that_takes_a_file_is_a_place_and_nothing_stays(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    struct path_names names = { 0 };
    assert_true(place_check(scratch_at(s, "new"), &e));
    scratch_text(s, "old", "as it was", 0600);
    assert_true(place_check(scratch_at(s, "old"), &e));
    AUTO(mem_auto) char *text = scratch_content(s, "old");
    assert_string_equal(text, "as it was");
    assert_true(path_list(s->dir, 10, &names, &e));
    assert_int_equal(names.n, 1);
    path_names_clear(&names);
}

static void a_folder_that_is_missing_or_no_folder_is_named(void **state)
{
    struct scratch *s = *state;
    expect_refused(scratch_at(s, "missing/new"), ERR_IO, "missing: is not an existing directory");
    scratch_text(s, "file", "", 0600);
    expect_refused(scratch_at(s, "file/new"), ERR_IO, "file: is not an existing directory");
}

/* Root may write wherever the file system lets it; nobody makes files in /proc. */
static void a_folder_that_takes_no_file_is_refused(void **state)
{
    (void)state;
    expect_refused("/proc/new", ERR_IO, "/proc/new");
}

static void a_folder_in_place_of_a_file_is_refused(void **state)
{
    struct scratch *s = *state;
    expect_refused(s->dir, ERR_IO, "is a directory");
}

static void a_result_is_no_pipe(void **state)
{
    (void)state;
    expect_refused("-", ERR_USAGE, "not a pipe");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_folder_that_takes_a_file_is_a_place_and_nothing_stays, scratch_make, scratch_drop),
        cmocka_unit_test_setup_teardown(a_folder_that_is_missing_or_no_folder_is_named, scratch_make, scratch_drop),
        cmocka_unit_test_setup_teardown(a_folder_in_place_of_a_file_is_refused, scratch_make, scratch_drop),
        cmocka_unit_test(a_folder_that_takes_no_file_is_refused),
        cmocka_unit_test(a_result_is_no_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
