/* Images as they are found: which exact documents and layers a reference and a platform mean. Values; whoever finds them (a registry, the
 * local engine) makes them, fetch and pack use them. */
#ifndef BUNDLER_IMAGES_H
#define BUNDLER_IMAGES_H

#include "app/image_place.h"
#include "base/buf.h"
#include "format/oci.h"
#include "format/ref.h"

struct image_platform {
    struct platform platform; /* as the index has it, else as the config says: the one that was asked for or one that runs there too */
    struct digest manifest_digest;
    struct buf manifest; /* exact bytes */
    struct buf config;   /* exact bytes; its digest is m.config.digest */
    struct oci_manifest m;
    struct oci_config c;
    enum oci_compression *compression; /* of each layer */
    bool takes_foreign_layers;         /* of a type that its owner does not want to be passed on, or with other addresses than the registry's */
};
struct image_index { /* an index or manifest list on the way to the manifests; the first is the one the reference names */
    struct digest digest;
    struct buf bytes; /* exact */
};
/* A document that speaks of an image and travels with it as it was found: part of an attestation or of a signature. It becomes the member
 * images/<n>/<name>; its bytes lie in the cache under their digest (attached.h). */
enum image_document_kind { IMAGE_ATTESTATION, IMAGE_SIGNATURE };
struct image_document {
    enum image_document_kind kind;
    size_t group;                     /* those of one kind and group belong together: a manifest, its config, its blobs */
    char name[LIMIT_NAME_BYTES];      /* "attestation-0/manifest.json" */
    struct oci_descriptor descriptor; /* its media type, digest, size */
    struct digest subject;            /* of the manifest or index that it speaks of */
};
struct image {
    struct ref ref;
    size_t n_indexes, cap_indexes;
    struct image_index *indexes;
    size_t n_platforms;
    struct image_platform *platforms; /* in the order in which they were asked for; one that stands for two of them is here once */
    size_t n_documents, cap_documents;
    struct image_document *documents; /* by group, each group with its manifest first */
};
void image_clear(struct image *i);
void images_clear(struct image *images, size_t n); /* and frees the array */

/* Fills the rest of p from p->manifest and p->config: reads both and checks that they fit together and to p->platform (layers as many as
 * diff_ids, known types, no foreign layers unless p takes them), and that the config asks for nothing that no image may ask for. what names the image. ERR_REGISTRY. */
MUST_CHECK bool image_platform_read(struct image_platform *p, const char *what, struct err *e);
/* The first half of that: the manifest alone, so that the config's digest is known. */
MUST_CHECK bool image_platform_read_manifest(struct image_platform *p, const char *what, struct err *e);

/* What is asked for. Borrows. */
struct image_request {
    const struct ref *ref;           /* what to resolve */
    const struct image_place *place; /* where it is, for sources that need more than the reference */
    const struct platform *platforms;
    size_t n_platforms;
    const struct digest *pinned; /* null: what the tag means now; else what it meant when the lock file was written (ref itself names no other) */
    bool is_without_attestations;
    bool takes_foreign_layers;
};

/* Where images come from. Layers need not be there when resolve returns: those of a registry are fetched later (fetch.h), those of a file are put into the cache by
 * put_layers, those of an engine are in the cache at once. */
struct cache;
struct image_source {
    bool (*resolve)(struct image_source *s, const struct image_request *rq, struct image *out, struct err *e);
    /* The layers and attached documents of an image that resolve found, into the cache. Null: nothing to do. */
    bool (*put_layers)(struct image_source *s, const struct image_place *place, const struct image *image, struct err *e);
    void (*free)(struct image_source *s);
};

#endif
