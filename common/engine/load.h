/* Brings one image into the engine from a stream: POST /images/load of an archive that is made on the fly. The shape of the archive and its order: blobs,
 * then the commit trailer (oci-layout, index.json, manifest.json, end mark), which is only sent when every layer has proven its digest.
 *
 * Success is what can be read back: id, layers and platform; the name is given last. An image that fails leaves the name where it was.
 *
 *     struct load_known known;
 *     load_known_read(g, &known, e);                                   once
 *     load_known_add_image(g, &known, &image of an earlier release)    for each that is at hand (they cost one question each);
 *     load_known_add_name(g, &known, its name, its layers)             or this
 *     load_image(g, &image, &known, progress, e)                       for each image of this release
 *     load_known_clear(&known); */
#ifndef ENGINE_LOAD_H
#define ENGINE_LOAD_H

#include "base/progress.h"
#include "engine/engine.h"
#include "format/digest_set.h"
#include "format/ref.h"
#include "stream/sink.h"

struct load_layer {
    struct digest diff_id;
    uint64_t size; /* of what is sent */
    /* What is sent: the tar, or a blob that inflates to it; must fail when it does not come out as diff_id. ctx is the one of the image. */
    struct source *(*open)(void *ctx, size_t layer, struct err *e);
    const char *media_type; /* of the blob; null: the tar itself is sent */
    struct digest blob;     /* its digest, with a media type */
};
/* The digest of what is sent. */
const struct digest *load_layer_digest(const struct load_layer *l);
struct load_image {
    struct ref name; /* with a tag */
    const char *config; /* exact bytes */
    size_t config_bytes;
    struct digest config_digest;
    struct platform platform;
    const char *manifest; /* the image's own, over exactly what is sent: containerd's store then calls it as its registry does; null: one is made */
    size_t manifest_bytes;
    const char *manifest_type; /* with it */
    size_t n_layers;
    const struct load_layer *layers; /* from the bottom */
    void *ctx;
    bool is_unnamed; /* gets no name; name is what it is a part of, for messages */
};

/* What the engine must call it: the config's digest in a classic store, the digest of the manifest in containerd's. */
MUST_CHECK bool load_image_id(struct engine *g, const struct load_image *i, struct digest *id, struct err *e);

/* Is exactly this image there under its name? */
MUST_CHECK bool load_image_is_there(struct engine *g, const struct load_image *i, bool *yes, struct err *e);

/* Layers that the engine has, so that they need not be sent; grows with every image loaded. A classic store is asked about all of its images. Containerd's
 * store knows layers by the digest of a blob, which no call tells: there it is the layers of images that were loaded by this program before and are
 * still there (load_known_add_image), and those of this run. When the engine turns out to lack one, the image is sent in full. */
struct load_known {
    enum { LOAD_KNOWS_NOTHING, LOAD_KNOWS_CHAINS, LOAD_KNOWS_BLOBS } what; /* classic store: chain ids; containerd's: raw blobs; Podman: nothing */
    struct digest_set layers;
};
MUST_CHECK bool load_known_read(struct engine *g, struct load_known *k, struct err *e);
/* Adds the layers of an image that may have been loaded earlier, if it is there. Only its digests and sizes are looked at: name, open and ctx may be
 * empty. Costs nothing with a classic store, where everything is known. */
MUST_CHECK bool load_known_add_image(struct engine *g, struct load_known *k, const struct load_image *earlier, struct err *e);
/* The same of an image of which only name and layers are at hand (a release document has no sizes). That containerd's store keeps them raw, as
 * load_image sends them, is then assumed; where it is not so, one load is sent twice. */
MUST_CHECK bool load_known_add_name(struct engine *g, struct load_known *k, const struct ref *name, const struct digest *diff_ids, size_t n,
                                    struct err *e);
void load_known_clear(struct load_known *k);
/* Which layers load_image would send: needed has room for each. k may be null: all of them. */
void load_image_choose(const struct load_image *i, const struct load_known *k, bool *needed);
/* Bytes of layers that load_image would send. k may be null: of all. An image that is there (load_image_is_there) sends nothing whatever this says. */
uint64_t load_image_bytes(struct engine *g, const struct load_image *i, const struct load_known *k);

/* Loads unless it is there, reads back, names. k may be null. Progress: phase "load" counts the bytes of the archive's content, then "unpack" (total
 * unknown) while the engine works alone, then "load" is finished. Fails with ERR_POLICY (made for another platform), ERR_ENGINE (the engine's own
 * words), ERR_INTEGRITY (a layer or the config did not come out right: nothing was registered), ERR_SPACE (the engine's disk is full),
 * ERR_INTERRUPTED, or what a layer's source says. */
MUST_CHECK bool load_image(struct engine *g, const struct load_image *i, struct load_known *k, const struct progress *progress, struct err *e);

#endif
