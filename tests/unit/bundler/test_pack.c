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
#include "sys/work.h"
#include "tests/unit/bundler/layers.h"

/* Longer than what may lie in the queue of one layer, so that workers do wait. */
enum { LAYER_BYTES = 12 * 1024 * 1024 };

static int set_up(void **state)
{
    return layers_make(state, LAYER_BYTES);
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
    AUTO(fd_auto) int fd = open(f->forms[2].path, O_RDWR | O_CLOEXEC);
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

/* What this process hashed a moment ago is not hashed again; the content is proven all the same. */
static void a_proven_blob_is_proven_by_its_content(void **state)
{
    struct fixture *f = *state;
    struct err e = { 0 };
    f->blobs[2].digest.bytes[7] ^= 1;
    refuses(f, ERR_INTEGRITY, "layer blob");
    f->forms[2].is_proven = true;
    assert_true(pack(f, &(struct how){ 2, 1, 4096 }, NULL, &e));
    f->layers[2].diff_id.bytes[7] ^= 1;
    refuses(f, ERR_INTEGRITY, "diff_id");
    f->layers[2].diff_id.bytes[7] ^= 1;
    f->blobs[2].digest.bytes[7] ^= 1;
    f->forms[2].is_proven = false;
}

struct late {
    struct fixture *f;
    struct arrivals *arrivals;
    char *path; /* where the blob of layer 2 is until it comes */
};

static bool come(void *ctx, struct err *e)
{
    const struct late *late = ctx;
    (void)e;
    for (size_t i = N_LAYERS; i-- > 0;) {
        if (i == 2)
            assert_int_equal(rename(late->path, late->f->forms[2].path), 0);
        arrivals_tell(late->arrivals, &late->f->blobs[i].digest, true);
    }
    arrivals_end(late->arrivals);
    return true;
}

static void layers_that_are_still_to_come_are_waited_for(void **state)
{
    struct fixture *f = *state;
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf plain = { 0 };
    AUTO(buf_clear_auto) struct buf found = { 0 };
    assert_true(pack(f, &(struct how){ 2, 1, 4096 }, NULL, &e));
    read_back(f, &plain);
    AUTO(arrivals_free_auto) struct arrivals *a = arrivals_new();
    AUTO(mem_auto) char *elsewhere = mem_format("%s/elsewhere", f->dir);
    struct late late = { f, a, elsewhere };
    for (size_t i = 0; i < N_LAYERS; i++)
        f->forms[i].arrival = arrivals_expect(a, &f->blobs[i].digest);
    assert_int_equal(rename(f->forms[2].path, elsewhere), 0);
    struct work_thread *thread = work_thread_start(come, &late);
    assert_true(pack(f, &(struct how){ 2, 1, 4096 }, NULL, &e));
    assert_true(work_thread_join(&thread, &e));
    read_back(f, &found);
    assert_true(plain.len == found.len && memcmp(plain.data, found.data, plain.len) == 0);
    AUTO(arrivals_free_auto) struct arrivals *never = arrivals_new();
    f->forms[2].arrival = arrivals_expect(never, &f->blobs[2].digest);
    arrivals_end(never);
    refuses(f, ERR_INTERRUPTED, "does not come");
    for (size_t i = 0; i < N_LAYERS; i++) {
        f->forms[i].arrival = NULL;
        f->forms[i].is_proven = false;
    }
}

static void a_blob_of_another_kind_is_refused(void **state)
{
    struct fixture *f = *state;
    enum oci_compression kind = f->forms[2].compression;
    f->forms[2].compression = OCI_GZIP;
    refuses(f, ERR_REGISTRY, "gzip");
    f->forms[2].compression = kind;
}

static void a_blob_that_is_gone_is_named(void **state)
{
    struct fixture *f = *state;
    char *path = f->forms[2].path;
    f->forms[2].path = mem_format("%s/nothing", f->dir);
    refuses(f, ERR_IO, "nothing");
    mem_free(f->forms[2].path);
    f->forms[2].path = path;
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
        assert_true(full >= 0 && dup2(full, output_fd(writer_output(w), 0)) >= 0);
        assert_false(pack_layers(w, f->layers, N_LAYERS, &(struct pack_how){ .average = 4096, .jobs = how.jobs }, &e));
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
    if (pack_layers(one, f->layers, N_LAYERS, &(struct pack_how){ .average = 4096, .jobs = how.jobs }, &e) || strstr(e.msg, "no more threads") == NULL)
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
        cmocka_unit_test(a_proven_blob_is_proven_by_its_content),
        cmocka_unit_test(layers_that_are_still_to_come_are_waited_for),
        cmocka_unit_test(a_blob_of_another_kind_is_refused),
        cmocka_unit_test(a_blob_that_is_gone_is_named),
        cmocka_unit_test(a_full_disk_ends_the_run),
        cmocka_unit_test(a_listener_may_stop_it),
        cmocka_unit_test(a_signal_ends_the_run),
        cmocka_unit_test(a_machine_without_threads_is_no_reason_to_wait_for_ever),
    };
    return cmocka_run_group_tests(tests, set_up, layers_remove);
}
