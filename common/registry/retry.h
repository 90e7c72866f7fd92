/* When to try again: what may pass by itself, and how long to wait. */
#ifndef REGISTRY_RETRY_H
#define REGISTRY_RETRY_H

#include "base/auto.h"

enum {
    RETRY_TRIES = 5,              /* further attempts after the first */
    RETRY_FIRST_WAIT_MS = 2000,   /* then doubled */
    RETRY_MAX_WAIT_MS = 60 * 1000, /* also for what a server asks: longer than that nobody waits */
};

/* 408, 429 and 5xx that tell of a passing state. */
bool retry_is_sensible(unsigned status);

/* Wait before the n-th further attempt (n from 1): what the server asked for (Retry-After: seconds or a date; null, 0 or rubbish: nothing), else
 * first_wait_ms doubled n-1 times; never over RETRY_MAX_WAIT_MS. now: unix seconds. chance spreads those who were refused together: what was asked for
 * becomes up to an eighth longer, our own wait up to half shorter. */
unsigned retry_wait_ms(const char *retry_after, unsigned n, unsigned first_wait_ms, int64_t now, uint32_t chance);

/* Any number: for chance. */
uint32_t retry_chance(void);

#endif
