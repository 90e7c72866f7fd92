/* Packing layers. Each layer has a bounded queue of batches; unpacking threads take layers in order, so the one that the writer waits for is
 * always under way. */
#include "bundler/pack.h"

#include <sys/stat.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "bundle/cutter.h"
#include "stream/sink.h"
#include "sys/file.h"
#include "sys/start.h"
#include "sys/work.h"

#include "base/banned.h"

enum { BATCHES_AHEAD = 8, ZSTD_FACTOR = 4 };

struct unpack {
    const struct pack_layer *layer;
    uint32_t average;
    struct work_queue *batches;
    struct err err;
};

bool pack_estimate(const struct pack_layer *l, uint64_t *raw_bytes, struct err *e)
{
    uint8_t trailer[4] = { 0 };
    uint64_t blob = l->blobs[0].size;
    *raw_bytes = l->compression == OCI_ZSTD ? blob * ZSTD_FACTOR : blob;
    if (l->compression != OCI_GZIP || blob < 18)
        return true;
    AUTO(fd_auto) int fd = file_open_read(l->path, FILE_PLAIN, e);
    if (fd < 0 || !fd_pread_exact(fd, trailer, sizeof trailer, blob - sizeof trailer, l->path, e))
        return false;
    *raw_bytes = num_le32(trailer); /* RFC 1952: the size modulo 2^32 */
    while (*raw_bytes < blob / 2)
        *raw_bytes += UINT64_C(1) << 32;
    return true;
}

/* blob bytes -> exact size -> digest -> inflate -> limit -> diff_id -> pieces */
static struct sink *chain(const struct unpack *u)
{
    static const enum inflate_kind kinds[] = { [OCI_RAW] = INFLATE_RAW, [OCI_GZIP] = INFLATE_GZIP, [OCI_ZSTD] = INFLATE_ZSTD };
    const struct pack_layer *l = u->layer;
    struct sink *s = cutter_new(u->average, u->batches);
    s = sink_sha256(&l->diff_id, "layer content (diff_id)", s);
    s = sink_limit(LIMIT_LAYER_BYTES, SINK_AT_MOST, "layer content", s);
    s = sink_inflate(kinds[l->compression], "layer", s);
    s = sink_sha256(&l->blobs[0].digest, "layer blob", s);
    return sink_limit(l->blobs[0].size, SINK_EXACT, "layer blob", s);
}

static bool unpack_run(struct unpack *u, struct err *e)
{
    AUTO(fd_auto) int fd = file_open_read(u->layer->path, FILE_PLAIN, e);
    if (fd < 0)
        return false;
    AUTO(source_free_auto) struct source *from = source_fd(fd, u->layer->path);
    AUTO(sink_drop_auto) struct sink *to = chain(u);
    return pump(from, to, e) && sink_finish(to, e);
}

static bool worker_run(void *ctx, struct err *e)
{
    (void)e;
    struct work_queue *todo = ctx;
    for (struct unpack *u; (u = work_queue_pop(todo)) != NULL; work_queue_close(u->batches))
        if (!unpack_run(u, &u->err))
            err_in(&u->err, "layer %s", DIGEST_SHOWN(&u->layer->blobs[0].digest));
    return true;
}

static bool write_batch(struct writer *w, const struct cut_batch *b, struct err *e)
{
    size_t at = 0;
    for (size_t i = 0; i < b->n_pieces; i++) {
        if (!writer_add_piece(w, b->pieces[i].hash, b->bytes + at, b->pieces[i].n, e))
            return false;
        at += b->pieces[i].n;
    }
    return true;
}

/* Takes the batches of one layer until its worker closes the queue. */
static bool write_layer(struct writer *w, struct unpack *u, struct err *e)
{
    bool ok = true;
    if (!writer_begin_layer(w, e))
        return false;
    for (struct cut_batch *b; (b = work_queue_pop(u->batches)) != NULL; cut_batch_free(b)) {
        ok = ok && start_check(e) && write_batch(w, b, e);
        if (!ok)
            work_queue_close(u->batches);
    }
    if (!ok)
        return false;
    if (u->err.code != ERR_NONE) {
        *e = u->err;
        return false;
    }
    struct manifest_layer layer = { .diff_id = u->layer->diff_id, .blobs = u->layer->blobs, .n_blobs = u->layer->n_blobs };
    return writer_end_layer(w, &layer, e);
}

static bool write_all(struct writer *w, struct unpack *list, size_t n, const struct progress *progress, struct err *e)
{
    struct progress_fact fact = { .phase = "pack" };
    for (size_t i = 0; i < n; i++)
        fact.total += list[i].layer->blobs[0].size;
    for (size_t i = 0; i < n; i++) {
        if (!write_layer(w, &list[i], e))
            return false;
        fact.done += list[i].layer->blobs[0].size;
        fact.is_finished = i + 1 == n;
        if (!progress_tell(progress, &fact))
            return err_set(e, ERR_INTERRUPTED, "packing was stopped");
    }
    return true;
}

/* After a failure: no layer is begun any more, and nobody may wait for a queue that is not read. */
static void release(struct work_queue *todo, struct unpack *list, size_t n)
{
    while (work_queue_pop(todo) != NULL)
        ;
    for (size_t i = 0; i < n; i++)
        work_queue_close(list[i].batches);
}

static void discard(struct unpack *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (struct cut_batch *b; (b = work_queue_pop(list[i].batches)) != NULL;)
            cut_batch_free(b);
        work_queue_free(list[i].batches);
    }
}

/* As many workers as the system has threads for; one is enough. */
static bool start_workers(struct work_thread **threads, unsigned jobs, struct work_queue *todo, struct err *e)
{
    for (unsigned i = 0; i < jobs; i++) {
        struct err why = { 0 };
        threads[i] = work_thread_start(worker_run, todo);
        if (!work_thread_is_running(threads[i]) && !work_thread_join(&threads[i], i == 0 ? e : &why))
            return i > 0;
    }
    return true;
}

bool pack_layers(struct writer *w, const struct pack_layer *layers, size_t n, uint32_t average, unsigned jobs,
                 const struct progress *progress, struct err *e)
{
    AUTO(mem_auto) struct unpack *list = mem_new_array(n, sizeof *list);
    AUTO(mem_auto) struct work_thread **threads = mem_new_array(jobs, sizeof *threads);
    struct work_queue *todo = work_queue_new(n > 0 ? n : 1);
    for (size_t i = 0; i < n; i++) {
        list[i] = (struct unpack){ .layer = &layers[i], .average = average, .batches = work_queue_new(BATCHES_AHEAD) };
        BUG_IF(!work_queue_push(todo, &list[i]));
    }
    work_queue_close(todo);
    bool ok = start_workers(threads, jobs, todo, e) && write_all(w, list, n, progress, e);
    if (!ok)
        release(todo, list, n);
    for (unsigned i = 0; i < jobs; i++)
        ok = work_thread_join(&threads[i], e) && ok;
    discard(list, n);
    work_queue_free(todo);
    return ok;
}
