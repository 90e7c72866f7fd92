/* Which layers must be sent. */
#include "base/mem.h"
#include "engine/chains.h"
#include "engine/load_parts.h"

#include "base/banned.h"

static struct digest *diff_ids_of(const struct load_image *i)
{
    struct digest *ids = mem_new_array(i->n_layers, sizeof *ids);
    for (size_t n = 0; n < i->n_layers; n++)
        ids[n] = i->layers[n].diff_id;
    return ids;
}

static bool add_chains(void *ctx, const struct engine_image *image, struct err *e)
{
    (void)e;
    struct load_known *k = ctx;
    chains_add(&k->layers, image->diff_ids, image->n_diff_ids);
    return true;
}

/* Podman judges left-out layers by rules of its own (docs/ENGINES.md): it gets everything. */
bool load_known_read(struct engine *g, struct load_known *k, struct err *e)
{
    const struct engine_facts *f = engine_facts(g);
    *k = (struct load_known){ 0 };
    if (f->kind == ENGINE_DOCKER)
        k->what = f->store == ENGINE_STORE_CLASSIC ? LOAD_KNOWS_CHAINS : LOAD_KNOWS_BLOBS;
    if (k->what != LOAD_KNOWS_CHAINS || image_visit(g, add_chains, k, e))
        return true;
    load_known_clear(k);
    return false;
}

void load_known_clear(struct load_known *k)
{
    digest_set_clear(&k->layers);
}

/* An image under the id of exactly this manifest can only be this manifest; while it is whole, the blobs that it names are there. */
bool load_known_add_image(struct engine *g, struct load_known *k, const struct load_image *earlier, struct err *e)
{
    struct digest id;
    bool is_whole = false;
    if (k->what != LOAD_KNOWS_BLOBS)
        return true;
    if (!load_image_id(g, earlier, &id, e) || !load_find(g, earlier, DIGEST_SHOWN(&id), &id, &is_whole, e))
        return false;
    if (is_whole)
        load_remember_layers(earlier, k);
    return true;
}

bool load_known_add_name(struct engine *g, struct load_known *k, const struct ref *name, const struct digest *diff_ids, size_t n, struct err *e)
{
    AUTO(engine_image_clear_auto) struct engine_image found = { 0 };
    struct ref_text text;
    bool is_whole = false;
    if (k->what != LOAD_KNOWS_BLOBS)
        return true;
    if (!image_inspect(g, ref_format_tag(&text, name), &found, e))
        return false;
    bool is_same = found.is_found && found.n_diff_ids == n;
    for (size_t i = 0; i < n && is_same; i++)
        is_same = digest_equal(&found.diff_ids[i], &diff_ids[i]);
    if (is_same && !image_has_content(g, &found.id, IMAGE_AS_SEEN, &is_whole, e))
        return false;
    for (size_t i = 0; i < n && is_whole; i++)
        digest_set_add(&k->layers, &diff_ids[i]);
    return true;
}

void load_remember_layers(const struct load_image *i, struct load_known *k)
{
    AUTO(mem_auto) struct digest *ids = diff_ids_of(i);
    if (k->what == LOAD_KNOWS_CHAINS)
        chains_add(&k->layers, ids, i->n_layers);
    for (size_t n = 0; n < i->n_layers && k->what == LOAD_KNOWS_BLOBS; n++)
        digest_set_add(&k->layers, load_layer_digest(&i->layers[n]));
}

/* The same layer twice in one image is sent once. */
void load_choose_layers(const struct load_image *i, const struct load_known *k, bool *needed)
{
    AUTO(mem_auto) struct digest *ids = diff_ids_of(i);
    struct digest_set sent = { 0 };
    bool by_chain = k != NULL && k->what == LOAD_KNOWS_CHAINS;
    bool by_blob = k != NULL && k->what == LOAD_KNOWS_BLOBS;
    size_t depth = by_chain ? chains_depth(&k->layers, ids, i->n_layers) : 0;
    for (size_t n = 0; n < i->n_layers; n++) {
        const struct digest *blob = load_layer_digest(&i->layers[n]);
        bool is_blob_known = by_blob && digest_set_has(&k->layers, blob);
        needed[n] = n >= depth && !is_blob_known && !digest_set_has(&sent, blob);
        if (needed[n])
            digest_set_add(&sent, blob);
    }
    digest_set_clear(&sent);
}

void load_image_choose(const struct load_image *i, const struct load_known *k, bool *needed)
{
    load_choose_layers(i, k, needed);
}

uint64_t load_image_bytes(struct engine *g, const struct load_image *i, const struct load_known *k)
{
    (void)g;
    uint64_t bytes = 0;
    AUTO(mem_auto) bool *needed = mem_new_array(i->n_layers, sizeof *needed);
    load_choose_layers(i, k, needed);
    for (size_t n = 0; n < i->n_layers; n++)
        bytes += needed[n] ? i->layers[n].size : 0;
    return bytes;
}
