/* The parts of loading one image: which layers, which archive. For the files of this folder. */
#ifndef ENGINE_LOAD_PARTS_H
#define ENGINE_LOAD_PARTS_H

#include "engine/archive.h"
#include "engine/images.h"
#include "engine/load.h"

/* needed[n]: layer n must be in the archive. */
void load_choose_layers(const struct load_image *i, const struct load_known *k, bool *needed);
void load_remember_layers(const struct load_image *i, struct load_known *k);
/* Does the engine show exactly this image? */
bool load_is_same(const struct load_image *i, const struct engine_image *found, const struct digest *id);

/* A manifest over the raw layers: its digest is the image's id in a containerd store. */
MUST_CHECK bool load_make_manifest(const struct load_image *i, struct buf *out, struct err *e);

struct load_archive {
    struct archive_list list;
    struct load_layer_at {
        const struct load_image *image;
        size_t layer;
    } *layers;
    uint64_t bytes; /* of all content */
};
/* Borrows the image. */
MUST_CHECK bool load_archive_make(struct load_archive *a, const struct engine *g, const struct load_image *i, const bool *needed, struct err *e);
void load_archive_clear_auto(struct load_archive *a);

/* Podman takes names from the archive only; the others name what was read back. */
bool load_is_named_by_archive(const struct engine *g);

#endif
