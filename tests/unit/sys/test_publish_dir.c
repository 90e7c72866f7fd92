/* A directory appears whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sys/publish_dir.h"
#include "tests/support/scratch.h"

static void put(const struct publish_dir *p, const char *name)
{
    struct err e = { 0 };
    struct safe_path path;
    assert_true(safe_path_parse(&path, name, "test", &e));
    assert_true(path_write_beneath(publish_dir_path(p), &path, "abc", 3, 0644, &e));
}

static void is_not_there_before_it_is_finished(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    struct stat st;
    AUTO(publish_dir_drop_auto) struct publish_dir *p = publish_dir_open(scratch_at(s, "out"), &e);
    assert_non_null(p);
    put(p, "a/b");
    assert_false(scratch_has(s, "out"));
    assert_true(publish_dir_commit(p, &e));
    AUTO(mem_auto) char *text = scratch_content(s, "out/a/b");
    assert_string_equal(text, "abc");
    assert_false(scratch_has(s, "out.partial"));
    assert_false(scratch_has(s, "out/.lock"));
    assert_int_equal(stat(scratch_at(s, "out"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0755);
}

static void leaves_nothing_when_it_is_dropped(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    struct publish_dir *p = publish_dir_open(scratch_at(s, "out/"), &e);
    assert_non_null(p);
    put(p, "a");
    publish_dir_drop(p);
    assert_false(scratch_has(s, "out"));
    assert_false(scratch_has(s, "out.partial"));
}

static void replaces_nothing(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    scratch_text(s, "file", "mine", 0600);
    assert_null(publish_dir_open(scratch_at(s, "file"), &e));
    assert_int_equal(e.code, ERR_IO);
    assert_non_null(strstr(e.msg, "exists already"));
    e = (struct err){ 0 };
    AUTO(publish_dir_drop_auto) struct publish_dir *p = publish_dir_open(scratch_at(s, "late"), &e);
    assert_non_null(p);
    assert_int_equal(mkdir(scratch_at(s, "late"), 0700), 0);
    scratch_text(s, "late/mine", "mine", 0600);
    assert_false(publish_dir_commit(p, &e));
    assert_non_null(strstr(e.msg, "exists already"));
    assert_true(scratch_has(s, "late/mine"));
}

static void removes_what_a_run_left_that_was_killed(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    assert_int_equal(mkdir(scratch_at(s, "out.partial"), 0700), 0);
    scratch_text(s, "out.partial/.lock", "", 0600);
    scratch_text(s, "out.partial/old", "old", 0600);
    AUTO(publish_dir_drop_auto) struct publish_dir *p = publish_dir_open(scratch_at(s, "out"), &e);
    assert_non_null(p);
    assert_false(scratch_has(s, "out.partial/old"));
}

static void leaves_alone_what_is_somebody_elses(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    assert_int_equal(mkdir(scratch_at(s, "out.partial"), 0700), 0);
    scratch_text(s, "out.partial/mine", "mine", 0600);
    assert_null(publish_dir_open(scratch_at(s, "out"), &e));
    assert_int_equal(e.code, ERR_IO);
    assert_non_null(strstr(e.msg, "out.partial: is in the way"));
    assert_true(scratch_has(s, "out.partial/mine"));
    e = (struct err){ 0 };
    scratch_text(s, "file.partial", "mine", 0600);
    assert_null(publish_dir_open(scratch_at(s, "file"), &e));
    assert_true(scratch_has(s, "file.partial"));
    e = (struct err){ 0 };
    assert_int_equal(symlink("out.partial", scratch_at(s, "link.partial")), 0);
    assert_null(publish_dir_open(scratch_at(s, "link"), &e));
    assert_true(scratch_has(s, "out.partial/mine"));
    e = (struct err){ 0 };
    assert_int_equal(mkdir(scratch_at(s, "empty.partial"), 0700), 0);
    AUTO(publish_dir_drop_auto) struct publish_dir *p = publish_dir_open(scratch_at(s, "empty"), &e);
    assert_non_null(p);
}

static void keeps_out_of_what_another_run_works_on(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    AUTO(publish_dir_drop_auto) struct publish_dir *p = publish_dir_open(scratch_at(s, "out"), &e);
    assert_non_null(p);
    put(p, "a");
    assert_null(publish_dir_open(scratch_at(s, "out"), &e));
    assert_int_equal(e.code, ERR_LOCKED);
    assert_true(scratch_has(s, "out.partial/a"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCRATCH_TEST(is_not_there_before_it_is_finished),
        SCRATCH_TEST(leaves_nothing_when_it_is_dropped),
        SCRATCH_TEST(replaces_nothing),
        SCRATCH_TEST(removes_what_a_run_left_that_was_killed),
        SCRATCH_TEST(leaves_alone_what_is_somebody_elses),
        SCRATCH_TEST(keeps_out_of_what_another_run_works_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
