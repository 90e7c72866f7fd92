/* Blobs that are here already (in an archive, in a layout) into the cache. */
#ifndef BUNDLER_BLOB_PUT_H
#define BUNDLER_BLOB_PUT_H

#include "bundler/cache.h"
#include "stream/sink.h"

/* Unless it is there: reads content to its end, which must be exactly size bytes with that digest (else ERR_INTEGRITY, and the cache is as before). Waits while another run
 * writes the same blob. */
MUST_CHECK bool blob_put(struct cache *c, const struct digest *d, uint64_t size, struct source *content, struct err *e);

#endif
