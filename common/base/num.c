/* Numbers in text: digits only, bounded, no locale, no sign, no silent cut. */
#include "base/num.h"

#include <string.h>

#include "base/banned.h"

bool num_parse(uint64_t *out, const char *text, size_t n, uint64_t max)
{
    uint64_t v = 0;
    if (n == 0 || (n > 1 && text[0] == '0'))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        if (!num_mul(&v, v, 10u) || !num_add(&v, v, (uint64_t)(text[i] - '0')))
            return false;
    }
    *out = v;
    return v <= max;
}

static bool unit_of(const char *suffix, unsigned *shift)
{
    static const struct {
        const char *name;
        unsigned shift;
    } units[] = { { "", 0 },    { "B", 0 },    { "K", 10 },   { "KiB", 10 }, { "M", 20 },
                  { "MiB", 20 }, { "G", 30 },  { "GiB", 30 }, { "T", 40 },   { "TiB", 40 } };
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (strcmp(suffix, units[i].name) == 0) {
            *shift = units[i].shift;
            return true;
        }
    return false;
}

bool num_parse_bytes(uint64_t *out, const char *text, uint64_t max)
{
    size_t digits = strspn(text, "0123456789");
    unsigned shift = 0;
    uint64_t v = 0;
    if (!num_parse(&v, text, digits, UINT64_MAX) || !unit_of(text + digits, &shift))
        return false;
    if (!num_mul(&v, v, (uint64_t)1 << shift))
        return false;
    *out = v;
    return v <= max;
}
