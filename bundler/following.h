/* Layers that are packed while they are fetched: out of the file in the cache that grows. */
#ifndef BUNDLER_FOLLOWING_H
#define BUNDLER_FOLLOWING_H

#include "bundler/pack.h"

enum { FOLLOWING_TRIES = 2 }; /* bytes that turn out to be wrong are fetched again once, and then read when all are there */

/* For a pack_source: forms have a path and an arrival. ctx: none. What is worth trying again is a blob whose first bytes were wrong. ERR_INTERRUPTED: it will not come, and
 * whoever was to bring it knows why; ERR_IO; what the sink says. */
bool following_bring(void *ctx, const struct pack_layer *layer, size_t form, struct sink *to, bool *is_worth_trying, struct err *e);

#endif
