/* The decisions of de-duplication (docs/FORMAT.md section 3.4): is this piece new, or where was it stored? A table of 128-bit hashes,
 * and the recipes, spooled to an unlinked file in their final form. */
#ifndef BUNDLE_DEDUP_H
#define BUNDLE_DEDUP_H

#include "base/buf.h"
#include "bundle/base_use.h"

struct dedup;
/* dir: where the spool of recipes is made. Memory: 128 MiB at most (docs/FORMAT.md section 3.5); with marks 64 MiB more, in the worst case. */
MUST_CHECK struct dedup *dedup_open(const char *dir, size_t n_layers, struct err *e);
void dedup_close(struct dedup *d);
AUTO_FREE(struct dedup, dedup_close)

/* Before the first layer, for a delta: the layers of its base, one after another, each with its pieces in order. Returns the layer's number, from 0. */
size_t dedup_begin_base(struct dedup *d);
void dedup_add_base(struct dedup *d, const uint8_t hash[16], uint32_t n);
/* A layer that is base layer number base, which has size bytes, from end to end. In place of begin, pieces and end. */
MUST_CHECK bool dedup_whole(struct dedup *d, size_t base, uint64_t size, struct err *e);
/* Which of them were used so far. Borrowed. */
struct base_use *dedup_base(struct dedup *d);

/* A layer begins; its pieces follow in order. */
MUST_CHECK bool dedup_begin(struct dedup *d, struct err *e);
/* hash: the first 16 bytes of the piece's SHA-256. *is_new: the caller appends the piece to the data stream (it is at data_len, and data_len grows by n). */
MUST_CHECK bool dedup_piece(struct dedup *d, const uint8_t hash[16], uint32_t n, bool *is_new, struct err *e);
/* The layer ends: *size is the length of its tar. */
MUST_CHECK bool dedup_end(struct dedup *d, uint64_t *size, struct err *e);

/* Between layers. Remembers this state, instead of an earlier one. */
MUST_CHECK bool dedup_mark(struct dedup *d, struct err *e);
/* Goes back to it: the pieces and layers since then are forgotten. May be done more than once, also in the middle of a layer. */
MUST_CHECK bool dedup_rewind(struct dedup *d, struct err *e);

uint64_t dedup_data_len(const struct dedup *d);

/* layers.bin: its length, and a descriptor to read it from (borrowed). */
MUST_CHECK bool dedup_recipes(struct dedup *d, int *fd, uint64_t *n_bytes, struct err *e);

#endif
