/* How many distinct chunks do the last 16 MiB of a layer touch? (docs/FORMAT.md section 3.2.) The reader refuses more than 64, the writer stays below. */
#ifndef BUNDLE_WINDOW_H
#define BUNDLE_WINDOW_H

#include "base/auto.h"

struct window;
struct window *window_new(void);
void window_free(struct window *w);
AUTO_FREE(struct window, window_free)
/* A new layer begins. */
void window_reset(struct window *w);
/* Adds the run [start, end) of the layer, read from a chunk; runs come in order. Returns the number of distinct chunks of the
 * window that ends with the first byte of this run. */
size_t window_add(struct window *w, uint64_t start, uint64_t end, uint64_t chunk);
/* How many distinct chunks it would be with the chunks first..last added at this position (nothing is added). */
size_t window_with(struct window *w, uint64_t start, uint64_t first, uint64_t last);

#endif
