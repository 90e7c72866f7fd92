/* Which files each form has: an OCI layout, what `docker load` reads, skopeo's directory. */
#ifndef FORMS_FORM_LISTS_H
#define FORMS_FORM_LISTS_H

#include "forms/form_parts.h"

/* oci-layout, index.json with the reference of each image, blobs. An image whose manifests are the originals keeps its index, attestations
 * and signatures; otherwise its platforms get an index of their own when there are several. */
MUST_CHECK bool form_list_oci(struct form_parts *p, const struct form_images *x, struct err *e);

/* manifest.json, configurations and layers, each once. One platform of each image. */
MUST_CHECK bool form_list_docker(struct form_parts *p, const struct form_images *x, struct err *e);

/* What skopeo calls dir: one image in a directory; several have one each below it, named form_dir_name. One platform of each image. */
MUST_CHECK bool form_list_dir(struct form_parts *p, const struct form_images *x, struct err *e);
/* "0-web-1.0.0": the place in the bundle and the end of the reference. */
struct form_dir_text {
    char text[LIMIT_NAME_BYTES];
};
const char *form_dir_name(struct form_dir_text *out, const struct form_image *i);

#endif
