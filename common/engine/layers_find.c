/* Which images hold the layers that are wanted. Each image costs a request for the whole of it, so few of them are chosen: greedily, which
 * is within a factor of the best. */
#include <stdlib.h>

#include "base/mem.h"
#include "engine/images.h"
#include "engine/layers.h"

#include "base/banned.h"

struct holder { /* an image with some of them */
    struct digest id;
    size_t n_layers; /* of the image */
    size_t *hits;    /* indexes into diff_ids */
    size_t n_hits;
};
struct search {
    struct engine *g;
    const struct digest **by_digest; /* sorted */
    const struct digest *diff_ids;
    size_t n;
    struct holder *holders;
    size_t n_holders, cap;
};

static int compare(const void *a, const void *b)
{
    const struct digest *const *x = a;
    const struct digest *const *y = b;
    return digest_compare(*x, *y);
}

static void collect_hits(const struct search *s, const struct engine_image *image, struct holder *h)
{
    size_t cap = 0;
    for (size_t i = 0; i < image->n_diff_ids; i++) {
        const struct digest *key = &image->diff_ids[i];
        const struct digest **found = bsearch(&key, s->by_digest, s->n, sizeof *s->by_digest, compare);
        if (found != NULL)
            MEM_PUSH(h->hits, h->n_hits, cap) = (size_t)(*found - s->diff_ids);
    }
}

static bool look_at(void *ctx, const struct engine_image *image, struct err *e)
{
    struct search *s = ctx;
    struct holder h = { .id = image->id, .n_layers = image->n_diff_ids };
    bool is_whole = false;
    collect_hits(s, image, &h);
    if (h.n_hits > 0 && !image_has_content(s->g, &h.id, IMAGE_AS_SEEN, &is_whole, e)) {
        mem_free(h.hits);
        return false;
    }
    if (is_whole)
        MEM_PUSH(s->holders, s->n_holders, s->cap) = h;
    else
        mem_free(h.hits);
    return true;
}

static size_t count_new(const struct holder *h, const struct layer_place *places)
{
    size_t n = 0;
    for (size_t i = 0; i < h->n_hits; i++)
        n += places[h->hits[i]].is_found ? 0 : 1;
    return n;
}

/* The one with most that is still missing; of equals the smallest, then the first by id: the choice does not depend on the engine's order.
 */
static const struct holder *best_holder(const struct search *s, const struct layer_place *places)
{
    const struct holder *best = NULL;
    size_t most = 0;
    for (size_t i = 0; i < s->n_holders; i++) {
        const struct holder *h = &s->holders[i];
        size_t n = count_new(h, places);
        bool is_smaller =
            best != NULL && (h->n_layers != best->n_layers ? h->n_layers < best->n_layers : digest_compare(&h->id, &best->id) < 0);
        if (n > most || (n > 0 && n == most && is_smaller)) {
            best = h;
            most = n;
        }
    }
    return best;
}

static void choose(const struct search *s, struct layer_place *places)
{
    for (const struct holder *h; (h = best_holder(s, places)) != NULL;)
        for (size_t i = 0; i < h->n_hits; i++)
            if (!places[h->hits[i]].is_found)
                places[h->hits[i]] = (struct layer_place){ true, h->id };
}

bool layers_find(struct engine *g, const struct digest *diff_ids, struct layer_place *places, size_t n, struct err *e)
{
    AUTO(mem_auto) const struct digest **by_digest = mem_new_array(n, sizeof *by_digest);
    struct search s = { .g = g, .by_digest = by_digest, .diff_ids = diff_ids, .n = n };
    for (size_t i = 0; i < n; i++) {
        by_digest[i] = &diff_ids[i];
        places[i] = (struct layer_place){ 0 };
    }
    qsort(by_digest, n, sizeof *by_digest, compare);
    bool ok = n == 0 || image_visit(g, look_at, &s, e);
    if (ok)
        choose(&s, places);
    for (size_t i = 0; i < s.n_holders; i++)
        mem_free(s.holders[i].hits);
    mem_free(s.holders);
    return ok;
}
