/* Packing layers. Each layer has a bounded queue of batches; unpacking threads take layers in order, so the one that the writer waits for is
 * always under way, and no more layers than there are threads are begun before it is done. */
#include "bundler/pack.h"

#include <stdatomic.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "bundle/cutter.h"
#include "stream/sink.h"
#include "sys/file.h"
#include "sys/start.h"
#include "sys/work.h"

#include "base/banned.h"

enum { BATCHES_AHEAD = 8, ZSTD_FACTOR = 4, READ_BYTES = 256 * 1024 };

struct unpack {
    const struct pack_layer *layer;
    uint32_t average;
    struct work_queue *batches;
    atomic_uint_fast64_t n_read; /* bytes of the blob, for progress */
    struct err err;
};

struct pack {
    struct writer *writer;
    struct unpack *list;
    size_t n;
    unsigned jobs;
    struct work_queue *todo;
    size_t n_given; /* layers that were put there */
    const struct progress *progress;
    struct progress_fact fact;
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

/* blob bytes -> exact size -> digest -> inflate -> limit -> diff_id -> pieces, and the tap */
static struct sink *chain(const struct unpack *u)
{
    static const enum inflate_kind kinds[] = { [OCI_RAW] = INFLATE_RAW, [OCI_GZIP] = INFLATE_GZIP, [OCI_ZSTD] = INFLATE_ZSTD };
    const struct pack_layer *l = u->layer;
    struct sink *s = cutter_new(u->average, u->batches);
    if (l->tap.open != NULL)
        s = sink_tee(s, l->tap.open(l->tap.ctx));
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
    AUTO(mem_auto) uint8_t *bytes = mem_new(READ_BYTES);
    AUTO(sink_drop_auto) struct sink *to = chain(u);
    for (size_t got = READ_BYTES; got > 0; atomic_fetch_add(&u->n_read, got))
        if (!start_check(e) || !fd_read_full(fd, bytes, READ_BYTES, &got, u->layer->path, e) || !sink_write(to, bytes, got, e))
            return false;
    return sink_finish(to, e);
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

static bool tell(const struct pack *p, const struct unpack *u, struct err *e)
{
    struct progress_fact fact = p->fact;
    fact.done += u == NULL ? 0 : atomic_load(&u->n_read);
    return progress_tell(p->progress, &fact) || err_set(e, ERR_INTERRUPTED, "packing was stopped");
}

/* Takes the batches of one layer until its worker closes the queue. */
static bool write_layer(struct pack *p, struct unpack *u, struct err *e)
{
    bool ok = true;
    if (!writer_begin_layer(p->writer, e))
        return false;
    for (struct cut_batch *b; (b = work_queue_pop(u->batches)) != NULL; cut_batch_free(b)) {
        ok = ok && start_check(e) && tell(p, u, e) && write_batch(p->writer, b, e);
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
    return writer_end_layer(p->writer, &layer, e);
}

/* Lets workers have the layers before `until`. */
static void give(struct pack *p, size_t until)
{
    for (; p->n_given < until && p->n_given < p->n; p->n_given++)
        BUG_IF(!work_queue_push(p->todo, &p->list[p->n_given]));
    if (p->n_given == p->n)
        work_queue_close(p->todo);
}

static bool write_all(struct pack *p, struct err *e)
{
    for (size_t i = 0; i < p->n; i++) {
        if (!write_layer(p, &p->list[i], e))
            return false;
        give(p, i + 1 + p->jobs);
        p->fact.done += p->list[i].layer->blobs[0].size;
        p->fact.is_finished = i + 1 == p->n;
        if (!tell(p, NULL, e))
            return false;
    }
    return true;
}

/* After a failure: no layer is begun any more, and nobody may wait for a queue that is not read. */
static void release(struct pack *p)
{
    work_queue_close(p->todo);
    while (work_queue_pop(p->todo) != NULL)
        ;
    for (size_t i = 0; i < p->n; i++)
        work_queue_close(p->list[i].batches);
}

static void discard(struct pack *p)
{
    for (size_t i = 0; i < p->n; i++) {
        for (struct cut_batch *b; (b = work_queue_pop(p->list[i].batches)) != NULL;)
            cut_batch_free(b);
        work_queue_free(p->list[i].batches);
    }
    work_queue_free(p->todo);
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

static void prepare(struct pack *p, const struct pack_layer *layers, uint32_t average)
{
    p->fact.phase = "pack";
    p->todo = work_queue_new(p->jobs);
    for (size_t i = 0; i < p->n; i++) {
        p->list[i].layer = &layers[i];
        p->list[i].average = average;
        p->list[i].batches = work_queue_new(BATCHES_AHEAD);
        p->fact.total += layers[i].blobs[0].size;
    }
}

bool pack_layers(struct writer *w, const struct pack_layer *layers, size_t n, uint32_t average, unsigned jobs,
                 const struct progress *progress, struct err *e)
{
    AUTO(mem_auto) struct unpack *list = mem_new_array(n, sizeof *list);
    AUTO(mem_auto) struct work_thread **threads = mem_new_array(jobs, sizeof *threads);
    struct pack p = { .writer = w, .list = list, .n = n, .jobs = jobs, .progress = progress };
    prepare(&p, layers, average);
    give(&p, jobs);
    bool ok = start_workers(threads, jobs, p.todo, e) && write_all(&p, e);
    if (!ok)
        release(&p);
    for (unsigned i = 0; i < jobs; i++)
        ok = work_thread_join(&threads[i], e) && ok;
    discard(&p);
    return ok;
}
