/* A bucket that fills with time. It holds a tenth of a second, so that a pause is not followed by a flood. */
#include "net/pace.h"

#include "base/banned.h"

enum { HELD_MS = 100 };

void pace_fill(struct pace *p, uint64_t now_ms)
{
    if (p->bytes_per_s == 0)
        return;
    uint64_t ms = now_ms - p->filled_ms;
    if (p->filled_ms == 0 || ms > 1000)
        ms = p->filled_ms == 0 ? 0 : 1000;
    int64_t more = (int64_t)(p->bytes_per_s * ms / 1000), most = (int64_t)(p->bytes_per_s * HELD_MS / 1000) + 1;
    if (more == 0 && p->filled_ms != 0)
        return; /* too soon for a byte: the time is not lost */
    p->filled_ms = now_ms;
    p->allowance = p->allowance + more < most ? p->allowance + more : most;
}

bool pace_take(struct pace *p, size_t n)
{
    if (p->bytes_per_s == 0)
        return true;
    if (p->allowance < 0)
        return false;
    p->allowance -= (int64_t)n;
    return true;
}

unsigned pace_wait_ms(const struct pace *p)
{
    if (p->bytes_per_s == 0 || p->allowance >= 0)
        return 0;
    uint64_t ms = (uint64_t)-p->allowance * 1000 / p->bytes_per_s + 1;
    return ms < 60000 ? (unsigned)ms : 60000;
}

bool pace_is_enough(struct pace_window *w, uint64_t now_ms, uint64_t window_ms, uint64_t least_per_s)
{
    if (now_ms - w->since_ms < window_ms)
        return true;
    bool is_enough = w->bytes >= least_per_s * (window_ms / 1000);
    *w = (struct pace_window){ .since_ms = now_ms };
    return is_enough;
}
