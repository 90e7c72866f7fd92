/* What packages.c and the readers of the databases share. Private to packages*.c. */
#ifndef GATES_PACKAGES_PARTS_H
#define GATES_PACKAGES_PARTS_H

#include "base/text.h"
#include "gates/packages.h"

struct package_facts {
    const char *type; /* of the purl: "deb", "apk", "rpm" */
    const char *usual_namespace;
    struct slice name, version, architecture, epoch;
};

/* Adds a package. ERR_REGISTRY "<what>: ..." for names and versions that are none. */
MUST_CHECK bool packages_add(struct packages *out, const struct package_facts *f, const char *what, struct err *e);

/* All files of kind LAYER_RPM, through the program rpm. *is_read false: there is no such program here. packages_rpm.c */
MUST_CHECK bool packages_read_rpm(struct packages *out, const struct layer_files *files, const struct spool *s, bool *is_read,
                                  struct err *e);

#endif
