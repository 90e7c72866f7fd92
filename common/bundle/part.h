/* One file of a bundle: all of it, or a part. Private to bundle/file*.c and remains.c. */
#ifndef BUNDLE_PART_H
#define BUNDLE_PART_H

#include <time.h>

#include "base/err.h"

struct part {
    int fd; /* -1: not open */
    bool is_borrowed;
    bool was_copied;
    bool is_direct; /* reads go past the page cache */
    uint64_t bytes;
    struct timespec changed;
};

/* Size and time of an open part. */
MUST_CHECK bool part_look(struct part *p, const char *name, struct err *e);
enum part_mode {
    PART_READ,
    PART_WRITE,   /* locked, and no link */
    PART_REMAINS, /* no link: what nobody can judge is copied out of it, and a link may lead to what is not of the bundle */
};
/* A regular file. ERR_IO, ERR_LOCKED, ERR_CONFIG (a link). */
MUST_CHECK bool part_open(struct part *p, const char *path, enum part_mode mode, struct err *e);
void part_close(struct part *p);

/* n bytes at an offset. ERR_IO, ERR_INTEGRITY when it ends earlier. */
MUST_CHECK bool part_read(const struct part *p, void *to, size_t n, uint64_t at, const char *what, struct err *e);
/* Forgets what memory holds of it; direct from now on where that can be done. */
MUST_CHECK bool part_read_medium(struct part *p, const char *name, struct err *e);

/* Why its bytes could change under us, or null. */
const char *part_unsteady(const struct part *p);
/* Puts an unlinked copy in spool_dir in its place. ERR_IO, ERR_SPACE, ERR_INTERRUPTED. */
MUST_CHECK bool part_copy(struct part *p, const char *name, const char *spool_dir, struct err *e);

/* Has it another length or change time than when it was opened? Then ERR_INTEGRITY. */
MUST_CHECK bool part_unchanged(const struct part *p, const char *name, struct err *e);

#endif
