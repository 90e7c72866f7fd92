/* Deltas on their way into the engine. */
#include "loader/install_base.h"

#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "loader/install_images.h"
#include "loader/open.h"
#include "sys/file.h"

#include "base/banned.h"

static bool open_base(struct install *in, struct err *e)
{
    struct base_where where = { .engine = in->o->engine, .progress = &in->ctx->progress };
    struct verdict verdict = { 0 };
    if (in->o->base != NULL) {
        where.kept = open_bundle(in->o->base, &in->o->parts, in->o->root, &in->o->trust, in->ctx, &verdict, e);
        if (where.kept == NULL)
            return err_in(e, "--base");
    }
    in->base = base_source_new(in->bundle, in->cache, &where);
    return true;
}

/* What the engine has already is neither sent nor put together. */
static bool mark_needed(struct install *in, bool *layers, struct err *e)
{
    for (size_t i = 0; i < in->n_images; i++) {
        const struct install_image *x = &in->images[i];
        AUTO(mem_auto) bool *needed = mem_new_array(x->load.n_layers, sizeof *needed);
        bool is_there = false;
        if (!load_image_is_there(in->engine, &x->load, &is_there, e))
            return false;
        if (is_there)
            continue;
        load_image_choose(&x->load, &in->known, needed);
        for (size_t k = 0; k < x->load.n_layers; k++)
            layers[x->layer_index[k]] = layers[x->layer_index[k]] || needed[k];
    }
    return true;
}

bool install_base_prepare(struct install *in, struct err *e)
{
    const struct manifest *m = bundle_manifest(in->bundle);
    AUTO(mem_auto) bool *layers = mem_new_array(m->n_layers, sizeof *layers);
    if (!m->has_base) {
        if (in->o->base != NULL)
            log_info("--base is not needed: this is a full bundle");
        return true;
    }
    return open_base(in, e) && install_images_know(in, e) && mark_needed(in, layers, e) && base_source_find(in->base, layers, e);
}

bool install_base_fetch(struct install *in, struct err *e)
{
    char size[24];
    if (in->base == NULL || base_source_count(in->base) == 0)
        return true;
    log_info("base: %zu layer%s, %s", base_source_count(in->base), text_s(base_source_count(in->base)),
             text_bytes(size, base_source_bytes(in->base)));
    return base_source_fetch(in->base, e);
}

/* --- room --------------------------------------------------------------------------------------------------------- */

static bool is_one_disk(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev;
}

void install_base_space(const struct install *in, struct install_base_space *out)
{
    struct err ignored = { 0 };
    *out = (struct install_base_space){ 0 };
    if (in->base == NULL)
        return;
    out->count = base_source_count(in->base);
    out->needed = base_source_bytes(in->base);
    out->is_known = file_free_bytes(BASE_SOURCE_DIR, &out->free, &ignored);
    out->is_beside_images = is_one_disk(BASE_SOURCE_DIR, engine_facts(in->engine)->root_dir);
}

bool install_base_check_space(const struct install *in, struct err *e)
{
    struct install_base_space s;
    char need[24], room[24];
    install_base_space(in, &s);
    if (!s.is_known || s.needed <= s.free)
        return true;
    err_set(e, ERR_SPACE, BASE_SOURCE_DIR ": %zu layers of the base need %s there while images are loaded, %s are free", s.count,
            text_bytes(need, s.needed), text_bytes(room, s.free));
    return err_hint(e, "make room in " BASE_SOURCE_DIR "; the full bundle needs none there");
}
