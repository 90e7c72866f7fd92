/* Is a parity file that was just written what was meant? Each record proves itself: its head has a checksum, its block a hash. */
#ifndef BUNDLE_PARITY_VERIFY_H
#define BUNDLE_PARITY_VERIFY_H

#include "bundle/file.h"
#include "bundle/parity_write.h"

/* Reads all of it once. ERR_INTEGRITY names the first record that is not right; ERR_IO; ERR_INTERRUPTED. */
MUST_CHECK bool parity_verify(struct bundle_file *f, const struct parity_shape *s, const struct parity_how *how, struct err *e);

#endif
