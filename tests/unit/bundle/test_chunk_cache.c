/* Chunks that are claimed before they are needed: by one thread and by several, with little room, from a bundle that changes under the reader. */
#include "sys/clock.h"
#include "tests/unit/bundle/bundles.h"

#include <fcntl.h>
#include <stdatomic.h>

#include "base/banned.h"

enum { PIECE = 64 * 1024, N_PIECES = 400, N_CHUNKS = 7, RECIPES = 2 }; /* 25 MiB of data; and what the recipes lie in */

/* Reading a chunk is one call. */
static atomic_uint n_reads;
ssize_t __real_pread64(int fd, void *to, size_t n, off_t at);
ssize_t __wrap_pread64(int fd, void *to, size_t n, off_t at);
ssize_t __wrap_pread64(int fd, void *to, size_t n, off_t at)
{
    n_reads++;
    return __real_pread64(fd, to, n, at);
}

static struct bundle *make_bundle_of(const char *path, uint64_t (*piece)(uint64_t i), struct err *e)
{
    AUTO(writer_drop_auto) struct writer *w = writer_for(path, 1, LAYOUT_DATA_MEMBER, e);
    struct sha256 *layer = sha256_new();
    bool ok = w != NULL && writer_begin_layer(w, e);
    for (uint64_t i = 0; i < 2 * N_PIECES && ok; i++)
        ok = add_piece(w, layer, piece(i), PIECE, e);
    ok = ok && end_layer(w, layer, e);
    sha256_free(layer);
    return ok && writer_finish(w, NULL, NULL, e) && writer_publish(w, true, e) ? verify_own(path, e) : NULL;
}

static uint64_t forwards_and_backwards(uint64_t i)
{
    return i < N_PIECES ? i : 2 * N_PIECES - 1 - i;
}

static uint64_t twice(uint64_t i)
{
    return i % N_PIECES;
}

static struct bundle *make_bundle(const char *path, struct err *e)
{
    return make_bundle_of(path, forwards_and_backwards, e);
}

/* Reads the whole layer. */
static bool rebuild(const struct bundle *b, struct chunk_cache *cache, struct err *e)
{
    AUTO(source_free_auto) struct source *s = layer_reader_open(b, cache, 0, e);
    AUTO(mem_auto) uint8_t *block = mem_new(PIECE);
    size_t got = s == NULL ? 0 : 1;
    while (got > 0 && source_read(s, block, PIECE, &got, e))
        ;
    return e->code == ERR_NONE;
}

static void a_layer_comes_out_right_with_any_room_and_any_number_of_threads(void **state)
{
    struct place *p = *state;
    struct err e = { 0 };
    AUTO(bundle_close_auto) struct bundle *b = make_bundle(p->path, &e);
    assert_non_null(b);
    for (uint64_t mib = 0; mib <= 40; mib += 8)
        for (unsigned jobs = 0; jobs <= 3; jobs++) {
            AUTO(chunk_cache_free_auto) struct chunk_cache *cache = chunk_cache_new(bundle_index(b), mib * MIB);
            if (jobs > 0)
                chunk_cache_read_ahead(cache, jobs);
            if (!rebuild(b, cache, &e))
                fail_msg("%llu MiB, %u threads: %s", (unsigned long long)mib, jobs, e.msg);
        }
}

static void claims_leave_a_place_for_others_and_end(void **state)
{
    struct place *p = *state;
    struct err e = { 0 };
    AUTO(bundle_close_auto) struct bundle *b = make_bundle(p->path, &e);
    assert_non_null(b);
    AUTO(chunk_cache_free_auto) struct chunk_cache *cache = chunk_cache_new(bundle_index(b), 3 * LIMIT_CHUNK_BYTES);
    size_t first, second, third, again;
    assert_true(chunk_cache_claim(cache, 0, NULL, NULL, &first));
    assert_true(chunk_cache_claim(cache, 1, NULL, NULL, &second));
    assert_false(chunk_cache_claim(cache, 2, NULL, NULL, &third));
    assert_true(chunk_cache_claim(cache, 1, NULL, NULL, &again));
    assert_int_equal(again, second);
    const uint8_t *bytes = chunk_cache_claimed(cache, second, &e);
    assert_non_null(bytes);
    for (size_t i = 2; i < 6; i++)
        assert_non_null(chunk_cache_get(cache, i, &e)); /* all in the place that is left */
    assert_ptr_equal(chunk_cache_claimed(cache, second, &e), bytes);
    assert_false(chunk_cache_claim(cache, 5, NULL, NULL, &third)); /* it is there, in the last place: that stays free */
    assert_non_null(chunk_cache_get(cache, 4, &e));
    chunk_cache_release(cache, second);
    assert_false(chunk_cache_claim(cache, 2, NULL, NULL, &third));
    chunk_cache_release(cache, second);
    assert_true(chunk_cache_claim(cache, 2, NULL, NULL, &third));
}

/* Dropping what was used longest ago would read all of them twice. */
static void of_what_is_wanted_again_the_last_goes(void **state)
{
    struct place *p = *state;
    struct err e = { 0 };
    AUTO(bundle_close_auto) struct bundle *b = make_bundle_of(p->path, twice, &e);
    assert_non_null(b);
    for (unsigned places = 4; places <= 6; places++) {
        AUTO(chunk_cache_free_auto) struct chunk_cache *cache = chunk_cache_new(bundle_index(b), (uint64_t)places * LIMIT_CHUNK_BYTES);
        n_reads = 0;
        assert_true(rebuild(b, cache, &e));
        assert_in_range(n_reads, N_CHUNKS + 1, N_CHUNKS + RECIPES + N_CHUNKS - (places - 1)); /* one place is for what comes next */
    }
}

static void two_layers_at_once_share_what_room_there_is(void **state)
{
    struct place *p = *state;
    struct err e = { 0 };
    AUTO(bundle_close_auto) struct bundle *b = make_bundle(p->path, &e);
    assert_non_null(b);
    AUTO(chunk_cache_free_auto) struct chunk_cache *cache = chunk_cache_new(bundle_index(b), 2 * LIMIT_CHUNK_BYTES);
    chunk_cache_read_ahead(cache, 2);
    AUTO(source_free_auto) struct source *one = layer_reader_open(b, cache, 0, &e);
    AUTO(source_free_auto) struct source *other = layer_reader_open(b, cache, 0, &e);
    AUTO(mem_auto) uint8_t *a = mem_new(PIECE);
    AUTO(mem_auto) uint8_t *c = mem_new(PIECE);
    for (size_t got = 1, same = 1; got > 0;) {
        assert_true(source_read(one, a, PIECE, &got, &e) && source_read(other, c, PIECE, &same, &e));
        assert_int_equal(got, same);
        assert_memory_equal(a, c, got);
    }
}

static bool claim_soon(struct chunk_cache *cache, size_t chunk, size_t *place)
{
    for (int i = 0; i < 5000; i++) {
        if (chunk_cache_claim(cache, chunk, NULL, NULL, place))
            return true;
        clock_sleep_ms(1);
    }
    return false;
}

static void a_reader_that_is_dropped_gives_its_claims_back(void **state)
{
    struct place *p = *state;
    struct err e = { 0 };
    AUTO(bundle_close_auto) struct bundle *b = make_bundle(p->path, &e);
    assert_non_null(b);
    AUTO(chunk_cache_free_auto) struct chunk_cache *cache = chunk_cache_new(bundle_index(b), 3 * LIMIT_CHUNK_BYTES);
    chunk_cache_read_ahead(cache, 2);
    for (int i = 0; i < 20; i++) {
        uint8_t byte;
        size_t got;
        AUTO(source_free_auto) struct source *s = layer_reader_open(b, cache, 0, &e);
        assert_true(source_read(s, &byte, 1, &got, &e));
    }
    /* What the last one had ordered may still be on its way. */
    size_t place;
    assert_true(claim_soon(cache, 0, &place) && claim_soon(cache, 1, &place));
}

/* The medium changes after it was verified: the chunk that is read again is hashed again, whichever thread reads it. */
static void what_changed_since_verification_is_found_by_whoever_reads_ahead(void **state)
{
    struct place *p = *state;
    for (unsigned jobs = 0; jobs <= 2; jobs++) {
        struct err e = { 0 };
        AUTO(bundle_close_auto) struct bundle *b = make_bundle(p->path, &e);
        assert_non_null(b);
        struct table_chunk chunk = table_get(index_table(bundle_index(b)), 3);
        int fd = open(p->path, O_WRONLY | O_CLOEXEC);
        assert_int_equal(pwrite(fd, "x", 1, (off_t)(chunk.file_offset + chunk.packed_len / 2)), 1);
        close(fd);
        AUTO(chunk_cache_free_auto) struct chunk_cache *cache = chunk_cache_new(bundle_index(b), 16 * MIB);
        if (jobs > 0)
            chunk_cache_read_ahead(cache, jobs);
        assert_false(rebuild(b, cache, &e));
        assert_int_equal(e.code, ERR_INTEGRITY);
        assert_non_null(strstr(e.msg, "chunk 3 of "));
        assert_false(chunk_cache_has_read(cache, 3));
        assert_int_equal(unlink(p->path), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_layer_comes_out_right_with_any_room_and_any_number_of_threads, place_make, place_remove),
        cmocka_unit_test_setup_teardown(claims_leave_a_place_for_others_and_end, place_make, place_remove),
        cmocka_unit_test_setup_teardown(of_what_is_wanted_again_the_last_goes, place_make, place_remove),
        cmocka_unit_test_setup_teardown(two_layers_at_once_share_what_room_there_is, place_make, place_remove),
        cmocka_unit_test_setup_teardown(a_reader_that_is_dropped_gives_its_claims_back, place_make, place_remove),
        cmocka_unit_test_setup_teardown(what_changed_since_verification_is_found_by_whoever_reads_ahead, place_make, place_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
