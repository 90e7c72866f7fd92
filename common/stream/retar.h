/* Entries of tar archives carried into another one under names of the caller's choice: owner, mode, time, extended attributes, link text
 * and content stay. Nothing touches a file system.
 *
 *     AUTO(retar_close_auto) struct retar *r = retar_open(sink);
 *     while (untar_next(u, &entry, e)) ... retar_copy(r, u, "etc/passwd", e) ... retar_link(r, u, "etc/passwd-", "etc/passwd", e)
 *     retar_finish(r, e)                                                                                                            */
#ifndef STREAM_RETAR_H
#define STREAM_RETAR_H

#include "stream/untar.h"

struct retar;
/* Borrows to, which is not finished. */
struct retar *retar_open(struct sink *to);
void retar_close(struct retar *r);
AUTO_FREE(struct retar, retar_close)

/* The entry that untar_next gave last, with its content. Fails with what the entry's source says, ERR_REGISTRY for content that cannot be
 * read, or what the sink says. */
MUST_CHECK bool retar_copy(struct retar *r, struct untar *u, const char *path, struct err *e);
/* One more name for what was copied as target. The entry that untar_next gave last is its model. */
MUST_CHECK bool retar_link(struct retar *r, struct untar *u, const char *path, const char *target, struct err *e);
/* The end of the archive. */
MUST_CHECK bool retar_finish(struct retar *r, struct err *e);
/* Bytes so far. */
uint64_t retar_bytes(const struct retar *r);

#endif
