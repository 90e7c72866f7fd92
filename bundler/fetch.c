/* A list of distinct blobs; each is a transfer around the registry's own, which opens its file when its turn comes (there may be
 * more blobs than file descriptors) and publishes it at the end. */
#include "bundler/fetch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "registry/blobs.h"
#include "sys/file.h"

#include "base/banned.h"

enum { BUSY_WAIT_MS = 500 }; /* another run fetches the same blob: look again */
#define SPACE_RESERVE_BYTES (64 * MIB) /* beside what is fetched */

struct fetch;
struct item {
    struct http_transfer transfer;
    struct fetch *fetch;
    const struct image *image; /* the first one that has it */
    struct digest digest;
    uint64_t size;
    size_t order; /* of appearance: messages and downloads follow the definition */
    bool is_there;
    struct cache_part *part;
    struct blob *blob;
    struct progress progress;
    uint64_t told; /* bytes of this item in the sum */
};
struct fetch {
    struct registry *registry;
    struct cache *cache;
    struct item *items;
    size_t n, cap;
    const struct progress *progress;
    uint64_t done, total;
};

static int by_digest(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    int order = digest_compare(&x->digest, &y->digest);
    return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

static int by_order(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    return (x->order > y->order) - (x->order < y->order);
}

static bool drop_repeated(struct fetch *f, struct err *e)
{
    size_t kept = 0;
    qsort(f->items, f->n, sizeof *f->items, by_digest);
    for (size_t i = 0; i < f->n; i++) {
        const struct item *last = kept > 0 ? &f->items[kept - 1] : NULL;
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

static bool list_items(struct fetch *f, const struct image *images, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < images[i].n_platforms; k++)
            for (size_t l = 0; l < images[i].platforms[k].m.n_layers; l++) {
                const struct oci_descriptor *layer = &images[i].platforms[k].m.layers[l];
                struct item item = { .image = &images[i], .digest = layer->digest, .size = layer->size, .order = f->n };
                MEM_PUSH(f->items, f->n, f->cap) = item;
            }
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
bool fetch_plan(const struct cache *c, const struct image *images, size_t n, struct fetch_totals *totals, struct err *e)
{
    struct fetch f = { .cache = (struct cache *)(uintptr_t)c };
    bool is_good = list_items(&f, images, n, e);
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

/* Progress: what the blob tells becomes a fact of the item with a name for people, and one of the whole phase. */

static bool tell_item(struct item *it, uint64_t done, bool is_finished, bool is_from_cache)
{
    struct fetch *f = it->fetch;
    AUTO(mem_auto) char *name = mem_format("%s/%s %.19s", it->image->ref.host, it->image->ref.repository, DIGEST_SHOWN(&it->digest));
    struct progress_fact fact = { .phase = "fetch", .item = name, .done = done, .total = it->size, .is_finished = is_finished,
                                  .is_from_cache = is_from_cache };
    f->done = f->done - it->told + done;
    it->told = done;
    struct progress_fact whole = { .phase = "fetch", .done = f->done, .total = f->total };
    return progress_tell(f->progress, &fact) && progress_tell(f->progress, &whole);
}

static bool on_progress(void *ctx, const struct progress_fact *fact)
{
    /* The end of an item is told when it has its name in the cache. */
    return tell_item(ctx, fact->done, false, false);
}

/* The transfer */

static void close_item(struct item *it)
{
    blob_free(TAKE(it->blob));
    cache_part_close(TAKE(it->part));
}

static enum http_step end_item(struct item *it, enum http_step how, struct err *e)
{
    bool is_from_cache = it->part == NULL;
    if (how == HTTP_DONE && it->part != NULL && !cache_part_publish(it->part, e))
        how = HTTP_FAILED;
    if (how == HTTP_DONE && !tell_item(it, it->size, true, is_from_cache)) {
        err_set(e, ERR_INTERRUPTED, "stopped");
        how = HTTP_FAILED;
    }
    if (how == HTTP_DONE || how == HTTP_FAILED)
        close_item(it);
    return how;
}

static enum http_step start_item(struct item *it, unsigned *wait_ms, struct err *e)
{
    enum cache_part_state state;
    if (!cache_part_open(it->fetch->cache, &it->digest, it->size, &state, &it->part, e))
        return HTTP_FAILED;
    if (state == CACHE_PRESENT)
        return HTTP_DONE;
    *wait_ms = BUSY_WAIT_MS;
    if (state == CACHE_BUSY)
        return HTTP_WAIT;
    it->progress = (struct progress){ on_progress, it };
    struct blob_request q = { .host = it->image->ref.host, .repository = it->image->ref.repository, .digest = it->digest, .size = it->size,
                              .fd = cache_part_fd(it->part), .progress = &it->progress };
    it->blob = blob_new(it->fetch->registry, &q);
    return HTTP_SEND;
}

static enum http_step next(struct http_transfer *t, const struct http_response *rs, const struct err *net_error, struct http_request *rq,
                           unsigned *wait_ms, struct err *e)
{
    struct item *it = (struct item *)t;
    enum http_step how = it->blob == NULL ? start_item(it, wait_ms, e) : HTTP_SEND;
    if (how == HTTP_SEND) {
        struct http_transfer *inner = blob_transfer(it->blob);
        how = inner->next(inner, rs, net_error, rq, wait_ms, e);
    }
    return end_item(it, how, e);
}

static bool run(struct fetch *f, size_t n_missing, unsigned max_parallel, struct err *e)
{
    struct http_transfer **transfers = mem_new_array(n_missing > 0 ? n_missing : 1, sizeof(struct http_transfer *));
    size_t n = 0;
    bool is_good = true;
    for (size_t i = 0; i < f->n; i++) {
        struct item *it = &f->items[i];
        it->fetch = f;
        it->transfer.next = next;
        if (!it->is_there)
            transfers[n++] = &it->transfer;
        else if (is_good && !tell_item(it, it->size, true, true))
            is_good = err_set(e, ERR_INTERRUPTED, "stopped");
    }
    is_good = is_good && http_run_all(registry_http(f->registry), transfers, n, max_parallel, e);
    struct progress_fact end = { .phase = "fetch", .done = f->done, .total = f->total, .is_finished = true };
    if (is_good && !progress_tell(f->progress, &end))
        is_good = err_set(e, ERR_INTERRUPTED, "stopped");
    mem_free(transfers);
    return is_good;
}

bool fetch_layers(struct registry *r, struct cache *c, const struct image *images, size_t n, unsigned max_parallel,
                  const struct progress *progress, struct err *e)
{
    struct fetch f = { .registry = r, .cache = c, .progress = progress };
    struct fetch_totals totals;
    bool is_good = list_items(&f, images, n, e);
    add_up(&f, &totals);
    f.total = totals.bytes;
    is_good = is_good && check_space(&f, &totals, e) && run(&f, totals.n_missing, max_parallel, e);
    for (size_t i = 0; i < f.n; i++)
        close_item(&f.items[i]);
    mem_free(f.items);
    return is_good;
}
