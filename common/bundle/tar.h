/* The canonical tar header (docs/FORMAT.md section 2): generated and compared, never parsed. Format: POSIX ustar, IEEE Std 1003.1. */
#ifndef BUNDLE_TAR_H
#define BUNDLE_TAR_H

#include "bundle/layout.h"
#include "base/err.h"

/* The 512 bytes for a name of at most 100 bytes and a size of at most 8 GiB - 1. */
void tar_header(uint8_t out[LAYOUT_TAR_BLOCK], const char *name, uint64_t size, bool is_executable);

/* The number in the size field: exactly 11 octal digits and NUL; false otherwise. Says nothing about the rest of the header. */
MUST_CHECK bool tar_header_size(const uint8_t header[LAYOUT_TAR_BLOCK], uint64_t *size);

/* Zero bytes after content of this size, 0 to 511; and header + content + fill. */
static inline uint64_t tar_fill(uint64_t size)
{
    return (LAYOUT_TAR_BLOCK - size % LAYOUT_TAR_BLOCK) % LAYOUT_TAR_BLOCK;
}
static inline uint64_t tar_member_bytes(uint64_t size)
{
    return LAYOUT_TAR_BLOCK + size + tar_fill(size);
}

/* A member name of the bundle: components of [A-Za-z0-9._+@-], at most 100 bytes and 8 deep. ERR_FORMAT. */
MUST_CHECK bool tar_name_check(const char *name, struct err *e);

#endif
