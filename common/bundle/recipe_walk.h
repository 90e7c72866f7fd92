/* From what layers are made, without making them: their extents, one after the other. */
#ifndef BUNDLE_RECIPE_WALK_H
#define BUNDLE_RECIPE_WALK_H

#include "bundle/layer_reader.h"

typedef void (*recipe_extent_fn)(void *ctx, const struct extent *x);

/* layers: as many as the manifest of a bundle with recipes has, true for those whose extents are wanted. One pass over layers.bin. ERR_INTEGRITY, ERR_IO. */
MUST_CHECK bool recipe_walk(const struct bundle *b, struct chunk_cache *cache, const bool *layers, recipe_extent_fn each, void *ctx, struct err *e);

#endif
