/* Signing changes the header of a bundle, and so the blocks that hold it: their rows of the parity file are made anew, the rest stays. */
#ifndef BUNDLE_PARITY_RENEW_H
#define BUNDLE_PARITY_RENEW_H

#include "bundle/parity.h"

enum parity_renewal {
    PARITY_NONE,    /* there is no parity file beside the bundle */
    PARITY_RENEWED,
    PARITY_FOREIGN, /* it is of another bundle, or nothing of it can be read: left as it is */
};

/* path: of the bundle. Blocks after the header that share a row with it must be as the parity file knows them: ERR_INTEGRITY names the
 * first that is not, and nothing is changed. An interrupted renewal is completed by the next one. Also fails with ERR_IO, ERR_LOCKED
 * (another run is signing the bundle). */
MUST_CHECK bool parity_renew(const char *path, const struct parity_how *how, enum parity_renewal *what, struct err *e);

#endif
