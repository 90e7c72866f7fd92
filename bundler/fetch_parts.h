/* Between fetch.c (what has to be fetched) and fetch_run.c (fetching it). */
#ifndef BUNDLER_FETCH_PARTS_H
#define BUNDLER_FETCH_PARTS_H

#include "bundler/fetch.h"
#include "registry/blobs.h"

struct fetch_item { /* one blob */
    struct fetch *fetch;
    const struct image *image; /* the first one that has it */
    struct digest digest;
    uint64_t size;
    size_t order; /* of appearance: messages and downloads follow the definition */
    enum { FETCH_WAITING, FETCH_RUNNING, FETCH_OVER } state;
    bool is_there;
    uint64_t look_ms; /* another run fetches it: not to be looked at before */
    struct cache_part *part;
    struct blob *blob;
    struct progress progress;
    uint64_t told; /* bytes of this item in the sum */
    uint64_t grown; /* bytes that arrivals were told of */
};
struct fetch {
    struct registry *registry;
    struct cache *cache;
    struct arrivals *arrivals; /* or null */
    struct fetch_item *items;
    size_t n, cap;
    const struct progress *progress;
    uint64_t done, total;
};

/* All items that are not there, by max_parallel connections. */
MUST_CHECK bool fetch_run(struct fetch *f, unsigned max_parallel, struct err *e);
void fetch_item_close(struct fetch_item *it);

#endif
