/* The layers of the base are put together and cut in one thread, and handed to the writer in another, one layer after another: the order in
 * which pieces come decides which of equal ones is referred to. */
#include "base/mem.h"
#include "bundle/member_cutter.h"
#include "bundler/base_parts.h"
#include "sys/start.h"

#include "base/banned.h"

#define PIECES_CACHE_BYTES (48 * MIB)
enum { PIECES_BATCHES = 8 };

struct cutting {
    const struct bundle *bundle;
    struct chunk_cache *cache;
    size_t layer;
    uint32_t average;
    struct work_queue *batches;
};

static bool cut_layer(void *ctx, struct err *e)
{
    struct cutting *c = ctx;
    AUTO(source_free_auto) struct source *tar = layer_reader_open(c->bundle, c->cache, c->layer, e);
    AUTO(sink_drop_auto) struct sink *to = member_cutter_new(c->average, c->batches);
    bool ok = tar != NULL && pump(tar, to, e) && sink_finish(to, e);
    work_queue_close(c->batches);
    return ok;
}

struct adding {
    struct writer *writer;
    const struct progress *progress;
    struct progress_fact fact;
};

static bool tell(struct adding *a, struct err *e)
{
    return start_check(e) && (progress_tell(a->progress, &a->fact) || err_set(e, ERR_INTERRUPTED, "reading the base was stopped"));
}

static bool take_batches(struct adding *a, struct work_queue *batches, struct err *e)
{
    bool ok = true;
    for (struct cut_batch *b; (b = work_queue_pop(batches)) != NULL; cut_batch_free(b)) {
        for (size_t i = 0; i < b->n_pieces && ok; i++) {
            writer_add_base_piece(a->writer, b->pieces[i].hash, b->pieces[i].n);
            a->fact.done += b->pieces[i].n;
        }
        ok = ok && tell(a, e);
        if (!ok)
            work_queue_close(batches);
    }
    return ok;
}

static bool add_layer(struct adding *a, struct cutting *c, struct err *e)
{
    struct err cutter = { 0 };
    AUTO(work_queue_free_auto) struct work_queue *batches = work_queue_new(PIECES_BATCHES);
    c->batches = batches;
    writer_begin_base(a->writer, &bundle_manifest(c->bundle)->layers[c->layer].diff_id);
    struct work_thread *thread = work_thread_start(cut_layer, c);
    if (!work_thread_is_running(thread))
        work_queue_close(batches);
    bool ok = take_batches(a, batches, e);
    if (work_thread_join(&thread, &cutter) || !ok) /* when the taker has failed, the cutter did because of that */
        return ok;
    *e = cutter;
    return err_in(e, "--base: layer %zu", c->layer);
}

/* Which layers of the base the new release has as they are. */
static bool *find_kept(const struct manifest *base, const struct pack_layer *layers, size_t n)
{
    bool *kept = mem_new_array(base->n_layers, sizeof *kept);
    for (size_t i = 0; i < n; i++) {
        size_t k = manifest_find_layer(base, &layers[i].diff_id);
        if (k != SIZE_MAX)
            kept[k] = true;
    }
    return kept;
}

bool base_add_pieces(const struct base *b, const struct pack_layer *layers, size_t n, struct writer *w, const struct pack_how *how, struct err *e)
{
    size_t n_base;
    if (b->bundle == NULL)
        return true;
    const struct manifest *m = bundle_manifest(b->bundle);
    AUTO(chunk_cache_free_auto) struct chunk_cache *cache = chunk_cache_new(bundle_index(b->bundle), PIECES_CACHE_BYTES);
    AUTO(mem_auto) bool *kept = find_kept(m, layers, n);
    struct adding a = { .writer = w, .progress = how->progress, .fact = { .phase = "base", .total = base_raw_bytes(b, &n_base) } };
    struct cutting c = { .bundle = b->bundle, .cache = cache, .average = how->average };
    for (unsigned round = 0; round < 2; round++)
        for (c.layer = 0; c.layer < m->n_layers; c.layer++)
            if (kept[c.layer] == (round == 1) && base_has_kept(b, c.layer) && !add_layer(&a, &c, e))
                return false;
    a.fact.is_finished = true;
    return tell(&a, e);
}
