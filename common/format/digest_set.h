/* A set of digests. */
#ifndef FORMAT_DIGEST_SET_H
#define FORMAT_DIGEST_SET_H

#include "format/digest.h"

struct digest_set { /* zero: empty */
    struct digest *slots; /* all zero: free */
    size_t n, n_slots;
};
void digest_set_add(struct digest_set *s, const struct digest *d);
bool digest_set_has(const struct digest_set *s, const struct digest *d);
/* Where d is, below n_slots, until the next one is added; SIZE_MAX: not in it. For arrays beside the set. */
size_t digest_set_place(const struct digest_set *s, const struct digest *d);
void digest_set_clear(struct digest_set *s);

#endif
