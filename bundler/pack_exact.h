/* Packing layers as they are: each blob once, byte for byte, in the order of the plan; nothing is inflated, so that it takes as long as copying a file. The digest of each blob was
 * proven when it was fetched, and is proven again when the finished file is read back; that it inflates to its diff_id is for whoever loads it (or verify --deep) to prove. */
#ifndef BUNDLER_PACK_EXACT_H
#define BUNDLER_PACK_EXACT_H

#include "bundler/pack.h"
#include "format/digest_set.h"

/* written: blobs that are in the bundle already; those of the layers are added. A layer with a tap (--sbom) is inflated for it, and proven then. Phase "pack". how has a source: blobs that
 * have no file, or none that is known to be whole, are brought. Fails with ERR_INTEGRITY, ERR_REGISTRY
 * (a tapped layer does not inflate), ERR_IO, ERR_SPACE and what the source says. */
MUST_CHECK bool pack_exact(struct writer *w, const struct pack_layer *layers, size_t n, const struct pack_how *how, struct digest_set *written, struct err *e);

#endif
