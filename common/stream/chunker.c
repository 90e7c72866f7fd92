/* Where a layer is cut (FORMAT.md 3.3). The hash of a piece starts 64 bytes before the first place where a cut may be:
 * after 64 doublings earlier bytes would have been shifted out of the 64 bits anyway, so they are never looked at. */
#include "base/limits.h"
#include "stream/chunker.h"
#include "stream/gear.h"

#include "base/banned.h"

enum { GEAR_WINDOW = 64 };

bool chunker_average_is_valid(uint64_t average)
{
    return average >= 4 * KIB && average <= 64 * KIB && (average & (average - 1)) == 0;
}

void chunker_init(struct chunker *c, uint32_t average)
{
    BUG_IF(!chunker_average_is_valid(average));
    c->average = average;
    c->mask_shift = 64 - (uint32_t)__builtin_ctz(average);
    c->gear = chunker_gear();
}

uint32_t chunker_max(const struct chunker *c)
{
    return 8 * c->average;
}

const uint64_t *chunker_gear(void)
{
    return gear_table;
}

size_t chunker_cut(const struct chunker *c, const uint8_t *bytes, size_t len, bool is_end)
{
    const uint64_t *gear = c->gear;
    uint32_t shift = c->mask_shift;
    size_t first = c->average / 4;
    size_t end = len < chunker_max(c) ? len : chunker_max(c);
    if (len <= first)
        return is_end ? len : 0;
    uint64_t h = 0;
    for (size_t p = first - GEAR_WINDOW; p < first; p++)
        h = (h << 1) + gear[bytes[p]];
    for (size_t p = first; p < end; p++) {
        if (h >> shift == 0)
            return p;
        h = (h << 1) + gear[bytes[p]];
    }
    return is_end || end == chunker_max(c) ? end : 0;
}
