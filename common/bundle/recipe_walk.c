/* The recipes were checked when the bundle was verified: here they are only walked through. */
#include "bundle/recipe_walk.h"

#include "base/mem.h"
#include "bundle/layout.h"

#include "base/banned.h"

enum { BLOCK_EXTENTS = 4096, BLOCK_BYTES = BLOCK_EXTENTS * LAYOUT_EXTENT };

struct walk {
    struct source *recipes;
    uint64_t at; /* bytes of layers.bin read so far */
    uint8_t *block;
    recipe_extent_fn each;
    void *ctx;
};

static bool read_block(struct walk *w, size_t n, struct err *e)
{
    for (size_t done = 0, got; done < n; done += got) {
        if (!source_read(w->recipes, w->block + done, n - done, &got, e))
            return false;
        if (got == 0)
            return err_set(e, ERR_INTEGRITY, MEMBER_LAYERS " ends at %llu", (unsigned long long)(w->at + done));
    }
    w->at += n;
    return true;
}

static bool pass_over(struct walk *w, uint64_t to, struct err *e)
{
    while (w->at < to)
        if (!read_block(w, to - w->at < BLOCK_BYTES ? (size_t)(to - w->at) : BLOCK_BYTES, e))
            return false;
    return true;
}

static bool walk_layer(struct walk *w, const struct recipe *r, struct err *e)
{
    if (!pass_over(w, r->at, e))
        return false;
    for (uint32_t left = r->n, n; left > 0; left -= n) {
        n = left < BLOCK_EXTENTS ? left : BLOCK_EXTENTS;
        if (!read_block(w, n * LAYOUT_EXTENT, e))
            return false;
        for (size_t i = 0; i < n; i++) {
            struct extent x = extent_read(w->block + i * LAYOUT_EXTENT);
            w->each(w->ctx, &x);
        }
    }
    return true;
}

bool recipe_walk(const struct bundle *b, struct chunk_cache *cache, const bool *layers, recipe_extent_fn each, void *ctx, struct err *e)
{
    const struct manifest *m = bundle_manifest(b);
    const struct recipes *r = bundle_recipes(b);
    AUTO(mem_auto) uint8_t *block = mem_new(BLOCK_BYTES);
    AUTO(source_free_auto) struct source *recipes = member_reader_open(bundle_index(b), cache, m->n_members - 1, e);
    struct walk w = { .recipes = recipes, .block = block, .each = each, .ctx = ctx };
    for (size_t i = 0; i < m->n_layers && recipes != NULL; i++)
        if (layers[i] && !walk_layer(&w, &r->layers[i], e))
            return false;
    return recipes != NULL;
}
