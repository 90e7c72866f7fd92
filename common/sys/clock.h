/* Time. One wall-clock time is taken at program start for policy; durations come from the monotonic clock. CONTRACT */
#ifndef SYS_CLOCK_H
#define SYS_CLOCK_H

#include "base/auto.h"

int64_t clock_unix(void);        /* seconds since 1970 */
uint64_t clock_monotonic_ms(void);
void clock_sleep_ms(unsigned ms); /* returns early on a signal */

#endif
