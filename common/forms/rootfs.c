/* Both passes are one loop over the entries of the layers. */
#include "forms/rootfs.h"

#include <stdio.h>

#include "base/text.h"
#include "forms/form_output.h"
#include "forms/rootfs_tree.h"
#include "stream/retar.h"
#include "sys/start.h"

#include "base/banned.h"

enum { TAR_BLOCK = 512 };

struct rootfs {
    const struct rootfs_layers *layers;
    struct rootfs_tree *tree;
    const struct progress *progress;
    struct progress_fact fact;
    uint64_t n_entries; /* in the second pass */
    struct retar *out;
    struct buf first, other; /* names of an entry */
    uint64_t bytes;
};

typedef bool (*entry_fn)(struct rootfs *r, struct untar *u, const struct untar_entry *entry, struct err *e);

static bool stopped(struct err *e)
{
    return err_set(e, ERR_INTERRUPTED, "export was stopped");
}

/* ---- the loop ---- */

static bool each_entry(struct rootfs *r, struct untar *u, entry_fn fn, struct err *e)
{
    struct untar_entry entry;
    while (untar_next(u, &entry, e)) {
        if (!start_check(e) || !fn(r, u, &entry, e))
            return false;
        r->fact.done += TAR_BLOCK + entry.size;
        if (r->fact.done > r->fact.total)
            r->fact.done = r->fact.total;
        if (!progress_tell(r->progress, &r->fact))
            return stopped(e);
    }
    return e->code == ERR_NONE && untar_rest(u, e);
}

static bool each_layer(struct rootfs *r, bool is_first, entry_fn fn, struct err *e)
{
    for (size_t i = 0; i < r->layers->n; i++) {
        char what[32];
        snprintf(what, sizeof what, "layer %zu", i + 1);
        struct source *from = r->layers->open(r->layers->ctx, i, e);
        AUTO(untar_close_auto) struct untar *u = from == NULL ? NULL : untar_open_layer(from, what, e);
        if (is_first)
            rootfs_tree_layer(r->tree);
        if (u != NULL && each_entry(r, u, fn, e))
            continue;
        if (e->code == ERR_REGISTRY) /* the tar reader blames where images come from; this is what the bundle has */
            err_as(e, ERR_FORMAT);
        return text_starts(e->msg, what) ? false : err_in(e, "%s", what);
    }
    return true;
}

/* ---- the passes ---- */

static bool take_name(struct rootfs *r, struct untar *u, const struct untar_entry *entry, struct err *e)
{
    (void)u;
    return rootfs_tree_add(r->tree, entry, e);
}

/* Its first name gets the content, the others are links to it. */
static bool write_entry(struct rootfs *r, struct untar *u, const struct untar_entry *entry, struct err *e)
{
    (void)entry;
    size_t n = rootfs_tree_names(r->tree, ++r->n_entries);
    if (n == 0)
        return true;
    rootfs_tree_path(r->tree, 0, &r->first);
    if (!retar_copy(r->out, u, buf_text(&r->first), e))
        return false;
    for (size_t i = 1; i < n; i++) {
        rootfs_tree_path(r->tree, i, &r->other);
        if (!retar_link(r->out, u, buf_text(&r->other), buf_text(&r->first), e))
            return false;
    }
    return true;
}

static bool write_all(void *ctx, struct sink *to, struct err *e)
{
    struct rootfs *r = ctx;
    AUTO(retar_close_auto) struct retar *out = retar_open(to);
    r->out = out;
    if (!each_layer(r, false, write_entry, e) || !retar_finish(out, e))
        return false;
    r->bytes = retar_bytes(out);
    return true;
}

static bool run(struct rootfs *r, const char *path, struct err *e)
{
    if (!form_output_check(path, 0, 0, e) || !each_layer(r, true, take_name, e))
        return false;
    rootfs_tree_settle(r->tree);
    if (!form_output_check(path, rootfs_tree_bytes(r->tree), rootfs_tree_bytes(r->tree), e) || !form_output_file(path, write_all, r, e))
        return false;
    r->fact.done = r->fact.total;
    r->fact.is_finished = true;
    return progress_tell(r->progress, &r->fact) || stopped(e);
}

bool rootfs_write(const struct rootfs_layers *layers, const char *path, const struct progress *progress, uint64_t *bytes, struct err *e)
{
    AUTO(rootfs_tree_free_auto) struct rootfs_tree *tree = rootfs_tree_new();
    struct rootfs r = { .layers = layers,
                        .tree = tree,
                        .progress = progress,
                        .fact = { .phase = "export", .total = 2 * layers->bytes },
                        .first = BUF_LIMIT(LIMIT_PATH_BYTES),
                        .other = BUF_LIMIT(LIMIT_PATH_BYTES) };
    bool ok = run(&r, path, e);
    *bytes = r.bytes;
    buf_clear(&r.first);
    buf_clear(&r.other);
    return ok;
}

/* ---- an image of a bundle ---- */

static struct source *open_layer(void *ctx, size_t i, struct err *e)
{
    const struct form_images *x = ctx;
    const struct release_platform *p = x->items[0].platforms[0].release;
    size_t at = manifest_find_layer(bundle_manifest(x->bundle), &p->diff_ids[i]);
    if (at != SIZE_MAX)
        return layer_reader_open(x->bundle, x->cache, at, e);
    err_set(e, ERR_FORMAT, "layer %s is not in the bundle", DIGEST_SHOWN(&p->diff_ids[i]));
    return NULL;
}

bool rootfs_write_image(const struct form_images *x, const char *path, const struct progress *progress, uint64_t *bytes, struct err *e)
{
    const struct manifest *m = bundle_manifest(x->bundle);
    if (x->n != 1) {
        err_set(e, ERR_USAGE, "a root file system is that of one image, the bundle has %zu", x->n);
        return err_hint(e, "choose one with --image; inspect lists them");
    }
    if (!form_images_need_one_platform(x, "a root file system", e))
        return false;
    const struct release_platform *p = x->items[0].platforms[0].release;
    struct rootfs_layers layers = { .n = p->n_diff_ids, .open = open_layer, .ctx = (void *)(uintptr_t)x };
    for (size_t i = 0; i < p->n_diff_ids; i++) {
        size_t at = manifest_find_layer(m, &p->diff_ids[i]);
        layers.bytes += at == SIZE_MAX ? 0 : manifest_layer_bytes(m, at);
    }
    return rootfs_write(&layers, path, progress, bytes, e) || err_in(e, "image %s", x->items[0].release->reference);
}
