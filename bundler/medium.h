/* Is what was written on the medium? Everything is synced, memory's copy of it is dropped, and every byte is read again and compared with the chunk table. */
#ifndef BUNDLER_MEDIUM_H
#define BUNDLER_MEDIUM_H

#include "base/progress.h"
#include "bundle/output.h"
#include "format/digest.h"

struct medium_check {
    const struct digest *manifest_sha256; /* of the bundle.json that was written */
    unsigned jobs;
    const struct progress *progress;
    bool is_from_medium; /* false: what memory holds of it will do */
};
/* ERR_INTEGRITY names chunk, offset and part; ERR_IO. */
MUST_CHECK bool medium_check(const struct output *o, const struct medium_check *how, struct err *e);

/* The file has its name: the whole file system is synced, and it is said that the medium may be taken out. */
MUST_CHECK bool medium_settle(const char *path, struct err *e);

/* Can a file of so many bytes, about, lie there? ERR_SPACE with the advice to split; ERR_USAGE when parts of part_bytes (0: none), which
 * option says, are too large, too. */
MUST_CHECK bool medium_holds(const char *path, uint64_t bytes, uint64_t part_bytes, const char *option, struct err *e);
/* A parity file is not split. ERR_SPACE. */
MUST_CHECK bool medium_holds_parity(const char *path, uint64_t bytes, struct err *e);

#endif
