/* Comparing layers, whole and piece by piece: what create --base would find, without writing it. */
#include "base/mem.h"
#include "bundle/dedup.h"
#include "bundler/diff.h"
#include "bundler/layer_cut.h"
#include "sys/start.h"

#include "base/banned.h"

void diff_layers_count(struct diff_layers *out, const struct manifest *old, const struct manifest *new)
{
    *out = (struct diff_layers){ 0 };
    for (size_t i = 0; i < new->n_layers; i++) {
        const struct manifest_layer *l = &new->layers[i];
        bool is_kept = manifest_find_layer(old, &l->diff_id) != SIZE_MAX;
        out->n_kept += is_kept;
        out->kept_bytes += is_kept ? manifest_layer_bytes(new, i) : 0;
        out->n_added += !is_kept;
        out->added_bytes += is_kept ? 0 : manifest_layer_bytes(new, i);
        out->added_blob_bytes += is_kept ? 0 : l->blobs[0].size;
    }
    for (size_t i = 0; i < old->n_layers; i++)
        if (manifest_find_layer(new, &old->layers[i].diff_id) == SIZE_MAX) {
            out->n_removed++;
            out->removed_bytes += manifest_layer_bytes(old, i);
        }
}

struct measuring {
    struct dedup *dedup;
    bool is_old; /* its pieces are those of the base */
    const struct progress *progress;
    struct progress_fact fact;
};

static bool take(void *ctx, const struct cut_batch *b, struct err *e)
{
    struct measuring *m = ctx;
    for (size_t i = 0; i < b->n_pieces; i++) {
        bool is_new;
        if (m->is_old)
            dedup_add_base(m->dedup, b->pieces[i].hash, b->pieces[i].n);
        else if (!dedup_piece(m->dedup, b->pieces[i].hash, b->pieces[i].n, &is_new, e))
            return false;
        m->fact.done += b->pieces[i].n;
    }
    return start_check(e) && (progress_tell(m->progress, &m->fact) || err_set(e, ERR_INTERRUPTED, "comparing was stopped"));
}

/* Layers that the other bundle does not have come first: what is in them is what new ones resemble. */
static bool add_old(struct measuring *m, const struct layer_cut *cut, const struct manifest *other, struct err *e)
{
    const struct manifest *old = bundle_manifest(cut->bundle);
    m->is_old = true;
    for (unsigned round = 0; round < 2; round++)
        for (size_t i = 0; i < old->n_layers; i++) {
            bool is_kept = manifest_find_layer(other, &old->layers[i].diff_id) != SIZE_MAX;
            if (is_kept != (round == 1))
                continue;
            dedup_begin_base(m->dedup);
            if (!layer_cut(cut, i, e))
                return false;
        }
    return true;
}

static bool add_new(struct measuring *m, const struct layer_cut *cut, const struct manifest *other, struct err *e)
{
    uint64_t size;
    const struct manifest *new = bundle_manifest(cut->bundle);
    m->is_old = false;
    for (size_t i = 0; i < new->n_layers; i++)
        if (manifest_find_layer(other, &new->layers[i].diff_id) == SIZE_MAX &&
            (!dedup_begin(m->dedup, e) || !layer_cut(cut, i, e) || !dedup_end(m->dedup, &size, e)))
            return false;
    return true;
}

/* As well as the new bundle's own content did. */
static uint64_t compressed(const struct manifest *m, uint64_t raw)
{
    return (uint64_t)((double)raw * ((double)(m->total_len - m->header_len) / (double)m->raw_len));
}

static uint64_t sum_sizes(const struct manifest *old, const struct manifest *new)
{
    struct diff_layers layers;
    uint64_t bytes = 0;
    diff_layers_count(&layers, old, new);
    for (size_t i = 0; i < old->n_layers; i++)
        bytes += manifest_layer_bytes(old, i);
    return bytes + layers.added_bytes;
}

static uint64_t read_bytes(const struct base_use *use)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < base_use_count(use); i++)
        bytes += base_use_size(use, base_use_candidate(use, i));
    return bytes;
}

bool diff_measure(struct diff_delta *out, const struct bundle *old, const struct bundle *new, const struct progress *progress,
                  struct err *e)
{
    const struct manifest *a = bundle_manifest(old);
    const struct manifest *b = bundle_manifest(new);
    AUTO(dedup_close_auto) struct dedup *dedup = dedup_open("/tmp", 0, e);
    if (dedup == NULL)
        return false;
    struct measuring m = { .dedup = dedup, .progress = progress, .fact = { .phase = "compare", .total = sum_sizes(a, b) } };
    AUTO(chunk_cache_free_auto) struct chunk_cache *old_cache = chunk_cache_new(bundle_index(old), LAYER_CUT_CACHE_BYTES);
    AUTO(chunk_cache_free_auto) struct chunk_cache *new_cache = chunk_cache_new(bundle_index(new), LAYER_CUT_CACHE_BYTES);
    struct layer_cut cut_old = {
        .bundle = old, .cache = old_cache, .average = b->average == 0 ? 4096 : b->average, .take = take, .ctx = &m
    };
    struct layer_cut cut_new = { .bundle = new, .cache = new_cache, .average = cut_old.average, .take = take, .ctx = &m };
    if (!add_old(&m, &cut_old, b, e) || !add_new(&m, &cut_new, a, e))
        return false;
    m.fact.is_finished = true;
    (void)progress_tell(progress, &m.fact);
    out->raw_bytes = dedup_data_len(dedup);
    out->bytes = compressed(b, out->raw_bytes);
    out->base_bytes = read_bytes(dedup_base(dedup));
    return true;
}
