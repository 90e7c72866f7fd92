/* Images of an engine: what is there, by reference; names; and which layers need not be sent. */
#ifndef ENGINE_IMAGES_H
#define ENGINE_IMAGES_H

#include "engine/engine.h"
#include "format/digest.h"
#include "format/ref.h"

struct engine_image {
    bool is_found;
    struct digest id; /* classic and Podman: of the config; containerd store: of the manifest */
    struct platform platform;
    size_t n_diff_ids;
    struct digest *diff_ids;
};
/* name: a reference or "sha256:...". Not found is not an error. */
MUST_CHECK bool image_inspect(struct engine *g, const char *name, struct engine_image *out, struct err *e);
void engine_image_clear(struct engine_image *i);
void engine_image_clear_auto(struct engine_image *i);

/* Ids of all images. *ids is owned by the caller (mem_free). */
MUST_CHECK bool image_list(struct engine *g, struct digest **ids, size_t *n, struct err *e);
/* Gives image id the name; the one that had it loses it. Reads back. */
MUST_CHECK bool image_tag(struct engine *g, const struct digest *id, const struct ref *name, struct err *e);
/* Takes the name away, and the image with its last name. Not found and in use by a container are fine: *removed tells. */
MUST_CHECK bool image_remove(struct engine *g, const char *name, bool *removed, struct err *e);

/* Layers that the engine has, as chains from the bottom: a classic store (or Podman) needs no file for them. */
struct chain_set;
MUST_CHECK struct chain_set *chain_set_read(struct engine *g, struct err *e);
void chain_set_add(struct chain_set *s, const struct digest *diff_ids, size_t n);
/* How many of these layers, from the bottom, are there. */
size_t chain_set_depth(const struct chain_set *s, const struct digest *diff_ids, size_t n);
void chain_set_free(struct chain_set *s);
AUTO_FREE(struct chain_set, chain_set_free)

#endif
