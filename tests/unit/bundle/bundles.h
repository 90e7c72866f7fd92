/* Bundles for tests, made piece by piece. A test may choose its pieces freely: cutting is the business of others. */
#ifndef TESTS_UNIT_BUNDLE_BUNDLES_H
#define TESTS_UNIT_BUNDLE_BUNDLES_H

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
#include "bundle/writer.h"
#include "sys/file.h"
#include "sys/path.h"

static const char release_text[] = "{\"archon_release\":1,\"name\":\"t\",\"version\":\"1.0.0\"}\n";

struct place {
    char dir[64];
    char path[128];
};

static inline int place_make(void **state)
{
    struct place *p = mem_new(sizeof *p);
    snprintf(p->dir, sizeof p->dir, "/tmp/archon-test-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->path, sizeof p->path, "%s/t.bundle.tar.zst", p->dir);
    *state = p;
    return 0;
}

static inline int place_remove(void **state)
{
    struct err e = { 0 };
    struct place *p = *state;
    assert_true(path_remove_tree(p->dir, &e));
    mem_free(p);
    return 0;
}

static inline struct writer *writer_for(const char *path, size_t n_layers, uint64_t data_member_bytes, struct err *e)
{
    char platform[1][65] = { "linux/amd64" };
    struct manifest head = { .name = "t", .version = "1.0.0", .n_platforms = 1, .platforms = platform, .average = 4096,
                             .builder_program = "test", .builder_version = "1" };
    sha256_of(&head.release_sha256, release_text, sizeof release_text - 1);
    struct writer_spec spec = { .path = path, .head = &head, .n_layers = n_layers, .n_blobs = n_layers, .n_members = 1, .raw_estimate = 64 << 20,
                                .expected_bytes = 1234567, .level = 1, .jobs = 2, .data_member_bytes = data_member_bytes };
    struct writer *w = writer_open(&spec, e);
    if (w != NULL && !writer_add_member(w, "release.json", release_text, sizeof release_text - 1, false, e)) {
        writer_drop(w);
        return NULL;
    }
    return w;
}

/* Piece number i: n bytes, the number and then something that compresses. */
static inline bool add_piece(struct writer *w, struct sha256 *layer, uint64_t i, uint32_t n, struct err *e)
{
    struct digest d;
    AUTO(mem_auto) uint8_t *bytes = mem_new(n);
    num_put_le64(bytes, i);
    sha256_of(&d, bytes, n);
    sha256_add(layer, bytes, n);
    return writer_add_piece(w, d.bytes, bytes, n, e);
}

/* *layer is the hash of its pieces. */
static inline bool end_layer(struct writer *w, struct sha256 *layer, struct err *e)
{
    struct manifest_blob blob = { .media_type = "application/vnd.oci.image.layer.v1.tar", .size = 1 };
    struct manifest_layer l = { .n_blobs = 1, .blobs = &blob };
    sha256_end(layer, &l.diff_id);
    blob.digest = l.diff_id;
    return writer_end_layer(w, &l, e);
}

/* The bundle of its own maker. */
static inline struct bundle *verify_own(const char *path, struct err *e)
{
    struct verify_how how = { .jobs = 2 };
    struct digest id;
    struct bundle_file *file = bundle_file_open(path, NULL, e);
    AUTO(header_clear_auto) struct header h = { 0 };
    if (file == NULL)
        return NULL;
    if (!header_read(&h, file, e)) {
        bundle_file_close(file);
        return NULL;
    }
    sha256_of(&id, h.manifest, h.manifest_bytes);
    return bundle_verify_own(file, &id, &how, e);
}

#endif
