/* Layers into the bundle: several are inflated, checked, cut and hashed at once; one thread, in the order of the plan, decides what is new and
 * writes it. The order of the output is the order of the plan, never that of the threads. */
#ifndef BUNDLER_PACK_H
#define BUNDLER_PACK_H

#include "base/progress.h"
#include "bundle/writer.h"
#include "format/oci.h"
#include "stream/sink.h"

/* A second way for the tar of a layer: open makes a sink that gets it too, anew for each attempt. Thread: that of the layer. */
struct pack_tap {
    struct sink *(*open)(void *ctx); /* null: none */
    void *ctx;
};
struct pack_layer {
    struct digest diff_id;       /* from the image's config: the tar must hash to it */
    struct manifest_blob *blobs; /* the forms in which it exists; the first one is read. Owned by the caller */
    size_t n_blobs;
    enum oci_compression compression; /* of the first */
    char *path;                  /* file that holds the first */
    struct pack_tap tap;
};

/* Bytes of the tar, guessed: gzip's trailer, or a factor. Only sizes of tables depend on it. */
MUST_CHECK bool pack_estimate(const struct pack_layer *l, uint64_t *raw_bytes, struct err *e);

/* Memory: jobs * 10 MiB beside the writer's. Phase "pack" of progress counts blob bytes. Fails with ERR_INTEGRITY (digest of the blob or the tar differs), ERR_REGISTRY (does not inflate), ERR_IO. */
MUST_CHECK bool pack_layers(struct writer *w, const struct pack_layer *layers, size_t n, uint32_t average, unsigned jobs,
                            const struct progress *progress, struct err *e);

#endif
