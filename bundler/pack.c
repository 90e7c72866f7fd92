/* Packing layers. Each layer has a bounded queue of batches; unpacking threads take layers in order, so the one that the writer waits for is
 * always under way, and no more layers than there are threads are begun before it is done. */
#include "bundler/pack.h"

#include <stdatomic.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundle/member_cutter.h"
#include "stream/sink.h"
#include "sys/file.h"
#include "sys/start.h"
#include "sys/work.h"

#include "base/banned.h"

enum { BATCHES_AHEAD = 8, READ_BYTES = 256 * 1024 };

struct unpack {
    const struct pack_layer *layer;
    const struct pack_how *how;
    struct work_queue **attempts; /* their batches; the last one is under way */
    unsigned n_attempts;
    atomic_uint_fast64_t n_read; /* bytes of the blob, for progress */
    uint64_t n_raw;              /* bytes of the tar, of a layer that is on the host */
    struct err err;
    bool is_worth_trying; /* after err */
};

struct pack {
    struct writer *writer;
    const struct pack_how *how;
    unsigned jobs;
    struct unpack *list;
    size_t n;
    struct work_queue *todo;
    size_t n_given; /* layers that were put there */
    struct progress_fact fact;
};

uint64_t pack_estimate(const struct pack_layer *l)
{
    static const uint64_t factors[] = { [OCI_RAW] = 1, [OCI_GZIP] = 3, [OCI_ZSTD] = 4 }; /* what images of distributions have */
    return l->blobs[0].size * factors[l->forms[0].compression];
}

/* ---- one form of a layer ---- */

/* blob bytes -> exact size -> digest -> inflate -> another thread -> limit -> diff_id -> pieces */
static struct sink *chain(const struct unpack *u, size_t form, struct sink *pieces)
{
    static const enum inflate_kind kinds[] = { [OCI_RAW] = INFLATE_RAW, [OCI_GZIP] = INFLATE_GZIP, [OCI_ZSTD] = INFLATE_ZSTD };
    const struct pack_layer *l = u->layer;
    struct sink *s = sink_sha256(&l->diff_id, "layer content (diff_id)", pieces);
    s = sink_limit(LIMIT_LAYER_BYTES, SINK_AT_MOST, "layer content", s);
    s = sink_handover(s); /* one large layer keeps two processors busy */
    s = sink_inflate(kinds[l->forms[form].compression], "layer", s);
    if (!l->forms[form].is_proven)
        s = sink_sha256(&l->blobs[form].digest, "layer blob", s);
    return sink_limit(l->blobs[form].size, SINK_EXACT, "layer blob", s);
}

static bool read_file(struct unpack *u, const char *path, struct sink *to, struct err *e)
{
    AUTO(fd_auto) int fd = file_open_read(path, FILE_PLAIN, e);
    if (fd < 0)
        return false;
    AUTO(mem_auto) uint8_t *bytes = mem_new(READ_BYTES);
    for (size_t got = READ_BYTES; got > 0; atomic_fetch_add(&u->n_read, got))
        if (!start_check(e) || !fd_read_full(fd, bytes, READ_BYTES, &got, path, e) || !sink_write(to, bytes, got, e))
            return false;
    return true;
}

/* Bytes that are brought are known to be the right ones only at their end. So what the chain thinks of them is kept until then: a stream that does not inflate because it was
 * damaged on its way is brought again, one that is like that is refused. */
struct brought {
    struct unpack *unpack;
    struct sink *to;
    struct err verdict;
};

static bool take_brought(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct brought *b = ctx;
    atomic_fetch_add(&b->unpack->n_read, n);
    if (b->verdict.code != ERR_NONE || sink_write(b->to, bytes, n, &b->verdict))
        return true;
    if (b->verdict.code == ERR_INTERRUPTED)
        *e = b->verdict;
    return b->verdict.code != ERR_INTERRUPTED;
}

static bool bring(struct unpack *u, size_t form, struct sink *to, struct err *e)
{
    const struct pack_source *from = u->how->source;
    BUG_IF(from == NULL);
    struct brought b = { .unpack = u, .to = to };
    AUTO(sink_drop_auto) struct sink *in = sink_call(take_brought, &b);
    if (!from->bring(from->ctx, u->layer, form, in, &u->is_worth_trying, e))
        return false;
    u->is_worth_trying = false;
    if (b.verdict.code != ERR_NONE)
        *e = b.verdict;
    return b.verdict.code == ERR_NONE;
}

/* Waits until the blob is there. Afterwards is_proven is right. ERR_INTERRUPTED: it will not come, and whoever was to bring it knows why. */
static bool await_form(struct pack_form *f, struct err *e)
{
    return f->arrival == NULL || arrival_wait(f->arrival, &f->is_proven) || err_set(e, ERR_INTERRUPTED, "the layer does not come any more");
}

static bool unpack_form(struct unpack *u, size_t form, struct sink *pieces, struct err *e)
{
    const char *path = u->layer->forms[form].path;
    if (!await_form(&u->layer->forms[form], e)) {
        sink_drop(pieces);
        return false;
    }
    AUTO(sink_drop_auto) struct sink *to = chain(u, form, pieces);
    return (path != NULL ? read_file(u, path, to, e) : bring(u, form, to, e)) && sink_finish(to, e);
}

/* Nothing is written of it, so it can be tried again at once. */
static bool check_form(struct unpack *u, size_t form, struct err *e)
{
    unsigned tries = u->how->source == NULL ? 1 : u->how->source->tries;
    while (!unpack_form(u, form, sink_null(), e)) {
        if (!u->is_worth_trying || --tries == 0)
            return false;
        *e = (struct err){ 0 };
    }
    return true;
}

static bool count_raw(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct unpack *u = ctx;
    (void)bytes;
    (void)e;
    u->n_raw += n;
    return true;
}

static struct sink *cutter_of(struct unpack *u)
{
    struct work_queue *batches = u->attempts[u->n_attempts - 1];
    u->n_raw = 0;
    if (u->layer->is_on_host)
        return sink_call(count_raw, u);
    return u->how->is_delta ? member_cutter_new(u->how->average, batches) : cutter_new(u->how->average, batches);
}

/* Where the tar of a layer goes: into pieces, and into the tap. */
static struct sink *pieces_of(struct unpack *u)
{
    const struct pack_tap *tap = &u->layer->tap;
    struct sink *pieces = cutter_of(u);
    return tap->open == NULL ? pieces : sink_tee(pieces, tap->open(tap->ctx));
}

static bool unpack_run(struct unpack *u, struct err *e)
{
    size_t form = 0;
    const struct pack_form *forms = u->layer->forms;
    u->is_worth_trying = false;
    bool ok = forms[0].is_of_base || unpack_form(u, 0, pieces_of(u), e);
    while (ok && ++form < u->layer->n_blobs)
        ok = forms[form].is_of_base || check_form(u, form, e);
    if (form > 0)
        u->is_worth_trying = false;
    if (ok)
        return true;
    const struct ref *from = u->layer->forms[form].from;
    err_in(e, "layer %s", DIGEST_SHOWN(&u->layer->blobs[form].digest));
    return from == NULL ? false : err_in(e, "%s", REF_SHOWN(from));
}

static bool worker_run(void *ctx, struct err *e)
{
    (void)e;
    struct work_queue *todo = ctx;
    for (struct unpack *u; (u = work_queue_pop(todo)) != NULL;) {
        struct work_queue *batches = u->attempts[u->n_attempts - 1];
        (void)!unpack_run(u, &u->err);
        work_queue_close(batches); /* from here on u is the writer's */
    }
    return true;
}

/* ---- writing ---- */

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

static uint64_t all_forms(const struct pack_layer *l)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < l->n_blobs; i++)
        bytes += l->blobs[i].size;
    return bytes;
}

static bool tell(const struct pack *p, const struct unpack *u, struct err *e)
{
    struct progress_fact fact = p->fact;
    fact.done += u == NULL ? 0 : atomic_load(&u->n_read);
    return progress_tell(p->how->progress, &fact) || err_set(e, ERR_INTERRUPTED, "packing was stopped");
}

/* Takes the batches of one attempt until its worker closes the queue. *is_worth_trying: it was the worker who failed, and it may fare better next time. */
static bool write_layer(struct pack *p, struct unpack *u, bool *is_worth_trying, struct err *e)
{
    bool ok = true;
    *is_worth_trying = false;
    struct work_queue *batches = u->attempts[u->n_attempts - 1];
    if (!u->layer->is_on_host && !writer_begin_layer(p->writer, e))
        return false;
    for (struct cut_batch *b; (b = work_queue_pop(batches)) != NULL; cut_batch_free(b)) {
        ok = ok && start_check(e) && tell(p, u, e) && write_batch(p->writer, b, e);
        if (!ok)
            work_queue_close(batches);
    }
    if (!ok)
        return false;
    if (u->err.code != ERR_NONE) {
        *e = u->err;
        *is_worth_trying = u->is_worth_trying;
        return false;
    }
    struct manifest_layer layer = { .diff_id = u->layer->diff_id, .blobs = u->layer->blobs, .n_blobs = u->layer->n_blobs };
    uint64_t n_raw = u->layer->forms[0].is_of_base ? writer_base_bytes(p->writer, &layer.diff_id) : u->n_raw;
    return u->layer->is_on_host ? writer_add_whole(p->writer, &layer, n_raw, e) : writer_end_layer(p->writer, &layer, e);
}

/* Lets a worker have it. */
static void give(struct pack *p, struct unpack *u)
{
    u->attempts[u->n_attempts++] = work_queue_new(BATCHES_AHEAD);
    BUG_IF(!work_queue_push(p->todo, u));
}

static void give_until(struct pack *p, size_t until)
{
    for (; p->n_given < until && p->n_given < p->n; p->n_given++)
        give(p, &p->list[p->n_given]);
}

/* From the checkpoint, from the first byte. */
static bool try_again(struct pack *p, struct unpack *u, struct err *e)
{
    log_warn("%s: trying again from the start", e->msg);
    *e = (struct err){ 0 };
    u->err = (struct err){ 0 };
    atomic_store(&u->n_read, 0);
    if (!writer_rewind(p->writer, e))
        return false;
    give(p, u);
    return true;
}

/* A layer that is brought: nothing else is under way meanwhile. */
static bool pass_layer(struct pack *p, size_t i, struct err *e)
{
    struct unpack *u = &p->list[i];
    if (!writer_checkpoint(p->writer, e))
        return false;
    give_until(p, i + 1);
    for (bool is_worth_trying; !write_layer(p, u, &is_worth_trying, e);)
        if (!is_worth_trying || u->n_attempts == p->how->source->tries || !try_again(p, u, e))
            return false;
    return true;
}

static bool write_next(struct pack *p, size_t i, struct err *e)
{
    if (p->how->source != NULL)
        return pass_layer(p, i, e);
    bool ignored;
    give_until(p, i + p->jobs);
    return write_layer(p, &p->list[i], &ignored, e);
}

static bool write_all(struct pack *p, struct err *e)
{
    for (size_t i = 0; i < p->n; i++) {
        if (!write_next(p, i, e))
            return false;
        p->fact.done += all_forms(p->list[i].layer);
        p->fact.is_finished = i + 1 == p->n;
        if (!tell(p, NULL, e))
            return false;
    }
    return true;
}

/* At the end. After a failure no layer is begun any more, and nobody may wait for a queue that is not read. */
static void release(struct pack *p)
{
    work_queue_close(p->todo);
    while (work_queue_pop(p->todo) != NULL)
        ;
    for (size_t i = 0; i < p->n; i++)
        for (unsigned k = 0; k < p->list[i].n_attempts; k++)
            work_queue_close(p->list[i].attempts[k]);
}

static void discard(struct pack *p)
{
    for (size_t i = 0; i < p->n; i++) {
        struct unpack *u = &p->list[i];
        for (unsigned k = 0; k < u->n_attempts; k++) {
            for (struct cut_batch *b; (b = work_queue_pop(u->attempts[k])) != NULL;)
                cut_batch_free(b);
            work_queue_free(u->attempts[k]);
        }
        mem_free(u->attempts);
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

static void prepare(struct pack *p, const struct pack_layer *layers)
{
    p->fact.phase = "pack";
    p->todo = work_queue_new(p->jobs);
    for (size_t i = 0; i < p->n; i++) {
        p->list[i].layer = &layers[i];
        p->list[i].how = p->how;
        p->list[i].attempts = mem_new_array(p->how->source == NULL ? 1 : p->how->source->tries, sizeof *p->list[i].attempts);
        p->fact.total += all_forms(&layers[i]);
    }
}

bool pack_layers(struct writer *w, const struct pack_layer *layers, size_t n, const struct pack_how *how, struct err *e)
{
    unsigned jobs = how->source != NULL ? 1 : how->jobs;
    AUTO(mem_auto) struct unpack *list = mem_new_array(n, sizeof *list);
    AUTO(mem_auto) struct work_thread **threads = mem_new_array(jobs, sizeof *threads);
    struct pack p = { .writer = w, .how = how, .jobs = jobs, .list = list, .n = n };
    prepare(&p, layers);
    bool ok = start_workers(threads, jobs, p.todo, e) && write_all(&p, e);
    release(&p);
    for (unsigned i = 0; i < jobs; i++)
        ok = work_thread_join(&threads[i], e) && ok;
    discard(&p);
    return ok;
}
