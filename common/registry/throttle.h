/* How hard one registry may be asked. After "too many requests" nobody asks before the time it named, and then with half as many requests at once; good
 * answers let that grow again. Private to this folder. One thread. */
#ifndef REGISTRY_THROTTLE_H
#define REGISTRY_THROTTLE_H

#include "base/auto.h"

enum {
    THROTTLE_MOST = 64,       /* requests at once, where nothing was refused: above what anybody asks for */
    THROTTLE_GROW_AFTER = 4,  /* good answers for one request more at once */
    THROTTLE_LOOK_MS = 50,    /* while others are at it */
};

struct throttle {
    unsigned n_less;          /* how many fewer than THROTTLE_MOST are allowed: a zeroed struct is a free one */
    unsigned n_active, n_good;
    uint64_t not_before_ms;   /* clock_monotonic_ms */
};

/* May a request be sent now? Else when to ask again. What was entered is left once. */
MUST_CHECK bool throttle_enter(struct throttle *t, uint64_t now_ms, unsigned *wait_ms);
void throttle_leave(struct throttle *t);
/* What the answer said. Before throttle_leave. */
void throttle_good(struct throttle *t);
void throttle_refused(struct throttle *t, uint64_t now_ms, unsigned wait_ms);
unsigned throttle_allowed(const struct throttle *t);

#endif
