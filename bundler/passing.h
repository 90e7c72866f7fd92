/* Layers that are not kept (--no-cache): from the registry straight into the packer, one at a time. */
#ifndef BUNDLER_PASSING_H
#define BUNDLER_PASSING_H

#include "bundler/pack.h"
#include "registry/registry.h"

/* For a pack_source whose ctx is the struct registry. Broken connections go on where they broke; what is worth trying again from the start is a blob with another digest or size,
 * and a line on which some of it came. */
bool passing_bring(void *registry, const struct pack_layer *layer, size_t form, struct sink *to, bool *is_worth_trying, struct err *e);

#endif
