/* Images of the engine on this machine (docker-daemon:NAME). An engine keeps layers, not what a registry had: so a manifest is made here for them, always the same for the
 * same image, and its layers go into the cache. */
#ifndef BUNDLER_LOCAL_H
#define BUNDLER_LOCAL_H

#include "base/progress.h"
#include "bundler/cache.h"
#include "bundler/images.h"
#include "engine/export.h"

/* Borrows c and progress. The engine is opened when the first image is asked for. socket null: $DOCKER_HOST if that is a unix socket, else the usual place. resolve fails
 * with ERR_ENGINE, ERR_REGISTRY (no such image or platform), ERR_SPACE. */
struct image_source *local_images(struct cache *c, const char *socket, const struct progress *progress);

/* One exported image into the cache, and described; p->platform is what was asked for. For tests. */
MUST_CHECK bool local_take(struct cache *c, struct export *x, const struct export_image *from, struct image_platform *p, const char *what, struct err *e);

#endif
