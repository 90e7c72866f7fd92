/* Where the parts of a bundle lie, from nothing but their sizes and the length that the bundle must have; and what is wrong with them. Arithmetic only. */
#ifndef BUNDLE_PART_LAYOUT_H
#define BUNDLE_PART_LAYOUT_H

#include "base/err.h"

struct part_layout {
    size_t n;            /* parts of the bundle */
    uint64_t part_bytes; /* of every part but the last */
};

/* sizes[i]: of part i, from 0; 0 where there is none. All but the last have one size: the one with which the fewest of them are wrong.
 * ERR_INTEGRITY when it would be more than LIMIT_PARTS parts. */
MUST_CHECK bool part_layout_of(const uint64_t *sizes, size_t n, uint64_t total_len, struct part_layout *out, struct err *e);
/* What part i must have. */
uint64_t part_layout_bytes(const struct part_layout *x, size_t i, uint64_t total_len);
/* ERR_INTEGRITY "parts 2 and 4 of 5 are missing", "part 3 of 5 ends at 100, expected 200", "part 6 is one too many: the bundle has 5". may_be_missing: those can still come. */
MUST_CHECK bool part_layout_check(const struct part_layout *x, const uint64_t *sizes, size_t n, uint64_t total_len, bool may_be_missing, struct err *e);
/* "part 6 is one too many: the bundle has 5". Returns false always. */
bool part_too_many(size_t i, size_t n, struct err *e);

#endif
