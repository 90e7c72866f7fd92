/* The strict look at JSON text before any parser builds something from it. It decides what is well-formed here; the tree
 * that cJSON builds afterwards is only storage. Used by jread.c alone. */
#ifndef FORMAT_JSCAN_H
#define FORMAT_JSCAN_H

#include "format/jread.h"

struct jscan {
    size_t n_values; /* objects, arrays, strings, numbers, words */
    /* Numbers that are not whole, signed or too large (JREAD_OCI only): which of the document's numbers, ascending. */
    size_t n_odd;
    size_t cap_odd;
    size_t *odd;
};

/* False with ERR_FORMAT "<what>: byte N: ..." */
MUST_CHECK bool jscan_text(struct jscan *out, const char *text, size_t n, const char *what, enum jread_mode mode, struct err *e);
void jscan_clear(struct jscan *s);

#endif
