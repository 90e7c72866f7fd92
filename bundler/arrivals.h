/* Blobs on their way: one thread fetches them into the cache while others already pack the layers that are there. One thread tells, any thread waits.
 *
 *     AUTO(arrivals_free_auto) struct arrivals *a = arrivals_new();
 *     form->arrival = arrivals_expect(a, &digest);      for each blob, before the threads start; the same digest is the same arrival
 *     arrivals_tell(a, &digest, is_proven) ...;  arrivals_end(a);       by the thread that fetches
 *     if (!arrival_wait(form->arrival, &is_proven)) ...                 by the one that needs it
 *
 * Who can use the first bytes before the last ones are there, and can take all of it back, follows:
 *
 *     arrivals_grow(a, &digest, fd, n) ...                              by the thread that fetches
 *     switch (arrival_follow(form->arrival, at, &fd, &n)) ...           by the one that needs it: bytes of fd from at up to n are there */
#ifndef BUNDLER_ARRIVALS_H
#define BUNDLER_ARRIVALS_H

#include "format/digest.h"

struct arrivals;
struct arrival;
struct arrivals *arrivals_new(void);
void arrivals_free(struct arrivals *a);
AUTO_FREE(struct arrivals, arrivals_free)

/* Borrowed, valid as long as a. */
struct arrival *arrivals_expect(struct arrivals *a, const struct digest *d);
/* The blob is in the cache; is_proven: its bytes were hashed on the way there, by this process. One that nobody expects is fine. */
void arrivals_tell(struct arrivals *a, const struct digest *d, bool is_proven);
/* Nothing more will come: whoever waits for something else is told so. */
void arrivals_end(struct arrivals *a);
bool arrivals_are_over(struct arrivals *a);
void arrivals_wait_end(struct arrivals *a);

/* Waits. False: it will not come. */
MUST_CHECK bool arrival_wait(struct arrival *a, bool *is_proven);

/* The first n bytes of the blob are in fd, which is borrowed and copied. Fewer than the last time: they were wrong, and come again. */
void arrivals_grow(struct arrivals *a, const struct digest *d, int fd, uint64_t n);

enum arrival_news {
    ARRIVAL_BYTES,  /* *n > at of them are in *fd */
    ARRIVAL_CAME,   /* all are there and the blob is in the cache; *fd, unless it is -1, has it, too */
    ARRIVAL_AGAIN,  /* what was in *fd before was wrong */
    ARRIVAL_NEVER,  /* it will not come */
};
/* Waits for more than at bytes. *fd is the caller's from the first bytes on, -1 before: whoever has not begun when bytes turned out to be wrong waits for all of them. Bytes
 * are the blob's for certain only when ARRIVAL_CAME has been told. */
enum arrival_news arrival_follow(struct arrival *a, uint64_t at, int *fd, uint64_t *n);

#endif
