#include "bundle/base_needed.h"

#include "base/mem.h"
#include "bundle/recipe_walk.h"

#include "base/banned.h"

static void note_source(void *ctx, const struct extent *x)
{
    bool *uses = ctx;
    if (x->source > 0)
        uses[x->source - 1] = true;
}

bool base_needed(const struct bundle *b, struct chunk_cache *cache, const bool *layers, bool *uses, struct err *e)
{
    const struct manifest *m = bundle_manifest(b);
    AUTO(mem_auto) bool *asked = mem_new_array(m->n_layers, sizeof *asked);
    for (size_t i = 0; i < m->n_layers; i++)
        asked[i] = layers[i] && bundle_recipes(b)->layers[i].needs_base;
    return recipe_walk(b, cache, asked, note_source, uses, e);
}
