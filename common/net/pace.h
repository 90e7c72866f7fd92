/* How fast bytes may come, over all requests of a client; and how slow a server may be. Private to this folder.
 *
 * A transfer that is ahead of the limit is paused: what it has on the way waits in the socket, and so at the server. */
#ifndef NET_PACE_H
#define NET_PACE_H

#include "base/auto.h"

struct pace {
    uint64_t bytes_per_s; /* 0: no limit */
    int64_t allowance;    /* bytes that may come now; below zero: they came already */
    uint64_t filled_ms;
};
void pace_fill(struct pace *p, uint64_t now_ms);
/* May bytes be taken now? n of them are then counted. */
bool pace_take(struct pace *p, size_t n);
/* Until pace_take says yes again. */
unsigned pace_wait_ms(const struct pace *p);

/* How much came since when: of one request. */
struct pace_window {
    uint64_t since_ms;
    uint64_t bytes;
};
/* False: less than least_per_s on average, for window_ms. A window that is over begins anew. */
bool pace_is_enough(struct pace_window *w, uint64_t now_ms, uint64_t window_ms, uint64_t least_per_s);

#endif
