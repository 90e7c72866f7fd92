/* The root file system of one image as a tar archive, as a container would see it: layers laid over each other, without what they remove.
 * Nothing is unpacked: the layers are read twice, first for the names, then for what is left of them. */
#ifndef FORMS_ROOTFS_H
#define FORMS_ROOTFS_H

#include "base/progress.h"
#include "forms/form_images.h"

/* How layer i of an image, from the lowest, is read: a source of its tar. */
struct rootfs_layers {
    size_t n;
    struct source *(*open)(void *ctx, size_t i, struct err *e);
    void *ctx;
    uint64_t bytes; /* of all of them together, for progress */
};

/* Into a file that appears whole or not at all. *bytes: its size. ERR_FORMAT: layers that no engine would unpack (a name that leads out of
 * the image, a hard link to nothing); ERR_SPACE with how much, ERR_IO, ERR_INTERRUPTED, and what layers give. */
MUST_CHECK bool rootfs_write(const struct rootfs_layers *layers, const char *path, const struct progress *progress, uint64_t *bytes,
                             struct err *e);

/* The same of the only platform of the only image that was chosen. ERR_USAGE when there are more. */
MUST_CHECK bool rootfs_write_image(const struct form_images *x, const char *path, const struct progress *progress, uint64_t *bytes,
                                   struct err *e);

#endif
