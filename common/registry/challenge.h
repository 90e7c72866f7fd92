/* WWW-Authenticate (RFC 7235): what a registry asks for after a 401. Several challenges in one header or in several, quoted
 * strings with commas, schemes in any case.
 *
 *     struct challenge_list asked = { 0 };
 *     if (!challenge_parse(&asked, header, e)) ...           // once per header line
 *     const struct challenge *c = challenge_best(&asked);    // Bearer before Basic, null when neither */
#ifndef REGISTRY_CHALLENGE_H
#define REGISTRY_CHALLENGE_H

#include "base/err.h"
#include "base/limits.h"

enum challenge_kind { CHALLENGE_OTHER, CHALLENGE_BASIC, CHALLENGE_BEARER };

struct challenge {
    enum challenge_kind kind;
    char realm[LIMIT_URL_BYTES / 4]; /* Bearer: where tokens are given */
    char service[256];
    char scope[1024]; /* space-separated, may be empty */
};

enum { CHALLENGES_MAX = 8 };
struct challenge_list {
    size_t n;
    struct challenge items[CHALLENGES_MAX];
};

/* Adds the challenges of one header. ERR_AUTH when it cannot be read, is ambiguous (a realm or service twice) or too long. */
MUST_CHECK bool challenge_parse(struct challenge_list *list, const char *header, struct err *e);

const struct challenge *challenge_best(const struct challenge_list *list);

#endif
