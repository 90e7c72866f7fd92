/* All chunks of a bundle in order: read by the caller's thread (a medium likes one reader), hashed and decompressed by others. A chunk is hashed before its frame is looked
 * at. Errors name chunk and offset.
 *
 * Where the table has checksums of what was just written, those are compared first, and only a chunk that has another one is hashed: its digest was made from the same bytes. Most
 * of it is still in memory, so the others read as well. */
#ifndef BUNDLE_CHUNK_STREAM_H
#define BUNDLE_CHUNK_STREAM_H

#include "bundle/file.h"
#include "bundle/table.h"

struct zstd_unpacker;
struct chunk_stream;
/* Borrows f and t. Memory: 48 MiB at most, whatever jobs (at least 1) says. */
struct chunk_stream *chunk_stream_new(struct bundle_file *f, const struct table *t, unsigned jobs);
void chunk_stream_free(struct chunk_stream *s);
AUTO_FREE(struct chunk_stream, chunk_stream_free)

/* Chunks that are somebody else's to read: they are passed over, and their raw bytes are null. Before the first chunk_stream_next; borrows ctx. */
typedef bool (*chunk_skip_fn)(const void *ctx, const struct table_chunk *chunk);
void chunk_stream_skip(struct chunk_stream *s, chunk_skip_fn is_skipped, const void *ctx);

/* The next chunk's raw bytes, borrowed until the next call. False at the end (e untouched) or on failure (e set): ERR_INTEGRITY, ERR_FORMAT, ERR_IO. */
MUST_CHECK bool chunk_stream_next(struct chunk_stream *s, const uint8_t **raw, uint32_t *n, struct err *e);
/* Compressed bytes delivered so far. */
uint64_t chunk_stream_packed(const struct chunk_stream *s);

/* One chunk of a bundle. */
struct chunk_id {
    struct bundle_file *file;
    const struct table *table;
    size_t i;
};
/* Reads its frame into packed[], which has room for LAYOUT_FRAME_MAX. ERR_IO, ERR_INTEGRITY when the file ends. */
MUST_CHECK bool chunk_read(const struct chunk_id *id, uint8_t *packed, struct err *e);
/* Compares its checksum or its hash, then decompresses into raw[], which has room for LIMIT_CHUNK_BYTES. ERR_INTEGRITY, ERR_FORMAT. */
MUST_CHECK bool chunk_check(const struct chunk_id *id, const uint8_t *packed, uint8_t *raw, struct zstd_unpacker *u, struct err *e);

#endif
