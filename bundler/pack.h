/* Layers into the bundle: several are inflated, checked, cut and hashed at once; one thread, in the order of the plan, decides what is new and
 * writes it. The order of the output is the order of the plan, never that of the threads. Layers that are not in files (--no-cache) come one at a time, and are brought
 * again when their bytes were wrong: the writer goes back to where the layer began. */
#ifndef BUNDLER_PACK_H
#define BUNDLER_PACK_H

#include "base/progress.h"
#include "bundle/writer.h"
#include "bundler/arrivals.h"
#include "format/oci.h"
#include "format/ref.h"
#include "stream/sink.h"

struct pack_form { /* of one of the blobs */
    enum oci_compression compression;
    char *path;           /* file that holds it, or will; null: it is brought */
    struct arrival *arrival; /* null: it is there; else it is waited for */
    bool is_proven;       /* the file was hashed by this process: its content, by diff_id, is all that is left to prove */
    const struct ref *from; /* an image that has it; borrowed */
    bool is_of_base;        /* the bundle of the base has proven that it is this layer: neither fetched nor read */
};
/* A second way for the tar of a layer: open makes a sink that gets it too, anew for each attempt. Thread: that of the layer. */
struct pack_tap {
    struct sink *(*open)(void *ctx); /* null: none */
    void *ctx;
};
struct pack_layer {
    struct digest diff_id;       /* from the image's config: the tar must hash to it, in every form */
    struct manifest_blob *blobs; /* the forms in which it exists; the first one is packed, the others are checked. Owned by the caller */
    struct pack_form *forms;     /* as many */
    size_t n_blobs;
    struct pack_tap tap;
    bool is_on_host; /* the host has it as it is: it is not stored, but proven like the others, where its base has not done that */
};

/* Brings the blob of a form that is in no file: all its bytes into to, which it does not finish. It proves the digest. *is_worth_trying: after a failure, whether another
 * attempt from the first byte may end better. Called by one thread at a time. */
struct pack_source {
    bool (*bring)(void *ctx, const struct pack_layer *layer, size_t form, struct sink *to, bool *is_worth_trying, struct err *e);
    void *ctx;
    unsigned tries; /* of each blob, at least 1 */
};

struct pack_how {
    uint32_t average;
    unsigned jobs;
    bool is_delta; /* the writer has pieces of a base: layers are cut at their members, too */
    const struct progress *progress;
    const struct pack_source *source; /* null: every form has a file */
};

/* Bytes of the tar, guessed from the size of the blob alone, so that it is the same wherever the blob is. Only sizes of tables and pieces depend on it. */
uint64_t pack_estimate(const struct pack_layer *l);

/* Memory: jobs * 12 MiB beside the writer's. Phase "pack" of progress counts blob bytes. Fails with ERR_INTEGRITY (digest of the blob or the tar differs), ERR_REGISTRY (does not inflate), ERR_IO, and
 * what the source says. */
MUST_CHECK bool pack_layers(struct writer *w, const struct pack_layer *layers, size_t n, const struct pack_how *how, struct err *e);

#endif
