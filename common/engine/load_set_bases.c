/* Bases: the lower layers of images as an image of their own, without a name, that is there as long as others are being built on it. */
#include "base/log.h"
#include "base/mem.h"
#include "engine/load_set_parts.h"
#include "format/jwrite.h"

#include "base/banned.h"

#define CONFIG_MAX LIMIT_OCI_MANIFEST_BYTES

static void write_config(struct jwrite *w, const struct load_image *of, size_t n_layers)
{
    jwrite_object(w, NULL);
    jwrite_str(w, "architecture", of->platform.architecture);
    jwrite_str(w, "os", of->platform.os);
    jwrite_object(w, "config");
    jwrite_object(w, "Labels");
    jwrite_str(w, "archon-load", "layers of images that are being loaded; removed at the end");
    jwrite_end(w);
    jwrite_end(w);
    jwrite_object(w, "rootfs");
    jwrite_str(w, "type", "layers");
    jwrite_array(w, "diff_ids");
    for (size_t i = 0; i < n_layers; i++)
        jwrite_digest(w, NULL, &of->layers[i].diff_id);
    jwrite_end(w);
    jwrite_end(w);
    jwrite_end(w);
}

bool load_base_make(struct load_image *base, struct buf *config, const struct load_image *of, size_t n_layers, struct err *e)
{
    AUTO(jwrite_free_auto) struct jwrite *w = jwrite_new(JWRITE_COMPACT, CONFIG_MAX);
    *config = (struct buf)BUF_LIMIT(CONFIG_MAX);
    write_config(w, of, n_layers);
    if (!jwrite_done(w, config, "image config", e))
        return false;
    *base = *of;
    base->manifest = NULL;
    base->config = buf_text(config);
    base->config_bytes = config->len;
    sha256_of(&base->config_digest, config->data, config->len);
    base->manifest = NULL;
    base->n_layers = n_layers;
    base->is_unnamed = true;
    return true;
}

static bool add_bases(struct digest_set *bases, const struct load_image *i, struct err *e)
{
    for (size_t n = 1; n < i->n_layers; n++) {
        AUTO(buf_clear_auto) struct buf config = { 0 };
        struct load_image base;
        if (!load_base_make(&base, &config, i, n, e))
            return false;
        digest_set_add(bases, &base.config_digest);
    }
    return true;
}

static bool remove_those(struct engine *g, const struct digest_set *bases, struct err *e)
{
    AUTO(mem_auto) struct digest *ids = NULL;
    size_t n = 0;
    if (!image_list(g, &ids, &n, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        enum image_removal how;
        if (!digest_set_has(bases, &ids[i]))
            continue;
        if (!image_remove(g, DIGEST_SHOWN(&ids[i]), &how, e))
            return false;
        log_debug("base %s: %s", DIGEST_SHOWN(&ids[i]), how == IMAGE_REMOVED ? "removed" : "stays");
    }
    return true;
}

bool load_bases_remove(struct engine *g, const struct load_image *const *images, size_t n, struct err *e)
{
    const struct engine_facts *f = engine_facts(g);
    struct digest_set bases = { 0 };
    bool ok = true;
    if (f->kind != ENGINE_DOCKER || f->store != ENGINE_STORE_CLASSIC)
        return true;
    for (size_t i = 0; i < n && ok; i++)
        ok = add_bases(&bases, images[i], e);
    ok = ok && (bases.n == 0 || remove_those(g, &bases, e));
    digest_set_clear(&bases);
    return ok;
}
