/* Many things that several processes share, each with a number, and one file in which they say what they use: a lock on one byte of it for each number. Nothing is written
 * there, nothing stays when a process ends, and there is one descriptor however many things there are.
 *
 *     AUTO(holds_close_auto) struct holds *h = holds_open("/cache/lock", e);
 *     holds_share(h, number, e);             // it is in use, until it is released or h is closed; others may share it
 *     if (holds_take(h, number)) ...         // nobody else uses it: it may be removed; then holds_release                    */
#ifndef SYS_HOLDS_H
#define SYS_HOLDS_H

#include "base/err.h"

struct holds;
/* Makes the file (0600) where it is missing. On a medium that cannot be written nobody can remove anything: there every call succeeds and means nothing. */
MUST_CHECK struct holds *holds_open(const char *path, struct err *e);
void holds_close(struct holds *h);
AUTO_FREE(struct holds, holds_close)

/* Waits while another process removes it. Sharing twice is sharing once. Fails with ERR_IO, ERR_INTERRUPTED. */
MUST_CHECK bool holds_share(struct holds *h, uint64_t number, struct err *e);
/* Never waits. False: in use through another holds_open, of this process or of others; a share of h itself is no hindrance, and is lost. */
MUST_CHECK bool holds_take(struct holds *h, uint64_t number);
void holds_release(struct holds *h, uint64_t number);
void holds_release_all(struct holds *h);
/* Is it in use through another holds_open? Changes nothing. */
bool holds_is_used(const struct holds *h, uint64_t number);

#endif
