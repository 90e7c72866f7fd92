/* What verification asks of an exact bundle beside what it asks of any (docs/FORMAT.md section 7). */
#ifndef BUNDLE_EXACT_VERIFY_H
#define BUNDLE_EXACT_VERIFY_H

#include "bundle/verify.h"

/* oci-layout, index.json and manifest.json are what release.json and the images' documents lead to, and every layer of an image is there. The chunks were checked before. ERR_FORMAT. */
MUST_CHECK bool exact_verify(const struct bundle *b, struct err *e);
/* Every form of every layer inflates to its diff_id (--deep). bytes: of these blobs, which were read. ERR_INTEGRITY. */
MUST_CHECK bool exact_verify_layers(const struct bundle *b, uint64_t cache_bytes, const struct progress *progress, uint64_t *bytes, struct err *e);

#endif
