/* list, cat and extract on the golden bundle, and on copies of it that are damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "bundle/manifest.h"
#include "show/members.h"
#include "tests/unit/show/golden.h"

/* A copy of the golden bundle with one bit of the chunk changed that begins a member. */
static const char *damaged_at_member(struct scratch *s, const char *member)
{
    struct err e = { 0 };
    AUTO(mem_auto) char *path = golden_path("golden.bundle.tar.zst");
    AUTO(buf_clear_auto) struct buf bytes = BUF_LIMIT(1 << 20);
    AUTO(index_close_auto) struct index *x = golden_open(NULL);
    const struct manifest *m = index_manifest(x);
    size_t i = manifest_find_member(m, member);
    assert_int_not_equal(i, SIZE_MAX);
    size_t chunk = table_find(index_table(x), m->members[i].raw_offset + LAYOUT_TAR_BLOCK);
    assert_true(file_read(path, FILE_PLAIN, 1 << 20, &bytes, &e));
    bytes.data[table_get(index_table(x), chunk).file_offset + 8] ^= 1;
    return scratch_file(s, "damaged.bundle.tar.zst", bytes.data, bytes.len, 0600);
}

static void lists_every_member_in_the_order_of_the_file(void **state)
{
    (void)state;
    static const char *const names[] = { "bundle.json", "chunks.bin", "signatures/", "release.json", "app/compose.yaml", "images/0/config.json",
                                         "docs/empty.txt", "0755", "bin/archon-load-linux-amd64", "data/00000.bin", "layers.bin" };
    struct err e = { 0 };
    struct heard h = { 0 };
    AUTO(index_close_auto) struct index *x = golden_open(NULL);
    heard_open(&h, NULL);
    assert_true(show_list(&h.ctx, x, &e));
    const char *at = heard_out(&h);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        at = strstr(at, names[i]);
        assert_non_null(at);
    }
    heard_close(&h);
}

static void a_list_for_programs_has_sizes_and_digests(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct heard h = { 0 };
    AUTO(index_close_auto) struct index *x = golden_open(NULL);
    heard_open(&h, "");
    assert_true(show_list(&h.ctx, x, &e));
    assert_non_null(strstr(heard_out(&h), "\"name\": \"release.json\",\"size\": 1301,\"sha256\": \"ab6fd64ee965c5b74159d35a84acd073"));
    assert_non_null(strstr(heard_out(&h), "\"executable\": true"));
    heard_close(&h);
}

static void cat_gives_the_exact_bytes(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct heard h = { 0 };
    AUTO(index_close_auto) struct index *x = golden_open(NULL);
    const struct manifest *m = index_manifest(x);
    for (size_t i = 0; i < m->n_members; i++) {
        struct digest found;
        heard_open(&h, NULL);
        assert_true(show_cat(&h.ctx, x, m->members[i].name, &e));
        heard_out(&h);
        assert_int_equal(h.out_bytes, m->members[i].size);
        sha256_of(&found, h.out, h.out_bytes);
        assert_true(!m->members[i].has_sha256 || digest_equal(&found, &m->members[i].sha256));
        heard_close(&h);
    }
}

static void cat_reaches_the_header_region(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct heard h = { 0 };
    AUTO(index_close_auto) struct index *x = golden_open(NULL);
    heard_open(&h, NULL);
    assert_true(show_cat(&h.ctx, x, "bundle.json", &e));
    heard_out(&h);
    assert_int_equal(h.out_bytes, index_header(x)->manifest_bytes);
    assert_memory_equal(h.out, index_header(x)->manifest, h.out_bytes);
    heard_close(&h);
    heard_open(&h, NULL);
    assert_true(show_cat(&h.ctx, x, index_header(x)->signatures[0].name, &e));
    heard_out(&h);
    assert_int_equal(h.out_bytes, 64);
    heard_close(&h);
}

static void a_member_that_is_not_there_names_the_nearest(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct heard h = { 0 };
    AUTO(index_close_auto) struct index *x = golden_open(NULL);
    heard_open(&h, NULL);
    assert_false(show_cat(&h.ctx, x, "relase.json", &e));
    assert_int_equal(e.code, ERR_USAGE);
    assert_non_null(strstr(e.hint, "release.json"));
    assert_string_equal(heard_out(&h), "");
    heard_close(&h);
}

static void cat_says_no_when_a_chunk_is_not_the_one_of_the_table(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    struct heard h = { 0 };
    AUTO(index_close_auto) struct index *x = golden_open(damaged_at_member(s, "data/00001.bin"));
    heard_open(&h, NULL);
    assert_false(show_cat(&h.ctx, x, "data/00001.bin", &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
    assert_non_null(strstr(e.msg, "chunk"));
    heard_close(&h);
}

static bool extract_to(const struct index *x, const char *dir, const char *const *names, size_t n, struct err *e)
{
    struct heard h = { 0 };
    const char *items[4];
    for (size_t i = 0; i < n; i++)
        items[i] = names[i];
    struct cli_list list = { .items = items, .n = n };
    heard_open(&h, NULL);
    bool ok = show_extract(&h.ctx, x, dir, &list, e);
    heard_close(&h);
    return ok;
}

static void extracts_everything_with_its_modes(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    struct stat st;
    AUTO(index_close_auto) struct index *x = golden_open(NULL);
    assert_true(extract_to(x, s->dir, NULL, 0, &e));
    const struct manifest *m = index_manifest(x);
    for (size_t i = 0; i < m->n_members; i++) {
        assert_int_equal(stat(scratch_at(s, m->members[i].name), &st), 0);
        assert_int_equal(st.st_size, m->members[i].size);
        assert_int_equal(st.st_mode & 07777, m->members[i].is_executable ? 0755 : 0644);
    }
    assert_true(scratch_has(s, "bundle.json"));
    assert_true(scratch_has(s, index_header(x)->signatures[0].name));
}

static void a_folder_that_is_not_there_is_said_to_be_made_first(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    AUTO(index_close_auto) struct index *x = golden_open(NULL);
    AUTO(mem_auto) char *dir = mem_text(scratch_at(s, "missing"));
    assert_false(extract_to(x, dir, NULL, 0, &e));
    assert_int_equal(e.code, ERR_IO);
    assert_non_null(strstr(e.msg, "missing: is not an existing directory"));
    assert_non_null(strstr(e.hint, "mkdir"));
    assert_false(scratch_has(s, "missing"));
}

static void a_folder_stands_for_what_is_in_it(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    static const char *const names[] = { "images/0/", "release.json" };
    AUTO(index_close_auto) struct index *x = golden_open(NULL);
    assert_true(extract_to(x, s->dir, names, 2, &e));
    assert_true(scratch_has(s, "images/0/config.json"));
    assert_true(scratch_has(s, "release.json"));
    assert_false(scratch_has(s, "images/1"));
    assert_false(scratch_has(s, "layers.bin"));
}

static void a_name_that_matches_nothing_stops_before_the_first_write(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    static const char *const names[] = { "release.json", "image" };
    AUTO(index_close_auto) struct index *x = golden_open(NULL);
    assert_false(extract_to(x, s->dir, names, 2, &e));
    assert_int_equal(e.code, ERR_USAGE);
    assert_false(scratch_has(s, "release.json"));
}

static void a_file_that_exists_stops_before_the_first_write(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    AUTO(index_close_auto) struct index *x = golden_open(NULL);
    scratch_text(s, "layers.bin", "mine", 0600);
    assert_false(extract_to(x, s->dir, NULL, 0, &e));
    assert_int_equal(e.code, ERR_IO);
    assert_non_null(strstr(e.msg, "layers.bin"));
    assert_false(scratch_has(s, "bundle.json"));
    AUTO(mem_auto) char *mine = scratch_content(s, "layers.bin");
    assert_string_equal(mine, "mine");
}

static void a_link_in_the_way_is_not_followed(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    static const char *const names[] = { "app" };
    AUTO(index_close_auto) struct index *x = golden_open(NULL);
    AUTO(mem_auto) char *outside = mem_format("%s/outside", s->dir);
    AUTO(mem_auto) char *inside = mem_format("%s/inside", s->dir);
    AUTO(mem_auto) char *link = mem_format("%s/inside/app", s->dir);
    assert_int_equal(mkdir(outside, 0700), 0);
    assert_int_equal(mkdir(inside, 0700), 0);
    assert_int_equal(symlink(outside, link), 0);
    assert_false(extract_to(x, inside, names, 1, &e));
    assert_false(scratch_has(s, "outside/compose.yaml"));
}

static void a_damaged_member_does_not_appear(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    static const char *const names[] = { "data" };
    AUTO(index_close_auto) struct index *x = golden_open(damaged_at_member(s, "data/00001.bin"));
    assert_false(extract_to(x, s->dir, names, 1, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
    assert_true(scratch_has(s, "data/00000.bin"));
    assert_false(scratch_has(s, "data/00001.bin"));
}

static void a_directory_that_does_not_exist_is_not_made(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    AUTO(index_close_auto) struct index *x = golden_open(NULL);
    AUTO(mem_auto) char *dir = mem_format("%s/none", s->dir);
    assert_false(extract_to(x, dir, NULL, 0, &e));
    assert_int_equal(e.code, ERR_IO);
    assert_false(scratch_has(s, "none"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_every_member_in_the_order_of_the_file),
        cmocka_unit_test(a_list_for_programs_has_sizes_and_digests),
        cmocka_unit_test(cat_gives_the_exact_bytes),
        cmocka_unit_test(cat_reaches_the_header_region),
        cmocka_unit_test(a_member_that_is_not_there_names_the_nearest),
        SCRATCH_TEST(cat_says_no_when_a_chunk_is_not_the_one_of_the_table),
        SCRATCH_TEST(extracts_everything_with_its_modes),
        SCRATCH_TEST(a_folder_that_is_not_there_is_said_to_be_made_first),
        SCRATCH_TEST(a_folder_stands_for_what_is_in_it),
        SCRATCH_TEST(a_name_that_matches_nothing_stops_before_the_first_write),
        SCRATCH_TEST(a_file_that_exists_stops_before_the_first_write),
        SCRATCH_TEST(a_link_in_the_way_is_not_followed),
        SCRATCH_TEST(a_damaged_member_does_not_appear),
        SCRATCH_TEST(a_directory_that_does_not_exist_is_not_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
