/* What is stored once, what is stored again, and the window rule on both sides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/num.h"
#include "bundle/dedup.h"
#include "bundle/recipes.h"
#include "bundle/window.h"

enum { PIECE = 4096, PER_CHUNK = 1024 };

static void hash_of(uint8_t hash[16], uint64_t number)
{
    struct digest d;
    sha256_of(&d, &number, sizeof number);
    memcpy(hash, d.bytes, 16);
}

static bool add(struct dedup *d, uint64_t number)
{
    struct err e = { 0 };
    bool is_new = false;
    uint8_t hash[16];
    hash_of(hash, number);
    assert_true(dedup_piece(d, hash, PIECE, &is_new, &e));
    return is_new;
}

/* Feeds it in portions of all sizes. */
static bool check(struct recipes *r, const uint8_t *bytes, size_t n, const struct manifest *m, const struct table *t, struct err *e)
{
    struct data_map data;
    data_map_make(&data, m);
    AUTO(recipe_check_free_auto) struct recipe_check *c = recipe_check_new(m, t, &data);
    for (size_t at = 0, len = 1; at < n; at += len, len = 1 + len * 7 % 40)
        recipe_check_feed(c, bytes + at, n - at < len ? n - at : len);
    bool ok = recipe_check_end(c, r, e);
    data_map_clear(&data);
    return ok;
}

/* layers.bin of a dedup, checked by the reader against a table of plain 4 MiB chunks. */
static bool reader_accepts(struct dedup *d, const uint64_t *sizes, size_t n_layers, struct err *e)
{
    int fd;
    uint64_t n;
    assert_true(dedup_recipes(d, &fd, &n, e));
    AUTO(mem_auto) uint8_t *bytes = mem_new(n);
    assert_int_equal(pread(fd, bytes, n, 0), (ssize_t)n);
    struct manifest_layer layers[4] = { 0 };
    for (size_t i = 0; i < n_layers; i++)
        layers[i].size = sizes[i];
    struct manifest_member members[2] = { { .name = "data/00000.bin", .size = dedup_data_len(d) }, { .name = "layers.bin" } };
    struct manifest m = { .n_layers = n_layers, .layers = layers, .members = members, .n_members = 2 };
    struct table t = { 0 };
    struct digest any = { { 0 } };
    table_add(&t, 522, 512, &any);
    for (uint64_t at = 0; at < dedup_data_len(d); at += LIMIT_CHUNK_BYTES)
        table_add(&t, 1, (uint32_t)(dedup_data_len(d) - at < LIMIT_CHUNK_BYTES ? dedup_data_len(d) - at : LIMIT_CHUNK_BYTES), &any);
    struct recipes r = { 0 };
    bool ok = check(&r, bytes, (size_t)n, &m, &t, e);
    recipes_clear(&r);
    table_clear(&t);
    return ok;
}

static void a_piece_seen_before_is_not_stored_again(void **state)
{
    (void)state;
    struct err e = { 0 };
    uint64_t sizes[2];
    AUTO(dedup_close_auto) struct dedup *d = dedup_open("/tmp", 2, &e);
    assert_true(dedup_begin(d, &e));
    for (uint64_t i = 0; i < 5000; i++)
        assert_true(add(d, i));
    assert_true(dedup_end(d, &sizes[0], &e));
    assert_true(dedup_begin(d, &e));
    for (uint64_t i = 0; i < 5000; i++)
        assert_false(add(d, i));
    assert_true(add(d, 70000));
    assert_true(dedup_end(d, &sizes[1], &e));
    assert_int_equal(dedup_data_len(d), 5001 * PIECE);
    assert_int_equal(sizes[1], 5001 * PIECE);
    assert_true(reader_accepts(d, sizes, 2, &e));
    int fd;
    uint64_t n;
    assert_true(dedup_recipes(d, &fd, &n, &e));
    /* each layer is one merged extent; the second one's new piece follows the old ones in the stream, so it merges too */
    assert_int_equal(n, 12 + 2 * (4 + 16));
}

static void a_reference_that_would_scatter_reads_is_stored_again(void **state)
{
    (void)state;
    struct err e = { 0 };
    uint64_t sizes[2];
    size_t n_new = 0;
    AUTO(dedup_close_auto) struct dedup *d = dedup_open("/tmp", 2, &e);
    assert_true(dedup_begin(d, &e));
    for (uint64_t i = 0; i < 200ull * PER_CHUNK; i++)
        add(d, i);
    assert_true(dedup_end(d, &sizes[0], &e));
    assert_true(dedup_begin(d, &e));
    for (uint64_t i = 0; i < 4000; i++) /* every piece from another chunk */
        n_new += add(d, (i * 7919) % (200ull * PER_CHUNK));
    assert_true(dedup_end(d, &sizes[1], &e));
    assert_true(n_new > 0);
    assert_true(n_new < 4000);
    assert_true(reader_accepts(d, sizes, 2, &e));
}

/* Memory has an end: what comes when the index is full is stored, each time it comes. */
static void an_index_that_is_full_takes_no_more(void **state)
{
    (void)state;
    enum { FULL = 1 << 22, TINY = 16 };
    struct err e = { 0 };
    bool is_new = false;
    uint64_t n_new = 0;
    AUTO(dedup_close_auto) struct dedup *d = dedup_open("/tmp", 1, &e);
    assert_true(dedup_begin(d, &e));
    for (uint64_t i = 1; i <= FULL + 10 + 20; i++) {
        uint8_t hash[16] = { 0 };
        uint64_t number = i <= FULL + 10 ? i : i - 20; /* the last twenty once more */
        num_put_le64(hash, number * 0x9E3779B97F4A7C15u);
        num_put_le64(hash + 8, number);
        if (!dedup_piece(d, hash, TINY, &is_new, &e))
            fail_msg("%s", e.msg);
        n_new += is_new;
    }
    assert_int_equal(n_new, FULL + 10 + 10);
    assert_int_equal(dedup_data_len(d), n_new * TINY);
}

static void the_reader_refuses_a_scattered_recipe(void **state)
{
    (void)state;
    AUTO(window_free_auto) struct window *w = window_new();
    for (uint64_t i = 0; i < 64; i++)
        assert_int_equal(window_add(w, i, i + 1, i), i + 1);
    assert_int_equal(window_add(w, 64, 65, 3), 64);  /* known */
    assert_int_equal(window_add(w, 65, 66, 99), 65); /* one too many */
    window_reset(w);
    assert_int_equal(window_add(w, 0, 10, 1), 1);
    /* the window [16 MiB - 1 bytes back, here] still holds the last byte of chunk 1, one further does not */
    assert_int_equal(window_add(w, LAYOUT_WINDOW + 8, LAYOUT_WINDOW + 9, 2), 2);
    assert_int_equal(window_add(w, LAYOUT_WINDOW + 9, LAYOUT_WINDOW + 10, 3), 2);
}

/* The rule as docs/FORMAT.md 3.2 writes it down, run by run. */
static size_t chunks_by_definition(const uint64_t (*runs)[3], size_t j)
{
    uint64_t p = runs[j][0] >= LAYOUT_WINDOW ? runs[j][0] - LAYOUT_WINDOW + 1 : 0;
    bool is_there[100] = { false };
    size_t n = 0;
    for (size_t i = 0; i <= j; i++)
        if (runs[i][1] > p && !is_there[runs[i][2]]) {
            is_there[runs[i][2]] = true;
            n++;
        }
    return n;
}

static void the_window_counts_what_the_definition_counts(void **state)
{
    (void)state;
    enum { RUNS = 2000 };
    static uint64_t runs[RUNS][3]; /* start, end, chunk */
    uint64_t seed = 88172645463325252ull;
    uint64_t at = 0;
    AUTO(window_free_auto) struct window *w = window_new();
    for (size_t j = 0; j < RUNS; j++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        if (seed % 16 == 0)
            at += LAYOUT_WINDOW / 3; /* a piece of a base layer, which touches nothing */
        runs[j][0] = at;
        at += 1 + (seed >> 20) % (seed % 3 == 0 ? 1 : LAYOUT_WINDOW / 40);
        runs[j][1] = at;
        runs[j][2] = (seed >> 8) % 100;
        size_t expected = chunks_by_definition((const uint64_t(*)[3])runs, j);
        assert_true(window_with(w, runs[j][0], runs[j][2], runs[j][2]) == expected);
        assert_int_equal(window_add(w, runs[j][0], runs[j][1], runs[j][2]), expected);
    }
}

/* One recipe with one extent, each field spoilt in turn. */
static void recipes_with_wrong_numbers_are_refused(void **state)
{
    (void)state;
    struct digest any = { { 0 } };
    struct manifest_layer layer = { .size = 100 };
    struct manifest_member members[2] = { { .name = "data/00000.bin", .size = 1000 }, { .name = "layers.bin" } };
    struct manifest m = { .n_layers = 1, .layers = &layer, .members = members, .n_members = 2 };
    static const struct {
        const char *why;
        uint32_t n_layers, n_extents, source, length;
        uint64_t offset;
        size_t n_bytes;
        bool ok;
    } rows[] = {
        { "right", 1, 1, 0, 100, 900, 32, true },           { "layers", 2, 1, 0, 100, 900, 32, false },
        { "extents", 1, 2, 0, 100, 900, 32, false },        { "extents huge", 1, UINT32_MAX, 0, 100, 900, 32, false },
        { "source", 1, 1, 1, 100, 900, 32, false },         { "length", 1, 1, 0, 0, 900, 32, false },
        { "sum", 1, 1, 0, 99, 900, 32, false },             { "end", 1, 1, 0, 100, 901, 32, false },
        { "overflow", 1, 1, 0, 100, UINT64_MAX - 50, 32, false }, { "left over", 1, 1, 0, 100, 900, 33, false },
        { "short", 1, 1, 0, 100, 900, 31, false },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = { 0 };
        struct table t = { 0 };
        struct recipes r = { 0 };
        uint8_t bytes[40] = LAYOUT_RECIPES_MAGIC;
        table_add(&t, 522, 512, &any);
        table_add(&t, 1, 1000, &any);
        num_put_le32(bytes + 8, rows[i].n_layers);
        num_put_le32(bytes + 12, rows[i].n_extents);
        num_put_le32(bytes + 16, rows[i].source);
        num_put_le32(bytes + 20, rows[i].length);
        num_put_le64(bytes + 24, rows[i].offset);
        bool ok = check(&r, bytes, rows[i].n_bytes, &m, &t, &e);
        if (ok != rows[i].ok)
            fail_msg("%s: %s", rows[i].why, e.msg);
        assert_true(ok || e.code == ERR_FORMAT);
        recipes_clear(&r);
        table_clear(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_piece_seen_before_is_not_stored_again),
        cmocka_unit_test(a_reference_that_would_scatter_reads_is_stored_again),
        cmocka_unit_test(an_index_that_is_full_takes_no_more),
        cmocka_unit_test(the_reader_refuses_a_scattered_recipe),
        cmocka_unit_test(the_window_counts_what_the_definition_counts),
        cmocka_unit_test(recipes_with_wrong_numbers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
