/* Semantic versions 2.0.0 and ranges like ">=1.2", ">=1.2 <2", "1.4.0". Order per semver.org section 11; build metadata ignored. CONTRACT */
#ifndef FORMAT_VERSION_H
#define FORMAT_VERSION_H

#include "base/limits.h"
#include "base/err.h"

struct version {
    uint64_t major, minor, patch;
    char pre[LIMIT_VERSION_BYTES]; /* "rc.1", empty for a release */
    char text[LIMIT_VERSION_BYTES];
};
/* Strict: three numbers. ERR_CONFIG "<what>: "1.2" is not a semantic version". */
MUST_CHECK bool version_parse(struct version *out, const char *text, const char *what, struct err *e);
/* Loose: "20.10", "v2.26.1+ds1", "1.29.2": missing numbers are 0, suffixes ignored; for engines and compose. */
MUST_CHECK bool version_parse_loose(struct version *out, const char *text, const char *what, struct err *e);
int version_compare(const struct version *a, const struct version *b);
/* Does v satisfy a space-separated list of comparators (loose numbers)? ERR_CONFIG for a malformed range. */
MUST_CHECK bool version_in_range(const struct version *v, const char *range, bool *yes, struct err *e);

#endif
