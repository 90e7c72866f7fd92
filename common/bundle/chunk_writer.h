/* Raw bytes into chunks: cut by the caller, compressed by other threads, written in order by one more. The opposite of chunk_stream. Memory:
 * (jobs + 2) * 8 MiB and a compression context for each job; 4 MiB more when there is a checkpoint.
 *
 *     chunk_writer_put(w, bytes, n, e) ...;  chunk_writer_cut(w, e);  chunk_writer_finish(w, e);  then chunk_writer_table(w) is complete
 */
#ifndef BUNDLE_CHUNK_WRITER_H
#define BUNDLE_CHUNK_WRITER_H

#include "bundle/output.h"
#include "bundle/table.h"

struct chunk_writer;
/* Borrows o, in which the first chunk goes to start, and path, which is for messages. */
struct chunk_writer *chunk_writer_new(struct output *o, uint64_t start, const char *path, int level, unsigned jobs);
void chunk_writer_free(struct chunk_writer *w);
AUTO_FREE(struct chunk_writer, chunk_writer_free)

/* Appends raw bytes; a chunk ends by itself when it has 4 MiB. Fails (with what an earlier chunk has met on its way, too) with ERR_SPACE, ERR_IO, and ERR_FORMAT when there are too many chunks. */
MUST_CHECK bool chunk_writer_put(struct chunk_writer *w, const void *bytes, uint64_t n, struct err *e);
/* Ends the chunk that is being filled, if it holds anything. */
MUST_CHECK bool chunk_writer_cut(struct chunk_writer *w, struct err *e);
/* Ends the chunk that is being filled; what is put from now on is compressed already, or is not any more (zstd_pack_light). */
MUST_CHECK bool chunk_writer_set_light(struct chunk_writer *w, bool is_light, struct err *e);
/* A tar header as a chunk of its own, in the stored form whose length is known; *i is its place in the table. */
MUST_CHECK bool chunk_writer_put_stored(struct chunk_writer *w, const uint8_t header[LAYOUT_TAR_BLOCK], size_t *i, struct err *e);
/* Puts another header in its place, when everything is written. ERR_IO. */
MUST_CHECK bool chunk_writer_set_stored(struct chunk_writer *w, size_t i, const uint8_t header[LAYOUT_TAR_BLOCK], struct err *e);
/* Waits until everything that was cut is written, and gives back all memory but the table: nothing can be put any more. */
MUST_CHECK bool chunk_writer_finish(struct chunk_writer *w, struct err *e);

/* Remembers this place, instead of an earlier one. Waits for nothing. */
void chunk_writer_mark(struct chunk_writer *w);
/* Goes back to it: what was put since then is as if it had never been; the file ends there. May be done more than once. Fails with ERR_IO, ERR_SPACE (chunks
 * may still be on their way). */
MUST_CHECK bool chunk_writer_rewind(struct chunk_writer *w, struct err *e);

/* What was written so far. Waits for what is on its way. */
const struct table *chunk_writer_table(struct chunk_writer *w);
/* After finish: of each chunk its table_sum, taken when it was hashed. Borrowed. */
const uint64_t *chunk_writer_sums(const struct chunk_writer *w);

#endif
