/* The blob cache: what has its final name was hashed, and two runs do not meet. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "bundler/cache.h"
#include "sys/path.h"

#include "base/banned.h"

struct setting {
    char dir[64];
    struct cache *cache;
    struct digest hello;
};

static int begin(void **state)
{
    struct setting *s = mem_new(sizeof *s);
    struct err e = { 0 };
    snprintf(s->dir, sizeof s->dir, "/tmp/test_cache.XXXXXX");
    if (mkdtemp(s->dir) == NULL)
        return -1;
    AUTO(mem_auto) char *below = path_join(s->dir, "a/b");
    s->cache = cache_open(below, &e);
    sha256_of(&s->hello, "hello", 5);
    *state = s;
    return s->cache == NULL;
}

static int end(void **state)
{
    struct setting *s = *state;
    struct err e = { 0 };
    cache_close(s->cache);
    bool is_good = path_remove_tree(s->dir, &e);
    mem_free(s);
    return is_good ? 0 : -1;
}

static bool is_there(const struct setting *s, uint64_t size)
{
    struct err e = { 0 };
    bool yes = false;
    assert_true(cache_find(s->cache, &s->hello, size, &yes, &e));
    return yes;
}

static void put_file(const struct setting *s, const char *suffix, const char *text)
{
    AUTO(mem_auto) char *path = cache_path(s->cache, &s->hello);
    AUTO(mem_auto) char *name = mem_format("%s%s", path, suffix);
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static void documents_are_written_and_read(void **state)
{
    struct setting *s = *state;
    struct err e = { 0 };
    bool yes = true;
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(100);
    assert_true(cache_read(s->cache, &s->hello, &out, &yes, &e));
    assert_false(yes);
    assert_true(cache_write(s->cache, &s->hello, "hello", 5, &e));
    assert_true(cache_read(s->cache, &s->hello, &out, &yes, &e));
    assert_true(yes);
    assert_string_equal(buf_text(&out), "hello");
    assert_true(is_there(s, 5));
}

static void damaged_documents_are_not_there(void **state)
{
    struct setting *s = *state;
    static const char *const texts[] = { "hellO", "", "much longer than the limit of the reader allows, which is thirty" };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct err e = { 0 };
        bool yes = true;
        put_file(s, "", texts[i]);
        AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(30);
        assert_true(cache_read(s->cache, &s->hello, &out, &yes, &e));
        assert_false(yes);
        assert_int_equal(out.len, 0);
        AUTO(mem_auto) char *path = cache_path(s->cache, &s->hello);
        assert_int_equal(access(path, F_OK), -1);
    }
}

static void a_blob_of_another_size_is_removed(void **state)
{
    struct setting *s = *state;
    put_file(s, "", "hell");
    assert_false(is_there(s, 5));
    AUTO(mem_auto) char *path = cache_path(s->cache, &s->hello);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_link_is_no_blob(void **state)
{
    struct setting *s = *state;
    AUTO(mem_auto) char *path = cache_path(s->cache, &s->hello);
    AUTO(mem_auto) char *target = path_join(s->dir, "target");
    put_file(s, ".other", "hello");
    AUTO(mem_auto) char *other = mem_format("%s.other", path);
    assert_int_equal(symlink(other, path), 0);
    assert_false(is_there(s, 5));
    AUTO(mem_auto) char *part = mem_format("%s.part", path);
    assert_int_equal(symlink(target, part), 0);
    struct err e = { 0 };
    enum cache_part_state how;
    struct cache_part *p = NULL;
    assert_false(cache_part_open(s->cache, &s->hello, 5, &how, &p, &e));
    assert_int_equal(e.code, ERR_IO);
    assert_int_equal(access(target, F_OK), -1);
}

static void a_part_gets_its_name_when_it_is_published(void **state)
{
    struct setting *s = *state;
    struct err e = { 0 };
    enum cache_part_state how;
    struct cache_part *p = NULL;
    assert_true(cache_part_open(s->cache, &s->hello, 5, &how, &p, &e));
    assert_int_equal(how, CACHE_PART);
    assert_int_equal(write(cache_part_fd(p), "hel", 3), 3);
    assert_false(is_there(s, 5));
    cache_part_close(p); /* stopped: the part stays */
    assert_true(cache_part_open(s->cache, &s->hello, 5, &how, &p, &e));
    char back[8] = "";
    assert_int_equal(read(cache_part_fd(p), back, 5), 3);
    assert_int_equal(write(cache_part_fd(p), "lo", 2), 2);
    if (!cache_part_publish(p, &e))
        fail_msg("%s", e.msg);
    cache_part_close(p);
    assert_true(is_there(s, 5));
    assert_true(cache_is_proven(s->cache, &s->hello));
    AUTO(cache_close_auto) struct cache *later = cache_open(cache_dir(s->cache), &e);
    assert_false(cache_is_proven(later, &s->hello));
    assert_true(cache_part_open(s->cache, &s->hello, 5, &how, &p, &e));
    assert_int_equal(how, CACHE_PRESENT);
    assert_null(p);
    AUTO(mem_auto) char *path = cache_path(s->cache, &s->hello);
    AUTO(mem_auto) char *part = mem_format("%s.part", path);
    assert_int_equal(access(part, F_OK), -1);
}

static void only_one_run_fetches_a_blob(void **state)
{
    struct setting *s = *state;
    struct err e = { 0 };
    enum cache_part_state how;
    struct cache_part *mine = NULL, *other = NULL;
    assert_true(cache_part_open(s->cache, &s->hello, 5, &how, &mine, &e));
    assert_true(cache_part_open(s->cache, &s->hello, 5, &how, &other, &e));
    assert_int_equal(how, CACHE_BUSY);
    assert_null(other);
    assert_int_equal(write(cache_part_fd(mine), "hello", 5), 5);
    assert_true(cache_part_publish(mine, &e));
    cache_part_close(mine);
    assert_true(cache_part_open(s->cache, &s->hello, 5, &how, &other, &e));
    assert_int_equal(how, CACHE_PRESENT);
}

static void the_folder_is_private_and_found_without_being_named(void **state)
{
    struct setting *s = *state;
    struct err e = { 0 };
    struct stat st;
    assert_int_equal(stat(cache_dir(s->cache), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    setenv("XDG_CACHE_HOME", s->dir, 1);
    AUTO(cache_close_auto) struct cache *by_xdg = cache_open(NULL, &e);
    AUTO(mem_auto) char *expected = path_join(s->dir, "archon-bundle");
    assert_string_equal(cache_dir(by_xdg), expected);
    unsetenv("XDG_CACHE_HOME");
    setenv("HOME", s->dir, 1);
    AUTO(cache_close_auto) struct cache *by_home = cache_open(NULL, &e);
    AUTO(mem_auto) char *home = path_join(s->dir, ".cache/archon-bundle");
    assert_string_equal(cache_dir(by_home), home);
    unsetenv("HOME");
    assert_null(cache_open(NULL, &e));
    assert_int_equal(e.code, ERR_USAGE);
    assert_non_null(strstr(e.hint, "--cache DIR"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(documents_are_written_and_read, begin, end),
        cmocka_unit_test_setup_teardown(damaged_documents_are_not_there, begin, end),
        cmocka_unit_test_setup_teardown(a_blob_of_another_size_is_removed, begin, end),
        cmocka_unit_test_setup_teardown(a_link_is_no_blob, begin, end),
        cmocka_unit_test_setup_teardown(a_part_gets_its_name_when_it_is_published, begin, end),
        cmocka_unit_test_setup_teardown(only_one_run_fetches_a_blob, begin, end),
        cmocka_unit_test_setup_teardown(the_folder_is_private_and_found_without_being_named, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
