/* Two releases may give one name (shop/api:stable) to two images. The newer one takes the name; so that the older one can come back, its image gets a
 * name of its own first: the same repository, with the release digest as its tag. */
#ifndef LOADER_IMAGE_NAMES_H
#define LOADER_IMAGE_NAMES_H

#include "engine/engine.h"
#include "format/ref.h"
#include "loader/deployment.h"

/* If the release that runs has an image of this name: *kept is the other name that the image has from now on. *is_kept false: it has none. */
MUST_CHECK bool image_names_keep(struct engine *g, const struct deployment *previous, const struct ref *name, struct ref *kept, bool *is_kept,
                                 struct err *e);

/* Every name of the release back to the image that it had; the other names go. */
MUST_CHECK bool image_names_give_back(struct engine *g, const struct deployment *previous, struct err *e);

#endif
