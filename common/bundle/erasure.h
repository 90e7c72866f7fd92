/* Reed-Solomon over GF(2^8), polynomial 0x11D, with a Cauchy matrix: k data slices, m parity slices, k + m at most 255; whichever k of them
 * are left, the others can be computed (docs/FORMAT.md section 12.2). Bytes at the same place of all slices are one code word.
 *
 *     AUTO(erasure_free_auto) struct erasure *x = erasure_encoder(k, m);
 *     erasure_run(x, data, parity, n);                                        // data[k], parity[m]: n bytes each
 */
#ifndef BUNDLE_ERASURE_H
#define BUNDLE_ERASURE_H

#include "base/auto.h"

struct erasure;

/* From all data slices to all parity slices. */
struct erasure *erasure_encoder(unsigned k, unsigned m);

/* From what is left to n lost data slices, whose numbers rise. In their places among the k sources stand parity slices: that of parity[i] in the place lost[i]. */
struct erasure *erasure_solver(unsigned k, const uint8_t *lost, const uint8_t *parity, unsigned n);

void erasure_free(struct erasure *x);
AUTO_FREE(struct erasure, erasure_free)

/* n bytes of each source make n bytes of each result. Thread: any. */
void erasure_run(const struct erasure *x, uint8_t *const *from, uint8_t *const *to, size_t n);

#endif
