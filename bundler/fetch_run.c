/* A fixed number of connections, each of which takes the next blob; when no blob is left that nobody fetches, they help with ranges of the large ones. A blob
 * opens its file when its turn comes (there may be more blobs than file descriptors), and gets its name in the cache at the end. */
#include <string.h>

#include "base/mem.h"
#include "bundler/fetch_parts.h"
#include "sys/clock.h"

#include "base/banned.h"

enum {
    BUSY_WAIT_MS = 500, /* another run fetches the same blob: look again */
    IDLE_WAIT_MS = 100, /* nothing to help with now */
    GROWN_BYTES = 4 * 1024 * 1024,
};

struct connection {
    struct http_transfer transfer;
    struct fetch *fetch;
    struct fetch_item *item;
    struct http_transfer *inner; /* of the item's blob; null: between two */
};

/* Progress: what the blob tells becomes a fact of the item with a name for people, and one of the whole phase. */

static bool tell_item(struct fetch_item *it, uint64_t done, bool is_finished, bool is_from_cache)
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

/* Large blobs are packed while they come. */
static void tell_grown(struct fetch_item *it)
{
    uint64_t n = blob_bytes_in_order(it->blob);
    if (it->fetch->arrivals == NULL || (n >= it->grown && n < it->grown + GROWN_BYTES))
        return;
    it->grown = n;
    arrivals_grow(it->fetch->arrivals, &it->digest, cache_part_fd(it->part), n);
}

static bool on_progress(void *ctx, const struct progress_fact *fact)
{
    tell_grown(ctx);
    /* The end of an item is told when it has its name in the cache. */
    return tell_item(ctx, fact->done, false, false);
}

static bool end_item(struct fetch_item *it, bool is_from_cache, struct err *e)
{
    if (it->part != NULL && !cache_part_publish(it->part, e))
        return false;
    fetch_item_close(it);
    it->state = FETCH_OVER;
    if (it->fetch->arrivals != NULL)
        arrivals_tell(it->fetch->arrivals, &it->digest, cache_is_proven(it->fetch->cache, &it->digest));
    return tell_item(it, it->size, true, is_from_cache) || err_set(e, ERR_INTERRUPTED, "stopped");
}

void fetch_item_close(struct fetch_item *it)
{
    blob_free(TAKE(it->blob));
    cache_part_close(TAKE(it->part));
}

/* Choosing */

static bool start_item(struct connection *c, struct fetch_item *it, struct err *e)
{
    enum cache_part_state state;
    if (!cache_part_open(it->fetch->cache, &it->digest, it->size, &state, &it->part, e))
        return false;
    if (state == CACHE_PRESENT)
        return end_item(it, true, e); /* another run was faster */
    if (state == CACHE_BUSY) {
        it->look_ms = clock_monotonic_ms() + BUSY_WAIT_MS;
        return true;
    }
    it->state = FETCH_RUNNING;
    it->progress = (struct progress){ on_progress, it };
    struct blob_request q = { .host = it->image->ref.host, .repository = it->image->ref.repository, .digest = it->digest, .size = it->size,
                              .fd = cache_part_fd(it->part), .progress = &it->progress };
    it->blob = blob_new(it->fetch->registry, &q);
    c->item = it;
    c->inner = blob_transfer(it->blob);
    return true;
}

static void help(struct connection *c)
{
    struct fetch *f = c->fetch;
    for (size_t i = 0; i < f->n && c->inner == NULL; i++)
        if (f->items[i].state == FETCH_RUNNING) {
            c->item = &f->items[i];
            c->inner = blob_help(c->item->blob);
        }
}

/* The next blob, or a part of one. *is_over: everything is fetched. */
static bool choose(struct connection *c, bool *is_over, struct err *e)
{
    struct fetch *f = c->fetch;
    uint64_t now = clock_monotonic_ms();
    *is_over = true;
    for (size_t i = 0; i < f->n && c->inner == NULL; i++) {
        struct fetch_item *it = &f->items[i];
        if (it->state == FETCH_WAITING && it->look_ms <= now && !start_item(c, it, e))
            return false;
        *is_over = *is_over && it->state == FETCH_OVER;
    }
    if (c->inner == NULL)
        help(c);
    return true;
}

static enum http_step next(struct http_transfer *t, const struct http_response *rs, const struct http_failure *failure, struct http_request *rq,
                           unsigned *wait_ms, struct err *e)
{
    struct connection *c = (struct connection *)t;
    for (;;) {
        bool is_over = false;
        if (c->inner == NULL && !choose(c, &is_over, e))
            return HTTP_FAILED;
        *wait_ms = IDLE_WAIT_MS;
        if (c->inner == NULL)
            return is_over ? HTTP_DONE : HTTP_WAIT;
        enum http_step how = c->inner->next(c->inner, rs, failure, rq, wait_ms, e);
        if (how != HTTP_DONE)
            return how;
        c->inner = NULL;
        if (blob_is_complete(c->item->blob) && !end_item(c->item, false, e))
            return HTTP_FAILED;
        rs = NULL;
        failure = NULL;
    }
}

/* Running */

static bool run_connections(struct fetch *f, unsigned n, struct err *e)
{
    AUTO(mem_auto) struct connection *connections = mem_new_array(n, sizeof *connections);
    AUTO(mem_auto) struct http_transfer **transfers = mem_new_array(n, sizeof(struct http_transfer *));
    for (unsigned i = 0; i < n; i++) {
        connections[i] = (struct connection){ .transfer = { next }, .fetch = f };
        transfers[i] = &connections[i].transfer;
    }
    return http_run_all(registry_http(f->registry), transfers, n, n, e);
}

static bool tell_cached(struct fetch *f, struct err *e)
{
    for (size_t i = 0; i < f->n; i++) {
        struct fetch_item *it = &f->items[i];
        it->fetch = f;
        if (it->is_there && !end_item(it, true, e))
            return false;
    }
    return true;
}

bool fetch_run(struct fetch *f, unsigned max_parallel, struct err *e)
{
    if (!tell_cached(f, e) || !run_connections(f, max_parallel, e))
        return false;
    struct progress_fact end = { .phase = "fetch", .done = f->done, .total = f->total, .is_finished = true };
    return progress_tell(f->progress, &end) || err_set(e, ERR_INTERRUPTED, "stopped");
}
