/* Brings one image into the engine from a stream: POST /images/load of an archive that is made on the fly. The shape of the archive and its order: blobs,
 * then the commit trailer (oci-layout, index.json, manifest.json, end mark), which is only sent when every layer has proven its digest.
 *
 * Success is what can be read back: id, layers and platform; the name is given last (classic store). */
#ifndef ENGINE_LOAD_H
#define ENGINE_LOAD_H

#include "base/progress.h"
#include "engine/images.h"

struct load_layer {
    struct digest diff_id;
    uint64_t size;
    /* The tar; must fail when its SHA-256 is not diff_id. ctx is the one of the image. */
    struct source *(*open)(void *ctx, size_t layer, struct err *e);
};
struct load_image {
    struct ref name; /* with a tag */
    const char *config; /* exact bytes */
    size_t config_bytes;
    struct digest config_digest;
    struct platform platform;
    size_t n_layers;
    const struct load_layer *layers; /* from the bottom */
    void *ctx;
};

/* What the engine must call it: the config's digest in a classic store, the digest of a manifest over raw layers in containerd's. */
MUST_CHECK bool load_image_id(struct engine *g, const struct load_image *i, struct digest *id, struct err *e);

/* Is exactly this image there under its name? */
MUST_CHECK bool load_image_is_there(struct engine *g, const struct load_image *i, bool *yes, struct err *e);

/* Layers known to be in the engine; grows with every image loaded. */
struct load_known {
    struct chain_set *chains; /* classic */
    struct digest *blobs;     /* containerd store: raw layers that this run has sent */
    size_t n_blobs, cap_blobs;
};
MUST_CHECK bool load_known_read(struct engine *g, struct load_known *k, struct err *e);
void load_known_clear(struct load_known *k);
/* Bytes that would be sent. */
uint64_t load_image_bytes(struct engine *g, const struct load_image *i, const struct load_known *k);

/* Loads, names, reads back. Phase "load" of progress counts content bytes. Fails with ERR_ENGINE (the engine's own words), ERR_INTEGRITY (a layer did not come out
 * right: nothing was registered), ERR_SPACE (the engine's disk is full). */
MUST_CHECK bool load_image(struct engine *g, const struct load_image *i, struct load_known *k, const struct progress *progress, struct err *e);

#endif
