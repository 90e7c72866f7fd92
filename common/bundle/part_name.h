/* The names of the parts of a bundle: NAME.001 to NAME.999 (docs/FORMAT.md section 13). */
#ifndef BUNDLE_PART_NAME_H
#define BUNDLE_PART_NAME_H

#include "base/auto.h"
#include "base/limits.h"

/* path + ".003" (mem_free). number: 1 to LIMIT_PARTS. */
char *part_name(const char *path, size_t number);

/* The number that ends a path, or 0: it is no part's. *base_len: how much of the path stands before the dot. */
size_t part_name_number(const char *path, size_t *base_len);

#endif
