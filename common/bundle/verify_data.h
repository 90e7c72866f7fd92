/* The second half of verifying a bundle of which only some layers are wanted: the chunks that these are made of. */
#ifndef BUNDLE_VERIFY_DATA_H
#define BUNDLE_VERIFY_DATA_H

#include "bundle/verify.h"

/* Hashes and inflates each chunk of data that one of the layers needs, in the order of the file; layers: as many as the manifest has. Chunks that none of them needs are not
 * read. Of a bundle that was not verified with is_data_later, or has exact layers, nothing was left. Phase "verify". ERR_INTEGRITY and ERR_FORMAT name the
 * chunk; ERR_IO, ERR_INTERRUPTED. */
MUST_CHECK bool bundle_verify_data(const struct bundle *b, const bool *layers, const struct verify_how *how, struct err *e);

#endif
