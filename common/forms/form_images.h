/* Images of a verified bundle, as other tools are to get them: which ones, under which manifest, made of which blobs.
 *
 * A manifest stays the original one, with its digest, where every blob that it names is in the bundle as it was: always in an exact bundle,
 * and where a registry had the layers uncompressed. Otherwise one is made over the uncompressed layers. Configurations are verbatim either
 * way, so that image ids stay.
 *
 *     struct form_choice choice = { .names = names, .n_names = n };
 *     form_images_choose(&images, bundle, &choice, e)
 *     form_images_clear(&images)                                     */
#ifndef FORMS_FORM_IMAGES_H
#define FORMS_FORM_IMAGES_H

#include "app/release.h"
#include "bundle/layer_reader.h"
#include "format/oci.h"

/* What is wanted; nothing said: everything. */
struct form_choice {
    const char *const *names; /* references, or their ends after a slash */
    size_t n_names;
    const char *platforms; /* "linux/amd64,linux/arm64"; null: all */
};

struct form_platform {
    const struct release_platform *release;
    bool is_original;
    struct oci_descriptor manifest; /* the original, or of text */
    struct buf text;                /* of a manifest that was made; else empty */
    struct oci_descriptor config;
    size_t n_layers;
    struct oci_descriptor *layers; /* from the bottom, as the manifest has them */
};
struct form_image {
    const struct release_image *release;
    size_t at;     /* its documents are images/<at>/... */
    bool is_whole; /* all platforms that the bundle has are wanted */
    size_t n_platforms;
    struct form_platform *platforms;
};
struct form_images {
    const struct bundle *bundle;
    struct release release;
    struct chunk_cache *cache;
    size_t n;
    struct form_image *items;
};

/* Borrows b and what choice holds. Cleared by the caller in any case. ERR_USAGE: an image or platform that is not there (with the nearest
 * name); ERR_POLICY: a delta whose base is not there (bundle_use_base); ERR_FORMAT, ERR_INTEGRITY. */
MUST_CHECK bool form_images_choose(struct form_images *out, const struct bundle *b, const struct form_choice *choice, struct err *e);
void form_images_clear(struct form_images *x);
void form_images_clear_auto(struct form_images *x);

/* For what holds one platform of each image. ERR_USAGE with the platforms that there are. */
MUST_CHECK bool form_images_need_one_platform(const struct form_images *x, const char *form, struct err *e);

/* Every document of a whole image whose manifests are the originals travels with it: index, attestations, signatures. */
bool form_image_is_original(const struct form_image *i);

/* The member of a bundle with these bytes, or SIZE_MAX. Blobs have their name from their digest; documents are looked for. */
size_t form_find_member(const struct manifest *m, const struct digest *d);

#endif
