/* Semantic versions 2.0.0 and ranges like ">=1.2", ">=1.2 <2", "1.4.0". Order per semver.org section 11; build metadata is
 * ignored in it and kept in the text. */
#ifndef FORMAT_VERSION_H
#define FORMAT_VERSION_H

#include "base/limits.h"
#include "base/err.h"

struct version {
    uint64_t major, minor, patch;
    char pre[LIMIT_VERSION_BYTES]; /* "rc.1", empty for a release */
    char text[LIMIT_VERSION_BYTES];
};

/* Strict: three numbers, each below 2^53. what names the place. ERR_CONFIG "<what>: "1.2" is not a semantic version". */
MUST_CHECK bool version_parse(struct version *out, const char *text, const char *what, struct err *e);

/* Loose: "20.10", "v2.26.1+ds1", "18.09.1-ce": missing numbers are 0, suffixes are ignored; for engines, compose, servers. */
MUST_CHECK bool version_parse_loose(struct version *out, const char *text, const char *what, struct err *e);

/* -1, 0 or 1. */
int version_compare(const struct version *a, const struct version *b);

/* Does v satisfy every comparator of a space-separated list? Operators >= > <= < = or none (exact). After an inequality one
 * or two numbers will do (">=1.2" is >=1.2.0); "1.2" alone is refused, because it could mean 1.2.0 or any 1.2. A pre-release
 * has its place in the order and nothing else: 2.0.0-rc.1 is below 2. Fails with ERR_CONFIG (and *yes is false). */
MUST_CHECK bool version_in_range(const struct version *v, const char *range, bool *yes, struct err *e);

#endif
