/* All layers of all images into the cache, each distinct one once, several at a time, resumed where an earlier run stopped. */
#ifndef BUNDLER_FETCH_H
#define BUNDLER_FETCH_H

#include "base/progress.h"
#include "bundler/arrivals.h"
#include "bundler/cache.h"
#include "bundler/images.h"
#include "registry/registry.h"

struct fetch_totals {
    size_t n_blobs;          /* distinct layers */
    uint64_t bytes;          /* of them */
    size_t n_missing;        /* not in the cache */
    uint64_t missing_bytes;
};
/* Which layers are wanted. Null: all. */
struct fetch_choice {
    bool (*is_wanted)(const void *ctx, const struct digest *diff_id, const struct oci_descriptor *blob);
    const void *ctx;
};
/* What fetching would have to do; nothing is fetched. A digest with two sizes is ERR_REGISTRY. */
MUST_CHECK bool fetch_plan(const struct cache *c, const struct image *images, size_t n, const struct fetch_choice *choice,
                           struct fetch_totals *totals, struct err *e);

/* Phase "fetch". Checks first that the cache's file system has room (ERR_SPACE). After success every layer that is wanted is in the cache;
 * arrivals, which may be null, are told of each as it gets there. */
MUST_CHECK bool fetch_layers(struct registry *r, struct cache *c, const struct image *images, size_t n, const struct fetch_choice *choice,
                             unsigned max_parallel, struct arrivals *arrivals, const struct progress *progress, struct err *e);

#endif
