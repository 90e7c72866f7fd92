/* Pieces of the readers of OCI documents, for the other readers of this folder. */
#ifndef FORMAT_OCI_PARTS_H
#define FORMAT_OCI_PARTS_H

#include "format/jread.h"
#include "format/oci.h"

/* Null and ERR_REGISTRY when it has more than max bytes, ERR_FORMAT when it is not JSON. */
MUST_CHECK struct jread *oci_part_open(const char *text, size_t n, uint64_t max, const char *what, struct err *e);
/* A key that is not ASCII, or one of the known ones in other letters, fails the document. */
void oci_part_refuse_lookalikes(struct jnode o, const char *const *known, size_t n_known);
/* Empty when it is not there. */
void oci_part_optional_str(struct jnode o, const char *key, char *out, size_t size);
/* schemaVersion 2, and a mediaType that is one of the two given or not written at all. */
void oci_part_kind(struct jnode root, const char *oci_type, const char *docker_type, char *out, size_t size);
/* Media type, digest and size (1 to max_size). */
void oci_part_descriptor(struct jnode o, uint64_t max_size, struct oci_descriptor *out);

#endif
