/* The pieces of a layer of a bundle, as deltas cut them: put together and cut in a thread of its own. */
#ifndef BUNDLER_LAYER_CUT_H
#define BUNDLER_LAYER_CUT_H

#include "bundle/cutter.h"
#include "bundle/layer_reader.h"

#define LAYER_CUT_CACHE_BYTES (48 * MIB)

struct layer_cut {
    const struct bundle *bundle;
    struct chunk_cache *cache; /* of the bundle */
    uint32_t average;
    /* Gets the pieces of a batch, in order; false stops. */
    bool (*take)(void *ctx, const struct cut_batch *b, struct err *e);
    void *ctx;
};
/* Layer i, whose SHA-256 is compared with its diff_id at the end. Memory: 12 MiB. */
MUST_CHECK bool layer_cut(const struct layer_cut *c, size_t i, struct err *e);

#endif
