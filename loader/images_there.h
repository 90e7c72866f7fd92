/* Is there anything to load at all? Asked by load-images before it verifies a bundle: when every image of the release is in the engine under its name, no byte of a layer
 * is ever read, so none is verified. What is looked at is authenticated like everything else: the header by its signatures, release.json by the digest that they sign. */
#ifndef LOADER_IMAGES_THERE_H
#define LOADER_IMAGES_THERE_H

#include "app/release.h"
#include "loader/install.h"

/* *yes only when all are there, whole, under their names; then out is the release (release_clear), and bases that a killed run left are removed. Whatever is
 * in the way of a yes that verifying would tell too is a no. */
MUST_CHECK bool images_are_there(const struct install_options *o, struct release *out, bool *yes, struct err *e);

#endif
