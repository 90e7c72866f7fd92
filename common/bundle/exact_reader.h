/* Layers of an exact bundle: blobs as they are, or inflated and proven. layer_reader_open (bundle/layer_reader.h) uses this; who wants a layer's tar asks there. */
#ifndef BUNDLE_EXACT_READER_H
#define BUNDLE_EXACT_READER_H

#include "bundle/layer_reader.h"

/* The tar of layer i, from its form k. At its end SHA-256 was compared with diff_id: ERR_INTEGRITY; so is a blob that does not inflate. Borrows b and cache. */
MUST_CHECK struct source *exact_layer_open(const struct bundle *b, struct chunk_cache *cache, size_t i, size_t k, struct err *e);
/* That blob as the registry had it: what blobs[k] of the layer names. */
MUST_CHECK struct source *exact_blob_open(const struct bundle *b, struct chunk_cache *cache, size_t i, size_t k, struct err *e);

/* The same, and the read that would report its end proves that the blob inflates to diff_id: ERR_INTEGRITY. */
MUST_CHECK struct source *exact_proven_open(const struct bundle *b, struct chunk_cache *cache, size_t i, size_t k, struct err *e);

/* A stage that proves while a blob passes that it inflates to a tar with this diff_id; the verdict is at finish. ERR_INTEGRITY. media_type: of the blob. content: where the tar goes. */
MUST_CHECK struct sink *exact_prove(const char *media_type, const struct digest *diff_id, struct sink *content, struct err *e);

#endif
