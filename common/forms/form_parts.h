/* What an export consists of: files, each with its text or with the place in the bundle where its bytes are. A path is there once, however
 * often it is added: layers that images share are written once. Texts stand first, as they were added; then documents and layers in the
 * order of the bundle, so that it is read from front to back.
 *
 *     AUTO(form_parts_free_auto) struct form_parts *p = form_parts_new(&images);
 *     form_parts_text(p, "oci-layout", text, n);
 *     form_parts_blob(p, path, &descriptor, &diff_id, e)
 *     form_output_archive(form_parts_list(p), "web.tar", progress, &bytes, e)            */
#ifndef FORMS_FORM_PARTS_H
#define FORMS_FORM_PARTS_H

#include "forms/form_images.h"
#include "stream/archive.h"

struct form_parts;
/* Borrows x. */
struct form_parts *form_parts_new(const struct form_images *x);
void form_parts_free(struct form_parts *p);
AUTO_FREE(struct form_parts, form_parts_free)

/* Copies. */
void form_parts_text(struct form_parts *p, const char *path, const void *bytes, size_t n);
/* A document or layer of the bundle. diff_id: the layer that it is, when the bundle has no such blob (then the digest is this too); null: a
 * document. Its digest is compared when it is written. ERR_FORMAT when it is not there. */
MUST_CHECK bool form_parts_blob(struct form_parts *p, const char *path, const struct oci_descriptor *d, const struct digest *diff_id,
                                struct err *e);

/* Everything that was added. Borrowed; nothing may be added afterwards. */
const struct archive_list *form_parts_list(struct form_parts *p);

#endif
