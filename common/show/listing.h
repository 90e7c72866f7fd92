/* All members of a bundle as one list: those of the header region, then those of the manifest. Private to this folder. */
#ifndef SHOW_LISTING_H
#define SHOW_LISTING_H

#include "bundle/index.h"
#include "bundle/layer_reader.h"

struct listing_member {
    const char *name; /* borrowed from the index */
    uint64_t size;
    bool is_executable;
    bool has_sha256;
    struct digest sha256;
    const void *bytes; /* of a member of the header region; null: it is in the payload, */
    size_t at;         /* at this place in the manifest */
};

struct listing {
    struct listing_member *items;
    size_t n;
};

/* Borrows x. */
void listing_make(struct listing *l, const struct index *x);
void listing_clear(struct listing *l);
void listing_clear_auto(struct listing *l);

/* Null with ERR_USAGE when there is none of that name. */
MUST_CHECK const struct listing_member *listing_find(const struct listing *l, const char *name, struct err *e);

/* Everything of one member into a sink, which is finished: content and digest are compared before it says yes. Takes over to. ERR_INTEGRITY. */
MUST_CHECK bool listing_send(const struct listing_member *m, const struct index *x, struct chunk_cache *cache, struct sink *to, struct err *e);

#endif
