/* Images: reading their documents and checking that they belong together. */
#include "bundler/images.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

static void image_platform_clear(struct image_platform *p)
{
    buf_clear(&p->manifest);
    buf_clear(&p->config);
    oci_manifest_clear(&p->m);
    oci_config_clear(&p->c);
    mem_free(p->compression);
}

void image_clear(struct image *i)
{
    for (size_t k = 0; k < i->n_indexes; k++)
        buf_clear(&i->indexes[k].bytes);
    for (size_t k = 0; k < i->n_platforms; k++)
        image_platform_clear(&i->platforms[k]);
    mem_free(i->indexes);
    mem_free(i->platforms);
    mem_free(i->documents);
    *i = (struct image){ 0 };
}

void images_clear(struct image *images, size_t n)
{
    for (size_t i = 0; i < n; i++)
        image_clear(&images[i]);
    mem_free(images);
}

static bool check_layers(struct image_platform *p, const char *what, struct err *e)
{
    p->compression = mem_new_array(p->m.n_layers > 0 ? p->m.n_layers : 1, sizeof *p->compression);
    for (size_t i = 0; i < p->m.n_layers; i++) {
        const struct oci_descriptor *layer = &p->m.layers[i];
        bool is_foreign = layer->has_urls || oci_layer_is_foreign(layer->media_type);
        if (is_foreign && !p->takes_foreign_layers) {
            err_set(e, ERR_REGISTRY, "%s: layer %zu (%s) is a foreign layer, which its owner keeps at another place than the registry", what, i, SHOWN(layer->media_type));
            return err_hint(e, "where its licence allows to pass it on: --foreign-layers fetch, if the registry has it");
        }
        if (!oci_layer_compression(layer->media_type, &p->compression[i], e)) {
            err_in(e, "layer %zu", i);
            return err_in(e, "%s", what);
        }
    }
    return true;
}

bool image_platform_read_manifest(struct image_platform *p, const char *what, struct err *e)
{
    return oci_manifest_read(&p->m, buf_text(&p->manifest), p->manifest.len, what, e) && check_layers(p, what, e);
}

static bool check_platform(const struct image_platform *p, const char *what, struct err *e)
{
    struct platform_text asked, found;
    if (platform_equal(&p->platform, &p->c.platform))
        return true;
    /* Many arm images say nothing of their variant in the config; the index, which chose it, does. */
    if (text_is(p->platform.os, p->c.platform.os) && text_is(p->platform.architecture, p->c.platform.architecture) && !p->c.has_variant)
        return true;
    return err_set(e, ERR_REGISTRY, "%s: is for %s, expected %s", what, platform_format(&found, &p->c.platform),
                   platform_format(&asked, &p->platform));
}

static bool judge_config(const struct image_platform *p, const char *what, struct err *e)
{
    char odd_volume[128];
    if (!oci_config_judge(buf_text(&p->config), p->config.len, what, odd_volume, e))
        return err_hint(e, "an image that asks for this is not packed: make it without");
    if (odd_volume[0] != '\0')
        log_warn("%s: has a volume on %s: every container hides that folder of the image behind one of its own", what, odd_volume);
    return true;
}

static bool read_config(struct image_platform *p, const char *what, struct err *e)
{
    AUTO(mem_auto) char *name = mem_format("%s: config", what);
    return oci_config_read(&p->c, buf_text(&p->config), p->config.len, name, e);
}

bool image_platform_read(struct image_platform *p, const char *what, struct err *e)
{
    if ((p->compression == NULL && !image_platform_read_manifest(p, what, e)) ||
        !read_config(p, what, e) || !check_platform(p, what, e) || !judge_config(p, what, e))
        return false;
    return p->c.n_diff_ids == p->m.n_layers ||
           err_set(e, ERR_REGISTRY, "%s: the manifest has %zu layers, its config %zu", what, p->m.n_layers, p->c.n_diff_ids);
}
