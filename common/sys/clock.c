/* Wall clock and monotonic clock. */
#include "sys/clock.h"

#include <time.h>

#include "base/banned.h"

int64_t clock_unix(void)
{
    return (int64_t)time(NULL);
}

uint64_t clock_monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void clock_sleep_ms(unsigned ms)
{
    struct timespec want = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };
    nanosleep(&want, NULL);
}
