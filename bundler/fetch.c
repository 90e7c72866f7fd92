/* What has to be fetched: the distinct layers of all images, without those that are in the cache. */
#include "bundler/fetch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "bundler/fetch_parts.h"
#include "sys/file.h"

#include "base/banned.h"

#define SPACE_RESERVE_BYTES (64 * MIB) /* beside what is fetched */

static int by_digest(const void *a, const void *b)
{
    const struct fetch_item *x = a, *y = b;
    int order = digest_compare(&x->digest, &y->digest);
    return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

static int by_order(const void *a, const void *b)
{
    const struct fetch_item *x = a, *y = b;
    return (x->order > y->order) - (x->order < y->order);
}

static bool drop_repeated(struct fetch *f, struct err *e)
{
    size_t kept = 0;
    qsort(f->items, f->n, sizeof *f->items, by_digest);
    for (size_t i = 0; i < f->n; i++) {
        const struct fetch_item *last = kept > 0 ? &f->items[kept - 1] : NULL;
        if (last == NULL || !digest_equal(&last->digest, &f->items[i].digest))
            f->items[kept++] = f->items[i];
        else if (last->size != f->items[i].size)
            return err_set(e, ERR_REGISTRY, "%s: layer %s has %" PRIu64 " bytes here and %" PRIu64 " in %s", REF_SHOWN(&f->items[i].image->ref),
                           DIGEST_SHOWN(&last->digest), f->items[i].size, last->size, REF_SHOWN(&last->image->ref));
    }
    f->n = kept;
    qsort(f->items, f->n, sizeof *f->items, by_order);
    return true;
}

static void list_platform(struct fetch *f, const struct image *x, const struct image_platform *p, const struct fetch_choice *choice)
{
    for (size_t l = 0; l < p->m.n_layers; l++) {
        const struct oci_descriptor *layer = &p->m.layers[l];
        struct fetch_item item = { .image = x, .digest = layer->digest, .size = layer->size, .order = f->n };
        if (choice == NULL || choice->is_wanted(choice->ctx, &p->c.diff_ids[l], layer))
            MEM_PUSH(f->items, f->n, f->cap) = item;
    }
}

static bool list_items(struct fetch *f, const struct image *images, size_t n, const struct fetch_choice *choice, struct err *e)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < images[i].n_platforms; k++)
            list_platform(f, &images[i], &images[i].platforms[k], choice);
    if (f->n == 0)
        return true;
    if (!drop_repeated(f, e))
        return false;
    for (size_t i = 0; i < f->n; i++)
        if (!cache_find(f->cache, &f->items[i].digest, f->items[i].size, &f->items[i].is_there, e))
            return false;
    return true;
}

static void add_up(const struct fetch *f, struct fetch_totals *t)
{
    *t = (struct fetch_totals){ .n_blobs = f->n };
    for (size_t i = 0; i < f->n; i++) {
        t->bytes += f->items[i].size;
        t->n_missing += !f->items[i].is_there;
        t->missing_bytes += f->items[i].is_there ? 0 : f->items[i].size;
    }
}

/* The cache is only looked at. */
bool fetch_plan(const struct cache *c, const struct image *images, size_t n, const struct fetch_choice *choice, struct fetch_totals *totals,
                struct err *e)
{
    struct fetch f = { .cache = (struct cache *)(uintptr_t)c };
    bool is_good = list_items(&f, images, n, choice, e);
    add_up(&f, totals);
    mem_free(f.items);
    return is_good;
}

static bool check_space(const struct fetch *f, const struct fetch_totals *t, struct err *e)
{
    uint64_t free_bytes = 0;
    char need[24], have[24];
    if (t->n_missing == 0)
        return true;
    if (!file_free_bytes(cache_dir(f->cache), &free_bytes, e))
        return false;
    if (free_bytes >= t->missing_bytes + SPACE_RESERVE_BYTES)
        return true;
    err_set(e, ERR_SPACE, "blob cache %s: %s are needed, %s are free", cache_dir(f->cache), text_bytes(need, t->missing_bytes + SPACE_RESERVE_BYTES),
            text_bytes(have, free_bytes));
    return err_hint(e, "name a directory with more room: --cache DIR");
}

bool fetch_layers(struct registry *r, struct cache *c, const struct image *images, size_t n, const struct fetch_choice *choice,
                  unsigned max_parallel, struct arrivals *arrivals, const struct progress *progress, struct err *e)
{
    struct fetch f = { .registry = r, .cache = c, .arrivals = arrivals, .progress = progress };
    struct fetch_totals totals;
    bool is_good = list_items(&f, images, n, choice, e);
    add_up(&f, &totals);
    f.total = totals.bytes;
    is_good = is_good && check_space(&f, &totals, e) && fetch_run(&f, max_parallel, e);
    for (size_t i = 0; i < f.n; i++)
        fetch_item_close(&f.items[i]);
    mem_free(f.items);
    return is_good;
}
