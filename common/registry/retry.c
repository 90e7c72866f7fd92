/* Waiting times. */
#include "registry/retry.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/num.h"

#include "base/banned.h"

bool retry_is_sensible(unsigned status)
{
    return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

/* Seconds that a Retry-After asks for; false when it asks for nothing that can be understood. */
static bool read_retry_after(const char *text, int64_t now, uint64_t *seconds)
{
    size_t n = strlen(text);
    if (n > 0 && strspn(text, "0123456789") == n) {
        if (!num_parse(seconds, text, n, UINT32_MAX))
            *seconds = RETRY_MAX_WAIT_MS;
        return true;
    }
    struct tm tm = { 0 };
    const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    if (end == NULL || *end != '\0')
        return false;
    int64_t at = (int64_t)timegm(&tm);
    *seconds = at > now ? (uint64_t)(at - now) : 0;
    return true;
}

static unsigned at_most(uint64_t ms)
{
    return ms < RETRY_MAX_WAIT_MS ? (unsigned)ms : RETRY_MAX_WAIT_MS;
}

unsigned retry_wait_ms(const char *retry_after, unsigned n, unsigned first_wait_ms, int64_t now, uint32_t chance)
{
    uint64_t seconds = 0;
    if (retry_after != NULL && read_retry_after(retry_after, now, &seconds) && seconds > 0) {
        uint64_t asked = at_most(seconds * 1000);
        return at_most(asked + chance % (asked / 8 + 1));
    }
    uint64_t wait = first_wait_ms;
    for (unsigned i = 1; i < n && wait < RETRY_MAX_WAIT_MS; i++)
        wait *= 2;
    wait = at_most(wait);
    return (unsigned)(wait - chance % (wait / 2 + 1));
}

uint32_t retry_chance(void)
{
    uint32_t number = 0;
    return getrandom(&number, sizeof number, GRND_NONBLOCK) == sizeof number ? number : 0;
}
