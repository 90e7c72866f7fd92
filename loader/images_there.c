/* The short way of load-images. */
#include "loader/images_there.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "bundle/layer_reader.h"
#include "bundle/layout.h"
#include "engine/load_set.h"
#include "loader/open.h"

#include "base/banned.h"

#define CACHE_BYTES (8 * MIB)

/* Images as far as the engine's answer can be compared with them: nothing that could be loaded. */
struct look {
    struct engine *engine;
    const struct manifest *manifest;
    struct load_image *images;
    struct load_layer **layers;
    size_t n;
};

static void look_clear(struct look *l)
{
    for (size_t i = 0; i < l->n; i++)
        mem_free(l->layers[i]);
    mem_free(l->layers);
    mem_free(l->images);
    engine_close(l->engine);
}

/* The bytes are those that the signed digest names, or there is no release. */
static bool read_release(const struct index *x, struct release *out, struct err *e)
{
    const struct manifest *m = index_manifest(x);
    AUTO(chunk_cache_free_auto) struct chunk_cache *cache = chunk_cache_new(x, CACHE_BYTES);
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_RELEASE_BYTES);
    struct digest found;
    if (!member_read(x, cache, MEMBER_RELEASE, &text, e))
        return false;
    sha256_of(&found, text.data, text.len);
    if (!digest_equal(&found, &m->release_sha256))
        return err_set(e, ERR_INTEGRITY, "release.json: digest is %s, expected %s", DIGEST_SHOWN(&found), DIGEST_SHOWN(&m->release_sha256));
    return release_read(out, buf_text(&text), text.len, e);
}

static uint64_t config_bytes(const struct manifest *m, const struct digest *config)
{
    for (size_t i = 0; i < m->n_members; i++)
        if (m->members[i].has_sha256 && digest_equal(&m->members[i].sha256, config))
            return m->members[i].size;
    return 0;
}

static bool describe(struct look *l, const struct release_image *r, struct err *e)
{
    struct platform host = engine_facts(l->engine)->platform;
    platform_refine(&host);
    const struct release_platform *p = release_platform_find(r, &host);
    struct load_image *i = &l->images[l->n];
    if (p == NULL || !ref_parse(&i->name, r->reference, e))
        return false;
    struct load_layer *layers = mem_new_array(p->n_diff_ids, sizeof *layers);
    l->layers[l->n++] = layers;
    for (size_t k = 0; k < p->n_diff_ids; k++) {
        size_t at = manifest_find_layer(l->manifest, &p->diff_ids[k]);
        if (at == SIZE_MAX)
            return false;
        layers[k] = (struct load_layer){ .diff_id = p->diff_ids[k], .size = l->manifest->layers[at].size };
    }
    i->config_digest = p->config;
    i->config_bytes = (size_t)config_bytes(l->manifest, &p->config);
    i->platform = p->platform;
    i->n_layers = p->n_diff_ids;
    i->layers = layers;
    return true;
}

static bool ask_for_all(struct look *l, const struct release *r, bool *yes, struct err *e)
{
    *yes = true;
    l->images = mem_new_array(r->n_images, sizeof *l->images);
    l->layers = mem_new_array(r->n_images, sizeof *l->layers);
    for (size_t i = 0; i < r->n_images && *yes; i++)
        if (!describe(l, &r->images[i], e) || !load_image_is_there(l->engine, &l->images[i], yes, e))
            return false;
    return true;
}

static bool remove_bases(struct look *l, struct err *e)
{
    AUTO(mem_auto) const struct load_image **all = mem_new_array(l->n, sizeof *all);
    for (size_t i = 0; i < l->n; i++)
        all[i] = &l->images[i];
    return load_bases_remove(l->engine, all, l->n, e);
}

static bool look_at(const struct index *x, const struct install_options *o, struct release *out, bool *yes, struct err *e)
{
    struct look l = { .manifest = index_manifest(x) };
    if (!read_release(x, out, e))
        return false;
    l.engine = engine_open(o->engine, e);
    bool ok = l.engine != NULL && engine_require(l.engine, out->requires.engine, e) && ask_for_all(&l, out, yes, e) && (!*yes || remove_bases(&l, e));
    look_clear(&l);
    return ok;
}

bool images_are_there(const struct install_options *o, struct release *out, bool *yes, struct err *e)
{
    struct verdict verdict = { 0 };
    struct err in_the_way = { 0 };
    *yes = false;
    AUTO(index_close_auto) struct index *x = open_index_in_place(o->bundles.items[0], &o->parts, o->root, &o->trust, &verdict, &in_the_way);
    bool ok = x != NULL && look_at(x, o, out, yes, &in_the_way);
    if (in_the_way.code == ERR_INTERRUPTED)
        *e = in_the_way;
    *yes = *yes && ok;
    if (*yes)
        log_info("all images are there already: nothing is read from the bundle but what names them");
    else {
        log_debug("images are not all there: %s", in_the_way.code == ERR_NONE ? "one differs" : in_the_way.msg);
        release_clear(out);
    }
    return e->code == ERR_NONE;
}
