/* Images of the engine on this machine (docker-daemon:NAME); their layers go into the cache at once. */
#ifndef BUNDLER_LOCAL_H
#define BUNDLER_LOCAL_H

#include "base/progress.h"
#include "bundler/cache.h"
#include "bundler/images.h"

/* Borrows c and progress. The engine is opened when the first image is asked for. socket null: $DOCKER_HOST if that is a unix socket, else the
 * first that is there of Docker's usual places, then Podman's. resolve fails
 * with ERR_ENGINE, ERR_REGISTRY (no such image or platform), ERR_SPACE. */
struct image_source *local_images(struct cache *c, const char *socket, const struct progress *progress);

#endif
