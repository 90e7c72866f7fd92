/* values.env: what the variables of this environment were set to, and the secrets that were made for it. Later releases may declare fewer variables, and
 * going back may need the ones that were left out: a value is replaced, never dropped. */
#ifndef LOADER_KEPT_VALUES_H
#define LOADER_KEPT_VALUES_H

#include "app/variables.h"

/* A missing file is empty. ERR_CONFIG for one that others may read or change, or that makes no sense. */
MUST_CHECK bool kept_values_read(struct env_pairs *out, const char *path, struct err *e);

/* The file as it has to be with these values: they, then what is kept besides. The buffer should be wiped. */
MUST_CHECK bool kept_values_text(struct buf *out, const struct values *v, const char *path, struct err *e);
MUST_CHECK bool kept_values_write(const struct values *v, const char *path, struct err *e);

#endif
