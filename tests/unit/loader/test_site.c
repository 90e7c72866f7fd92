/* Where an installation lives, and who else may write there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "loader/site.h"
#include "tests/support/scratch.h"

static void good_env(const char *name)
{
    AUTO(site_clear_auto) struct site s = { 0 };
    struct err e = { 0 };
    assert_true(site_describe(&s, NULL, name, &e));
}

static void bad_env(const char *name)
{
    AUTO(site_clear_auto) struct site s = { 0 };
    struct err e = { 0 };
    assert_false(site_describe(&s, "/x", name, &e));
    assert_int_equal(e.code, ERR_USAGE);
    assert_non_null(strstr(e.msg, "--env"));
    assert_null(strchr(e.msg, '\x1b'));
}

static void names_of_environments_are_plain(void **state)
{
    (void)state;
    good_env("default");
    good_env("test-2");
    good_env("abcdefghijklmnopqrstuvwxyz012345");
    static const char *const bad[] = { "", ".", "..", "../x", "a/b", "-a", "A", "a b", "a\nb", "a\x1b[31m", "\xc3\xa4", "a.b", "a_b",
                                       "abcdefghijklmnopqrstuvwxyz0123456" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        bad_env(bad[i]);
}

static void a_relative_root_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "x", "./x", "../x", "~" };
    for (size_t i = 1; i < ARRAY_LEN(bad); i++) {
        AUTO(site_clear_auto) struct site s = { 0 };
        struct err e = { 0 };
        assert_false(site_describe(&s, bad[i], NULL, &e));
        assert_int_equal(e.code, ERR_USAGE);
        assert_non_null(strstr(e.msg, "absolute"));
    }
}

static void paths_are_below_the_root(void **state)
{
    (void)state;
    static const struct {
        const char *root, *dir;
    } rows[] = { { NULL, "/var/lib/archon/test" }, { "/", "/var/lib/archon/test" }, { "/x", "/x/var/lib/archon/test" },
                 { "/x/", "/x/var/lib/archon/test" }, { "/x//", "/x/var/lib/archon/test" } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(site_clear_auto) struct site s = { 0 };
        struct err e = { 0 };
        assert_true(site_describe(&s, rows[i].root, "test", &e));
        assert_string_equal(s.dir, rows[i].dir);
        AUTO(mem_auto) char *state_path = mem_format("%s/state.json", rows[i].dir);
        assert_string_equal(s.state_path, state_path);
    }
}

static void a_release_has_a_directory_of_its_own(void **state)
{
    (void)state;
    AUTO(site_clear_auto) struct site s = { 0 };
    struct err e = { 0 };
    struct digest d;
    assert_true(site_describe(&s, "/x", NULL, &e));
    sha256_of(&d, "", 0);
    AUTO(mem_auto) char *dir = site_release_dir(&s, "1.4.0", &d);
    assert_string_equal(dir, "/x/var/lib/archon/default/releases/1.4.0-e3b0c44298fc");
}

static void describing_makes_nothing(void **state)
{
    struct scratch *t = *state;
    AUTO(site_clear_auto) struct site s = { 0 };
    struct err e = { 0 };
    assert_true(site_describe(&s, t->dir, NULL, &e));
    assert_true(site_check(&s, &e));
    assert_false(scratch_has(t, "var"));
}

static void directories_are_made_for_us_alone(void **state)
{
    struct scratch *t = *state;
    AUTO(site_clear_auto) struct site s = { 0 };
    struct err e = { 0 };
    struct stat st;
    assert_true(site_describe(&s, t->dir, NULL, &e));
    assert_true(site_make(&s, &e));
    assert_true(site_make(&s, &e));
    const char *const dirs[] = { s.parent, s.dir, s.releases_dir };
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        assert_int_equal(stat(dirs[i], &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
    }
}

static void refused(const struct site *s, const char *path)
{
    struct err e = { 0 };
    struct err again = { 0 };
    assert_false(site_check(s, &e));
    assert_int_equal(e.code, ERR_CONFIG);
    assert_non_null(strstr(e.msg, path));
    assert_false(site_make(s, &again));
}

static void a_directory_that_others_may_write_is_refused(void **state)
{
    struct scratch *t = *state;
    AUTO(site_clear_auto) struct site s = { 0 };
    struct err e = { 0 };
    assert_true(site_describe(&s, t->dir, NULL, &e));
    assert_true(site_make(&s, &e));
    const char *const dirs[] = { s.parent, s.dir, s.releases_dir };
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        assert_int_equal(chmod(dirs[i], 0770), 0);
        refused(&s, dirs[i]);
        assert_int_equal(chmod(dirs[i], 0702), 0);
        refused(&s, dirs[i]);
        assert_int_equal(chmod(dirs[i], 0755), 0);
        assert_true(site_check(&s, &e));
    }
}

/* Only root can give a file away; for anybody else the rows above are what can be tried. */
static void a_directory_of_somebody_else_is_refused(void **state)
{
    struct scratch *t = *state;
    AUTO(site_clear_auto) struct site s = { 0 };
    struct err e = { 0 };
    assert_true(site_describe(&s, t->dir, NULL, &e));
    assert_true(site_make(&s, &e));
    if (geteuid() != 0)
        return;
    assert_int_equal(chown(s.dir, 65534, 65534), 0);
    refused(&s, s.dir);
    assert_int_equal(chown(s.dir, 0, 0), 0);
}

static void a_file_where_a_directory_belongs_is_refused(void **state)
{
    struct scratch *t = *state;
    AUTO(site_clear_auto) struct site s = { 0 };
    struct err e = { 0 };
    assert_true(site_describe(&s, t->dir, NULL, &e));
    assert_true(path_make_dirs(s.parent, 0700, &e));
    scratch_text(t, "var/lib/archon/default", "", 0600);
    refused(&s, s.dir);
}

static void containers_of_other_files_are_not_ours(void **state)
{
    (void)state;
    AUTO(site_clear_auto) struct site s = { 0 };
    struct err e = { 0 };
    assert_true(site_describe(&s, "/x", "test", &e));
    assert_true(site_made(&s, "/x/var/lib/archon/test/releases/1.0.0-e3b0c44298fc/app/compose.yaml,/x/y"));
    assert_false(site_made(&s, "/x/var/lib/archon/default/releases/1.0.0-e3b0c44298fc/app/compose.yaml"));
    assert_false(site_made(&s, "/home/me/compose.yaml"));
    assert_false(site_made(&s, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_environments_are_plain),
        cmocka_unit_test(a_relative_root_is_refused),
        cmocka_unit_test(paths_are_below_the_root),
        cmocka_unit_test(a_release_has_a_directory_of_its_own),
        SCRATCH_TEST(describing_makes_nothing),
        SCRATCH_TEST(directories_are_made_for_us_alone),
        SCRATCH_TEST(a_directory_that_others_may_write_is_refused),
        SCRATCH_TEST(a_directory_of_somebody_else_is_refused),
        SCRATCH_TEST(a_file_where_a_directory_belongs_is_refused),
        cmocka_unit_test(containers_of_other_files_are_not_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
