/* Reading a docker-archive. Shapes that exist: ID/layer.tar with links between equal layers (Docker before 25), blobs/sha256/HEX (since then), HEX.tar (Podman);
 * manifest.json names configuration and layers in each of them. */
#include "engine/export.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "engine/untar.h"
#include "format/jread.h"
#include "sys/file.h"

#include "base/banned.h"

enum { LINKS_MAX = 8, EXPORT_IMAGES_MAX = 64 };
static const char blob_folder[] = "blobs/sha256/";
static const char what[] = "exported image";

struct file { /* an entry that may be a layer or a configuration */
    char *path;
    char *target; /* of a link, or null */
    uint64_t size;
    bool is_link;
};

struct export {
    int fd;
    struct file *files; /* sorted by path */
    size_t n_files, cap_files;
    struct export_image *images;
    size_t n_images;
};

void export_close(struct export *x)
{
    for (size_t i = 0; i < x->n_files; i++) {
        mem_free(x->files[i].path);
        mem_free(x->files[i].target);
    }
    for (size_t i = 0; i < x->n_images; i++) {
        struct export_image *image = &x->images[i];
        for (size_t k = 0; k < image->n_layers; k++)
            mem_free(image->layers[k].path);
        mem_free(image->layers);
        buf_clear(&image->config);
        oci_config_clear(&image->c);
    }
    mem_free(x->files);
    mem_free(x->images);
    fd_auto(&x->fd);
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

/* ---- entries ---- */

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const struct file *)a)->path, ((const struct file *)b)->path);
}

static bool list_files(struct export *x, struct err *e)
{
    AUTO(untar_close_auto) struct untar *u = untar_open(x->fd, what, e);
    struct untar_entry entry;
    while (u != NULL && untar_next(u, &entry, e))
        if (entry.kind != UNTAR_OTHER)
            MEM_PUSH(x->files, x->n_files, x->cap_files) = (struct file){ .path = mem_text(entry.path), .target = mem_text(entry.target),
                                                                          .size = entry.size, .is_link = entry.kind == UNTAR_LINK };
    if (e->code != ERR_NONE)
        return false;
    if (x->n_files > 0)
        qsort(x->files, x->n_files, sizeof *x->files, compare_files);
    for (size_t i = 1; i < x->n_files; i++)
        if (text_is(x->files[i - 1].path, x->files[i].path))
            return err_set(e, ERR_ENGINE, "%s: has %s twice", what, SHOWN(x->files[i].path));
    return true;
}

/* The file of a name, links followed. */
static const struct file *find_file(const struct export *x, const char *path, struct err *e)
{
    for (int i = 0; i < LINKS_MAX && path != NULL && x->n_files > 0; i++) {
        struct file key = { .path = (char *)(uintptr_t)path };
        const struct file *found = bsearch(&key, x->files, x->n_files, sizeof *x->files, compare_files);
        if (found == NULL)
            break;
        if (!found->is_link)
            return found;
        path = found->target;
    }
    err_set(e, ERR_ENGINE, "%s: has no file %s", what, path == NULL ? "behind a link" : SHOWN(path));
    return NULL;
}

/* The whole of one small file. */
static bool read_file(struct export *x, const struct file *file, struct buf *out, struct err *e)
{
    AUTO(untar_close_auto) struct untar *u = untar_open(x->fd, what, e);
    struct untar_entry entry;
    while (u != NULL && untar_next(u, &entry, e)) {
        if (entry.kind != UNTAR_FILE || !text_is(entry.path, file->path))
            continue;
        AUTO(source_free_auto) struct source *from = untar_content(u);
        AUTO(sink_drop_auto) struct sink *to = sink_buf(out, file->path);
        return pump(from, to, e) && sink_finish(to, e);
    }
    return err_set(e, ERR_ENGINE, "%s: has no file %s any more", what, SHOWN(file->path));
}

/* ---- manifest.json ---- */

static void name_digest(struct export_layer *l)
{
    struct err ignored = { 0 };
    l->has_digest = text_starts(l->path, blob_folder) && digest_parse_hex(&l->digest, l->path + sizeof blob_folder - 1, what, &ignored);
}

static bool read_layer(struct export *x, struct export_layer *l, const char *path, struct err *e)
{
    const struct file *file = find_file(x, path, e);
    if (file == NULL)
        return false;
    *l = (struct export_layer){ .path = mem_text(file->path), .size = file->size };
    name_digest(l);
    return true;
}

static bool read_config(struct export *x, struct export_image *image, const char *path, struct err *e)
{
    const struct file *file = find_file(x, path, e);
    image->config = (struct buf)BUF_LIMIT(LIMIT_OCI_CONFIG_BYTES);
    return file != NULL && read_file(x, file, &image->config, e) &&
           oci_config_read(&image->c, buf_text(&image->config), image->config.len, what, e);
}

static bool read_image(struct export *x, struct export_image *image, struct jread *doc, struct jnode item, struct err *e)
{
    struct jnode list;
    AUTO(mem_auto) char *config = jread_text(item, "Config", LIMIT_PATH_BYTES);
    size_t n = jread_array(item, "Layers", LIMIT_LAYERS_PER_IMAGE, &list);
    if (!jread_done(doc, e) || !read_config(x, image, config, e))
        return false;
    if (n != image->c.n_diff_ids)
        return err_set(e, ERR_ENGINE, "%s: manifest.json has %zu layers, the configuration %zu", what, n, image->c.n_diff_ids);
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
        return err_set(e, ERR_ENGINE, "%s: manifest.json names %zu images, expected 1 to %d", what, n, EXPORT_IMAGES_MAX);
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
    const struct file *file = find_file(x, "manifest.json", e);
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_OCI_MANIFEST_BYTES);
    if (file == NULL || !read_file(x, file, &text, e))
        return false;
    AUTO(jread_free_auto) struct jread *doc = jread_open(buf_text(&text), text.len, "manifest.json", JREAD_OCI, e);
    return doc != NULL && read_images(x, doc, e);
}

/* Whatever is wrong with the archive, the engine made it. */
static bool read_all(struct export *x, struct err *e)
{
    if (list_files(x, e) && read_manifest(x, e))
        return true;
    return e->code == ERR_IO ? false : err_as(e, ERR_ENGINE);
}

struct export *export_of(int fd, struct err *e)
{
    AUTO(export_close_auto) struct export *x = mem_new(sizeof *x);
    x->fd = fd;
    return read_all(x, e) ? TAKE(x) : NULL;
}

/* ---- layers ---- */

static size_t layer_of(const struct export_image *i, const char *path)
{
    for (size_t k = 0; k < i->n_layers; k++)
        if (text_is(i->layers[k].path, path))
            return k;
    return SIZE_MAX;
}

bool export_layers(struct export *x, const struct export_image *i, export_layer_fn fn, void *ctx, struct err *e)
{
    AUTO(untar_close_auto) struct untar *u = untar_open(x->fd, what, e);
    struct untar_entry entry;
    while (u != NULL && untar_next(u, &entry, e)) {
        size_t layer = entry.kind == UNTAR_FILE ? layer_of(i, entry.path) : SIZE_MAX;
        if (layer == SIZE_MAX)
            continue;
        AUTO(source_free_auto) struct source *content = untar_content(u);
        if (!fn(ctx, layer, content, e))
            return false;
    }
    return e->code == ERR_NONE;
}
