/* Which exact digests is that: references in registries become images. A tag is looked up once; everything below it is asked for by digest.
 *
 *     AUTO(image_source_free_auto) struct image_source *s = resolve_in_registries(registry, cache);
 *     s->resolve(s, &(struct image_request){ .ref = &ref, ... }, &image, e)                                                              */
#ifndef BUNDLER_RESOLVE_H
#define BUNDLER_RESOLVE_H

#include "bundler/cache.h"
#include "bundler/images.h"
#include "registry/manifests.h"

/* A place that has the documents of images: a registry with the cache before it, an OCI layout. Each gives bytes that it has hashed. */
struct documents {
    /* An index or manifest; digest null: what ref names. Fills out, which is empty. */
    bool (*get)(struct documents *from, const struct ref *ref, const struct digest *digest, struct registry_document *out, struct err *e);
    /* A small blob of exactly size bytes into out, which is empty and has room for it. */
    bool (*get_blob)(struct documents *from, const struct ref *ref, const struct digest *digest, uint64_t size, struct buf *out, struct err *e);
};
/* From a reference through indexes to a manifest and a config for each platform: the one way for every place. what names the image in messages. Attestations of
 * these platforms are listed as documents of the image. Fills *out, which the caller clears in any case. ERR_REGISTRY, ERR_INTEGRITY, and what from fails with. */
MUST_CHECK bool resolve_image(struct documents *from, const struct image_request *rq, const char *what, struct image *out, struct err *e);

/* Borrows both. Manifests and configs that are asked for by digest are kept in the cache. Fails with ERR_REGISTRY (has no such image or platform,
 * nonsense), ERR_INTEGRITY, ERR_AUTH, ERR_NET. */
struct image_source *resolve_in_registries(struct registry *r, struct cache *c);

static inline void image_source_free(struct image_source *s)
{
    if (s != NULL)
        s->free(s);
}
AUTO_FREE(struct image_source, image_source_free)

#endif
