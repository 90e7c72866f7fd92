/* An ordered pipeline: items go in in order, are worked on in parallel, and come out in the same order. The writer compresses with
 * it, the verifier decompresses. Memory is bounded by the number of items, which are made once and used again.
 *
 * They come out in the caller's thread:
 *
 *     item = ring_next(r);  fill it;  ring_submit(r);          // while !ring_is_full(r)
 *     item = ring_take(r, e);  use it                           // the oldest; waits for it; null when its work failed
 *
 * or, with spec.drain, in a thread of their own:
 *
 *     item = ring_next(r);  fill it;  ring_submit(r);  ring_is_well(r, e) ...;  ring_settle(r);  ring_is_well(r, e)
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
    bool (*drain)(void *ctx, void *item, struct err *e); /* null: the caller takes. In order, one at a time; not again after a failure */
    void *ctx;
};
struct ring;
struct ring *ring_new(const struct ring_spec *spec);
/* Waits for work that is under way; what was not begun is left undone, and what was not drained may stay so. */
void ring_free(struct ring *r);
AUTO_FREE(struct ring, ring_free)

/* All of these from one thread. */

/* The next item to fill. The same one until ring_submit. Where the caller takes it must not be called while the ring is full; otherwise it waits. */
void *ring_next(struct ring *r);
void ring_submit(struct ring *r);

/* Where the caller takes. */
bool ring_is_full(const struct ring *r);
bool ring_is_empty(const struct ring *r);
/* The oldest item, when its work is done. Null with *e set when the work failed. Must not be called while empty. The item is valid
 * until ring_next comes round to it: use it before the next submit. */
void *ring_take(struct ring *r, struct err *e);

/* Where spec.drain does. False with the first failure of work or drain: what is submitted after it is thrown away. */
MUST_CHECK bool ring_is_well(struct ring *r, struct err *e);
/* Waits until everything submitted has been drained, or thrown away: until the next submit nobody else touches what drain does. */
void ring_settle(struct ring *r);

#endif
