/* From an engine's archive to blobs and documents. */
#include "bundler/exported.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "bundler/blob_put.h"
#include "format/oci_layout.h"

#include "base/banned.h"

/* Named by the archive, or a tar whose digest is the diff_id. */
static const struct digest *digest_of(const struct export_image *x, size_t layer)
{
    return x->layers[layer].has_digest ? &x->layers[layer].digest : &x->c.diff_ids[layer];
}

/* ---- the manifest ---- */

/* By the first bytes: an archive does not tell. Several layers may be one file, which comes once. */
struct types {
    const struct export_image *image;
    const char **of_layer;
};

static bool look_at_layer(void *ctx, size_t layer, struct source *content, struct err *e)
{
    static const uint8_t gzip[] = { 0x1f, 0x8b };
    static const uint8_t zstd[] = { 0x28, 0xb5, 0x2f, 0xfd };
    struct types *t = ctx;
    uint8_t first[4] = { 0 };
    size_t n = 0;
    for (size_t got = 1; got > 0 && n < sizeof first; n += got)
        if (!source_read(content, first + n, sizeof first - n, &got, e))
            return false;
    const char *type = memcmp(first, gzip, sizeof gzip) == 0 ? OCI_TYPE_LAYER "+gzip" : memcmp(first, zstd, sizeof zstd) == 0 ? OCI_TYPE_LAYER "+zstd" : OCI_TYPE_LAYER;
    for (size_t i = layer; i < t->image->n_layers; i++)
        if (text_is(t->image->layers[i].path, t->image->layers[layer].path))
            t->of_layer[i] = type;
    return true;
}

static bool write_manifest(const struct export_image *x, const struct types *t, struct buf *out, struct err *e)
{
    struct oci_descriptor config = { .media_type = OCI_TYPE_CONFIG, .size = x->config.len };
    AUTO(mem_auto) struct oci_descriptor *layers = mem_new_array(x->n_layers, sizeof *layers);
    sha256_of(&config.digest, buf_text(&x->config), x->config.len);
    for (size_t i = 0; i < x->n_layers; i++) {
        layers[i] = (struct oci_descriptor){ .digest = *digest_of(x, i), .size = x->layers[i].size };
        BUG_IF(!text_copy(layers[i].media_type, sizeof layers[i].media_type, t->of_layer[i]));
    }
    return oci_manifest_write(&config, layers, x->n_layers, out, e);
}

bool exported_describe(struct export *x, const struct export_image *from, struct image_platform *p, const char *what, struct err *e)
{
    AUTO(mem_auto) const char **of_layer = mem_new_array(from->n_layers + 1, sizeof *of_layer);
    struct types t = { from, of_layer };
    p->manifest = (struct buf)BUF_LIMIT(LIMIT_OCI_MANIFEST_BYTES);
    p->config = (struct buf)BUF_LIMIT(LIMIT_OCI_CONFIG_BYTES);
    buf_add(&p->config, buf_text(&from->config), from->config.len);
    if (!export_layers(x, from, look_at_layer, &t, e) || !write_manifest(from, &t, &p->manifest, e))
        return err_in(e, "%s", what);
    sha256_of(&p->manifest_digest, buf_text(&p->manifest), p->manifest.len);
    return image_platform_read(p, what, e);
}

/* ---- layers ---- */

struct putting {
    struct cache *cache;
    const struct export_image *image;
};

static bool put_layer(void *ctx, size_t layer, struct source *content, struct err *e)
{
    const struct putting *p = ctx;
    return blob_put(p->cache, digest_of(p->image, layer), p->image->layers[layer].size, content, e) || err_in(e, "layer %zu (%s)", layer, SHOWN(p->image->layers[layer].path));
}

bool exported_put(struct export *x, const struct export_image *from, struct cache *c, const char *what, struct err *e)
{
    struct putting p = { c, from };
    return export_layers(x, from, put_layer, &p, e) || err_in(e, "%s", what);
}
