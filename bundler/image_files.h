/* Images in files of this machine: OCI layouts and archives, docker-archives. A layout's documents are its own, so that its images have the digests that they have in a
 * registry; for a docker-archive they are made (exported.h). */
#ifndef BUNDLER_IMAGE_FILES_H
#define BUNDLER_IMAGE_FILES_H

#include "bundler/cache.h"
#include "bundler/images.h"

/* Borrows c. A compressed archive is unpacked beside the cache's blobs. */
struct image_source *image_files(struct cache *c);

/* The name that a file has for its image. ERR_REGISTRY when it has none or several, with a hint how to give it one. */
MUST_CHECK bool image_files_name(const struct image_place *place, struct ref *name, struct err *e);

#endif
