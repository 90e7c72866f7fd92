/* The images of a bundle in the shape that the engine's folder loads. */
#ifndef LOADER_INSTALL_IMAGES_H
#define LOADER_INSTALL_IMAGES_H

#include "loader/install.h"

/* An image of the release for the host's platform, as the engine's folder wants it. */
struct install_image {
    struct install *in;
    struct load_image load;
    struct buf config;
    struct buf manifest; /* of an exact bundle */
    size_t *layer_form;  /* of an exact bundle: which blob of the layer is this image's */
    struct load_layer *layers;
    size_t *layer_index; /* in the bundle's manifest */
};

/* Fills in->images for the engine's platform. ERR_POLICY when an image has none for it, ERR_FORMAT when the bundle contradicts itself. */
MUST_CHECK bool install_images_describe(struct install *in, struct err *e);
void install_images_clear(struct install *in);
/* Asks the engine, once, which layers it has: in->known. */
MUST_CHECK bool install_images_know(struct install *in, struct err *e);

/* A document of an image by its digest: images/<n>/..., whatever its name. Fills out, which needs buf_clear. ERR_FORMAT when the bundle lacks it. */
MUST_CHECK bool install_images_read(struct install *in, const struct digest *want, uint64_t limit, struct buf *out, struct err *e);

/* All there under their names? */
MUST_CHECK bool install_images_done(struct install *in, bool *yes, struct err *e);
/* Loads what is missing, several at once where that helps and there is room for it (engine/load_set.h). Of a bundle that was opened without its data, verifies first what will be
 * sent. */
MUST_CHECK bool install_images_load(struct install *in, struct err *e);
struct install_space {
    uint64_t send;   /* bytes of layers that the engine does not have */
    uint64_t needed; /* while and after they are loaded */
    uint64_t free;   /* where the engine keeps images */
    bool is_known;   /* its directory can be asked from here */
    const char *path;
};
MUST_CHECK bool install_images_space(struct install *in, struct install_space *out, struct err *e);
/* ERR_SPACE. */
MUST_CHECK bool install_images_check_space(struct install *in, struct err *e);

#endif
