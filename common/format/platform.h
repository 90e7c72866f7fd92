/* os/architecture[/variant], normalised as containerd does (arm64 = arm64/v8, arm = arm/v7, x86_64 = amd64, aarch64 = arm64). */
#ifndef FORMAT_PLATFORM_H
#define FORMAT_PLATFORM_H

#include "base/err.h"

struct platform {
    char os[32];
    char architecture[32];
    char variant[32]; /* normalised: empty for amd64 and arm64/v8 */
};

/* OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT, normalised. Fails with ERR_USAGE. */
MUST_CHECK bool platform_parse(struct platform *out, const char *text, struct err *e);

/* Lower case, one name per machine, the variant that everybody means left out (arm keeps it: arm is arm/v7). amd64/v2 and
 * above stay: they do not run everywhere. */
void platform_normalise(struct platform *p);

/* Of two that are normalised. */
bool platform_equal(const struct platform *a, const struct platform *b);

/* Does what is built for `has` run where `wanted` is asked for? 0: no; else the higher the closer, PLATFORM_SAME when they are equal. A lower variant runs on a
 * higher one (arm/v6 on arm/v7, amd64 on amd64/v3), as containerd has it. Of two that are normalised. */
enum { PLATFORM_SAME = 1000000 };
unsigned platform_suits(const struct platform *has, const struct platform *wanted);

struct platform_text {
    char text[100];
};
/* "linux/arm/v7" */
const char *platform_format(struct platform_text *out, const struct platform *p);

/* Of this machine (uname), on amd64 with the level that its processor has. */
void platform_host(struct platform *out);
/* A platform that somebody told of this machine, without a variant: with the one that it has. */
void platform_refine(struct platform *p);

#endif
