/* bundle.json: a good one is read back, and every kind of spoilt one is refused as FORMAT. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "bundle/manifest.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEX2 "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char good[] =
    "{\"archon_bundle\":1,\n"
    "\"release\":{\"name\":\"shop\",\"version\":\"1.4.0\",\"sha256\":\"" HEX "\"},\n"
    "\"created\":\"2026-11-21T20:00:00Z\",\n"
    "\"platforms\":[\"linux/amd64\"],\n"
    "\"layers_mode\":\"dedup\",\"average\":4096,\n"
    "\"header_len\":196608,\"total_len\":300000,\n"
    "\"chunks\":{\"count\":3,\"raw_len\":5632,\"sha256\":\"" HEX "\"},\n"
    "\"members\":[{\"name\":\"release.json\",\"size\":100,\"sha256\":\"" HEX "\"},\n"
    "{\"name\":\"bin/archon-load-linux-amd64\",\"size\":1,\"x\":1,\"sha256\":\"" HEX "\"},\n"
    "{\"name\":\"data/00000.bin\",\"size\":1000},\n"
    "{\"name\":\"layers.bin\",\"size\":36,\"sha256\":\"" HEX "\"}],\n"
    "\"layers\":[{\"diff_id\":\"sha256:" HEX "\",\"size\":1000,\"blobs\":[{\"digest\":\"sha256:" HEX
    "\",\"media_type\":\"application/x\",\"size\":10}]}],\n"
    "\"builder\":{\"program\":\"archon-bundle\",\"version\":\"0.1.0\"}}\n";

static void a_good_manifest_is_read_and_written_back(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(manifest_clear_auto) struct manifest m = { 0 };
    AUTO(manifest_clear_auto) struct manifest again = { 0 };
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_MANIFEST_BYTES);
    if (!manifest_read(&m, good, sizeof good - 1, &e))
        fail_msg("%s", e.msg);
    assert_string_equal(m.name, "shop");
    assert_int_equal(m.n_members, 4);
    assert_true(m.members[1].is_executable);
    assert_false(m.members[2].has_sha256);
    assert_int_equal(m.members[2].raw_offset, 512 + 512 + 512 + 512);
    assert_int_equal(manifest_find_member(&m, "bin/archon-load-linux-amd64"), 1);
    assert_int_equal(manifest_find_member(&m, "layers.bin"), 3);
    assert_int_equal(manifest_find_member(&m, "LAYERS.bin"), SIZE_MAX);
    assert_int_equal(manifest_find_member(&m, "nothing"), SIZE_MAX);
    assert_int_equal(manifest_find_layer(&m, &m.layers[0].diff_id), 0);
    assert_int_equal(manifest_find_layer(&m, &(struct digest){ { 1 } }), SIZE_MAX);
    assert_true(manifest_write(&m, &text, &e));
    if (!manifest_read(&again, text.data, text.len, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(again.layers[0].size, 1000);
}

struct row {
    const char *find, *put;
};

static void spoilt_manifests_are_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "\"archon_bundle\":1", "\"archon_bundle\":2" },
        { "\"archon_bundle\":1", "\"archon_bundle\":0" },
        { "{\"archon", "{ \"archon" },
        { "\"name\":\"shop\"", "\"name\":\"Shop\"" },
        { "\"name\":\"shop\"", "\"name\":\"shop\",\"name\":\"shop\"" },
        { "\"name\":\"shop\"", "\"Name\":\"shop\"" },
        { "\"version\":\"1.4.0\"", "\"version\":\"1.4\"" },
        { "\"version\":\"1.4.0\"", "\"version\":14" },
        { "20:00:00Z", "24:00:00Z" },
        { "2026-11-21", "2024-02-30" },
        { "20:00:00Z", "20:00:00+00:00" },
        { "[\"linux/amd64\"]", "[]" },
        { "[\"linux/amd64\"]", "[\"linux\"]" },
        { "[\"linux/amd64\"]", "[\"linux/amd64\",\"linux/amd64\"]" },
        { "\"dedup\"", "\"exact\"" },
        { "4096", "4097" },
        { "196608", "196609" },
        { "196608", "0" },
        { "\"total_len\":300000", "\"total_len\":196608" },
        { "\"total_len\":300000", "\"total_len\":9007199254740992" },
        { "\"total_len\":300000", "\"total_len\":3e5" },
        { "\"total_len\":300000", "\"total_len\":-1" },
        { "\"total_len\":300000", "\"total_len\":0300000" },
        { "\"count\":3", "\"count\":0" },
        { "\"raw_len\":5632", "\"raw_len\":5633" },
        { "\"name\":\"release.json\",\"size\":100", "\"name\":\"release.json\",\"size\":0" },
        { "\"name\":\"release.json\"", "\"name\":\"docs/release.json\"" },
        { "\"x\":1,", "\"x\":0," },
        { "\"x\":1,", "\"x\":2," },
        { "bin/archon-load-linux-amd64", "../archon-load-linux-amd64x" },
        { "bin/archon-load-linux-amd64", "etc/archon-load-linux-amd64" },
        { "bin/archon-load-linux-amd64", "release.json" },
        { "data/00000.bin", "data/00001.bin" },
        { "\"data/00000.bin\",\"size\":1000", "\"data/00000.bin\",\"size\":1000,\"sha256\":\"" HEX "\"" },
        { "\"layers.bin\",\"size\":36", "\"layers.bin\",\"size\":11" },
        { "sha256:" HEX "\",\"size\":1000", "sha256:" HEX "0\",\"size\":1000" },
        { "sha256:" HEX "\",\"size\":1000", "sha512:" HEX "\",\"size\":1000" },
        { "\"media_type\":\"application/x\"", "\"media_type\":\"\"" },
        { "\"media_type\":\"application/x\"", "\"media_type\":\"a\\u0041\"" },
        { "\"builder\"", "\"unknown\":1,\"builder\"" },
        { "\"program\":\"archon-bundle\",", "" },
        { "\"sha256\":\"" HEX "\"},\n\"created", "\"sha256\":\"" HEX2 "\"},\n\"created" },
        { "0.1.0\"}}\n", "0.1.0\"}}" },
        { "0.1.0\"}}\n", "0.1.0\"}}x\n" },
        { "\n\"created\"", "\t\"created\"" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = { 0 };
        AUTO(manifest_clear_auto) struct manifest m = { 0 };
        AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_MANIFEST_BYTES);
        const char *at = strstr(good, rows[i].find);
        assert_non_null(at);
        buf_add(&text, good, (size_t)(at - good));
        buf_adds(&text, rows[i].put);
        buf_adds(&text, at + strlen(rows[i].find));
        if (manifest_read(&m, text.data, text.len, &e))
            fail_msg("row %zu accepted: %s -> %s", i, rows[i].find, rows[i].put);
        assert_int_equal(e.code, ERR_FORMAT);
    }
}

/* The loader's member with another size, and the raw length that follows from it. */
static bool reads_with_size(unsigned long long size, struct err *e)
{
    AUTO(manifest_clear_auto) struct manifest m = { 0 };
    AUTO(mem_auto) char *sized = mem_format("\"size\":%llu,\"x\":1", size);
    AUTO(mem_auto) char *raw = mem_format("\"raw_len\":%llu", 5632 - 512 + (size + 511) / 512 * 512);
    const struct row puts[] = { { "\"raw_len\":5632", raw }, { "\"size\":1,\"x\":1", sized } };
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_MANIFEST_BYTES);
    const char *rest = good;
    for (size_t i = 0; i < ARRAY_LEN(puts); i++) {
        const char *at = strstr(rest, puts[i].find);
        assert_non_null(at);
        buf_add(&text, rest, (size_t)(at - rest));
        buf_adds(&text, puts[i].put);
        rest = at + strlen(puts[i].find);
    }
    buf_adds(&text, rest);
    return manifest_read(&m, text.data, text.len, e);
}

static void a_member_has_what_a_tar_header_can_tell_at_most(void **state)
{
    (void)state;
    struct err e = { 0 }, e2 = { 0 }, e3 = { 0 };
    if (!reads_with_size(LIMIT_MEMBER_BYTES - 1, &e) || !reads_with_size(LIMIT_MEMBER_BYTES, &e))
        fail_msg("%s", e.msg);
    assert_false(reads_with_size(LIMIT_MEMBER_BYTES + 1, &e2));
    assert_int_equal(e2.code, ERR_FORMAT);
    assert_non_null(strstr(e2.msg, "members[1].size"));
    assert_false(reads_with_size(9223372036854775808ull, &e3));
    assert_int_equal(e3.code, ERR_FORMAT);
}

static void a_newer_format_names_the_loader_that_is_needed(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(manifest_clear_auto) struct manifest m = { 0 };
    static const char text[] = "{\"archon_bundle\":7,\"x\":1}\n";
    assert_false(manifest_read(&m, text, sizeof text - 1, &e));
    assert_non_null(strstr(e.msg, "version 7 is not supported"));
    assert_true(e.hint[0] != '\0');
}

/* Rising and falling sizes of lists, to be found in every place. */
static void everything_is_found_in_long_lists(void **state)
{
    (void)state;
    enum { N = 1000 };
    struct manifest m = { .n_members = N, .members = mem_new_array(N, sizeof *m.members), .n_layers = N,
                          .layers = mem_new_array(N, sizeof *m.layers) };
    for (unsigned i = 0; i < N; i++) {
        snprintf(m.members[i].name, sizeof m.members[i].name, "docs/%c%u", i % 2 == 0 ? 'a' : 'B', i * 7919 % N);
        m.members[i].size = i;
        sha256_of(&m.layers[i].diff_id, &i, sizeof i);
    }
    manifest_sort(&m);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(manifest_find_member(&m, m.members[i].name), i);
        assert_int_equal(manifest_find_layer(&m, &m.layers[i].diff_id), i);
    }
    assert_int_equal(manifest_find_member(&m, "docs/b7919"), SIZE_MAX);
    assert_int_equal(m.members[2].raw_offset, 512 + 512 + 512);
    manifest_clear(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_manifest_is_read_and_written_back),
        cmocka_unit_test(spoilt_manifests_are_refused),
        cmocka_unit_test(a_member_has_what_a_tar_header_can_tell_at_most),
        cmocka_unit_test(a_newer_format_names_the_loader_that_is_needed),
        cmocka_unit_test(everything_is_found_in_long_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
