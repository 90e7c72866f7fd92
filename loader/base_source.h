/* The layers of a delta's base as they are on this host: in a bundle that was kept (--base), else in the engine. Each one that is read from
 * becomes a file without a name in BASE_SOURCE_DIR, proven by its diff_id; nothing of it is left when the program ends, however it ends.
 *
 *     s = base_source_new(delta, cache, &where);       from now on readers of the delta's layers read from s
 *     base_source_find(s, layers, e)                   are they all here? changes nothing
 *     base_source_bytes(s)                             room that their files will need
 *     base_source_fetch(s, e)                          makes the files */
#ifndef LOADER_BASE_SOURCE_H
#define LOADER_BASE_SOURCE_H

#include "base/progress.h"
#include "bundle/layer_reader.h"

#define BASE_SOURCE_DIR "/var/tmp" /* room for layers: /tmp is memory on many hosts */

struct base_where {
    struct bundle *kept;             /* taken over; null: none */
    const char *engine;              /* its socket, null: the usual one. Opened only when it is needed. Borrowed */
    bool is_kept_only;               /* the engine is left alone */
    const struct progress *progress; /* borrowed */
};
struct base_source;
/* Borrows delta and cache, and must live as long as layers of the delta are read. */
struct base_source *base_source_new(struct bundle *delta, struct chunk_cache *cache, const struct base_where *where);
void base_source_free(struct base_source *s);
AUTO_FREE(struct base_source, base_source_free)

/* layers: as many as the delta has, true for those that will be put together. Looks for every base layer that they read from. ERR_POLICY
 * names the base and what is missing of it. A layer that was not looked for and is read all the same is looked for and fetched then. */
MUST_CHECK bool base_source_find(struct base_source *s, const bool *layers, struct err *e);
/* Of the files that base_source_fetch is still to make. */
uint64_t base_source_bytes(const struct base_source *s);
size_t base_source_count(const struct base_source *s);
/* Is there room for them? ERR_SPACE. */
MUST_CHECK bool base_source_check_room(const struct base_source *s, struct err *e);
/* ERR_POLICY when an image went away since, ERR_INTEGRITY, ERR_SPACE, ERR_ENGINE, ERR_INTERRUPTED. */
MUST_CHECK bool base_source_fetch(struct base_source *s, struct err *e);

#endif
