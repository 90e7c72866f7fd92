/* Which exact digests is that: references in registries become images. A tag is looked up once; everything below it is asked for by digest.
 *
 *     AUTO(image_source_free_auto) struct image_source *s = resolve_in_registries(registry, cache);
 *     s->resolve(s, &ref, platforms, n, &image, e)                                                               */
#ifndef BUNDLER_RESOLVE_H
#define BUNDLER_RESOLVE_H

#include "bundler/cache.h"
#include "bundler/images.h"
#include "registry/registry.h"

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
