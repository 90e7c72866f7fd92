/* Packing layers: the same bytes whatever the number of threads, and every way in which it can fail ends at once, with the right error and no file. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "bundle/layer_reader.h"
#include "bundler/pack.h"
#include "stream/zstd.h"
#include "sys/file.h"
#include "sys/path.h"
#include "sys/start.h"

/* Longer than what may lie in the queue of one layer, so that workers do wait. */
enum { N_LAYERS = 5, LAYER_BYTES = 12 * 1024 * 1024 };

static const char release[] = "{\"archon_release\":1,\"name\":\"t\",\"version\":\"1.0.0\"}\n";

struct fixture {
    char dir[64];
    char path[128];
    struct manifest_blob blobs[N_LAYERS];
    struct pack_layer layers[N_LAYERS];
    uint64_t raw_bytes;
};

/* ---- layers in three forms ---- */

static void random_bytes(uint8_t *p, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        p[i] = (uint8_t)(seed >> 32);
    }
}

static uint32_t crc32_of(const uint8_t *p, size_t n)
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
static void add_gzip(struct buf *out, const uint8_t *p, size_t n)
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

static void add_zstd(struct buf *out, const uint8_t *p, size_t n)
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

static void make_layer(struct fixture *f, size_t i, const uint8_t *raw, size_t n)
{
    static const enum oci_compression kinds[] = { OCI_RAW, OCI_GZIP, OCI_ZSTD };
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf blob = BUF_LIMIT(64 << 20);
    struct pack_layer *l = &f->layers[i];
    *l = (struct pack_layer){ .blobs = &f->blobs[i], .n_blobs = 1, .compression = kinds[i % 3], .path = mem_format("%s/%zu", f->dir, i) };
    if (l->compression == OCI_RAW)
        buf_add(&blob, raw, n);
    else if (l->compression == OCI_GZIP)
        add_gzip(&blob, raw, n);
    else
        add_zstd(&blob, raw, n);
    assert_true(buf_done(&blob, "blob", &e));
    sha256_of(&l->diff_id, raw, n);
    f->blobs[i] = (struct manifest_blob){ .media_type = "application/vnd.oci.image.layer.v1.tar", .size = blob.len };
    sha256_of(&f->blobs[i].digest, blob.data, blob.len);
    assert_true(file_publish(l->path, blob.data, blob.len, 0600, &e));
    f->raw_bytes += n;
}

/* Each layer begins as the one before ends. */
static int set_up(void **state)
{
    struct fixture *f = mem_new(sizeof *f);
    size_t step = LAYER_BYTES / 2 + 12345;
    AUTO(mem_auto) uint8_t *all = mem_new(N_LAYERS * step + LAYER_BYTES);
    random_bytes(all, N_LAYERS * step + LAYER_BYTES, 88172645463325252ull);
    memset(all + LAYER_BYTES, 'z', 3000000); /* something to compress */
    snprintf(f->dir, sizeof f->dir, "/tmp/archon-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/t.bundle.tar.zst", f->dir);
    for (size_t i = 0; i < N_LAYERS; i++)
        make_layer(f, i, all + i * step, LAYER_BYTES + i);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    struct err e = { 0 };
    assert_true(path_remove_tree(f->dir, &e));
    for (size_t i = 0; i < N_LAYERS; i++)
        mem_free(f->layers[i].path);
    mem_free(f);
    return 0;
}

/* ---- packing ---- */

struct how {
    unsigned jobs;
    int level;
    uint32_t average;
};

static struct writer *open_writer(const struct fixture *f, const struct how *how)
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
static bool pack(const struct fixture *f, const struct how *how, const struct progress *progress, struct err *e)
{
    AUTO(writer_drop_auto) struct writer *w = open_writer(f, how);
    return pack_layers(w, f->layers, N_LAYERS, how->average, how->jobs, progress, e) && writer_finish(w, NULL, NULL, e) &&
           writer_publish(w, true, e);
}

static struct bundle *verify(const struct fixture *f, struct err *e)
{
    struct verify_how how = { .jobs = 2 };
    struct digest id;
    struct bundle_file *file = bundle_file_open(f->path, NULL, e);
    assert_non_null(file);
    AUTO(header_clear_auto) struct header h = { 0 };
    assert_true(header_read(&h, bundle_file_fd(file), bundle_file_bytes(file), e));
    sha256_of(&id, h.manifest, h.manifest_bytes);
    return bundle_verify_own(file, &id, &how, e);
}

static void read_back(const struct fixture *f, struct buf *out)
{
    struct err e = { 0 };
    AUTO(bundle_close_auto) struct bundle *b = verify(f, &e);
    if (b == NULL || !bundle_verify_layers(b, 16 << 20, NULL, &e))
        fail_msg("%s", e.msg);
    *out = (struct buf)BUF_LIMIT(128 << 20);
    assert_true(file_read(f->path, FILE_PLAIN, out->max, out, &e));
}

static void jobs_do_not_change_a_byte(void **state)
{
    const struct fixture *f = *state;
    static const unsigned jobs[] = { 1, 2, 3, 8 };
    AUTO(buf_clear_auto) struct buf first = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
        struct err e = { 0 };
        AUTO(buf_clear_auto) struct buf found = { 0 };
        assert_true(pack(f, &(struct how){ jobs[i], 1, 4096 }, NULL, &e));
        read_back(f, i == 0 ? &first : &found);
        assert_true(i == 0 || (first.len == found.len && memcmp(first.data, found.data, first.len) == 0));
    }
    /* what layers share is stored once */
    assert_true(first.len < f->raw_bytes * 7 / 10);
}

static void every_level_and_average_comes_back(void **state)
{
    const struct fixture *f = *state;
    static const struct how rows[] = { { 2, 3, 65536 }, { 2, 9, 8192 }, { 2, 19, 32768 } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = { 0 };
        AUTO(buf_clear_auto) struct buf found = { 0 };
        assert_true(pack(f, &rows[i], NULL, &e));
        read_back(f, &found);
        assert_true(found.len < f->raw_bytes * 8 / 10);
    }
}

/* ---- failing ---- */

static void no_file_has_appeared(const struct fixture *f)
{
    AUTO(mem_auto) char *partial = mem_format("%s.partial", f->path);
    assert_int_equal(access(f->path, F_OK), -1);
    assert_int_equal(access(partial, F_OK), -1);
}

static const unsigned some_jobs[] = { 1, 2, 8 };

/* Packs with something wrong about the layer in the middle. */
static void refuses(struct fixture *f, enum err_code code, const char *says)
{
    unlink(f->path);
    for (size_t i = 0; i < ARRAY_LEN(some_jobs); i++) {
        struct err e = { 0 };
        assert_false(pack(f, &(struct how){ some_jobs[i], 1, 4096 }, NULL, &e));
        if (e.code != code || strstr(e.msg, says) == NULL || strstr(e.msg, DIGEST_SHOWN(&f->blobs[2].digest)) == NULL)
            fail_msg("%u jobs: %s: %s", some_jobs[i], err_name(e.code), e.msg);
        no_file_has_appeared(f);
    }
}

static void a_layer_that_is_not_what_its_image_says_is_refused(void **state)
{
    struct fixture *f = *state;
    f->layers[2].diff_id.bytes[7] ^= 1;
    refuses(f, ERR_INTEGRITY, "diff_id");
    f->layers[2].diff_id.bytes[7] ^= 1;
}

static void a_blob_that_is_damaged_is_refused(void **state)
{
    struct fixture *f = *state;
    struct err e = { 0 };
    AUTO(fd_auto) int fd = open(f->layers[2].path, O_RDWR | O_CLOEXEC);
    uint8_t byte;
    assert_true(fd_pread_exact(fd, &byte, 1, 5000000, "blob", &e));
    byte ^= 1;
    assert_true(fd_pwrite_all(fd, &byte, 1, 5000000, "blob", &e));
    refuses(f, ERR_REGISTRY, "layer"); /* the middle of a zstd frame */
    byte ^= 1;
    assert_true(fd_pwrite_all(fd, &byte, 1, 5000000, "blob", &e));
    f->blobs[2].size--;
    refuses(f, ERR_INTEGRITY, "longer than");
    f->blobs[2].size += 2;
    refuses(f, ERR_INTEGRITY, "expected");
    f->blobs[2].size--;
}

static void a_blob_of_another_kind_is_refused(void **state)
{
    struct fixture *f = *state;
    enum oci_compression kind = f->layers[2].compression;
    f->layers[2].compression = OCI_GZIP;
    refuses(f, ERR_REGISTRY, "gzip");
    f->layers[2].compression = kind;
}

static void a_blob_that_is_gone_is_named(void **state)
{
    struct fixture *f = *state;
    char *path = f->layers[2].path;
    f->layers[2].path = mem_format("%s/nothing", f->dir);
    refuses(f, ERR_IO, "nothing");
    mem_free(f->layers[2].path);
    f->layers[2].path = path;
}

/* The disk is full after a while: workers are waiting for room in their queues then. */
static void a_full_disk_ends_the_run(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(some_jobs); i++) {
        struct err e = { 0 };
        struct how how = { some_jobs[i], 1, 4096 };
        AUTO(writer_drop_auto) struct writer *w = open_writer(f, &how);
        AUTO(fd_auto) int full = open("/dev/full", O_RDWR | O_CLOEXEC);
        assert_true(full >= 0 && dup2(full, writer_fd(w)) >= 0);
        assert_false(pack_layers(w, f->layers, N_LAYERS, 4096, how.jobs, NULL, &e));
        assert_int_equal(e.code, ERR_SPACE);
        assert_non_null(strstr(e.msg, f->path));
        no_file_has_appeared(f);
    }
}

struct stop {
    unsigned after;
    int signal; /* 0: the answer is no */
};

static bool stop_after(void *ctx, const struct progress_fact *fact)
{
    (void)fact;
    struct stop *s = ctx;
    if (s->after-- > 1)
        return true;
    return s->signal != 0 && raise(s->signal) == 0;
}

static void a_listener_may_stop_it(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(some_jobs); i++) {
        struct err e = { 0 };
        struct stop stop = { .after = 2 };
        assert_false(pack(f, &(struct how){ some_jobs[i], 1, 4096 }, &(struct progress){ stop_after, &stop }, &e));
        assert_int_equal(e.code, ERR_INTERRUPTED);
        no_file_has_appeared(f);
    }
}

/* In a child, because a signal is remembered for the rest of the program. */
static int run_with_signal(struct fixture *f, unsigned jobs)
{
    struct err e = { 0 };
    struct stop stop = { .after = 1, .signal = SIGTERM };
    if (!start_process(NULL, &e))
        return 2;
    bool ok = pack(f, &(struct how){ jobs, 1, 4096 }, &(struct progress){ stop_after, &stop }, &e);
    return ok || e.code != ERR_INTERRUPTED || strstr(e.msg, "signal") == NULL;
}

static int status_of(pid_t child)
{
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void a_signal_ends_the_run(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(some_jobs); i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(run_with_signal(f, some_jobs[i]));
        assert_int_equal(status_of(child), 0);
        no_file_has_appeared(f);
    }
}

/* Stacks that no machine has room for: pthread_create fails from now on. */
static int run_without_threads(struct fixture *f)
{
    struct err e = { 0 };
    struct how how = { 2, 1, 4096 };
    AUTO(writer_drop_auto) struct writer *one = open_writer(f, &how); /* has its threads */
    pthread_attr_t huge;
    if (pthread_attr_init(&huge) != 0 || pthread_attr_setstacksize(&huge, (size_t)1 << 46) != 0 || pthread_setattr_default_np(&huge) != 0)
        return 2;
    AUTO(writer_drop_auto) struct writer *two = open_writer(f, &how); /* compresses by itself */
    if (!writer_finish(two, NULL, NULL, &e))
        return 3;
    if (pack_layers(one, f->layers, N_LAYERS, 4096, how.jobs, NULL, &e) || strstr(e.msg, "no more threads") == NULL)
        return 4;
    return 0;
}

static void a_machine_without_threads_is_no_reason_to_wait_for_ever(void **state)
{
    struct fixture *f = *state;
    pid_t child = fork();
    if (child == 0)
        _exit(run_without_threads(f));
    assert_int_equal(status_of(child), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_do_not_change_a_byte),
        cmocka_unit_test(every_level_and_average_comes_back),
        cmocka_unit_test(a_layer_that_is_not_what_its_image_says_is_refused),
        cmocka_unit_test(a_blob_that_is_damaged_is_refused),
        cmocka_unit_test(a_blob_of_another_kind_is_refused),
        cmocka_unit_test(a_blob_that_is_gone_is_named),
        cmocka_unit_test(a_full_disk_ends_the_run),
        cmocka_unit_test(a_listener_may_stop_it),
        cmocka_unit_test(a_signal_ends_the_run),
        cmocka_unit_test(a_machine_without_threads_is_no_reason_to_wait_for_ever),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
