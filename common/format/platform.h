/* os/architecture[/variant], normalised as containerd does (arm64 = arm64/v8, arm = arm/v7, x86_64 = amd64, aarch64 = arm64). CONTRACT */
#ifndef FORMAT_PLATFORM_H
#define FORMAT_PLATFORM_H

#include "base/err.h"

struct platform {
    char os[32];
    char architecture[32];
    char variant[32]; /* normalised: empty for amd64 and arm64/v8 */
};
MUST_CHECK bool platform_parse(struct platform *out, const char *text, struct err *e); /* ERR_USAGE */
void platform_normalise(struct platform *p);
bool platform_equal(const struct platform *a, const struct platform *b);
struct platform_text {
    char text[100];
};
const char *platform_format(struct platform_text *out, const struct platform *p);
void platform_host(struct platform *out); /* of this machine (uname) */

#endif
