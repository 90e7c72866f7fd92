/* The base of a delta bundle, for install, plan and load-images: found before anything changes, room for it counted, its layers made into
 * files just before images are loaded. */
#ifndef LOADER_INSTALL_BASE_H
#define LOADER_INSTALL_BASE_H

#include "loader/base_source.h"
#include "loader/install.h"

/* Makes in->base when the bundle is a delta, and finds every layer of the base that loading will read. ERR_POLICY when one is missing.
 * After install_images_describe. */
MUST_CHECK bool install_base_prepare(struct install *in, struct err *e);
/* All of these do nothing for a full bundle. */
MUST_CHECK bool install_base_fetch(struct install *in, struct err *e);

struct install_base_space {
    size_t count;    /* of layers that become files; 0: there is no base, or nothing of it is needed */
    uint64_t needed; /* until the images are loaded */
    uint64_t free;   /* in BASE_SOURCE_DIR */
    bool is_known;
    bool is_beside_images; /* on the file system where the engine keeps its images */
};
void install_base_space(const struct install *in, struct install_base_space *out);
/* ERR_SPACE. */
MUST_CHECK bool install_base_check_space(const struct install *in, struct err *e);

#endif
