/* Reading a docker-archive. Shapes that exist: ID/layer.tar with links between equal layers (Docker before 25), blobs/sha256/HEX (since then), HEX.tar (Podman);
 * manifest.json names configuration and layers in each of them. */
#include "engine/export.h"

#include "base/mem.h"
#include "base/text.h"
#include "format/jread.h"

#include "base/banned.h"

enum { EXPORT_IMAGES_MAX = 64 };
static const char blob_folder[] = "blobs/sha256/";

struct export {
    struct tarball *tar;
    enum err_code blame; /* class of what is wrong with it: whose archive is it? */
    struct export_image *images;
    size_t n_images;
};

static void clear_image(struct export_image *image)
{
    for (size_t k = 0; k < image->n_layers; k++)
        mem_free(image->layers[k].path);
    for (size_t k = 0; k < image->n_names; k++)
        mem_free(image->names[k]);
    mem_free(image->layers);
    mem_free(image->names);
    buf_clear(&image->config);
    oci_config_clear(&image->c);
}

void export_close(struct export *x)
{
    for (size_t i = 0; i < x->n_images; i++)
        clear_image(&x->images[i]);
    mem_free(x->images);
    if (x->tar != NULL)
        tarball_close(x->tar);
    mem_free(x);
}

size_t export_n_images(const struct export *x)
{
    return x->n_images;
}

const struct export_image *export_image(const struct export *x, size_t i)
{
    return &x->images[i];
}

static const struct tarball_file *find_file(const struct export *x, const char *path, struct err *e)
{
    const struct tarball_file *found = tarball_find(x->tar, path);
    if (found == NULL)
        err_set(e, x->blame, "%s: has no file %s", tarball_what(x->tar), SHOWN(path));
    return found;
}

/* ---- manifest.json ---- */

static void name_digest(struct export_layer *l)
{
    struct err ignored = { 0 };
    l->has_digest = text_starts(l->path, blob_folder) && digest_parse_hex(&l->digest, l->path + sizeof blob_folder - 1, "layer", &ignored);
}

static bool read_layer(struct export *x, struct export_layer *l, const char *path, struct err *e)
{
    const struct tarball_file *file = find_file(x, path, e);
    if (file == NULL)
        return false;
    *l = (struct export_layer){ .path = mem_text(file->path), .size = file->size };
    name_digest(l);
    return true;
}

static bool read_config(struct export *x, struct export_image *image, const char *path, struct err *e)
{
    const struct tarball_file *file = find_file(x, path, e);
    image->config = (struct buf)BUF_LIMIT(LIMIT_OCI_CONFIG_BYTES);
    return file != NULL && tarball_read(x->tar, file, &image->config, e) &&
           oci_config_read(&image->c, buf_text(&image->config), image->config.len, tarball_what(x->tar), e);
}

/* Tags, or null where an image was saved by its id. */
static void read_names(struct export_image *image, struct jnode item)
{
    struct jnode list;
    if (!jread_has(item, "RepoTags"))
        return;
    size_t n = jread_array(item, "RepoTags", EXPORT_NAMES_MAX, &list);
    image->names = mem_new_array(n, sizeof *image->names);
    for (; image->n_names < n; image->n_names++)
        image->names[image->n_names] = jread_item_text(list, image->n_names, LIMIT_REF_BYTES);
}

static bool read_image(struct export *x, struct export_image *image, struct jread *doc, struct jnode item, struct err *e)
{
    struct jnode list;
    read_names(image, item);
    AUTO(mem_auto) char *config = jread_text(item, "Config", LIMIT_PATH_BYTES);
    size_t n = jread_array(item, "Layers", LIMIT_LAYERS_PER_IMAGE, &list);
    if (!jread_done(doc, e) || !read_config(x, image, config, e))
        return false;
    if (n != image->c.n_diff_ids)
        return err_set(e, x->blame, "%s: manifest.json has %zu layers, the configuration %zu", tarball_what(x->tar), n, image->c.n_diff_ids);
    image->layers = mem_new_array(n, sizeof *image->layers);
    for (; image->n_layers < n; image->n_layers++) {
        AUTO(mem_auto) char *path = jread_item_text(list, image->n_layers, LIMIT_PATH_BYTES);
        if (!jread_done(doc, e) || !read_layer(x, &image->layers[image->n_layers], path, e))
            return false;
    }
    return true;
}

static bool read_images(struct export *x, struct jread *doc, struct err *e)
{
    struct jnode all = jread_root(doc);
    size_t n = jread_count(all);
    if (n == 0 || n > EXPORT_IMAGES_MAX)
        return err_set(e, x->blame, "%s: manifest.json names %zu images, expected 1 to %d", tarball_what(x->tar), n, EXPORT_IMAGES_MAX);
    x->images = mem_new_array(n, sizeof *x->images);
    for (size_t i = 0; i < n; i++) {
        x->n_images = i + 1;
        if (!read_image(x, &x->images[i], doc, jread_item(all, i), e))
            return false;
    }
    return jread_done(doc, e);
}

static bool read_manifest(struct export *x, struct err *e)
{
    const struct tarball_file *file = find_file(x, "manifest.json", e);
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_OCI_MANIFEST_BYTES);
    if (file == NULL || !tarball_read(x->tar, file, &text, e))
        return false;
    AUTO(jread_free_auto) struct jread *doc = jread_open(buf_text(&text), text.len, "manifest.json", JREAD_OCI, e);
    return doc != NULL && read_images(x, doc, e);
}

struct export *export_of(struct tarball *tar, enum err_code blame, struct err *e)
{
    AUTO(export_close_auto) struct export *x = mem_new(sizeof *x);
    x->tar = tar;
    x->blame = blame;
    if (tar != NULL && read_manifest(x, e))
        return TAKE(x);
    if (e->code == ERR_REGISTRY || e->code == ERR_FORMAT || e->code == ERR_INTEGRITY)
        err_as(e, blame);
    return NULL;
}

/* ---- layers ---- */

static size_t layer_of(const struct export_image *i, const char *path)
{
    for (size_t k = 0; k < i->n_layers; k++)
        if (text_is(i->layers[k].path, path))
            return k;
    return SIZE_MAX;
}

struct handing_out {
    const struct export_image *image;
    export_layer_fn fn;
    void *ctx;
};

static bool hand_out(void *ctx, const char *path, struct source *content, struct err *e)
{
    const struct handing_out *h = ctx;
    size_t layer = layer_of(h->image, path);
    return layer == SIZE_MAX || h->fn(h->ctx, layer, content, e);
}

bool export_layers(struct export *x, const struct export_image *i, export_layer_fn fn, void *ctx, struct err *e)
{
    struct handing_out h = { i, fn, ctx };
    if (tarball_each(x->tar, hand_out, &h, e))
        return true;
    return e->code == ERR_REGISTRY ? err_as(e, x->blame) : false;
}
