/* zstd for chunks: one frame in, one frame out, bounded; and the checks of a frame header before libzstd sees it. */
#ifndef STREAM_ZSTD_H
#define STREAM_ZSTD_H

#include "base/err.h"

struct zstd_packer; /* one compression context; one thread at a time */
struct zstd_packer *zstd_packer_new(int level);
void zstd_packer_free(struct zstd_packer *p);
AUTO_FREE(struct zstd_packer, zstd_packer_free)
size_t zstd_bound(size_t raw_bytes);
/* One frame: content size present, checksum on, window at most 4 MiB, no dictionary. *packed is the length. */
MUST_CHECK bool zstd_pack(struct zstd_packer *p, const void *raw, size_t raw_bytes, void *out, size_t out_size, size_t *packed,
                          struct err *e);
/* The same for what is compressed already: costs hardly more than copying, and finds what is left to be found without looking for it. */
MUST_CHECK bool zstd_pack_light(struct zstd_packer *p, const void *raw, size_t raw_bytes, void *out, size_t out_size, size_t *packed,
                                struct err *e);

struct zstd_unpacker;
struct zstd_unpacker *zstd_unpacker_new(void);
void zstd_unpacker_free(struct zstd_unpacker *u);
AUTO_FREE(struct zstd_unpacker, zstd_unpacker_free)
/* Exactly one frame of exactly raw_bytes (window <= 4 MiB, no dictionary id, checksum, nothing after it). may_lack_checksum also allows
 * the stored 522-byte frame of a tar header. As FORMAT.md 1.4 says: another content size is ERR_INTEGRITY, everything else ERR_FORMAT.
 * The caller adds which chunk with err_in. */
MUST_CHECK bool zstd_unpack(struct zstd_unpacker *u, const void *frame, size_t frame_bytes, void *raw, size_t raw_bytes,
                            bool may_lack_checksum, struct err *e);

#endif
