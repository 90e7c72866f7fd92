/* All blobs of a cache together: what it holds, how it is kept small, whether it is intact. What other runs use is left alone (cache.h); what is no blob is neither
 * followed nor removed: links, folders, pipes, names of another kind.
 *
 *     struct cache_wanted at_most = { .bytes = limit, .used_since = INT64_MIN };
 *     cache_make_room(c, &at_most, &made, e)                                                                          */
#ifndef BUNDLER_CACHE_ROOM_H
#define BUNDLER_CACHE_ROOM_H

#include "base/progress.h"
#include "bundler/cache.h"

struct cache_entry {
    struct digest digest;
    bool is_complete;   /* else only a part of it is there */
    bool is_in_use;     /* by a run, or by this one */
    uint64_t bytes;     /* on disk, with everything that belongs to it */
    int64_t used;       /* seconds since 1970 */
    size_t first_name, n_names; /* private */
};
struct cache_listing {
    struct cache_entry *entries; /* by digest */
    size_t n, cap;
    uint64_t bytes;    /* of all */
    size_t n_unknown;  /* things that are no blobs */
    struct path_names *names; /* private */
};
/* ERR_IO. A passing cache is empty. */
MUST_CHECK bool cache_list(const struct cache *c, struct cache_listing *out, struct err *e);
void cache_listing_clear(struct cache_listing *l);
void cache_listing_clear_auto(struct cache_listing *l);

/* What may stay. First everything goes that was used before used_since; then, until the rest is not more than bytes, what was used longest ago: parts that nobody
 * completes before blobs. */
struct cache_wanted {
    uint64_t bytes;     /* UINT64_MAX: any number */
    int64_t used_since; /* INT64_MIN: at any time */
};
struct cache_room {
    size_t n_removed;
    uint64_t freed_bytes;
    size_t n_left;
    uint64_t left_bytes;
    size_t n_in_use; /* would have been removed */
};
/* Blobs that c itself holds count as in use. ERR_IO, ERR_INTERRUPTED. */
MUST_CHECK bool cache_make_room(const struct cache *c, const struct cache_wanted *wanted, struct cache_room *out, struct err *e);

struct cache_damage {
    struct digest digest;
    struct err why;
    bool is_removed; /* it was not in use */
};
struct cache_checked {
    size_t n; /* blobs that were hashed */
    uint64_t bytes;
    size_t n_parts; /* not complete: nothing can be said of them */
    struct cache_damage *damaged;
    size_t n_damaged, cap;
};
/* Hashes every blob, jobs at a time (at least 1), and removes those that are not what their name says. Phase "verify". Damage is no failure of this. ERR_IO, ERR_INTERRUPTED. */
MUST_CHECK bool cache_verify(const struct cache *c, unsigned jobs, const struct progress *progress, struct cache_checked *out, struct err *e);
void cache_checked_clear(struct cache_checked *k);
void cache_checked_clear_auto(struct cache_checked *k);

#endif
