/* create --sbom: package databases are kept while the layers are packed, then each image's packages are listed in reports/sbom.cdx.json.
 *
 *     sbom_run_open(&s, dir, n_layers, e);  layers[i].tap = sbom_run_tap(s, i) ... pack_layers ...
 *     sbom_run_write(s, ...)                                                                             */
#ifndef BUNDLER_SBOM_H
#define BUNDLER_SBOM_H

#include "bundler/gates.h"
#include "bundler/pack.h"

struct sbom_run;
/* The spool is an unlinked file in dir. Borrows layers; their taps are set. */
MUST_CHECK struct sbom_run *sbom_run_open(const char *dir, struct pack_layer *layers, size_t n_layers, struct err *e);
void sbom_run_close(struct sbom_run *r);
AUTO_FREE(struct sbom_run, sbom_run_close)

struct sbom_release {
    const struct application *app;
    const struct image *images;
    const struct digest *sha256; /* of release.json */
    int64_t created;
};
/* After the last layer: merges, reads the databases, adds the member, and says in reports what each image has. Databases that could not be
 * read are warned of. ERR_REGISTRY:
 * "<reference> (<platform>): ...", a database that is broken. */
MUST_CHECK bool sbom_run_write(struct sbom_run *r, const struct sbom_release *release, struct reports *reports, struct writer *w,
                               struct err *e);

#endif
