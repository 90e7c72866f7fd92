/* Which layers of its base a delta reads from, for the layers that are to be put together. */
#ifndef BUNDLE_BASE_NEEDED_H
#define BUNDLE_BASE_NEEDED_H

#include "bundle/layer_reader.h"

/* layers: as many as the manifest has, true for those that will be read. uses: as many as base.layers; those that they read from become
 * true, the others stay as they are. One pass over layers.bin. ERR_INTEGRITY, ERR_IO. */
MUST_CHECK bool base_needed(const struct bundle *b, struct chunk_cache *cache, const bool *layers, bool *uses, struct err *e);

#endif
