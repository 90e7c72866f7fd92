/* The layers of the base, handed to the writer piece by piece, one layer after another: the order in which pieces come decides which of
 * equal ones is referred to. */
#include "base/mem.h"
#include "bundler/base_parts.h"
#include "bundler/layer_cut.h"
#include "sys/start.h"

#include "base/banned.h"

struct adding {
    struct writer *writer;
    const struct progress *progress;
    struct progress_fact fact;
};

static bool tell(struct adding *a, struct err *e)
{
    return start_check(e) && (progress_tell(a->progress, &a->fact) || err_set(e, ERR_INTERRUPTED, "reading the base was stopped"));
}

static bool take(void *ctx, const struct cut_batch *b, struct err *e)
{
    struct adding *a = ctx;
    for (size_t i = 0; i < b->n_pieces; i++) {
        writer_add_base_piece(a->writer, b->pieces[i].hash, b->pieces[i].n);
        a->fact.done += b->pieces[i].n;
    }
    return tell(a, e);
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

bool base_add_pieces(const struct base *b, const struct pack_layer *layers, size_t n, struct writer *w, const struct pack_how *how,
                     struct err *e)
{
    size_t n_base;
    if (b->bundle == NULL)
        return true;
    const struct manifest *m = bundle_manifest(b->bundle);
    AUTO(chunk_cache_free_auto) struct chunk_cache *cache = chunk_cache_new(bundle_index(b->bundle), LAYER_CUT_CACHE_BYTES);
    AUTO(mem_auto) bool *kept = find_kept(m, layers, n);
    struct adding a = { .writer = w, .progress = how->progress, .fact = { .phase = "base", .total = base_raw_bytes(b, &n_base) } };
    const struct layer_cut cut = { .bundle = b->bundle, .cache = cache, .average = how->average, .take = take, .ctx = &a };
    for (unsigned round = 0; round < 2; round++)
        for (size_t i = 0; i < m->n_layers; i++) {
            if (kept[i] != (round == 1) || !base_has_kept(b, i))
                continue;
            writer_begin_base(w, &m->layers[i].diff_id);
            if (!layer_cut(&cut, i, e))
                return err_in(e, "--base");
        }
    a.fact.is_finished = true;
    return tell(&a, e);
}
