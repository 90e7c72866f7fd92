/* Deltas: what the base has is left out, what is left is put together again with it, and nothing works without it. */
#include "bundles.h"

#include "bundle/base_use.h"
#include "bundle/dedup.h"
#include "bundle/member_cutter.h"
#include "bundle/tar.h"

enum { PIECE = 6000, BASE_PIECES = 40 };

/* The tar of the base: pieces 1 to 40. It is what a host would have. */
struct old_layer {
    struct digest diff_id;
    uint8_t bytes[BASE_PIECES * PIECE];
    unsigned n_reads;
};

static struct old_layer *old_layer_new(void)
{
    struct old_layer *l = mem_new(sizeof *l);
    for (size_t i = 0; i < BASE_PIECES; i++)
        num_put_le64(l->bytes + i * PIECE, i + 1);
    sha256_of(&l->diff_id, l->bytes, sizeof l->bytes);
    return l;
}

static bool old_read(void *ctx, size_t k, uint64_t offset, void *to, size_t n, struct err *e)
{
    struct old_layer *l = ctx;
    (void)e;
    assert_int_equal(k, 0);
    assert_true(offset + n <= sizeof l->bytes);
    memcpy(to, l->bytes + offset, n);
    l->n_reads++;
    return true;
}

static void offer(struct writer *w, const struct old_layer *l)
{
    struct digest d;
    writer_begin_base(w, &l->diff_id);
    for (size_t i = 0; i < BASE_PIECES; i++) {
        sha256_of(&d, l->bytes + i * PIECE, PIECE);
        writer_add_base_piece(w, d.bytes, PIECE);
    }
}

/* A layer of the pieces first to last. */
static void add_layer(struct writer *w, uint64_t first, uint64_t last)
{
    struct err e = { 0 };
    AUTO(sha256_free_auto) struct sha256 *h = sha256_new();
    assert_true(writer_begin_layer(w, &e));
    for (uint64_t i = first; i <= last; i++)
        assert_true(add_piece(w, h, i, PIECE, &e));
    assert_true(end_layer(w, h, &e));
}

static void add_whole(struct writer *w, const struct old_layer *l, uint64_t size)
{
    struct err e = { 0 };
    struct manifest_blob blob = { .digest = l->diff_id, .media_type = "application/x", .size = 1 };
    struct manifest_layer whole = { .diff_id = l->diff_id, .n_blobs = 1, .blobs = &blob };
    assert_true(writer_add_whole(w, &whole, size, &e));
}

static void finish(struct writer *w)
{
    struct err e = { 0 };
    if (!writer_finish(w, NULL, NULL, &e) || !writer_publish(w, false, &e))
        fail_msg("%s", e.msg);
    writer_drop(w);
}

static struct writer *delta_for(const char *path, size_t n_layers)
{
    struct err e = { 0 };
    char platform[1][65] = { "linux/amd64" };
    struct manifest head = { .name = "t",
                             .version = "1.0.0",
                             .n_platforms = 1,
                             .platforms = platform,
                             .average = 4096,
                             .builder_program = "test",
                             .builder_version = "1",
                             .has_base_release = true,
                             .base_release_sha256 = { { 9 } },
                             .base_version = "0.9.0" };
    sha256_of(&head.release_sha256, release_text, sizeof release_text - 1);
    struct writer_spec spec = { .path = path,
                                .head = &head,
                                .n_layers = n_layers,
                                .n_blobs = n_layers,
                                .n_members = 1,
                                .n_base_layers = 2,
                                .raw_estimate = 64 << 20,
                                .level = 1,
                                .jobs = 1 };
    struct writer *w = writer_open(&spec, &e);
    assert_non_null(w);
    assert_true(writer_add_member(w, "release.json", release_text, sizeof release_text - 1, false, &e));
    return w;
}

/* With one layer, of the pieces first to last; the base has one, the old one. */
static struct bundle *delta_of(const struct place *p, const struct old_layer *old, uint64_t first, uint64_t last)
{
    struct err e = { 0 };
    struct writer *w = delta_for(p->path, 1);
    offer(w, old);
    add_layer(w, first, last);
    finish(w);
    struct bundle *b = verify_own(p->path, &e);
    if (b == NULL)
        fail_msg("%s", e.msg);
    return b;
}

static bool read_layer(const struct bundle *b, size_t i, uint64_t *bytes, struct err *e)
{
    struct digest d;
    AUTO(chunk_cache_free_auto) struct chunk_cache *cache = chunk_cache_new(bundle_index(b), 64 << 20);
    AUTO(source_free_auto) struct source *layer = layer_reader_open(b, cache, i, e);
    AUTO(sink_drop_auto) struct sink *to = sink_measure(&d, bytes, sink_null());
    return layer != NULL && pump(layer, to, e) && sink_finish(to, e);
}

static void a_changed_layer_is_made_of_the_old_one_and_what_is_new(void **state)
{
    struct place *p = *state;
    struct err e = { 0 };
    uint64_t bytes = 0;
    AUTO(mem_auto) struct old_layer *old = old_layer_new();
    struct writer *w = delta_for(p->path, 1);
    offer(w, old);
    add_layer(w, 3, 45); /* 41 to 45 are new */
    assert_int_equal(writer_new_bytes(w), 5 * PIECE);
    finish(w);
    AUTO(bundle_close_auto) struct bundle *b = verify_own(p->path, &e);
    if (b == NULL)
        fail_msg("%s", e.msg);
    const struct manifest *m = bundle_manifest(b);
    assert_true(m->has_base && m->has_base_release);
    assert_string_equal(m->base_version, "0.9.0");
    assert_int_equal(m->n_base_layers, 1);
    assert_int_equal(m->base_layers[0].size, BASE_PIECES * PIECE);
    assert_int_equal(bundle_recipes(b)->layers[0].n, 2);
    bundle_use_base(b, &(struct base_layers){ old_read, old });
    if (!read_layer(b, 0, &bytes, &e) || !bundle_verify_layers(b, 64 << 20, NULL, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(bytes, 43 * PIECE);
}

static void without_its_base_a_delta_is_verified_but_not_read(void **state)
{
    struct place *p = *state;
    struct err e = { 0 };
    uint64_t bytes = 0;
    AUTO(mem_auto) struct old_layer *old = old_layer_new();
    AUTO(bundle_close_auto) struct bundle *b = delta_of(p, old, 3, 45);
    assert_false(read_layer(b, 0, &bytes, &e));
    assert_int_equal(e.code, ERR_POLICY);
    assert_non_null(strstr(e.msg, "release 0.9.0"));
}

static void a_base_with_other_bytes_is_found_out(void **state)
{
    struct place *p = *state;
    struct err e = { 0 };
    uint64_t bytes = 0;
    AUTO(mem_auto) struct old_layer *old = old_layer_new();
    AUTO(bundle_close_auto) struct bundle *b = delta_of(p, old, 3, 45);
    old->bytes[20 * PIECE + 17] ^= 1;
    bundle_use_base(b, &(struct base_layers){ old_read, old });
    assert_false(read_layer(b, 0, &bytes, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
}

static void a_layer_that_the_base_has_takes_nothing_and_is_read_from_end_to_end(void **state)
{
    struct place *p = *state;
    struct err e = { 0 };
    uint64_t bytes = 0;
    AUTO(mem_auto) struct old_layer *old = old_layer_new();
    struct writer *w = delta_for(p->path, 2);
    offer(w, old);
    add_whole(w, old, sizeof old->bytes);
    add_layer(w, 41, 42);
    finish(w);
    AUTO(bundle_close_auto) struct bundle *b = verify_own(p->path, &e);
    if (b == NULL)
        fail_msg("%s", e.msg);
    assert_true(bundle_recipes(b)->layers[0].is_of_base);
    assert_false(bundle_recipes(b)->layers[1].needs_base);
    bundle_use_base(b, &(struct base_layers){ old_read, old });
    assert_true(bundle_verify_layers(b, 64 << 20, NULL, &e));
    assert_int_equal(old->n_reads, 0); /* nothing of it is in the bundle: there is nothing to prove */
    assert_true(read_layer(b, 0, &bytes, &e));
    assert_int_equal(bytes, sizeof old->bytes);
}

static void a_layer_of_an_inventory_needs_no_release(void **state)
{
    struct place *p = *state;
    struct err e = { 0 };
    AUTO(mem_auto) struct old_layer *old = old_layer_new();
    struct writer *w = writer_for(p->path, 1, 0, &e);
    add_whole(w, old, sizeof old->bytes);
    finish(w);
    AUTO(bundle_close_auto) struct bundle *b = verify_own(p->path, &e);
    if (b == NULL)
        fail_msg("%s", e.msg);
    assert_true(bundle_manifest(b)->has_base);
    assert_false(bundle_manifest(b)->has_base_release);
}

static void what_makes_no_use_of_its_base_is_a_full_bundle(void **state)
{
    struct place *p = *state;
    struct err e = { 0 };
    uint64_t bytes = 0;
    AUTO(mem_auto) struct old_layer *old = old_layer_new();
    AUTO(bundle_close_auto) struct bundle *b = delta_of(p, old, 41, 45);
    assert_false(bundle_manifest(b)->has_base);
    assert_true(read_layer(b, 0, &bytes, &e));
}

static void a_layer_that_was_begun_again_leaves_no_trace_of_the_base(void **state)
{
    struct place *p = *state;
    struct err e = { 0 };
    AUTO(mem_auto) struct old_layer *old = old_layer_new();
    struct writer *w = delta_for(p->path, 2);
    offer(w, old);
    add_layer(w, 41, 45);
    assert_true(writer_checkpoint(w, &e));
    add_layer(w, 1, 40);
    assert_true(writer_rewind(w, &e));
    add_layer(w, 46, 47);
    finish(w);
    AUTO(bundle_close_auto) struct bundle *b = verify_own(p->path, &e);
    assert_non_null(b);
    assert_false(bundle_manifest(b)->has_base);
}

/* ---- which layers are worth their place on a disk ---- */

static void a_large_layer_is_not_read_for_a_few_bytes(void **state)
{
    (void)state;
    AUTO(base_use_free_auto) struct base_use *u = base_use_new();
    size_t large = base_use_add(u);
    base_use_grow(u, large, 256000);
    assert_int_equal(base_use_ask(u, large, 400), 0);
    assert_int_equal(base_use_ask(u, large, 600), 0);
    assert_int_equal(base_use_ask(u, large, 1), 1); /* 1001 bytes of 256000 are worth it */
    assert_int_equal(base_use_ask(u, large, 1), 1);
    assert_int_equal(base_use_count(u), 1);
}

static void a_layer_that_stays_is_not_read_for_a_few_bytes_either(void **state)
{
    (void)state;
    AUTO(base_use_free_auto) struct base_use *u = base_use_new();
    size_t large = base_use_add(u);
    base_use_grow(u, large, 256000);
    assert_int_equal(base_use_take(u, large), 1);
    assert_int_equal(base_use_ask(u, large, 500), 0);
    assert_int_equal(base_use_ask(u, large, 501), 1);
}

/* ---- cutting at members ---- */

struct cut {
    uint64_t ends[64];
    size_t n;
};

static void collect(struct cut *c, struct work_queue *q)
{
    uint64_t at = 0;
    work_queue_close(q);
    for (struct cut_batch *b; (b = work_queue_pop(q)) != NULL; cut_batch_free(b))
        for (size_t i = 0; i < b->n_pieces; i++) {
            at += b->pieces[i].n;
            c->ends[c->n++] = at;
        }
}

static void pieces_end_where_members_begin_and_end(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct cut c = { { 0 }, 0 };
    uint8_t tar[512 + 1024 + 512 + 512 + 512] = { 0 };
    AUTO(work_queue_free_auto) struct work_queue *q = work_queue_new(4);
    AUTO(sink_drop_auto) struct sink *s = member_cutter_new(4096, q);
    tar_header(tar, "one", 1000, false);
    tar_header(tar + 1536, "empty", 0, false);
    tar_header(tar + 2048, "two", 3, false);
    for (size_t i = 0; i < sizeof tar; i += 100) /* in portions that know of no members */
        assert_true(sink_write(s, tar + i, sizeof tar - i < 100 ? sizeof tar - i : 100, &e));
    assert_true(sink_finish(s, &e));
    collect(&c, q);
    const uint64_t want[] = { 512, 1536, 2048, 2560, 3072 };
    assert_int_equal(c.n, ARRAY_LEN(want));
    for (size_t i = 0; i < c.n; i++)
        assert_int_equal(c.ends[i], want[i]);
}

static void what_is_no_tar_is_cut_like_any_bytes(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct cut c = { { 0 }, 0 };
    AUTO(mem_auto) uint8_t *bytes = mem_new(100000);
    AUTO(work_queue_free_auto) struct work_queue *q = work_queue_new(4);
    AUTO(sink_drop_auto) struct sink *s = member_cutter_new(4096, q);
    memset(bytes, 0x55, 100000);
    assert_true(sink_write(s, bytes, 100000, &e) && sink_finish(s, &e));
    collect(&c, q);
    assert_true(c.n > 0);
    assert_int_equal(c.ends[c.n - 1], 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_changed_layer_is_made_of_the_old_one_and_what_is_new, place_make, place_remove),
        cmocka_unit_test_setup_teardown(without_its_base_a_delta_is_verified_but_not_read, place_make, place_remove),
        cmocka_unit_test_setup_teardown(a_base_with_other_bytes_is_found_out, place_make, place_remove),
        cmocka_unit_test_setup_teardown(a_layer_that_the_base_has_takes_nothing_and_is_read_from_end_to_end, place_make, place_remove),
        cmocka_unit_test_setup_teardown(a_layer_of_an_inventory_needs_no_release, place_make, place_remove),
        cmocka_unit_test_setup_teardown(what_makes_no_use_of_its_base_is_a_full_bundle, place_make, place_remove),
        cmocka_unit_test_setup_teardown(a_layer_that_was_begun_again_leaves_no_trace_of_the_base, place_make, place_remove),
        cmocka_unit_test(a_large_layer_is_not_read_for_a_few_bytes),
        cmocka_unit_test(a_layer_that_stays_is_not_read_for_a_few_bytes_either),
        cmocka_unit_test(pieces_end_where_members_begin_and_end),
        cmocka_unit_test(what_is_no_tar_is_cut_like_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
