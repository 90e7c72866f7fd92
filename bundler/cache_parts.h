/* What cache.c (blobs in and out) and cache_room.c (all blobs together) share. Private to them. */
#ifndef BUNDLER_CACHE_PARTS_H
#define BUNDLER_CACHE_PARTS_H

#include "base/limits.h"
#include "bundler/cache.h"
#include "format/digest_set.h"
#include "sys/holds.h"

#define CACHE_HOLDS "lock"              /* in the cache's directory: who uses what (sys/holds.h) */
#define CACHE_MEMORY_BYTES (64 * MIB)   /* documents of a passing cache; more of them become files */

struct cache {
    bool is_passing;
    char *dir;   /* of a passing one: null until something needs it */
    char *blobs; /* dir/sha256 */
    struct holds *holds;
    struct cache_document {
        struct digest digest;
        struct buf bytes;
    } *documents; /* of a passing one */
    size_t n_documents, cap;
    uint64_t document_bytes;
    struct digest_set proven; /* cache_is_proven */
};

/* Of a blob, in the file of holds. */
uint64_t cache_number(const struct digest *d);
/* Holds beside those of c: what c itself uses counts as in use there. Null with *e set. */
MUST_CHECK struct holds *cache_open_holds(const struct cache *c, struct err *e);

#endif
