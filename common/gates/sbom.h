/* The list of OS packages of a release: CycloneDX 1.5, JSON. The same packages give the same bytes: the serial number comes from the
 * release digest, the time is that of the bundle. */
#ifndef GATES_SBOM_H
#define GATES_SBOM_H

#include "format/digest.h"
#include "gates/packages.h"

struct sbom_image { /* one platform of one image; borrowed */
    const char *reference;
    const char *platform;
    const struct digest *manifest;
    const struct packages *packages;
};
struct sbom {
    const char *name, *version; /* of the release */
    const struct digest *release;
    int64_t created;
    const char *builder_version;
    const struct sbom_image *images;
    size_t n_images;
};

/* ERR_FORMAT over LIMIT_SBOM_BYTES. */
MUST_CHECK bool sbom_write(const struct sbom *s, struct buf *out, struct err *e);

#endif
