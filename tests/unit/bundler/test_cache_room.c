/* A cache as a whole: what it holds, what goes first, what stays because somebody uses it, what is damaged; and what is no blob at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "bundler/cache_room.h"
#include "sys/clock.h"
#include "tests/unit/bundler/run.h"

enum { DAY = 86400 };

/* ---- blobs ---- */

static struct digest digest_of(const char *text)
{
    struct digest d;
    sha256_of(&d, text, strlen(text));
    return d;
}

static struct cache *open_cache(struct scratch *s)
{
    struct err e = { 0 };
    struct cache *c = cache_open(scratch_at(s, "cache"), &e);
    assert_non_null(c);
    return c;
}

static void put(struct cache *c, const char *text, const char *suffix, int64_t age)
{
    struct err e = { 0 };
    struct digest d = digest_of(text);
    AUTO(mem_auto) char *path = cache_path(c, &d);
    AUTO(mem_auto) char *name = mem_format("%s%s", path, suffix);
    assert_true(file_publish(name, text, strlen(text), 0600, &e));
    struct timespec times[2] = { { .tv_sec = clock_unix() - age }, { .tv_sec = clock_unix() - age } };
    assert_int_equal(utimensat(AT_FDCWD, name, times, 0), 0);
}

static bool is_there(const struct cache *c, const char *text, const char *suffix)
{
    struct digest d = digest_of(text);
    AUTO(mem_auto) char *path = cache_path(c, &d);
    AUTO(mem_auto) char *name = mem_format("%s%s", path, suffix);
    return access(name, F_OK) == 0;
}

static struct cache_room make_room(const struct cache *c, uint64_t bytes, int64_t used_since)
{
    struct err e = { 0 };
    struct cache_room r;
    struct cache_wanted wanted = { bytes, used_since };
    if (!cache_make_room(c, &wanted, &r, &e))
        fail_msg("%s", e.msg);
    return r;
}

/* ---- making room ---- */

static void what_was_used_longest_ago_goes_first(void **state)
{
    AUTO(cache_close_auto) struct cache *c = open_cache(*state);
    put(c, "old-10char", "", 3 * DAY);
    put(c, "newest-10c", "", 1 * DAY);
    put(c, "oldest-10c", "", 4 * DAY);
    put(c, "part-of-10", ".part", DAY / 2);
    struct cache_room r = make_room(c, 20, INT64_MIN);
    assert_int_equal(r.n_removed, 2);
    assert_int_equal(r.freed_bytes, 20);
    assert_int_equal(r.n_left, 2);
    assert_int_equal(r.left_bytes, 20);
    assert_false(is_there(c, "part-of-10", ".part")); /* parts before blobs, although it is younger */
    assert_false(is_there(c, "oldest-10c", ""));
    assert_true(is_there(c, "old-10char", "") && is_there(c, "newest-10c", ""));
    assert_int_equal(make_room(c, 20, INT64_MIN).n_removed, 0);
}

static void what_was_not_used_for_long_goes(void **state)
{
    AUTO(cache_close_auto) struct cache *c = open_cache(*state);
    put(c, "used", "", 1 * DAY);
    put(c, "not used", "", 9 * DAY);
    assert_int_equal(make_room(c, UINT64_MAX, clock_unix() - 8 * DAY).n_removed, 1);
    assert_true(is_there(c, "used", "") && !is_there(c, "not used", ""));
}

/* Asking for it is using it. A clock that was wrong makes nothing everlasting. */
static void use_is_remembered(void **state)
{
    struct err e = { 0 };
    bool yes = false;
    AUTO(cache_close_auto) struct cache *c = open_cache(*state);
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(100);
    put(c, "asked for", "", 9 * DAY);
    put(c, "read", "", 8 * DAY);
    put(c, "other", "", 1 * DAY);
    put(c, "future", "", -1000 * DAY);
    struct digest asked = digest_of("asked for"), read = digest_of("read");
    assert_true(cache_find(c, &asked, 9, &yes, &e) && yes);
    assert_true(cache_read(c, &read, &out, &yes, &e) && yes);
    cache_release(c);
    assert_int_equal(make_room(c, UINT64_MAX, clock_unix() - DAY / 2).n_removed, 1);
    assert_false(is_there(c, "other", ""));
    assert_int_equal(make_room(c, UINT64_MAX, clock_unix() + 10).n_removed, 3);
}

static void what_belongs_to_a_blob_goes_with_it(void **state)
{
    AUTO(cache_close_auto) struct cache *c = open_cache(*state);
    put(c, "blob", ".part", 2 * DAY);
    put(c, "blob", ".part.map", 2 * DAY);
    put(c, "both", "", 1 * DAY);
    put(c, "both", ".part", 1 * DAY);
    struct err e = { 0 };
    AUTO(cache_listing_clear_auto) struct cache_listing l = { 0 };
    assert_true(cache_list(c, &l, &e));
    assert_int_equal(l.n, 2);
    assert_int_equal(l.bytes, 16);
    assert_int_equal(make_room(c, 8, INT64_MIN).n_removed, 1);
    assert_false(is_there(c, "blob", ".part") || is_there(c, "blob", ".part.map"));
    assert_int_equal(make_room(c, 0, INT64_MIN).freed_bytes, 8);
    assert_false(is_there(c, "both", "") || is_there(c, "both", ".part"));
}

/* Whatever way it was asked for; and whether it is there yet or not. */
static void what_a_run_uses_stays(void **state)
{
    struct err e = { 0 };
    bool yes = false;
    enum cache_part_state how;
    AUTO(cache_close_auto) struct cache *run = open_cache(*state);
    AUTO(cache_close_auto) struct cache *other = open_cache(*state);
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(100);
    static const char *const texts[] = { "found", "read", "fetched", "looked for" };
    struct digest d[4];
    for (size_t i = 0; i < 4; i++)
        d[i] = digest_of(texts[i]);
    put(run, "found", "", 9 * DAY);
    put(run, "read", "", 9 * DAY);
    put(run, "free", "", 1 * DAY);
    assert_true(cache_find(run, &d[0], 5, &yes, &e) && yes);
    assert_true(cache_read(run, &d[1], &out, &yes, &e) && yes);
    assert_true(cache_find(run, &d[3], 10, &yes, &e) && !yes);
    AUTO(cache_part_close_auto) struct cache_part *part = NULL;
    assert_true(cache_part_open(run, &d[2], 7, &how, &part, &e));
    put(other, "looked for", "", 9 * DAY);
    struct cache_room r = make_room(other, 0, INT64_MAX);
    assert_int_equal(r.n_removed, 1);
    assert_int_equal(r.n_in_use, 4);
    assert_int_equal(make_room(run, 0, INT64_MAX).n_in_use, 4); /* nor does the run itself remove what it needs */
    cache_part_close(TAKE(part));
    assert_int_equal(make_room(other, 0, INT64_MAX).n_in_use, 4); /* it will be packed */
    cache_release(run);
    assert_int_equal(make_room(other, 0, INT64_MAX).n_removed, 4);
}

/* ---- what is no blob ---- */

static const char *const rubbish[] = { "rubbish", ".hidden", "ABCDEF", "\xff\x01name" };

/* Everything that could have a blob's name, and the blob beside it. */
static void put_hostile(struct scratch *s, struct cache *c)
{
    static const char *const names[] = { "link", "folder", "pipe", "dangling" };
    AUTO(mem_auto) char *paths[4];
    for (size_t i = 0; i < 4; i++) {
        struct digest d = digest_of(names[i]);
        paths[i] = cache_path(c, &d);
    }
    scratch_text(s, "outside", "outside", 0600);
    assert_int_equal(symlink(scratch_at(s, "outside"), paths[0]), 0);
    assert_int_equal(mkdir(paths[1], 0700), 0);
    assert_int_equal(mkfifo(paths[2], 0600), 0);
    assert_int_equal(symlink("/nowhere/at/all", paths[3]), 0);
    for (size_t i = 0; i < ARRAY_LEN(rubbish); i++) {
        AUTO(mem_auto) char *name = mem_format("cache/sha256/%s", rubbish[i]);
        scratch_text(s, name, "x", 0600);
    }
    put(c, "longer name", "0", 0);
    for (size_t i = 1; i < 4; i++)
        mem_free(paths[i]);
    put(c, "good", "", 0);
}

static void what_is_no_blob_is_left_alone(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    AUTO(cache_close_auto) struct cache *c = open_cache(s);
    put_hostile(s, c);
    AUTO(cache_listing_clear_auto) struct cache_listing l = { 0 };
    assert_true(cache_list(c, &l, &e));
    assert_int_equal(l.n, 1);
    assert_int_equal(l.n_unknown, 4 + ARRAY_LEN(rubbish) + 1);
    AUTO(cache_checked_clear_auto) struct cache_checked k = { 0 };
    assert_true(cache_verify(c, 2, NULL, &k, &e));
    assert_int_equal(k.n, 1);
    assert_int_equal(k.n_damaged, 0);
    assert_int_equal(make_room(c, 0, INT64_MAX).n_removed, 1);
    AUTO(mem_auto) char *content = scratch_content(s, "outside");
    assert_string_equal(content, "outside");
    assert_true(scratch_has(s, "cache/sha256/rubbish"));
}

/* ---- verify ---- */

static void damage(struct cache *c, const char *text, const char *content)
{
    struct err e = { 0 };
    struct digest d = digest_of(text);
    AUTO(mem_auto) char *path = cache_path(c, &d);
    assert_true(file_publish(path, content, strlen(content), 0600, &e));
}

static void damaged_blobs_are_found_and_removed(void **state)
{
    struct err e = { 0 };
    bool yes = false;
    AUTO(cache_close_auto) struct cache *c = open_cache(*state);
    AUTO(cache_close_auto) struct cache *run = open_cache(*state);
    put(c, "good", "", 0);
    put(c, "part", ".part", 0);
    damage(c, "bad", "baD");
    damage(c, "empty", "");
    damage(c, "in use", "in usE");
    struct digest used = digest_of("in use");
    assert_true(cache_find(run, &used, 6, &yes, &e) && yes);
    AUTO(cache_checked_clear_auto) struct cache_checked k = { 0 };
    assert_true(cache_verify(c, 3, NULL, &k, &e));
    assert_int_equal(k.n, 4);
    assert_int_equal(k.n_parts, 1);
    assert_int_equal(k.n_damaged, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(k.damaged[i].is_removed, !digest_equal(&k.damaged[i].digest, &used));
    assert_true(is_there(c, "good", "") && is_there(c, "part", ".part") && is_there(c, "in use", ""));
    assert_false(is_there(c, "bad", "") || is_there(c, "empty", ""));
}

/* ---- a cache that keeps nothing ---- */

static void a_passing_cache_has_documents_in_memory_and_leaves_nothing(void **state)
{
    (void)state;
    struct err e = { 0 };
    bool yes = true;
    enum cache_part_state how;
    AUTO(mem_auto) char *dir = NULL;
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(100);
    struct digest small = digest_of("small"), large = digest_of("large");
    {
        AUTO(cache_close_auto) struct cache *c = cache_open_passing();
        assert_true(cache_is_passing(c));
        assert_true(cache_find(c, &small, 5, &yes, &e) && !yes);
        assert_true(cache_write(c, &small, "small", 5, &e));
        assert_true(cache_find(c, &small, 5, &yes, &e) && yes);
        assert_true(cache_read(c, &small, &out, &yes, &e) && yes);
        assert_string_equal(buf_text(&out), "small");
        assert_string_equal(cache_dir(c), "memory");
        AUTO(cache_part_close_auto) struct cache_part *part = NULL;
        assert_true(cache_part_open(c, &large, 5, &how, &part, &e));
        assert_int_equal(how, CACHE_PART);
        assert_int_equal(write(cache_part_fd(part), "large", 5), 5);
        assert_true(cache_part_publish(part, &e));
        assert_true(cache_find(c, &large, 5, &yes, &e) && yes);
        dir = mem_text(cache_dir(c));
        assert_true(text_starts(dir, "/var/tmp/archon-bundle-"));
        AUTO(cache_listing_clear_auto) struct cache_listing l = { 0 };
        assert_true(cache_list(c, &l, &e));
        assert_int_equal(l.n, 1);
    }
    assert_int_equal(access(dir, F_OK), -1);
}

/* ---- the commands ---- */

static const char *path_of(struct scratch *s)
{
    return scratch_at(s, "cache");
}

static void the_commands_tell_what_they_did(void **state)
{
    struct scratch *s = *state;
    struct cache *c = open_cache(s);
    put(c, "one", "", 2 * DAY);
    put(c, "two", "", 1 * DAY);
    put(c, "three", ".part", 1 * DAY);
    damage(c, "bad", "worse");
    cache_close(c);
    struct said said = run("cache", "list", "--cache", path_of(s), NULL);
    assert_int_equal(said.status, 0);
    assert_non_null(strstr(said.out, DIGEST_SHOWN(&(struct digest[]){ digest_of("one") }[0])));
    assert_non_null(strstr(said.out, "part\n"));
    assert_non_null(strstr(said.out, "4 blobs, 16 B, in "));
    said_clear(&said);
    said = run("cache", "verify", "--cache", path_of(s), "--json", NULL);
    assert_int_equal(said.status, 13);
    assert_non_null(strstr(said.out, "\"status\": 13"));
    assert_non_null(strstr(said.out, "\"removed\": true"));
    assert_non_null(strstr(said.err, "1 of 3 blobs damaged, 1 removed"));
    said_clear(&said);
    said = run("cache", "verify", "--cache", path_of(s), NULL);
    assert_int_equal(said.status, 0);
    assert_non_null(strstr(said.out, "2 blobs, 6 B, in "));
    said_clear(&said);
    said = run("cache", "prune", "--cache", path_of(s), "--limit", "3", "--json", NULL);
    assert_int_equal(said.status, 0);
    assert_non_null(strstr(said.out, "\"removed\": 2"));
    assert_non_null(strstr(said.out, "\"freed_size\": 8"));
    assert_non_null(strstr(said.out, "\"size\": 3"));
    said_clear(&said);
    said = run("cache", "prune", "--cache", path_of(s), NULL);
    assert_non_null(strstr(said.out, "1 blob removed, 3 B freed; 0 left, 0 B, in "));
    said_clear(&said);
}

static void a_cache_that_is_not_there_is_an_error_where_it_was_named(void **state)
{
    struct scratch *s = *state;
    static const char *const words[] = { "list", "prune", "verify" };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        struct said said = run("cache", words[i], "--cache", scratch_at(s, "nothing"), NULL);
        assert_int_equal(said.status, 60);
        assert_non_null(strstr(said.err, "does not exist"));
        assert_false(scratch_has(s, "nothing"));
        said_clear(&said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(what_was_used_longest_ago_goes_first),
        SCRATCH_TEST(what_was_not_used_for_long_goes),
        SCRATCH_TEST(use_is_remembered),
        SCRATCH_TEST(what_belongs_to_a_blob_goes_with_it),
        SCRATCH_TEST(what_a_run_uses_stays),
        SCRATCH_TEST(what_is_no_blob_is_left_alone),
        SCRATCH_TEST(damaged_blobs_are_found_and_removed),
        SCRATCH_TEST(a_passing_cache_has_documents_in_memory_and_leaves_nothing),
        SCRATCH_TEST(the_commands_tell_what_they_did),
        SCRATCH_TEST(a_cache_that_is_not_there_is_an_error_where_it_was_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
