/* Round trips: what is written is verified, and every layer comes back byte for byte; damage anywhere is found. */
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
#include "base/text.h"
#include "bundle/cutter.h"
#include "bundle/layer_reader.h"
#include "bundle/seal.h"
#include "bundle/writer.h"
#include "stream/zstd.h"
#include "sys/file.h"
#include "sys/path.h"

enum { N_LAYERS = 4 };

struct fixture {
    char dir[64];
    char path[128];
    size_t layer_len[N_LAYERS];
    uint8_t *layer[N_LAYERS];
    struct digest manifest_sha256;
    uint64_t *sums; /* of the chunks, as they were written */
    size_t n_sums;
};

static void random_bytes(uint8_t *p, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        p[i] = (uint8_t)(seed >> 32);
    }
}

static int set_up(void **state)
{
    struct fixture *f = mem_new(sizeof *f);
    snprintf(f->dir, sizeof f->dir, "/tmp/archon-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/t.bundle.tar.zst", f->dir);
    const size_t lens[N_LAYERS] = { 9 * 1024 * 1024 + 17, 9 * 1024 * 1024 + 17 + 5000, 0, 1 };
    for (size_t i = 0; i < N_LAYERS; i++) {
        f->layer_len[i] = lens[i];
        f->layer[i] = mem_new(lens[i] + 1);
    }
    random_bytes(f->layer[0], f->layer_len[0], 88172645463325252ull);
    /* the second layer is the first with 5000 bytes put into the middle */
    memcpy(f->layer[1], f->layer[0], 4000000);
    random_bytes(f->layer[1] + 4000000, 5000, 12345);
    memcpy(f->layer[1] + 4005000, f->layer[0] + 4000000, f->layer_len[0] - 4000000);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    struct err e = { 0 };
    assert_true(path_remove_tree(f->dir, &e));
    for (size_t i = 0; i < N_LAYERS; i++)
        mem_free(f->layer[i]);
    mem_free(f->sums);
    mem_free(f);
    return 0;
}

struct feed {
    const uint8_t *bytes;
    size_t n;
    struct work_queue *out;
};

static bool feed_run(void *ctx, struct err *e)
{
    struct feed *f = ctx;
    AUTO(sink_drop_auto) struct sink *s = cutter_new(4096, f->out);
    bool ok = sink_write(s, f->bytes, f->n, e) && sink_finish(s, e);
    work_queue_close(f->out);
    return ok;
}

static void add_layer(struct writer *w, const uint8_t *bytes, size_t n)
{
    struct err e = { 0 };
    AUTO(work_queue_free_auto) struct work_queue *q = work_queue_new(4);
    struct feed f = { bytes, n, q };
    struct work_thread *t = work_thread_start(feed_run, &f);
    assert_true(writer_begin_layer(w, &e));
    for (struct cut_batch *b; (b = work_queue_pop(q)) != NULL; cut_batch_free(b))
        for (size_t i = 0, at = 0; i < b->n_pieces; at += b->pieces[i++].n)
            assert_true(writer_add_piece(w, b->pieces[i].hash, b->bytes + at, b->pieces[i].n, &e));
    assert_true(work_thread_join(&t, &e));
    struct manifest_blob blob = { .media_type = "application/vnd.oci.image.layer.v1.tar", .size = n };
    struct manifest_layer layer = { .n_blobs = 1, .blobs = &blob };
    sha256_of(&layer.diff_id, bytes, n);
    blob.digest = layer.diff_id;
    assert_true(writer_end_layer(w, &layer, &e));
}

static const char release[] = "{\"archon_release\":1,\"name\":\"t\",\"version\":\"1.0.0\"}\n";

static void write_bundle(struct fixture *f, unsigned jobs, uint64_t estimate, size_t n_docs)
{
    struct err e = { 0 };
    char platform[1][65] = { "linux/amd64" };
    struct manifest head = { .name = "t", .version = "1.0.0", .n_platforms = 1, .platforms = platform, .average = 4096,
                             .builder_program = "test", .builder_version = "1" };
    sha256_of(&head.release_sha256, release, sizeof release - 1);
    struct writer_spec spec = { .path = f->path, .head = &head, .n_layers = N_LAYERS, .raw_estimate = estimate, .level = 3, .jobs = jobs };
    AUTO(writer_drop_auto) struct writer *w = writer_open(&spec, &e);
    assert_non_null(w);
    assert_true(writer_add_member(w, "release.json", release, sizeof release - 1, false, &e));
    for (size_t i = 0; i < n_docs; i++) {
        char name[100];
        snprintf(name, sizeof name, "docs/a-rather-long-name-to-fill-the-manifest-with-%06zu.txt", i);
        assert_true(writer_add_member(w, name, name, i % 60, i == 1, &e));
    }
    for (size_t i = 0; i < N_LAYERS; i++)
        add_layer(w, f->layer[i], f->layer_len[i]);
    assert_true(writer_finish(w, NULL, NULL, &e));
    f->n_sums = writer_manifest(w)->n_chunks;
    mem_free(f->sums);
    f->sums = mem_copy(writer_sums(w), f->n_sums * sizeof *f->sums);
    assert_true(writer_publish(w, true, &e));
}

static struct bundle *verify(struct fixture *f, struct err *e)
{
    struct verify_how how = { .jobs = 2 };
    struct header h = { 0 };
    struct bundle_file *file = bundle_file_open(f->path, NULL, e);
    assert_non_null(file);
    struct err ignored = { 0 };
    if (header_read(&h, file, &ignored))
        sha256_of(&f->manifest_sha256, h.manifest, h.manifest_bytes);
    header_clear(&h);
    return bundle_verify_own(file, &f->manifest_sha256, &how, e);
}

static void layers_come_back_byte_for_byte(void **state)
{
    struct fixture *f = *state;
    struct err e = { 0 };
    write_bundle(f, 2, 20 << 20, 3);
    AUTO(bundle_close_auto) struct bundle *b = verify(f, &e);
    if (b == NULL)
        fail_msg("%s", e.msg);
    AUTO(chunk_cache_free_auto) struct chunk_cache *cache = chunk_cache_new(bundle_index(b), 8 << 20);
    for (size_t i = 0; i < N_LAYERS; i++) {
        AUTO(buf_clear_auto) struct buf found = BUF_LIMIT(64 << 20);
        AUTO(source_free_auto) struct source *s = layer_reader_open(b, cache, i, &e);
        AUTO(sink_drop_auto) struct sink *to = sink_buf(&found, "layer");
        assert_true(pump(s, to, &e) && sink_finish(to, &e));
        assert_int_equal(found.len, f->layer_len[i]);
        assert_memory_equal(buf_text(&found), f->layer[i], found.len);
    }
    assert_true(bundle_verify_layers(b, 8 << 20, NULL, &e));
    /* the second layer shares all but a few pieces around the inserted bytes */
    uint64_t data = bundle_data_map(b)->total;
    assert_true(data < f->layer_len[0] + 150000);
}

/* As create proves its own file: once through everything but the data, then the layers. */
static bool prove(struct fixture *f, const uint64_t *sums, bool *is_found_by_layers, struct err *e)
{
    struct verify_how how = { .jobs = 2, .sums = sums, .is_data_later = true };
    *is_found_by_layers = false;
    AUTO(bundle_close_auto) struct bundle *b = bundle_verify_own(bundle_file_open(f->path, NULL, e), &f->manifest_sha256, &how, e);
    if (b == NULL)
        return false;
    *is_found_by_layers = !bundle_verify_layers(b, 8 << 20, NULL, e);
    return !*is_found_by_layers;
}

static void flip(const struct fixture *f, uint64_t at)
{
    FILE *file = fopen(f->path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
    int c = fgetc(file);
    assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
    assert_true(fputc(c ^ 4, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static uint64_t middle_of(const struct table_chunk *chunk)
{
    return chunk->file_offset + chunk->packed_len / 2;
}

/* Damage to any chunk is found, with its number, whether frames are hashed again or compared with what they were. */
static void find_damage(struct fixture *f, const struct table *t, const uint64_t *sums)
{
    size_t n_by_layers = 0;
    for (size_t i = 0; i < t->n; i++) {
        struct err bad = { 0 };
        bool is_by_layers;
        struct table_chunk chunk = table_get(t, i);
        flip(f, middle_of(&chunk));
        assert_false(prove(f, sums, &is_by_layers, &bad));
        assert_int_equal(bad.code, ERR_INTEGRITY);
        AUTO(mem_auto) char *named = mem_format("chunk %zu of %zu", i, t->n);
        assert_non_null(strstr(bad.msg, named));
        assert_non_null(strstr(bad.msg, "is damaged"));
        n_by_layers += is_by_layers;
        flip(f, middle_of(&chunk));
    }
    assert_true(n_by_layers > 1 && n_by_layers < t->n);
}

static void every_chunk_is_read_once_before_a_file_gets_its_name(void **state)
{
    struct fixture *f = *state;
    struct err e = { 0 };
    bool is_by_layers;
    write_bundle(f, 2, 20 << 20, 3);
    AUTO(bundle_close_auto) struct bundle *whole = verify(f, &e);
    const struct table *t = index_table(bundle_index(whole));
    assert_int_equal(t->n, f->n_sums);
    assert_true(prove(f, NULL, &is_by_layers, &e));
    assert_true(prove(f, f->sums, &is_by_layers, &e));
    find_damage(f, t, NULL);
    find_damage(f, t, f->sums);
}

/* That also of data headers, which are written a second time. */
static void a_checksum_is_that_of_the_frame_and_its_digest(void **state)
{
    struct fixture *f = *state;
    struct err e = { 0 };
    write_bundle(f, 2, 0, 4000); /* and the payload is moved */
    AUTO(bundle_close_auto) struct bundle *whole = verify(f, &e);
    const struct table *t = index_table(bundle_index(whole));
    AUTO(buf_clear_auto) struct buf bytes = BUF_LIMIT(64 << 20);
    assert_true(file_read(f->path, FILE_PLAIN, bytes.max, &bytes, &e));
    for (size_t i = 0; i < t->n; i++) {
        struct table_chunk chunk = table_get(t, i);
        assert_int_equal(f->sums[i], table_sum(bytes.data + chunk.file_offset, chunk.packed_len, &chunk.sha256));
        chunk.sha256.bytes[31] ^= 1;
        assert_int_not_equal(f->sums[i], table_sum(bytes.data + chunk.file_offset, chunk.packed_len, &chunk.sha256));
    }
}

/* Puts a good frame with other content in the place of a chunk that cannot be compressed; its checksum as it would have been. */
static uint64_t change_content(const struct fixture *f, const struct table_chunk *chunk)
{
    struct err e = { 0 };
    size_t packed_len;
    AUTO(fd_auto) int fd = open(f->path, O_RDWR | O_CLOEXEC);
    AUTO(mem_auto) uint8_t *packed = mem_new(LAYOUT_FRAME_MAX);
    AUTO(mem_auto) uint8_t *raw = mem_new(LIMIT_CHUNK_BYTES);
    struct zstd_unpacker *u = zstd_unpacker_new();
    struct zstd_packer *p = zstd_packer_new(3);
    assert_true(fd_pread_exact(fd, packed, chunk->packed_len, chunk->file_offset, "bundle", &e));
    assert_true(zstd_unpack(u, packed, chunk->packed_len, raw, chunk->raw_len, true, &e));
    raw[chunk->raw_len / 2] ^= 1;
    assert_true(zstd_pack(p, raw, chunk->raw_len, packed, LAYOUT_FRAME_MAX, &packed_len, &e));
    assert_int_equal(packed_len, chunk->packed_len);
    assert_true(fd_pwrite_all(fd, packed, packed_len, chunk->file_offset, "bundle", &e));
    zstd_packer_free(p);
    zstd_unpacker_free(u);
    return table_sum(packed, chunk->packed_len, &chunk->sha256);
}

/* A checksum saves hashing a frame and nothing else: the digest has the last word on it, and what is in it is hashed in any case. */
static void what_a_checksum_says_is_only_that_nothing_changed(void **state)
{
    struct fixture *f = *state;
    struct err e = { 0 };
    bool is_by_layers;
    write_bundle(f, 2, 20 << 20, 3);
    AUTO(bundle_close_auto) struct bundle *whole = verify(f, &e);
    struct table_chunk chunk = table_get(index_table(bundle_index(whole)), 2); /* of the first layer */
    f->sums[2]++;
    assert_true(prove(f, f->sums, &is_by_layers, &e));
    f->sums[2] = change_content(f, &chunk);
    assert_false(prove(f, f->sums, &is_by_layers, &e));
    if (e.code != ERR_INTEGRITY || !is_by_layers || strstr(e.msg, "is damaged") != NULL || strstr(e.msg, "layer 0") == NULL)
        fail_msg("%s: %s", err_name(e.code), e.msg);
}

static void jobs_do_not_change_a_byte(void **state)
{
    struct fixture *f = *state;
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf one = BUF_LIMIT(64 << 20);
    AUTO(buf_clear_auto) struct buf eight = BUF_LIMIT(64 << 20);
    write_bundle(f, 1, 20 << 20, 3);
    assert_true(file_read(f->path, FILE_PLAIN, one.max, &one, &e));
    write_bundle(f, 8, 20 << 20, 3);
    assert_true(file_read(f->path, FILE_PLAIN, eight.max, &eight, &e));
    assert_int_equal(one.len, eight.len);
    assert_memory_equal(one.data, eight.data, one.len);
}

static void a_header_that_outgrows_its_bound_moves_the_payload(void **state)
{
    struct fixture *f = *state;
    struct err e = { 0 };
    write_bundle(f, 2, 0, 4000); /* the manifest alone is longer than what was reserved */
    AUTO(bundle_close_auto) struct bundle *b = verify(f, &e);
    if (b == NULL)
        fail_msg("%s", e.msg);
    assert_true(bundle_manifest(b)->header_len > 262144);
    assert_true(bundle_verify_layers(b, 8 << 20, NULL, &e));
}

static void one_flipped_bit_in_the_payload_is_found(void **state)
{
    struct fixture *f = *state;
    struct err e = { 0 };
    write_bundle(f, 2, 20 << 20, 3);
    struct stat st;
    assert_int_equal(stat(f->path, &st), 0);
    uint64_t header = 0;
    {
        AUTO(bundle_close_auto) struct bundle *b = verify(f, &e);
        header = bundle_manifest(b)->header_len;
    }
    uint64_t bytes = (uint64_t)st.st_size;
    const uint64_t at[] = { header, header + 100, bytes / 2, bytes - 1, bytes - 40 };
    for (size_t i = 0; i < ARRAY_LEN(at); i++) {
        struct err bad = { 0 };
        flip(f, at[i]);
        assert_null(verify(f, &bad));
        assert_int_equal(bad.code, ERR_INTEGRITY);
        assert_non_null(strstr(bad.msg, "chunk "));
        flip(f, at[i]);
    }
    AUTO(bundle_close_auto) struct bundle *b = verify(f, &e);
    assert_non_null(b);
}

static void a_byte_more_or_less_is_found(void **state)
{
    struct fixture *f = *state;
    write_bundle(f, 2, 20 << 20, 3);
    struct stat st;
    assert_int_equal(stat(f->path, &st), 0);
    static const int change[] = { -1, 1, -5000000, 1048576 };
    for (size_t i = 0; i < ARRAY_LEN(change); i++) {
        struct err e = { 0 };
        assert_int_equal(truncate(f->path, st.st_size + change[i]), 0);
        assert_null(verify(f, &e));
        assert_int_equal(e.code, ERR_INTEGRITY);
        write_bundle(f, 2, 20 << 20, 3);
    }
}

static bool add_signature(void *ctx, const void *manifest, size_t n, struct header *h, struct err *e)
{
    (void)manifest;
    return n > 0 && header_add_signature(h, ctx, "0123456789", 10, e);
}

static bool refuse_to_sign(void *ctx, const void *manifest, size_t n, struct header *h, struct err *e)
{
    (void)ctx;
    (void)manifest;
    (void)n;
    (void)h;
    return err_set(e, ERR_CONFIG, "no key");
}

static void signing_in_place_changes_only_the_header(void **state)
{
    struct fixture *f = *state;
    struct err e = { 0 };
    char first[] = "signatures/00000000000000aa.sig";
    AUTO(mem_auto) char *copy = seal_copy_path(f->path);
    write_bundle(f, 2, 20 << 20, 3);
    assert_true(seal_sign(f->path, add_signature, first, NULL, &e));
    assert_int_equal(access(copy, F_OK), -1);
    {
        AUTO(bundle_close_auto) struct bundle *b = verify(f, &e);
        if (b == NULL)
            fail_msg("%s", e.msg);
        assert_int_equal(index_header(bundle_index(b))->n_signatures, 1);
    }
    assert_false(seal_sign(f->path, refuse_to_sign, NULL, NULL, &e));
    assert_int_equal(access(copy, F_OK), -1);
}

static void a_torn_header_is_healed_by_the_next_signing(void **state)
{
    struct fixture *f = *state;
    struct err e = { 0 };
    char name[] = "signatures/00000000000000bb.sig";
    bool healed = false;
    AUTO(mem_auto) char *copy = seal_copy_path(f->path);
    write_bundle(f, 2, 20 << 20, 3);
    AUTO(buf_clear_auto) struct buf whole = BUF_LIMIT(64 << 20);
    assert_true(file_read(f->path, FILE_PLAIN, whole.max, &whole, &e));
    uint64_t header;
    {
        AUTO(bundle_close_auto) struct bundle *b = verify(f, &e);
        header = bundle_manifest(b)->header_len;
    }
    /* the crash: the copy is there, and half of the region is something else */
    assert_true(file_publish(copy, whole.data, header, 0600, &e));
    int fd = fileno(fopen(f->path, "r+b"));
    static const uint8_t junk[5000] = { 9 };
    assert_true(fd_pwrite_all(fd, junk, sizeof junk, 100, "test", &e));
    close(fd);
    assert_true(seal_sign(f->path, add_signature, name, &healed, &e));
    assert_true(healed);
    assert_int_equal(access(copy, F_OK), -1);
    AUTO(bundle_close_auto) struct bundle *b = verify(f, &e);
    assert_non_null(b);
    assert_int_equal(index_header(bundle_index(b))->n_signatures, 1);
}

static void a_copy_of_another_bundle_is_not_written_back(void **state)
{
    struct fixture *f = *state;
    struct err e = { 0 };
    char name[] = "signatures/00000000000000bb.sig";
    AUTO(mem_auto) char *copy = seal_copy_path(f->path);
    write_bundle(f, 2, 20 << 20, 3);
    AUTO(buf_clear_auto) struct buf other = BUF_LIMIT(64 << 20);
    assert_true(file_read(f->path, FILE_PLAIN, other.max, &other, &e));
    f->layer[0][0] ^= 1;
    write_bundle(f, 2, 20 << 20, 4);
    f->layer[0][0] ^= 1;
    assert_true(file_publish(copy, other.data, 196608, 0600, &e));
    assert_false(seal_sign(f->path, add_signature, name, NULL, &e));
    assert_int_equal(e.code, ERR_IO);
    struct err e2 = { 0 };
    AUTO(bundle_close_auto) struct bundle *b = verify(f, &e2);
    assert_non_null(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_come_back_byte_for_byte),
        cmocka_unit_test(every_chunk_is_read_once_before_a_file_gets_its_name),
        cmocka_unit_test(a_checksum_is_that_of_the_frame_and_its_digest),
        cmocka_unit_test(what_a_checksum_says_is_only_that_nothing_changed),
        cmocka_unit_test(jobs_do_not_change_a_byte),
        cmocka_unit_test(a_header_that_outgrows_its_bound_moves_the_payload),
        cmocka_unit_test(one_flipped_bit_in_the_payload_is_found),
        cmocka_unit_test(a_byte_more_or_less_is_found),
        cmocka_unit_test(signing_in_place_changes_only_the_header),
        cmocka_unit_test(a_torn_header_is_healed_by_the_next_signing),
        cmocka_unit_test(a_copy_of_another_bundle_is_not_written_back),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
