/* A sink that cuts what passes into pieces and hashes them, in batches for another thread: the work of a layer that does not depend on what was stored
 * before. The other thread decides, in order, which pieces are new. */
#ifndef BUNDLE_CUTTER_H
#define BUNDLE_CUTTER_H

#include "stream/sink.h"
#include "sys/work.h"

enum { CUTTER_BATCH_BYTES = 1024 * 1024, CUTTER_HASH_BYTES = 16 };

struct cut_piece {
    uint32_t n;
    uint8_t hash[CUTTER_HASH_BYTES]; /* the first bytes of its SHA-256 */
};

struct cut_batch {
    size_t n_bytes;
    uint8_t *bytes; /* the pieces, one after another */
    size_t n_pieces, cap;
    struct cut_piece *pieces;
};
void cut_batch_free(struct cut_batch *b);

/* Pushes batches into out (the taker frees them); when out is closed by the taker, writes fail with ERR_INTERRUPTED. finish pushes the last batch; it does not close
 * the queue. average: docs/FORMAT.md section 3.3. */
struct sink *cutter_new(uint32_t average, struct work_queue *out);
/* For whoever stands before a cutter: what came until now ends a piece, as the end of a layer does; the next byte begins one. */
void cutter_end_piece(struct sink *cutter);

#endif
