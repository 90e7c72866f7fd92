/* Images share layers, and registries hold one layer in several forms. A layer is its diff_id; its forms are listed with it. */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "bundler/create.h"
#include "stream/sink.h"
#include "sys/file.h"

#include "base/banned.h"

enum { FORMS_MAX = 64 }; /* docs/FORMAT.md section 4 */

struct occurrence { /* a layer of an image */
    size_t seq;     /* in the order of images, platforms, layers */
    const struct digest *diff_id;
    const struct oci_descriptor *blob;
    enum oci_compression compression;
    const struct ref *from; /* the image */
};

static int by_diff_id(const void *a, const void *b)
{
    const struct occurrence *x = a;
    const struct occurrence *y = b;
    int order = digest_compare(x->diff_id, y->diff_id);
    return order != 0 ? order : (x->seq > y->seq) - (x->seq < y->seq);
}

static size_t count_occurrences(const struct create *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->app->n_images; i++)
        for (size_t k = 0; k < c->images[i].n_platforms; k++)
            n += c->images[i].platforms[k].m.n_layers;
    return n;
}

static void list_occurrences(const struct create *c, struct occurrence *list)
{
    size_t n = 0;
    for (size_t i = 0; i < c->app->n_images; i++)
        for (size_t k = 0; k < c->images[i].n_platforms; k++) {
            const struct image_platform *p = &c->images[i].platforms[k];
            for (size_t l = 0; l < p->m.n_layers; l++, n++)
                list[n] = (struct occurrence){ n, &p->c.diff_ids[l], &p->m.layers[l], p->compression[l], &c->images[i].ref };
        }
}

static void add_form(struct pack_layer *layer, const struct occurrence *from)
{
    const struct oci_descriptor *blob = from->blob;
    for (size_t i = 0; i < layer->n_blobs; i++)
        if (digest_equal(&layer->blobs[i].digest, &blob->digest))
            return;
    if (layer->n_blobs == FORMS_MAX)
        return; /* not named in the bundle, so not proven */
    struct manifest_blob *to = &layer->blobs[layer->n_blobs];
    layer->forms[layer->n_blobs++] = (struct pack_form){ .compression = from->compression, .from = from->from };
    *to = (struct manifest_blob){ .digest = blob->digest, .size = blob->size };
    BUG_IF(!text_copy(to->media_type, sizeof to->media_type, blob->media_type));
}

/* n occurrences of one diff_id. */
static void make_layer(struct pack_layer *layer, const struct occurrence *list, size_t n)
{
    *layer = (struct pack_layer){ .diff_id = *list[0].diff_id };
    layer->blobs = mem_new_array(n < FORMS_MAX ? n : FORMS_MAX, sizeof *layer->blobs);
    layer->forms = mem_new_array(n < FORMS_MAX ? n : FORMS_MAX, sizeof *layer->forms);
    for (size_t i = 0; i < n; i++)
        add_form(layer, &list[i]);
}

/* Everything is in the cache now; in one that keeps nothing only what came from elsewhere than a registry. */
static bool find_files(struct create *c, struct err *e)
{
    const struct cache *cache = c->registries.cache;
    for (size_t i = 0; i < c->n_layers; i++)
        for (size_t k = 0; k < c->layers[i].n_blobs; k++) {
            const struct manifest_blob *blob = &c->layers[i].blobs[k];
            struct pack_form *form = &c->layers[i].forms[k];
            form->is_of_base = !create_wants_layer(c, &c->layers[i].diff_id, &blob->digest, blob->size);
            if (form->is_of_base)
                continue;
            if (!cache_find_file(cache, &blob->digest, blob->size, &form->path, e))
                return false;
            if (form->path == NULL && !cache_is_passing(cache))
                form->path = cache_path(cache, &blob->digest); /* gone meanwhile: opening it will say so */
            if (c->arrivals != NULL)
                form->arrival = arrivals_expect(c->arrivals, &blob->digest);
        }
    return true;
}

struct group { /* of occurrences with one diff_id */
    size_t seq, at, n;
};

static int by_seq(const void *a, const void *b)
{
    const struct group *x = a;
    const struct group *y = b;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

static size_t group_occurrences(struct group *groups, const struct occurrence *list, size_t n)
{
    size_t n_groups = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || !digest_equal(list[i].diff_id, list[i - 1].diff_id))
            groups[n_groups++] = (struct group){ .seq = list[i].seq, .at = i };
        groups[n_groups - 1].n++;
    }
    return n_groups;
}

static void estimate(struct create *c)
{
    for (size_t i = 0; i < c->n_layers; i++) {
        c->layers[i].is_on_host = base_has_layer(&c->base, &c->layers[i].diff_id);
        c->layer_bytes += pack_estimate(&c->layers[i]);
        c->n_blobs += c->layers[i].n_blobs;
    }
}

bool create_list_layers(struct create *c, struct err *e)
{
    size_t n = count_occurrences(c);
    AUTO(mem_auto) struct occurrence *list = mem_new_array(n, sizeof *list);
    AUTO(mem_auto) struct group *groups = mem_new_array(n, sizeof *groups);
    list_occurrences(c, list);
    qsort(list, n, sizeof *list, by_diff_id);
    size_t n_groups = group_occurrences(groups, list, n);
    qsort(groups, n_groups, sizeof *groups, by_seq);
    if (n_groups > LIMIT_LAYERS)
        return err_set(e, ERR_CONFIG, "%zu different layers, at most %d", n_groups, LIMIT_LAYERS);
    c->layers = mem_new_array(n_groups, sizeof *c->layers);
    for (; c->n_layers < n_groups; c->n_layers++)
        make_layer(&c->layers[c->n_layers], &list[groups[c->n_layers].at], groups[c->n_layers].n);
    estimate(c);
    return find_files(c, e);
}

/* ---- after a failure ---- */

static bool is_intact(const char *path, const struct digest *digest)
{
    struct err ignored = { 0 };
    AUTO(fd_auto) int fd = path == NULL ? -1 : file_open_read(path, FILE_NO_LINK, &ignored);
    if (fd < 0)
        return true; /* nothing to remove */
    AUTO(source_free_auto) struct source *from = source_fd(fd, path);
    AUTO(sink_drop_auto) struct sink *to = sink_sha256(digest, "blob", sink_null());
    return pump(from, to, &ignored) && sink_finish(to, &ignored);
}

static size_t drop_damaged(const struct create *c, const struct pack_layer *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->n_blobs; i++) {
        struct err ignored = { 0 };
        n += !is_intact(l->forms[i].path, &l->blobs[i].digest) && cache_remove(c->registries.cache, &l->blobs[i].digest, &ignored);
    }
    return n;
}

void create_drop_damaged(const struct create *c, struct err *e)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_layers; i++)
        n += drop_damaged(c, &c->layers[i]);
    if (n > 0)
        err_hint(e, "%zu damaged blob%s removed from the cache %s: run it again", n, n == 1 ? " was" : "s were", cache_dir(c->registries.cache));
}
