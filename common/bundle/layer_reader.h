/* Puts layers back together from a verified bundle, and reads members from an authenticated one, in any order with bounded memory. Every chunk is read from the file,
 * hashed and decompressed again when it is not in the cache: what changed on the medium since verification is found. */
#ifndef BUNDLE_LAYER_READER_H
#define BUNDLE_LAYER_READER_H

#include "bundle/verify.h"
#include "stream/sink.h"

/* How soon chunk i will be wanted: any number that is larger for what comes later; SIZE_MAX: as far as is known, never. */
typedef size_t (*chunk_soon_fn)(const void *ctx, size_t i);

/* Decompressed chunks. Of those that nobody has claimed the one is dropped that will be wanted last, or was not used for longest. One thread at a time. Borrows x. limit_bytes: of content; a worker has 4 MiB more. */
struct chunk_cache;
struct chunk_cache *chunk_cache_new(const struct index *x, uint64_t limit_bytes);
void chunk_cache_free(struct chunk_cache *c);
AUTO_FREE(struct chunk_cache, chunk_cache_free)
/* From now on chunks that are claimed are read, hashed and decompressed by up to so many other threads, while the caller goes on. */
void chunk_cache_read_ahead(struct chunk_cache *c, unsigned jobs);
/* Raw bytes of chunk i, valid until the next call. Null on failure: ERR_INTEGRITY, ERR_IO. */
MUST_CHECK const uint8_t *chunk_cache_get(struct chunk_cache *c, size_t i, struct err *e);
/* Chunk i is going to be needed: it has a place from now on, and keeps it until every claim of it is released. soon (may be null) tells which one may go
 * for it. False: all places but one are claimed. */
MUST_CHECK bool chunk_cache_claim(struct chunk_cache *c, size_t i, chunk_soon_fn soon, const void *ctx, size_t *place);
/* Its raw bytes, valid until it is released. Null on failure, as chunk_cache_get. */
MUST_CHECK const uint8_t *chunk_cache_claimed(struct chunk_cache *c, size_t place, struct err *e);
void chunk_cache_release(struct chunk_cache *c, size_t place);
/* Was it ever got? */
bool chunk_cache_has_read(const struct chunk_cache *c, size_t i);

/* The tar of layer i. The read that would report the end first compares SHA-256 with diff_id: ERR_INTEGRITY. A layer of a delta that needs the base is read with bundle_base;
 * without one: ERR_POLICY. Borrows b and cache. */
MUST_CHECK struct source *layer_reader_open(const struct bundle *b, struct chunk_cache *cache, size_t i, struct err *e);

/* The content of member i of the manifest (also data members). */
MUST_CHECK struct source *member_reader_open(const struct index *x, struct chunk_cache *cache, size_t i, struct err *e);
/* A whole member by name into out; missing: ERR_FORMAT. */
MUST_CHECK bool member_read(const struct index *x, struct chunk_cache *cache, const char *name, struct buf *out, struct err *e);

#endif
