/* What is left of a bundle, for repairing it: one file, or its parts, of which some may be missing. A place that cannot be read is a fact here and no error: what follows it is read
 * all the same. */
#ifndef BUNDLE_REMAINS_H
#define BUNDLE_REMAINS_H

#include "base/err.h"

struct remains;

/* path: the bundle; when there is no such file, its parts path.001, .002, ... in the same folder. total: how long the bundle should be, which tells how many parts there are. ERR_IO
 * when there is neither. */
MUST_CHECK struct remains *remains_open(const char *path, uint64_t total, struct err *e);
void remains_close(struct remains *m);
AUTO_FREE(struct remains, remains_close)

/* False unless all n bytes at that place were read. Thread: any. */
MUST_CHECK bool remains_read(const struct remains *m, void *to, size_t n, uint64_t at);

/* Parts of the bundle: 0 when it is one file. */
size_t remains_n_parts(const struct remains *m);
struct remains_part {
    char *path;      /* borrowed */
    uint64_t at;     /* in the bundle */
    uint64_t bytes;  /* that it should have */
    uint64_t found;  /* that it has */
    bool is_missing;
};
const struct remains_part *remains_part(const struct remains *m, size_t i);

/* Bytes that are there, of all files. */
uint64_t remains_found(const struct remains *m);

#endif
