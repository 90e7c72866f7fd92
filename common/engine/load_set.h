/* Brings several images into the engine, over a few connections at once: while it registers one, the next is on its way. Nothing is sent twice: layers that
 * images share come with one of them, or as an unnamed image of their own (a base), and what builds on them is held back before its commit trailer until they
 * are there. So an engine never acts on an archive whose layers it lacks, and an archive that is broken off leaves nothing. Podman gets one after another.
 *
 *     AUTO(load_set_free_auto) struct load_set *s = load_set_new(g, images, n, &known, e);        those that are not there (load_image_is_there)
 *     struct load_set_how how = { .connections = load_set_connections(s, free_bytes), ... };
 *     load_set_run(s, &how, &known, e)
 *     load_bases_remove(g, all images of the release, n, e)       also after a failure, and for what a killed run has left */
#ifndef ENGINE_LOAD_SET_H
#define ENGINE_LOAD_SET_H

#include "engine/load.h"

struct load_set;
/* Decides what is sent in which request. Borrows the images. known may be null. */
MUST_CHECK struct load_set *load_set_new(struct engine *g, const struct load_image *const *images, size_t n, const struct load_known *known,
                                         struct err *e);
void load_set_free(struct load_set *s);
AUTO_FREE(struct load_set, load_set_free)

/* Is this layer sent with one of the requests? */
bool load_set_sends(const struct load_set *s, const struct digest *diff_id);
/* Bytes of layers that are sent. */
uint64_t load_set_bytes(const struct load_set *s);
/* Bytes that the engine needs while and after it takes them over so many connections: each request that is under way is a copy of its own. */
uint64_t load_set_room(const struct load_set *s, unsigned connections);
/* As many connections as help here and as free_bytes have room for; at least 1. */
unsigned load_set_connections(const struct load_set *s, uint64_t free_bytes);

struct load_set_how {
    unsigned connections;
    const struct progress *progress;
    /* Called before an image is registered or named, for one at a time, while the engine g of load_set_new is free to be asked. May be null. */
    bool (*before)(void *ctx, const struct load_image *i, struct err *e);
    void *ctx;
};
/* Loads, reads back and names all of them. After the first failure nothing more is sent, and what has not been committed is broken off; what the engine already registers is
 * waited for. known (may be null) grows by what was loaded. Progress and errors are those of load_image, and the phase "load" tells of all together. */
MUST_CHECK bool load_set_run(struct load_set *s, const struct load_set_how *how, struct load_known *known, struct err *e);

/* Removes the bases that load_set_run may have made for these images. Costs one question when there are none. */
MUST_CHECK bool load_bases_remove(struct engine *g, const struct load_image *const *images, size_t n, struct err *e);

#endif
