/* Going back to a checkpoint: whatever was written after it, the file is the one that would have been written without it. */
#include "bundles.h"

#include "bundle/dedup.h"

/* ---- numbers that look random and are the same every time ---- */

static uint64_t next_number(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 16;
}

static uint64_t below(uint64_t *state, uint64_t n)
{
    return next_number(state) % n;
}

/* ---- whole files ---- */

enum { N_LAYERS = 6, PIECES = 100, MEMBER = 4 << 20 };

/* A piece is its number: its size follows from it. Three of four numbers are shared by all layers of a plan. */
static bool put_piece(struct writer *w, struct sha256 *h, uint64_t number, struct err *e)
{
    static const uint32_t sizes[] = { 1, 1024, 70000, 250000, 1 << 19 };
    return add_piece(w, h, number, 8 + sizes[number % ARRAY_LEN(sizes)], e);
}

static uint64_t piece_number(uint64_t *plan, size_t layer)
{
    uint64_t n = below(plan, 400);
    return n % 4 == 0 ? 1000 * (layer + 1) + n : n;
}

static void write_layer(struct writer *w, uint64_t seed, size_t layer)
{
    struct err e = { 0 };
    uint64_t plan = seed * 7919 + layer + 1;
    AUTO(sha256_free_auto) struct sha256 *h = sha256_new();
    assert_true(writer_begin_layer(w, &e));
    for (size_t i = below(&plan, PIECES); i > 0; i--)
        assert_true(put_piece(w, h, piece_number(&plan, layer), &e));
    assert_true(put_piece(w, h, 100000 + layer, &e)); /* no two layers are the same */
    assert_true(end_layer(w, h, &e));
}

/* What came before the digest was seen to be wrong: pieces of this layer, of later ones, and of none. Now and then it even came to an end. */
static void write_wrong_layer(struct writer *w, uint64_t seed, size_t layer, uint64_t *chance)
{
    struct err e = { 0 };
    uint64_t plan = seed * 7919 + layer + 1;
    AUTO(sha256_free_auto) struct sha256 *h = sha256_new();
    assert_true(writer_begin_layer(w, &e));
    for (size_t i = below(chance, PIECES); i > 0; i--) {
        uint64_t kind = below(chance, 8);
        uint64_t number = kind == 0 ? 50000 + below(chance, 100) : kind == 1 ? 100000 + below(chance, N_LAYERS) : piece_number(&plan, layer);
        assert_true(put_piece(w, h, number, &e));
    }
    if (below(chance, 4) == 0)
        assert_true(end_layer(w, h, &e));
}

/* sums: of the chunks. */
static void write_file(const char *path, uint64_t seed, bool is_failing, struct buf *out, struct buf *sums)
{
    struct err e = { 0 };
    uint64_t chance = seed * 104729 + 17;
    AUTO(writer_drop_auto) struct writer *w = writer_for(path, N_LAYERS, seed % 3 == 0 ? 2 * MEMBER : MEMBER, &e);
    for (size_t i = 0; i < N_LAYERS; i++) {
        if (is_failing && !writer_checkpoint(w, &e))
            fail_msg("%s", e.msg);
        for (size_t n = is_failing ? below(&chance, 4) : 0; n > 0; n--) {
            write_wrong_layer(w, seed, i, &chance);
            if (!writer_rewind(w, &e))
                fail_msg("%s", e.msg);
        }
        write_layer(w, seed, i);
    }
    if (!writer_finish(w, NULL, NULL, &e) || !writer_publish(w, true, &e) || !file_read(path, FILE_PLAIN, out->max, out, &e))
        fail_msg("%s", e.msg);
    buf_add(sums, writer_sums(w), writer_manifest(w)->n_chunks * sizeof(uint64_t));
}

static void failed_layers_leave_no_trace(void **state)
{
    const struct place *p = *state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct err e = { 0 };
        AUTO(buf_clear_auto) struct buf plain = BUF_LIMIT(64 << 20);
        AUTO(buf_clear_auto) struct buf found = BUF_LIMIT(64 << 20);
        AUTO(buf_clear_auto) struct buf plain_sums = BUF_LIMIT(1 << 20);
        AUTO(buf_clear_auto) struct buf found_sums = BUF_LIMIT(1 << 20);
        write_file(p->path, seed, false, &plain, &plain_sums);
        write_file(p->path, seed, true, &found, &found_sums);
        assert_int_equal(plain_sums.len, found_sums.len);
        assert_memory_equal(plain_sums.data, found_sums.data, plain_sums.len);
        if (plain.len != found.len || memcmp(plain.data, found.data, plain.len) != 0)
            fail_msg("seed %llu: another file", (unsigned long long)seed);
        AUTO(bundle_close_auto) struct bundle *b = verify_own(p->path, &e);
        if (b == NULL || !bundle_verify_layers(b, 8 << 20, NULL, &e))
            fail_msg("seed %llu: %s", (unsigned long long)seed, e.msg);
        assert_true(bundle_manifest(b)->n_members > 3); /* or no border between data members was crossed */
    }
}

/* More than what is under way at once, so that wrong chunks are in the file already; the last layer fails, so that the file must become shorter. */
static void what_was_written_is_cut_off(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    AUTO(writer_drop_auto) struct writer *w = writer_for(p->path, 2, MEMBER, &e);
    AUTO(sha256_free_auto) struct sha256 *h = sha256_new();
    assert_true(writer_begin_layer(w, &e) && add_piece(w, h, 1, 100000, &e) && end_layer(w, h, &e));
    assert_true(writer_checkpoint(w, &e));
    assert_true(writer_begin_layer(w, &e));
    for (uint64_t i = 2; i < 100; i++)
        assert_true(add_piece(w, h, i, 1 << 19, &e));
    assert_true(writer_rewind(w, &e));
    struct digest ignored;
    sha256_end(h, &ignored);
    assert_int_equal(writer_new_bytes(w), 100000);
    assert_true(writer_begin_layer(w, &e) && add_piece(w, h, 1, 100000, &e) && add_piece(w, h, 2, 10, &e) && end_layer(w, h, &e));
    assert_true(writer_finish(w, NULL, NULL, &e) && writer_publish(w, true, &e));
    AUTO(bundle_close_auto) struct bundle *b = verify_own(p->path, &e);
    if (b == NULL || !bundle_verify_layers(b, 8 << 20, NULL, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(bundle_data_map(b)->total, 100010);
}

/* ---- decisions alone, with as much data as moves pieces ---- */

enum { BIG = 1 << 19, ROUNDS = 30, STEPS = 500, SMALL_ONES = 3000 };

/* Returns how many small pieces were stored. */
static size_t feed(struct dedup *d, uint64_t seed, struct sha256 *decisions)
{
    size_t n_stored = 0;
    struct err e = { 0 };
    assert_true(dedup_begin(d, &e));
    for (size_t i = 0; i < STEPS; i++) {
        struct digest hash;
        bool is_new = false;
        uint64_t kind = below(&seed, 4);
        uint64_t number = kind == 0 ? next_number(&seed) : below(&seed, SMALL_ONES);
        uint32_t n = kind == 0 ? BIG : 4096; /* large ones push small ones apart */
        sha256_of(&hash, &number, sizeof number);
        assert_true(dedup_piece(d, hash.bytes, n, &is_new, &e));
        sha256_add(decisions, &is_new, sizeof is_new);
        n_stored += is_new && n != BIG;
    }
    return n_stored;
}

static size_t run_rounds(bool is_failing, struct digest *out, uint64_t *data_len, struct buf *recipes)
{
    size_t n_stored = 0;
    struct err e = { 0 };
    uint64_t size = 0;
    int fd = -1;
    AUTO(dedup_close_auto) struct dedup *d = dedup_open("/tmp", ROUNDS, &e);
    AUTO(sha256_free_auto) struct sha256 *decisions = sha256_new();
    for (uint64_t i = 1; i <= ROUNDS; i++) {
        AUTO(sha256_free_auto) struct sha256 *ignored = sha256_new();
        assert_true(!is_failing || dedup_mark(d, &e));
        for (uint64_t n = 0; is_failing && n < i % 3; n++) {
            (void)feed(d, 1000 * i + n + 1, ignored);
            assert_true(n == 0 || dedup_end(d, &size, &e));
            assert_true(dedup_rewind(d, &e));
        }
        n_stored += feed(d, i, decisions);
        assert_true(dedup_end(d, &size, &e));
    }
    sha256_end(decisions, out);
    *data_len = dedup_data_len(d);
    assert_true(dedup_recipes(d, &fd, &size, &e));
    assert_true(fd_pread_exact(fd, buf_reserve(recipes, size), size, 0, "recipes", &e));
    recipes->len = size;
    assert_int_equal(lseek(fd, 0, SEEK_END), size);
    return n_stored;
}

static void pieces_that_were_stored_again_are_where_they_were(void **state)
{
    (void)state;
    struct digest plain, found;
    uint64_t plain_len, found_len;
    AUTO(buf_clear_auto) struct buf plain_recipes = BUF_LIMIT(8 << 20);
    AUTO(buf_clear_auto) struct buf found_recipes = BUF_LIMIT(8 << 20);
    size_t n_stored = run_rounds(false, &plain, &plain_len, &plain_recipes);
    (void)run_rounds(true, &found, &found_len, &found_recipes);
    assert_true(digest_equal(&plain, &found));
    assert_int_equal(plain_len, found_len);
    assert_int_equal(plain_recipes.len, found_recipes.len);
    assert_memory_equal(plain_recipes.data, found_recipes.data, plain_recipes.len);
    assert_true(n_stored > SMALL_ONES + 1000); /* or the test would not be about pieces that are stored again */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failed_layers_leave_no_trace),
        cmocka_unit_test(what_was_written_is_cut_off),
        cmocka_unit_test(pieces_that_were_stored_again_are_where_they_were),
    };
    return cmocka_run_group_tests(tests, place_make, place_remove);
}
