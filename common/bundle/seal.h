/* Adding signatures to a bundle in place (docs/FORMAT.md section 5): only the header region is rewritten, the payload is not read. A copy of the old region
 * lies beside the bundle while that happens, so that a crash at any moment can be healed by the next call. */
#ifndef BUNDLE_SEAL_H
#define BUNDLE_SEAL_H

#include "bundle/header.h"

/* Receives bundle.json and adds signatures to h. */
typedef bool (*seal_sign_fn)(void *ctx, const void *manifest, size_t n, struct header *h, struct err *e);

/* Heals a torn header first if there is a copy. *was_healed may be null. Fails with ERR_FORMAT, ERR_INTEGRITY (the file has
 * another length), ERR_LOCKED (another run is signing it), ERR_IO, ERR_SPACE and what sign gives. After any failure but those of the medium the file is as before. */
MUST_CHECK bool seal_sign(const char *path, seal_sign_fn sign, void *ctx, bool *was_healed, struct err *e);

/* Where links lead to, without the number of a part: what belongs to a bundle lies beside the file (mem_free). Null: ERR_IO. */
char *seal_real_path(const char *path, struct err *e);

/* The name of the copy: path + ".header" (mem_free). */
char *seal_copy_path(const char *path);

#endif
