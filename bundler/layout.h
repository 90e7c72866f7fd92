/* An OCI image layout (image-spec, image-layout.md): a directory, or a tar archive of one. Blobs are hashed before anything is believed of them; nothing is followed out of it.
 *
 *     AUTO(layout_close_auto) struct layout *l = layout_open_directory("images/web", e);
 *     const struct layout_image *i = layout_find(l, "1.0", e);
 *     layout_read(l, &i->descriptor.digest, &text, e)                          */
#ifndef BUNDLER_LAYOUT_H
#define BUNDLER_LAYOUT_H

#include "base/buf.h"
#include "bundler/cache.h"
#include "format/oci.h"
#include "stream/tarball.h"

struct layout_image { /* an entry of index.json */
    struct oci_descriptor descriptor;
    bool is_image;  /* not an attestation or an artifact */
    char *tag;      /* org.opencontainers.image.ref.name: a tag or a whole reference; or null */
    char *name;     /* io.containerd.image.name: a whole reference; or null */
};

struct layout;
/* Checks oci-layout and reads index.json. ERR_REGISTRY for what is no layout, ERR_IO. */
MUST_CHECK struct layout *layout_open_directory(const char *path, struct err *e);
/* Takes tar over, on failure too; null: opening it failed, e has why. */
MUST_CHECK struct layout *layout_open_archive(struct tarball *tar, struct err *e);
void layout_close(struct layout *l);
AUTO_FREE(struct layout, layout_close)

/* inside: a tag or reference as an entry has it, or sha256:...; null: the only image. Null and ERR_REGISTRY with a list of those there are. Borrows. */
MUST_CHECK const struct layout_image *layout_find(const struct layout *l, const char *inside, struct err *e);

/* A small blob into out, which is empty with a limit. ERR_REGISTRY when it is missing, ERR_INTEGRITY for another digest. */
MUST_CHECK bool layout_read(struct layout *l, const struct digest *d, struct buf *out, struct err *e);
/* Blobs of any size into the cache, each once. */
MUST_CHECK bool layout_put(struct layout *l, const struct oci_descriptor *blobs, size_t n, struct cache *c, struct err *e);

#endif
