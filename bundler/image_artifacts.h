/* What a registry keeps beside one manifest or index and a bundle carries with it: cosign's tags (.sig, .att) and the referrers that are
 * signatures or attestations.
 *
 *     AUTO(image_artifacts_clear_auto) struct image_artifacts found = { 0 };
 *     image_artifacts_find(registry, cache, &image->ref, &subject, &found, e)
 *     image_artifacts_attach(&found, false, image, e)            they travel with the image */
#ifndef BUNDLER_IMAGE_ARTIFACTS_H
#define BUNDLER_IMAGE_ARTIFACTS_H

#include "bundler/cache.h"
#include "bundler/images.h"
#include "format/artifact.h"
#include "registry/referrers.h"

enum artifact_form {
    ARTIFACT_SIMPLE_SIGNING, /* each layer a signature in its annotation over the layer's bytes */
    ARTIFACT_BUNDLE,         /* each layer a Sigstore bundle; a signature or an attestation */
    ARTIFACT_UNKNOWN,        /* a signature of a kind that is carried and not understood */
    ARTIFACT_ATTESTATION,
    N_ARTIFACT_FORMS,
};
struct image_artifact {
    enum artifact_form form;
    struct digest subject;
    bool is_referrer; /* else by a tag */
    struct oci_descriptor manifest;
    struct artifact content;
    char *trouble; /* why it cannot be read, content is empty then; or null */
};
struct image_artifacts {
    size_t n, cap;
    struct image_artifact *items;
    enum registry_referrers_from from; /* of the last subject */
};

/* Appends what there is beside subject in ref's repository; manifests are put into the cache. What is there and cannot be understood has
 * .trouble. ERR_NET, ERR_AUTH, ERR_REGISTRY, ERR_INTEGRITY, ERR_IO: that is never the same as "nothing is there". */
MUST_CHECK bool image_artifacts_find(struct registry *r, struct cache *c, const struct ref *ref, const struct digest *subject,
                                     struct image_artifacts *out, struct err *e);
void image_artifacts_clear(struct image_artifacts *a);
void image_artifacts_clear_auto(struct image_artifacts *a);

/* May a signature be in it? Attestations are none: who signs the report of a hole does not vouch for the image. */
bool image_artifact_is_signature(const struct image_artifact *a);
/* "tag sha256-<hex>.sig" or "referrer sha256:<hex>". */
struct artifact_place {
    char text[160];
};
const char *image_artifact_place(struct artifact_place *out, const struct image_artifact *a);

/* All of them (but those with trouble, and attestations where they are not wanted) become documents of the image: attached.h. ERR_REGISTRY:
 * too many, too large. */
MUST_CHECK bool image_artifacts_attach(const struct image_artifacts *a, bool is_without_attestations, struct image *x, struct err *e);

#endif
