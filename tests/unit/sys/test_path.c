/* Paths: names from outside, and trees that nobody leads out of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "tests/support/scratch.h"

static void refuses_names_that_lead_elsewhere(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "/", "/etc/passwd", ".", "..", "../x", "a/../b", "a/..", "a/./b", "./a", "a//b", "a/", "//", "a\\b", "a b", "a\nb",
        "a\x1b", "\xc3\xa9", "~", "$HOME", "a:b", "*", "1/2/3/4/5/6/7/8/9", "a/\x01",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = { 0 };
        struct safe_path p;
        if (safe_path_parse(&p, bad[i], "bundle.json: files[0].name", &e))
            fail_msg("accepted \"%s\"", bad[i]);
        assert_int_equal(e.code, ERR_FORMAT);
        assert_true(strncmp(e.msg, "bundle.json: files[0].name: illegal name", 40) == 0);
        assert_null(strchr(e.msg, '\x1b'));
        assert_string_equal(p.text, "");
    }
}

static void accepts_plain_names(void **state)
{
    (void)state;
    static const char *const good[] = { "a", "a/b", "compose/docker-compose.yml", "...", "..a", ".env", "x_+@-.9",
                                        "1/2/3/4/5/6/7/8" };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct err e = { 0 };
        struct safe_path p;
        assert_true(safe_path_parse(&p, good[i], "x", &e));
        assert_string_equal(p.text, good[i]);
    }
}

static void joins_and_takes_apart(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        { "a/b/c", "a/b", "c" }, { "c", ".", "c" }, { "/c", "/", "c" }, { "/", "/", "" }, { "a//b", "a", "b" }, { "a/", ".", "" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(mem_auto) char *dir = path_dir(cases[i][0]);
        assert_string_equal(dir, cases[i][1]);
        assert_string_equal(path_base(cases[i][0]), cases[i][2]);
    }
    AUTO(mem_auto) char *joined = path_join("a", "b");
    AUTO(mem_auto) char *slashed = path_join("a/", "b");
    AUTO(mem_auto) char *absolute = path_join("a", "/b");
    assert_string_equal(joined, "a/b");
    assert_string_equal(slashed, "a/b");
    assert_string_equal(absolute, "/b");
}

static void makes_directories_with_the_mode_asked_for(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    struct stat st;
    umask(077);
    assert_true(path_make_dirs(scratch_at(s, "a/b/c/"), 0755, &e));
    assert_true(path_make_dirs(scratch_at(s, "a/b/c"), 0700, &e));
    assert_int_equal(stat(scratch_at(s, "a/b"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
    scratch_text(s, "file", "", 0644);
    assert_false(path_make_dirs(s->path, 0755, &e));
    assert_int_equal(e.code, ERR_IO);
    e = (struct err){ 0 };
    assert_false(path_make_dirs(scratch_at(s, "file/x"), 0755, &e));
}

static void writes_beneath_a_directory(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    struct safe_path name;
    assert_true(safe_path_parse(&name, "x/y/z.conf", "x", &e));
    assert_true(path_write_beneath(s->dir, &name, "text", 4, 0644, &e));
    AUTO(mem_auto) char *text = scratch_content(s, "x/y/z.conf");
    assert_string_equal(text, "text");
}

static void never_writes_through_a_link(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    struct safe_path name;
    assert_int_equal(mkdir(scratch_at(s, "outside"), 0700), 0);
    assert_int_equal(mkdir(scratch_at(s, "root"), 0700), 0);
    AUTO(mem_auto) char *root = mem_text(s->path);
    assert_int_equal(symlink("../outside", scratch_at(s, "root/x")), 0);
    assert_true(safe_path_parse(&name, "x/z.conf", "x", &e));
    assert_false(path_write_beneath(root, &name, "text", 4, 0644, &e));
    assert_int_equal(e.code, ERR_IO);
    assert_false(scratch_has(s, "outside/z.conf"));
    e = (struct err){ 0 };
    assert_int_equal(symlink("../outside/file", scratch_at(s, "root/leaf")), 0);
    assert_true(safe_path_parse(&name, "leaf", "x", &e));
    assert_false(path_write_beneath(root, &name, "text", 4, 0644, &e));
    assert_false(scratch_has(s, "outside/file"));
}

static void removes_a_tree_but_not_what_its_links_point_to(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    assert_int_equal(mkdir(scratch_at(s, "outside"), 0700), 0);
    scratch_text(s, "outside/kept", "x", 0644);
    assert_true(path_make_dirs(scratch_at(s, "tree/a/b"), 0700, &e));
    scratch_text(s, "tree/a/b/.hidden", "x", 0400);
    scratch_text(s, "tree/file", "x", 0644);
    assert_int_equal(symlink("../outside", scratch_at(s, "tree/link")), 0);
    assert_int_equal(mkfifo(scratch_at(s, "tree/fifo"), 0600), 0);
    assert_true(path_remove_tree(scratch_at(s, "tree/"), &e));
    assert_false(scratch_has(s, "tree"));
    assert_true(scratch_has(s, "outside/kept"));
    assert_true(path_remove_tree(scratch_at(s, "tree"), &e));
    assert_true(path_remove_tree(scratch_at(s, "not/there"), &e));
    assert_int_equal(symlink("outside", scratch_at(s, "direct")), 0);
    assert_true(path_remove_tree(scratch_at(s, "direct"), &e));
    assert_true(scratch_has(s, "outside/kept"));
}

static void refuses_to_remove_what_has_no_name(void **state)
{
    (void)state;
    static const char *const bad[] = { "/", ".", "..", "a/..", "" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = { 0 };
        assert_false(path_remove_tree(bad[i], &e));
    }
}

struct seen {
    char text[1000];
    size_t n;
    size_t stop_after;
};

static bool note(void *ctx, const char *relative, struct err *e)
{
    struct seen *seen = ctx;
    size_t n = strlen(seen->text);
    snprintf(seen->text + n, sizeof seen->text - n, "%s ", relative);
    seen->n++;
    return seen->stop_after == 0 || seen->n < seen->stop_after || err_set(e, ERR_CONFIG, "enough");
}

enum { TOLD_BYTES = 1000 };

static void note_line(void *ctx, enum log_level level, const char *line)
{
    char *all = ctx;
    size_t n = strlen(all);
    (void)level;
    snprintf(all + n, TOLD_BYTES - n, "%s; ", line);
}

static void walks_in_the_order_of_bytes_and_names_what_is_hidden(void **state)
{
    char told[TOLD_BYTES] = "";
    struct scratch *s = *state;
    struct err e = { 0 };
    struct seen seen = { 0 };
    assert_true(path_make_dirs(scratch_at(s, "b/c"), 0700, &e));
    assert_true(path_make_dirs(scratch_at(s, ".git"), 0700, &e));
    scratch_text(s, "b/c/2", "", 0644);
    scratch_text(s, "b/1", "", 0644);
    scratch_text(s, "b.x", "", 0644);
    scratch_text(s, "a", "", 0644);
    scratch_text(s, ".hidden", "", 0644);
    scratch_text(s, ".git/config", "", 0644);
    log_install(note_line, told, LOG_INFO);
    assert_true(path_walk(s->dir, 10, note, &seen, &e));
    log_install(NULL, NULL, LOG_ERROR);
    assert_string_equal(seen.text, "a b.x b/1 b/c/2 ");
    assert_non_null(strstr(told, ".hidden: hidden, left out; "));
    assert_non_null(strstr(told, ".git: hidden, left out; "));
    assert_null(strstr(told, "config"));
    seen = (struct seen){ .stop_after = 2 };
    assert_false(path_walk(s->dir, 10, note, &seen, &e));
    assert_int_equal(seen.n, 2);
    e = (struct err){ 0 };
    assert_false(path_walk(s->dir, 3, note, &seen, &e));
    assert_non_null(strstr(e.msg, "more than 3 files"));
}

static void a_walk_refuses_links_and_special_files(void **state)
{
    struct scratch *s = *state;
    struct seen seen = { 0 };
    struct err e = { 0 };
    assert_int_equal(symlink("/etc/passwd", scratch_at(s, "link")), 0);
    assert_false(path_walk(s->dir, 10, note, &seen, &e));
    assert_int_equal(e.code, ERR_CONFIG);
    assert_non_null(strstr(e.msg, "link: is a symbolic link"));
    unlink(s->path);
    e = (struct err){ 0 };
    assert_int_equal(mkfifo(scratch_at(s, "fifo"), 0600), 0);
    assert_false(path_walk(s->dir, 10, note, &seen, &e));
    assert_int_equal(seen.n, 0);
}

static void a_walk_is_bounded_in_depth(void **state)
{
    struct scratch *s = *state;
    struct seen seen = { 0 };
    struct err e = { 0 };
    char deep[4000] = "";
    for (size_t i = 0; i < 70; i++)
        memcpy(deep + 2 * i, "d/", 3);
    assert_true(path_make_dirs(scratch_at(s, deep), 0700, &e));
    assert_false(path_walk(s->dir, 10, note, &seen, &e));
    assert_non_null(strstr(e.msg, "deeper than 64"));
    e = (struct err){ 0 };
    AUTO(mem_auto) char *top = mem_text(scratch_at(s, "d"));
    assert_false(path_remove_tree(top, &e));
    /* By hand, so that the end of the test can remove the rest. */
    assert_int_equal(chdir(s->dir), 0);
    for (int i = 0; i < 40; i++)
        assert_int_equal(chdir("d"), 0);
    e = (struct err){ 0 };
    assert_true(path_remove_tree("d", &e));
    assert_int_equal(chdir("/"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_names_that_lead_elsewhere),
        cmocka_unit_test(accepts_plain_names),
        cmocka_unit_test(joins_and_takes_apart),
        SCRATCH_TEST(makes_directories_with_the_mode_asked_for),
        SCRATCH_TEST(writes_beneath_a_directory),
        SCRATCH_TEST(never_writes_through_a_link),
        SCRATCH_TEST(removes_a_tree_but_not_what_its_links_point_to),
        cmocka_unit_test(refuses_to_remove_what_has_no_name),
        SCRATCH_TEST(walks_in_the_order_of_bytes_and_names_what_is_hidden),
        SCRATCH_TEST(a_walk_refuses_links_and_special_files),
        SCRATCH_TEST(a_walk_is_bounded_in_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
