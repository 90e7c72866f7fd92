/* Whether a result can lie where it is to lie: asked before the work, and before anybody is asked for a passphrase, not hours later. */
#ifndef SYS_PLACE_H
#define SYS_PLACE_H

#include "base/err.h"

/* path is that of a file that is to be made, whether one is there already is no matter. Its folder must be there and take a file: one is
 * begun, and nothing of it stays. A result is never a pipe: "-" is refused. ERR_USAGE, ERR_IO, ERR_SPACE. */
MUST_CHECK bool place_check(const char *path, struct err *e);

#endif
