/* Layers in three forms, for tests of packing: five that overlap, each with a file. */
#ifndef TESTS_UNIT_BUNDLER_LAYERS_H
#define TESTS_UNIT_BUNDLER_LAYERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/num.h"
#include "bundle/layer_reader.h"
#include "bundler/pack.h"
#include "stream/zstd.h"
#include "sys/file.h"
#include "sys/path.h"

enum { N_LAYERS = 5 };

static const char release[] = "{\"archon_release\":1,\"name\":\"t\",\"version\":\"1.0.0\"}\n";

struct fixture {
    char dir[64];
    char path[128];
    struct manifest_blob blobs[N_LAYERS];
    struct pack_form forms[N_LAYERS];
    struct pack_layer layers[N_LAYERS];
    uint64_t raw_bytes;
};

/* ---- layers in three forms ---- */

static inline void random_bytes(uint8_t *p, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        p[i] = (uint8_t)(seed >> 32);
    }
}

static inline uint32_t crc32_of(const uint8_t *p, size_t n)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (0xEDB88320u & (0u - (crc & 1)));
    }
    return ~crc;
}

/* RFC 1952 and 1951, stored blocks. */
static inline void add_gzip(struct buf *out, const uint8_t *p, size_t n)
{
    static const uint8_t start[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255 };
    uint8_t trailer[8];
    buf_add(out, start, sizeof start);
    for (size_t at = 0; at < n || at == 0;) {
        size_t len = n - at < 65535 ? n - at : 65535;
        uint8_t block[5] = { at + len == n, (uint8_t)len, (uint8_t)(len >> 8), (uint8_t)~len, (uint8_t)(~len >> 8) };
        buf_add(out, block, sizeof block);
        buf_add(out, p + at, len);
        at += len;
        if (at == n)
            break;
    }
    num_put_le32(trailer, crc32_of(p, n));
    num_put_le32(trailer + 4, (uint32_t)n);
    buf_add(out, trailer, sizeof trailer);
}

static inline void add_zstd(struct buf *out, const uint8_t *p, size_t n)
{
    struct err e = { 0 };
    AUTO(zstd_packer_free_auto) struct zstd_packer *z = zstd_packer_new(1);
    for (size_t at = 0; at < n;) {
        size_t len = n - at < LIMIT_CHUNK_BYTES ? n - at : LIMIT_CHUNK_BYTES;
        size_t packed = 0;
        uint8_t *to = buf_reserve(out, zstd_bound(len));
        assert_non_null(to);
        assert_true(zstd_pack(z, p + at, len, to, zstd_bound(len), &packed, &e));
        out->len += packed;
        at += len;
    }
}

static inline void make_layer(struct fixture *f, size_t i, const uint8_t *raw, size_t n)
{
    static const enum oci_compression kinds[] = { OCI_RAW, OCI_GZIP, OCI_ZSTD };
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf blob = BUF_LIMIT(64 << 20);
    struct pack_layer *l = &f->layers[i];
    *l = (struct pack_layer){ .blobs = &f->blobs[i], .forms = &f->forms[i], .n_blobs = 1 };
    f->forms[i] = (struct pack_form){ .compression = kinds[i % 3], .path = mem_format("%s/%zu", f->dir, i) };
    if (l->forms[0].compression == OCI_RAW)
        buf_add(&blob, raw, n);
    else if (l->forms[0].compression == OCI_GZIP)
        add_gzip(&blob, raw, n);
    else
        add_zstd(&blob, raw, n);
    assert_true(buf_done(&blob, "blob", &e));
    sha256_of(&l->diff_id, raw, n);
    f->blobs[i] = (struct manifest_blob){ .media_type = "application/vnd.oci.image.layer.v1.tar", .size = blob.len };
    sha256_of(&f->blobs[i].digest, blob.data, blob.len);
    assert_true(file_publish(l->forms[0].path, blob.data, blob.len, 0600, &e));
    f->raw_bytes += n;
}

/* Each layer begins as the one before ends. */
static inline int layers_make(void **state, size_t layer_bytes)
{
    struct fixture *f = mem_new(sizeof *f);
    size_t step = layer_bytes / 2 + 12345;
    AUTO(mem_auto) uint8_t *all = mem_new(N_LAYERS * step + layer_bytes);
    random_bytes(all, N_LAYERS * step + layer_bytes, 88172645463325252ull);
    memset(all + layer_bytes / 2, 'z', layer_bytes / 4); /* something to compress */
    snprintf(f->dir, sizeof f->dir, "/tmp/archon-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/t.bundle.tar.zst", f->dir);
    for (size_t i = 0; i < N_LAYERS; i++)
        make_layer(f, i, all + i * step, layer_bytes + i);
    *state = f;
    return 0;
}

static inline int layers_remove(void **state)
{
    struct fixture *f = *state;
    struct err e = { 0 };
    assert_true(path_remove_tree(f->dir, &e));
    for (size_t i = 0; i < N_LAYERS; i++)
        mem_free(f->forms[i].path);
    mem_free(f);
    return 0;
}

/* ---- packing ---- */

struct how {
    unsigned jobs;
    int level;
    uint32_t average;
};

static inline struct writer *open_writer(const struct fixture *f, const struct how *how)
{
    struct err e = { 0 };
    char platform[1][65] = { "linux/amd64" };
    struct manifest head = { .name = "t", .version = "1.0.0", .n_platforms = 1, .platforms = platform, .average = how->average,
                             .builder_program = "test", .builder_version = "1" };
    sha256_of(&head.release_sha256, release, sizeof release - 1);
    struct writer_spec spec = { .path = f->path, .head = &head, .n_layers = N_LAYERS, .n_blobs = N_LAYERS, .n_members = 1,
                                .raw_estimate = f->raw_bytes, .level = how->level, .jobs = how->jobs };
    struct writer *w = writer_open(&spec, &e);
    if (w == NULL)
        fail_msg("%s", e.msg);
    assert_true(writer_add_member(w, "release.json", release, sizeof release - 1, false, &e));
    return w;
}

/* The whole, with a name at the end. */
static inline bool pack(const struct fixture *f, const struct how *how, const struct progress *progress, struct err *e)
{
    AUTO(writer_drop_auto) struct writer *w = open_writer(f, how);
    return pack_layers(w, f->layers, N_LAYERS, &(struct pack_how){ .average = how->average, .jobs = how->jobs, .progress = progress }, e) && writer_finish(w, NULL, NULL, e) &&
           writer_publish(w, true, e);
}

static inline struct bundle *verify(const struct fixture *f, struct err *e)
{
    struct verify_how how = { .jobs = 2 };
    struct digest id;
    struct bundle_file *file = bundle_file_open(f->path, NULL, e);
    assert_non_null(file);
    AUTO(header_clear_auto) struct header h = { 0 };
    assert_true(header_read(&h, file, e));
    sha256_of(&id, h.manifest, h.manifest_bytes);
    return bundle_verify_own(file, &id, &how, e);
}

static inline void read_back(const struct fixture *f, struct buf *out)
{
    struct err e = { 0 };
    AUTO(bundle_close_auto) struct bundle *b = verify(f, &e);
    if (b == NULL || !bundle_verify_layers(b, 16 << 20, NULL, &e))
        fail_msg("%s", e.msg);
    *out = (struct buf)BUF_LIMIT(128 << 20);
    assert_true(file_read(f->path, FILE_PLAIN, out->max, out, &e));
}

static inline void no_file_has_appeared(const struct fixture *f)
{
    AUTO(mem_auto) char *partial = mem_format("%s.partial", f->path);
    assert_int_equal(access(f->path, F_OK), -1);
    assert_int_equal(access(partial, F_OK), -1);
}

#endif
