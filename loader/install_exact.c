/* Blobs instead of tars. */
#include "loader/install_exact.h"

#include "base/mem.h"
#include "base/text.h"
#include "bundle/layer_reader.h"
#include "format/oci.h"
#include "sys/start.h"

#include "base/banned.h"

enum { DOCKER_WITH_ZSTD = 23, BLOCK = 256 * 1024 };

/* docs/ENGINES.md section 1.4 */
static bool reads(const struct engine_facts *f, enum oci_compression c)
{
    bool is_classic = f->kind == ENGINE_DOCKER && f->store == ENGINE_STORE_CLASSIC;
    return c != OCI_ZSTD || !is_classic || f->version.major >= DOCKER_WITH_ZSTD;
}

/* How long the tar is, which an exact bundle does not say; proven at its end. */
static bool measure(const struct install_image *x, size_t layer, uint64_t *size, struct err *e)
{
    AUTO(mem_auto) uint8_t *block = mem_new(BLOCK);
    AUTO(source_free_auto) struct source *tar = layer_reader_open(x->in->bundle, x->in->cache, x->layer_index[layer], e);
    *size = 0;
    for (size_t got = tar == NULL ? 0 : BLOCK; got > 0; *size += got)
        if (!start_check(e) || !source_read(tar, block, BLOCK, &got, e))
            return false;
    return tar != NULL;
}

static size_t find_form(const struct manifest_layer *l, const struct oci_descriptor *blob)
{
    size_t k = 0;
    while (k < l->n_blobs && !digest_equal(&l->blobs[k].digest, &blob->digest))
        k++;
    return k;
}

/* The type in a manifest that we make: containerd's store gets the image's own, with its own types. */
static const char *type_of(enum oci_compression c)
{
    static const char *const types[] = { [OCI_RAW] = OCI_TYPE_LAYER, [OCI_GZIP] = OCI_TYPE_LAYER "+gzip", [OCI_ZSTD] = OCI_TYPE_LAYER "+zstd" };
    return types[c];
}

static bool describe_layer(struct install_image *x, size_t i, const struct oci_descriptor *blob, struct err *e)
{
    const struct manifest_layer *l = &bundle_manifest(x->in->bundle)->layers[x->layer_index[i]];
    struct load_layer *to = &x->layers[i];
    enum oci_compression c;
    x->layer_form[i] = find_form(l, blob);
    if (x->layer_form[i] == l->n_blobs || !oci_layer_compression(blob->media_type, &c, e))
        return err_set(e, ERR_FORMAT, "blob %s is not in the bundle", DIGEST_SHOWN(&blob->digest)) || err_as(e, ERR_FORMAT);
    if (!reads(engine_facts(x->in->engine), c))
        return measure(x, i, &to->size, e) || err_in(e, "layer %s", DIGEST_SHOWN(&blob->digest));
    to->media_type = type_of(c);
    to->blob = blob->digest;
    to->size = blob->size;
    return true;
}

static bool describe(struct install_image *x, const struct release_platform *p, const struct oci_manifest *m, struct err *e)
{
    if (m->n_layers != p->n_diff_ids)
        return err_set(e, ERR_FORMAT, "manifest %s has %zu layers, expected %zu", DIGEST_SHOWN(&p->manifest), m->n_layers, p->n_diff_ids);
    for (size_t i = 0; i < m->n_layers; i++)
        if (!describe_layer(x, i, &m->layers[i], e))
            return false;
    if (engine_facts(x->in->engine)->store != ENGINE_STORE_CONTAINERD)
        return true;
    x->load.manifest = buf_text(&x->manifest);
    x->load.manifest_bytes = x->manifest.len;
    x->load.manifest_type = p->manifest_type;
    return true;
}

bool install_exact_describe(struct install_image *x, const struct release_platform *p, struct err *e)
{
    struct oci_manifest m = { 0 };
    x->layer_form = mem_new_array(p->n_diff_ids, sizeof *x->layer_form);
    bool ok = install_images_read(x->in, &p->manifest, LIMIT_OCI_MANIFEST_BYTES, &x->manifest, e) &&
              (oci_manifest_read(&m, buf_text(&x->manifest), x->manifest.len, "manifest", e) || err_as(e, ERR_FORMAT)) && describe(x, p, &m, e);
    oci_manifest_clear(&m);
    return ok;
}
