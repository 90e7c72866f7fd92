/* An ordered pipeline: items go in in order, are worked on in parallel, and come out in the same order. The writer compresses with
 * it, the verifier decompresses. Memory is bounded by the number of items, which are made once and used again.
 *
 *     item = ring_next(r);  fill it;  ring_submit(r);          // while !ring_is_full(r)
 *     item = ring_take(r, e);  use it                           // the oldest; waits for it; null when its work failed or nothing is left
 */
#ifndef BUNDLE_RING_H
#define BUNDLE_RING_H

#include "base/err.h"

struct ring_spec {
    size_t n_items;
    unsigned n_workers;
    void *(*item_new)(void *ctx);
    void (*item_free)(void *item);
    void *(*state_new)(void *ctx); /* one per worker: a compression context */
    void (*state_free)(void *state);
    bool (*work)(void *item, void *state, struct err *e);
    void *ctx;
};
struct ring;
struct ring *ring_new(const struct ring_spec *spec);
/* Waits for work that is under way; what was not begun is left undone. */
void ring_free(struct ring *r);
AUTO_FREE(struct ring, ring_free)

bool ring_is_full(const struct ring *r);
bool ring_is_empty(const struct ring *r);
/* The next item to fill; must not be called while full. The same one until ring_submit. Thread: all of these from one thread. */
void *ring_next(struct ring *r);
void ring_submit(struct ring *r);
/* The oldest item, when its work is done. Null with *e set when the work failed. Must not be called while empty. The item is valid
 * until ring_next comes round to it: use it before the next submit. */
void *ring_take(struct ring *r, struct err *e);

#endif
