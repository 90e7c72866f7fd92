/* Exact bundles: written, rewound, verified; their layers as blobs and as tars; the layout that follows from release.json. What verification refuses is in tests/reader/damage/x_exact.py. */
#include "bundles.h"

#include "bundle/exact_layout.h"
#include "bundle/exact_reader.h"
#include "format/oci_layout.h"

static struct bundle *golden_exact(struct err *e)
{
    AUTO(mem_auto) char *path = mem_format("%s/tests/golden/golden-exact.bundle.tar.zst", getenv("ARCHON_SOURCE_DIR"));
    return verify_own(path, e);
}

/* Reads in pieces of step bytes; true at a proven end. */
static bool read_all(struct source *s, size_t step, struct digest *d, uint64_t *n, struct err *e)
{
    uint8_t block[4096];
    AUTO(sha256_free_auto) struct sha256 *h = sha256_new();
    *n = 0;
    for (size_t got = 1; got > 0; *n += got) {
        if (!source_read(s, block, step, &got, e))
            return false;
        sha256_add(h, block, got);
    }
    sha256_end(h, d);
    return true;
}

static void every_layer_comes_out_as_its_tar_in_any_portions(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(bundle_close_auto) struct bundle *b = golden_exact(&e);
    if (b == NULL)
        fail_msg("%s", e.msg);
    AUTO(chunk_cache_free_auto) struct chunk_cache *cache = chunk_cache_new(bundle_index(b), 0);
    const struct manifest *m = bundle_manifest(b);
    assert_int_equal(m->mode, MANIFEST_EXACT);
    assert_int_equal(m->n_layers, 3);
    for (size_t i = 0; i < m->n_layers; i++)
        for (size_t step = 1; step <= 4096; step *= 64) {
            struct digest d;
            uint64_t n = 0;
            AUTO(source_free_auto) struct source *tar = layer_reader_open(b, cache, i, &e);
            assert_true(tar != NULL && read_all(tar, step, &d, &n, &e));
            assert_true(digest_equal(&d, &m->layers[i].diff_id));
            assert_true(n >= 1024);
        }
}

static void every_form_comes_out_as_the_registry_had_it(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(bundle_close_auto) struct bundle *b = golden_exact(&e);
    AUTO(chunk_cache_free_auto) struct chunk_cache *cache = chunk_cache_new(bundle_index(b), 0);
    const struct manifest *m = bundle_manifest(b);
    assert_int_equal(m->layers[0].n_blobs, 2);
    for (size_t i = 0; i < m->n_layers; i++)
        for (size_t k = 0; k < m->layers[i].n_blobs; k++) {
            struct digest d;
            uint64_t n = 0;
            AUTO(source_free_auto) struct source *blob = exact_proven_open(b, cache, i, k, &e);
            assert_true(blob != NULL && read_all(blob, 1000, &d, &n, &e));
            assert_true(digest_equal(&d, &m->layers[i].blobs[k].digest));
            assert_int_equal(n, m->layers[i].blobs[k].size);
        }
}

static void what_was_read_is_written_back(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(bundle_close_auto) struct bundle *b = golden_exact(&e);
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_MANIFEST_BYTES);
    AUTO(manifest_clear_auto) struct manifest again = { 0 };
    assert_true(manifest_write(bundle_manifest(b), &text, &e));
    assert_true(manifest_read(&again, text.data, text.len, &e));
    assert_int_equal(again.mode, MANIFEST_EXACT);
    assert_int_equal(manifest_layer_bytes(&again, 0), again.layers[0].blobs[0].size);
}

/* ---- the layout ---- */

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CONFIG "sha256:" HEX
#define MANIFEST_TEXT                                                                                                                       \
    "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"config\":{\"mediaType\":\"" OCI_TYPE_CONFIG "\",\"digest\":\"" CONFIG   \
    "\",\"size\":9},\"layers\":[{\"mediaType\":\"" OCI_TYPE_LAYER "\",\"digest\":\"" CONFIG "\",\"size\":9}]}"

static bool read_manifest(void *ctx, const struct digest *d, struct buf *out, struct err *e)
{
    (void)ctx;
    (void)d;
    buf_adds(out, MANIFEST_TEXT);
    return buf_done(out, "test", e);
}

static bool make_layout(struct exact_layout *x, const char *platform, struct err *e)
{
    AUTO(mem_auto) char *text = mem_format("{\"images\":[{\"reference\":\"a.example/x:1\",\"platforms\":[{\"platform\":\"linux/amd64\",\"manifest\":\"" CONFIG "\","
                                           "\"manifest_size\":%zu,%s,\"config\":\"" CONFIG "\",\"diff_ids\":[\"" CONFIG "\"]}]}]}\n",
                                           sizeof MANIFEST_TEXT - 1, platform);
    *x = (struct exact_layout){ .read = read_manifest };
    return exact_layout_make(x, text, strlen(text), e);
}

static void an_image_stands_in_both_lists(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(exact_layout_clear_auto) struct exact_layout x = { 0 };
    if (!make_layout(&x, "\"manifest_type\":\"" OCI_TYPE_MANIFEST "\"", &e))
        fail_msg("%s", e.msg);
    assert_non_null(strstr(buf_text(&x.index), "\"org.opencontainers.image.ref.name\":\"a.example/x:1\""));
    assert_non_null(strstr(buf_text(&x.index), "\"io.containerd.image.name\":\"a.example/x:1\""));
    assert_string_equal(buf_text(&x.docker), "[{\"Config\":\"blobs/sha256/" HEX "\",\"RepoTags\":[\"a.example/x:1\"],\"Layers\":[\"blobs/sha256/" HEX "\"]}]\n");
    assert_int_equal(x.n_finders, 0);
}

static void a_manifest_that_release_json_describes_otherwise_is_refused(void **state)
{
    (void)state;
    static const char *const platforms[] = { "\"manifest_type\":\"" OCI_TYPE_INDEX "\"", "\"manifest_type\":7", "\"no_type\":\"\"",
                                             "\"manifest_type\":\"" OCI_TYPE_MANIFEST "\",\"config\":\"" CONFIG "\"" };
    for (size_t i = 0; i < ARRAY_LEN(platforms); i++) {
        struct err e = { 0 };
        AUTO(exact_layout_clear_auto) struct exact_layout x = { 0 };
        assert_false(make_layout(&x, platforms[i], &e));
        assert_int_equal(e.code, ERR_FORMAT);
    }
}

/* ---- writing ---- */

static struct writer *exact_writer(const char *path, struct err *e)
{
    char platform[1][65] = { "linux/amd64" };
    struct manifest head = { .name = "t", .version = "1.0.0", .n_platforms = 1, .platforms = platform, .mode = MANIFEST_EXACT, .builder_program = "test", .builder_version = "1" };
    static const char text[] = "{\"archon_release\":1,\"name\":\"t\",\"version\":\"1.0.0\",\"images\":[]}\n";
    sha256_of(&head.release_sha256, text, sizeof text - 1);
    struct writer_spec spec = { .path = path, .head = &head, .n_layers = 1, .n_blobs = 2, .n_members = 9, .raw_estimate = 64 << 20, .level = 3, .jobs = 2 };
    struct writer *w = writer_open(&spec, e);
    assert_true(w != NULL && writer_add_member(w, "release.json", text, sizeof text - 1, false, e));
    return w;
}

/* A blob of n bytes that do not compress, in portions. */
static bool add_blob(struct writer *w, uint64_t seed, size_t n, size_t promised, struct manifest_layer *layer, struct manifest_blob *blob, struct err *e)
{
    AUTO(mem_auto) uint8_t *bytes = mem_new(n);
    for (size_t at = 0; at < n; at += 8) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint8_t word[8];
        num_put_le64(word, seed ^ seed >> 29);
        memcpy(bytes + at, word, n - at < 8 ? n - at : 8);
    }
    *blob = (struct manifest_blob){ .media_type = OCI_TYPE_LAYER, .size = n };
    sha256_of(&blob->digest, bytes, n);
    *layer = (struct manifest_layer){ .diff_id = blob->digest, .n_blobs = 1, .blobs = blob };
    if (!writer_begin_blob(w, &blob->digest, promised, true, e))
        return false;
    for (size_t at = 0; at < n; at += 70000)
        if (!writer_put_blob(w, bytes + at, n - at < 70000 ? n - at : 70000, e))
            return false;
    return writer_end_blob(w, e);
}

static bool finish_layout(struct writer *w, struct err *e)
{
    static const char index[] = "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"manifests\":[]}\n";
    return writer_add_member(w, OCI_LAYOUT_MEMBER, OCI_LAYOUT_TEXT, sizeof OCI_LAYOUT_TEXT - 1, false, e) &&
           writer_add_member(w, OCI_INDEX_MEMBER, index, sizeof index - 1, false, e) && writer_add_member(w, DOCKER_MANIFEST_MEMBER, "[]\n", 3, false, e) &&
           writer_finish(w, NULL, NULL, e) && writer_publish(w, true, e);
}

static void make_bundle(const char *path, bool with_a_rewind)
{
    struct err e = { 0 };
    struct manifest_layer layer;
    struct manifest_blob blob;
    AUTO(writer_drop_auto) struct writer *w = exact_writer(path, &e);
    assert_true(add_blob(w, 1, 100, 100, &layer, &blob, &e) && writer_add_exact_layer(w, &layer, &e));
    if (with_a_rewind) {
        assert_true(writer_checkpoint(w, &e));
        assert_true(add_blob(w, 7, 6000000, 6000000, &layer, &blob, &e));
        assert_true(writer_rewind(w, &e));
    }
    assert_true(add_blob(w, 2, 9000000, 9000000, &layer, &blob, &e) && writer_add_exact_layer(w, &layer, &e));
    assert_int_equal(writer_new_bytes(w), 9000100);
    if (!finish_layout(w, &e))
        fail_msg("%s", e.msg);
}

static void a_blob_that_was_brought_wrongly_leaves_no_trace(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf plain = BUF_LIMIT(16 << 20);
    AUTO(buf_clear_auto) struct buf rewound = BUF_LIMIT(16 << 20);
    make_bundle(p->path, false);
    assert_true(file_read(p->path, FILE_PLAIN, 16 << 20, &plain, &e));
    make_bundle(p->path, true);
    assert_true(file_read(p->path, FILE_PLAIN, 16 << 20, &rewound, &e));
    assert_int_equal(plain.len, rewound.len);
    assert_memory_equal(plain.data, rewound.data, plain.len);
    AUTO(bundle_close_auto) struct bundle *b = verify_own(p->path, &e);
    if (b == NULL)
        fail_msg("%s", e.msg);
    assert_true(bundle_verify_layers(b, 0, NULL, &e));
}

static void what_is_compressed_already_hardly_grows(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    make_bundle(p->path, false);
    AUTO(bundle_close_auto) struct bundle *b = verify_own(p->path, &e);
    const struct manifest *m = bundle_manifest(b);
    assert_true(m->total_len - m->header_len < 9000100 + 4000);
}

static void a_blob_of_another_size_is_refused(void **state)
{
    const struct place *p = *state;
    static const size_t promised[] = { 99, 101 };
    for (size_t i = 0; i < ARRAY_LEN(promised); i++) {
        struct err e = { 0 };
        struct manifest_layer layer;
        struct manifest_blob blob;
        AUTO(writer_drop_auto) struct writer *w = exact_writer(p->path, &e);
        assert_false(add_blob(w, 1, 100, promised[i], &layer, &blob, &e));
        assert_int_equal(e.code, ERR_INTEGRITY);
        assert_non_null(strstr(e.msg, "has another number of bytes"));
    }
}

static void a_blob_over_8_GiB_is_refused(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    AUTO(writer_drop_auto) struct writer *w = exact_writer(p->path, &e);
    assert_false(writer_begin_blob(w, &(struct digest){ { 0 } }, 8 * GIB, true, &e));
    assert_int_equal(e.code, ERR_FORMAT);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layer_comes_out_as_its_tar_in_any_portions),
        cmocka_unit_test(every_form_comes_out_as_the_registry_had_it),
        cmocka_unit_test(what_was_read_is_written_back),
        cmocka_unit_test(an_image_stands_in_both_lists),
        cmocka_unit_test(a_manifest_that_release_json_describes_otherwise_is_refused),
        cmocka_unit_test_setup_teardown(a_blob_that_was_brought_wrongly_leaves_no_trace, place_make, place_remove),
        cmocka_unit_test_setup_teardown(what_is_compressed_already_hardly_grows, place_make, place_remove),
        cmocka_unit_test_setup_teardown(a_blob_of_another_size_is_refused, place_make, place_remove),
        cmocka_unit_test_setup_teardown(a_blob_over_8_GiB_is_refused, place_make, place_remove),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
