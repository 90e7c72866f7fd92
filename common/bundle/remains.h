/* What is left of a bundle, for repairing it: one file, or its parts, of which some may be missing. A place that cannot be read is a fact here and no error: what follows it is read
 * all the same. */
#ifndef BUNDLE_REMAINS_H
#define BUNDLE_REMAINS_H

#include <sys/stat.h>

#include "bundle/file.h"

struct remains;

/* where: as for a bundle that is read (nobody is asked, nothing is copied), but links are not followed: bytes that nobody can judge are
 * copied, too, and a link on a stick may lead to the secrets of this host. A part that cannot be opened counts as missing, and is said.
 * total: how long the bundle should be, which tells how many parts there are and what each has. ERR_IO when nothing is there, ERR_CONFIG
 * for a link, ERR_INTEGRITY when the parts cannot be those of so long a bundle. */
MUST_CHECK struct remains *remains_open(const struct bundle_where *where, uint64_t total, struct err *e);
void remains_close(struct remains *m);
AUTO_FREE(struct remains, remains_close)

/* False unless all n bytes at that place were read. Thread: any. */
MUST_CHECK bool remains_read(const struct remains *m, void *to, size_t n, uint64_t at);

/* Parts of the bundle: 0 when it is one file. */
size_t remains_n_parts(const struct remains *m);
struct remains_part {
    uint64_t at;     /* in the bundle */
    uint64_t bytes;  /* that it should have */
    uint64_t found;  /* that it has */
    bool is_missing;
};
const struct remains_part *remains_part(const struct remains *m, size_t i);

/* Is there a file of the name of part i (from 0), behind the last one? */
bool remains_is_too_many(const struct remains *m, size_t i);

/* Bytes that are there, of all files, those too many included. */
uint64_t remains_found(const struct remains *m);
/* Is that one of its files? */
bool remains_is_of(const struct remains *m, const struct stat *file);

#endif
