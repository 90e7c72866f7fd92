/* Images as an engine gives them away, in a docker-archive or over its socket: layers, and a configuration, but not what a registry had. So a manifest is made here for
 * them, always the same for the same image. */
#ifndef BUNDLER_EXPORTED_H
#define BUNDLER_EXPORTED_H

#include "bundler/cache.h"
#include "bundler/images.h"
#include "engine/export.h"

/* The documents of one image; p->platform is what was asked for. what names the image. */
MUST_CHECK bool exported_describe(struct export *x, const struct export_image *from, struct image_platform *p, const char *what, struct err *e);
/* Its layers into the cache. ERR_INTEGRITY when one is not what the archive or the configuration says. */
MUST_CHECK bool exported_put(struct export *x, const struct export_image *from, struct cache *c, const char *what, struct err *e);

#endif
