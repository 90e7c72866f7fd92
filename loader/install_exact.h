/* Images of an exact bundle: their own blobs are sent wherever the engine reads them, and their own manifest where the engine keeps it. */
#ifndef LOADER_INSTALL_EXACT_H
#define LOADER_INSTALL_EXACT_H

#include "loader/install_images.h"

/* Makes what describes raw layers describe blobs: x->layers have diff_ids, x->layer_index is filled. A layer that the engine does not read as it is (zstd, Docker before 23) is inflated once here, so that
 * its size is known. ERR_FORMAT when the bundle contradicts itself, ERR_INTEGRITY. */
MUST_CHECK bool install_exact_describe(struct install_image *x, const struct release_platform *p, struct err *e);

#endif
