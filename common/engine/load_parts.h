/* The parts of loading one image: which layers, which archive. For the files of this folder. */
#ifndef ENGINE_LOAD_PARTS_H
#define ENGINE_LOAD_PARTS_H

#include "engine/images.h"
#include "engine/load.h"
#include "stream/archive.h"

/* needed[n]: layer n must be in the archive. k may be null: all, each once. */
void load_choose_layers(const struct load_image *i, const struct load_known *k, bool *needed);
void load_remember_layers(const struct load_image *i, struct load_known *k);
/* Has the engine exactly this image, whole, under this name or id? */
MUST_CHECK bool load_find(struct engine *g, const struct load_image *i, const char *by, const struct digest *id, bool *yes, struct err *e);

/* The image's own manifest, or one over what is sent: its digest is the image's id in a containerd store. */
MUST_CHECK bool load_make_manifest(const struct load_image *i, struct buf *out, struct err *e);

struct load_archive {
    struct archive_list list;
    struct load_layer_at {
        const struct load_image *image;
        size_t layer;
    } *layers;
    uint64_t bytes; /* of all content */
};
/* What one of several loads asks the others for. */
struct load_turn {
    bool (*begin)(void *ctx, struct err *e);  /* before anything is sent */
    bool (*commit)(void *ctx, struct err *e); /* after the last blob, before what makes the engine act (or before an image that is there gets its name) */
    void (*end)(void *ctx);                   /* after begin said yes: nothing more is sent */
    void *ctx;
};

/* Borrows the image. turn may be null. */
MUST_CHECK bool load_archive_make(struct load_archive *a, const struct engine *g, const struct load_image *i, const bool *needed,
                                  const struct load_turn *turn, struct err *e);
void load_archive_clear_auto(struct load_archive *a);

/* load_image with the layers to be sent already chosen; remembers nothing. turn may be null. */
MUST_CHECK bool load_one(struct engine *g, const struct load_image *i, const bool *needed, const struct load_turn *turn,
                         const struct progress *progress, struct err *e);

/* Podman takes names from the archive only; the others name what was read back. */
bool load_is_named_by_archive(const struct engine *g);

#endif
