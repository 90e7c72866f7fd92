/* index.json and manifest.json of an exact bundle (docs/FORMAT.md section 3.7). They follow from release.json and the documents of its images: whoever writes a bundle makes them
 * with this, and whoever verifies one makes them again and compares, so that no tool finds other images in the bundle than archon-load does.
 *
 * Older programs (skopeo before 1.14) look in index.json only at entries of OCI's own types. So an image with a manifest of Docker's type, where it is not the only one, also stands there as an index of OCI's
 * type that leads to its manifests, which stay as they are: a finder.
 *
 *     struct exact_layout x = { .read = read_document, .ctx = ctx };
 *     exact_layout_make(&x, release, n, e);   x.index, x.docker
 *     exact_layout_clear(&x);                                                       */
#ifndef BUNDLE_EXACT_LAYOUT_H
#define BUNDLE_EXACT_LAYOUT_H

#include "base/buf.h"
#include "bundle/manifest.h"

#define EXACT_FINDER_MEMBER "images/%zu/layout.json"

struct exact_layout {
    /* The exact bytes of an index or manifest by its digest; out is empty and has a limit. */
    bool (*read)(void *ctx, const struct digest *d, struct buf *out, struct err *e);
    void *ctx;
    const struct manifest *manifest; /* every layer of every image must be in it, with this blob as one of its forms; null: not compared */
    struct buf index;
    struct buf docker;
    size_t n_finders, cap_finders;
    struct exact_finder {
        size_t image; /* in release.json; the finder is images/<n>/layout.json, and a blob */
        struct digest digest;
        struct buf bytes;
    } *finders;
};
/* ERR_FORMAT when release.json and the documents contradict each other, and what read gives. */
MUST_CHECK bool exact_layout_make(struct exact_layout *x, const char *release, size_t n, struct err *e);
void exact_layout_clear(struct exact_layout *x);
void exact_layout_clear_auto(struct exact_layout *x);

#endif
