/* Documents that are attached to images: attestations and signatures, each a manifest with its config and its blobs. Whoever finds one
 * (resolve, the check of signatures) adds its parts; small parts that were read are put into the cache at once, the others are fetched when
 * the layers are.
 *
 *     size_t group = attached_next_group(image, IMAGE_SIGNATURE);
 *     attached_add(image, &(struct image_document){ .kind = IMAGE_SIGNATURE, .group = group, .descriptor = d, .subject = digest },
 * "manifest", e)
 *         -> images/<n>/signature-0/manifest.json
 *     attached_add(image, &..., "payload-0", e)
 *     attached_fetch(registry, cache, images, n, e)
 *     attached_read(cache, &image->documents[i], &bytes, e)                                                                        */
#ifndef BUNDLER_ATTACHED_H
#define BUNDLER_ATTACHED_H

#include "bundler/cache.h"
#include "bundler/images.h"
#include "registry/registry.h"

/* The number of the next group of a kind: how many there are. */
size_t attached_next_group(const struct image *x, enum image_document_kind kind);

/* Adds one; kind, group, descriptor and subject are set, its name is made: "<kind>-<group>/<part>.json". part is of [a-z0-9-], once in its
 * group. A document of the same kind, group and part is a bug. ERR_REGISTRY: too large, or too many for one image. */
MUST_CHECK bool attached_add(struct image *x, const struct image_document *d, const char *part, struct err *e);

/* Those that are not in the cache yet, from the repositories of their images. ERR_REGISTRY, ERR_INTEGRITY, ERR_AUTH, ERR_NET, ERR_IO. */
MUST_CHECK bool attached_fetch(struct registry *r, struct cache *c, const struct image *images, size_t n, struct err *e);

/* The exact bytes of one; out must be empty with a limit of at least LIMIT_DOCUMENT_BYTES. ERR_IO when it is no longer in the cache. */
MUST_CHECK bool attached_read(const struct cache *c, const struct image_document *d, struct buf *out, struct err *e);

#endif
