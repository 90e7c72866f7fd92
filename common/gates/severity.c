/* One table of words; everything else walks it. */
#include "gates/severity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"

#include "base/banned.h"

static const struct {
    const char *name;
    const char *key;
    unsigned least_tenths; /* of a CVSS score */
} table[SEVERITIES] = {
    [SEVERITY_UNKNOWN] = { "UNKNOWN", "unknown", 0 },
    [SEVERITY_NEGLIGIBLE] = { "NEGLIGIBLE", "negligible", UINT32_MAX },
    [SEVERITY_LOW] = { "LOW", "low", 1 },
    [SEVERITY_MEDIUM] = { "MEDIUM", "medium", 40 },
    [SEVERITY_HIGH] = { "HIGH", "high", 70 },
    [SEVERITY_CRITICAL] = { "CRITICAL", "critical", 90 },
};

const char *severity_name(enum severity s)
{
    return table[s].name;
}

const char *severity_key(enum severity s)
{
    return table[s].key;
}

bool severity_parse(enum severity *out, const char *text)
{
    *out = SEVERITY_UNKNOWN;
    for (unsigned s = 0; s < SEVERITIES; s++)
        if (strcasecmp(table[s].name, text) == 0) {
            *out = (enum severity)s;
            return true;
        }
    return false;
}

enum severity severity_of_score(unsigned tenths)
{
    unsigned s = SEVERITY_CRITICAL;
    while (tenths < table[s].least_tenths)
        s--;
    return (enum severity)s;
}

uint64_t severity_at_least(const struct severity_counts *c, enum severity s)
{
    uint64_t sum = 0;
    for (unsigned i = s; i < SEVERITIES; i++)
        sum += c->n[i];
    return sum;
}

uint64_t severity_sum(const struct severity_counts *c)
{
    return severity_at_least(c, SEVERITY_UNKNOWN);
}

const char *severity_format(struct severity_text *out, const struct severity_counts *c)
{
    size_t at = 0;
    snprintf(out->text, sizeof out->text, "no findings");
    for (unsigned s = SEVERITIES; s-- > 0;) {
        if (c->n[s] == 0)
            continue;
        int n = snprintf(out->text + at, sizeof out->text - at, "%s%" PRIu64 " %s", at > 0 ? ", " : "", c->n[s], table[s].name);
        BUG_IF(n < 0 || (size_t)n >= sizeof out->text - at);
        at += (size_t)n;
    }
    return out->text;
}
