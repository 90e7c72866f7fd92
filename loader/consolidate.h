/* A full bundle out of a delta and its base: every layer put together and packed anew, everything else as it is. The release is the same
 * byte for byte (release.json, its digest); what is signed is another manifest, so the signature is another one too.
 *
 *     struct consolidate_spec spec = { .delta = b, .cache = cache, .base = base, .key = key, .path = path, .level = 3, ... };
 *     consolidate(&spec, &result, e)                                     */
#ifndef LOADER_CONSOLIDATE_H
#define LOADER_CONSOLIDATE_H

#include "certs/key.h"
#include "loader/base_source.h"

struct consolidate_spec { /* all borrowed */
    const struct bundle *delta;
    struct chunk_cache *cache;     /* of delta */
    struct base_source *base;      /* of delta; everything is found and fetched here */
    const struct key_private *key; /* who vouches for it */
    const char *path;              /* must not exist */
    const struct progress *progress;
    uint64_t expected_bytes; /* of the file, about: room for it is asked for first */
    int level;
    unsigned jobs;
};
struct consolidate_result {
    uint64_t size;
    struct digest manifest_sha256;
};
/* The file is read back whole, every layer put together from it, before it gets its name. Phases "base", "pack", "verify", "rebuild".
 * ERR_POLICY when the base is not here, ERR_SPACE, ERR_INTEGRITY, ERR_IO, ERR_INTERRUPTED: then there is no file. */
MUST_CHECK bool consolidate(const struct consolidate_spec *s, struct consolidate_result *out, struct err *e);

#endif
