/* Halve when refused, one more after some good answers: what TCP does. */
#include "registry/throttle.h"

#include "base/err.h"

#include "base/banned.h"

unsigned throttle_allowed(const struct throttle *t)
{
    return THROTTLE_MOST - t->n_less;
}

bool throttle_enter(struct throttle *t, uint64_t now_ms, unsigned *wait_ms)
{
    if (now_ms < t->not_before_ms)
        *wait_ms = (unsigned)(t->not_before_ms - now_ms);
    else if (t->n_active >= throttle_allowed(t))
        *wait_ms = THROTTLE_LOOK_MS;
    else {
        t->n_active++;
        return true;
    }
    return false;
}

void throttle_leave(struct throttle *t)
{
    BUG_IF(t->n_active == 0);
    t->n_active--;
}

void throttle_good(struct throttle *t)
{
    if (t->n_less == 0 || ++t->n_good < THROTTLE_GROW_AFTER)
        return;
    t->n_good = 0;
    t->n_less--;
}

/* Requests that were under way together are refused together: that is one refusal. */
void throttle_refused(struct throttle *t, uint64_t now_ms, unsigned wait_ms)
{
    if (now_ms >= t->not_before_ms) {
        unsigned half = t->n_active / 2;
        t->n_less = THROTTLE_MOST - (half > 0 ? half : 1);
        t->n_good = 0;
    }
    if (t->not_before_ms < now_ms + wait_ms)
        t->not_before_ms = now_ms + wait_ms;
}
