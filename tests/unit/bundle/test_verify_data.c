/* Of a bundle of which some layers are wanted, the chunks that these are made of are verified, and no others. */
#include <fcntl.h>

#include "bundles.h"

#include "bundle/verify_data.h"
#include "sys/file.h"

enum { LAYERS = 3, PIECES = 8, PIECE = 1 << 20 };

/* 8 MiB each; the last one has a piece of the first, too. Layers lie in several data members. */
static void make(const char *path)
{
    struct err e = { 0 };
    AUTO(writer_drop_auto) struct writer *w = writer_for(path, LAYERS, 4 << 20, &e);
    AUTO(sha256_free_auto) struct sha256 *h = sha256_new();
    for (uint64_t layer = 0; layer < LAYERS; layer++) {
        assert_true(writer_begin_layer(w, &e));
        for (uint64_t i = 0; i < PIECES; i++)
            assert_true(add_piece(w, h, layer * PIECES + i, PIECE, &e));
        assert_true(layer < 2 || add_piece(w, h, 1, PIECE, &e));
        assert_true(end_layer(w, h, &e));
    }
    assert_true(writer_finish(w, NULL, NULL, &e));
    assert_true(writer_publish(w, true, &e));
}

/* All of it but its data. */
static struct bundle *verify_later(const char *path, const struct digest *id)
{
    struct err e = { 0 };
    struct verify_how how = { .jobs = 2, .is_data_later = true };
    struct bundle *b = bundle_verify_own(bundle_file_open(path, NULL, &e), id, &how, &e);
    if (b == NULL)
        fail_msg("%s", e.msg);
    return b;
}

/* Whether one layer can be put together: what is to be told beforehand. */
static bool comes_back(const struct bundle *b, size_t layer)
{
    struct err e = { 0 };
    uint8_t block[65536];
    AUTO(chunk_cache_free_auto) struct chunk_cache *cache = chunk_cache_new(bundle_index(b), 16 << 20);
    AUTO(source_free_auto) struct source *s = layer_reader_open(b, cache, layer, &e);
    bool ok = true;
    for (size_t got = 1; ok && got > 0;)
        ok = source_read(s, block, sizeof block, &got, &e);
    return ok;
}

static bool is_verified(const struct bundle *b, size_t layer, struct err *e)
{
    bool layers[LAYERS] = { false };
    struct verify_how how = { .jobs = 2 };
    *e = (struct err){ 0 };
    layers[layer] = true;
    return bundle_verify_data(b, layers, &how, e);
}

static void flip(const char *path, uint64_t at)
{
    struct err e = { 0 };
    uint8_t byte = 0;
    AUTO(fd_auto) int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0 && fd_pread_exact(fd, &byte, 1, at, path, &e));
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
}

static void damage_matters_to_the_layers_that_are_made_of_it(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    make(p->path);
    AUTO(bundle_close_auto) struct bundle *whole = verify_own(p->path, &e);
    assert_non_null(whole);
    struct digest id = *index_manifest_sha256(bundle_index(whole));
    const struct table *t = index_table(bundle_index(whole));
    const struct data_map *d = bundle_data_map(whole);
    size_t n_used = 0, n_unused = 0;
    for (size_t i = 0; i < t->n; i++) {
        struct table_chunk c = table_get(t, i);
        if (c.raw_offset < d->parts[0].raw_offset || c.raw_len < 65536 || c.raw_offset >= d->parts[d->n - 1].raw_offset + d->parts[d->n - 1].size)
            continue; /* not data */
        flip(p->path, c.file_offset + c.packed_len / 2);
        AUTO(bundle_close_auto) struct bundle *b = verify_later(p->path, &id);
        for (size_t layer = 0; layer < LAYERS; layer++) {
            bool ok = comes_back(b, layer);
            assert_int_equal(is_verified(b, layer, &e), ok);
            assert_true(ok || (e.code == ERR_INTEGRITY && strstr(e.msg, "chunk ") != NULL && strstr(e.msg, "offset") != NULL));
            n_used += !ok;
            n_unused += ok;
        }
        flip(p->path, c.file_offset + c.packed_len / 2);
    }
    assert_int_equal(n_used, 6 + 1); /* 24 MiB in chunks of 4, each of one layer, and one of two */
    assert_int_equal(n_unused, 6 * LAYERS - n_used);
}

static void nothing_that_is_wanted_reads_nothing(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    static const bool none[LAYERS];
    struct verify_how how = { .jobs = 2 };
    make(p->path);
    AUTO(bundle_close_auto) struct bundle *whole = verify_own(p->path, &e);
    assert_non_null(whole);
    AUTO(bundle_close_auto) struct bundle *b = verify_later(p->path, index_manifest_sha256(bundle_index(whole)));
    assert_true(bundle_verify_data(b, none, &how, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(damage_matters_to_the_layers_that_are_made_of_it, place_make, place_remove),
        cmocka_unit_test_setup_teardown(nothing_that_is_wanted_reads_nothing, place_make, place_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
