/* What an answer says about the bytes that it brings: which ones of how many, and of which version of the thing. Private to this folder. */
#ifndef REGISTRY_CONTENT_RANGE_H
#define REGISTRY_CONTENT_RANGE_H

#include "net/http.h"
#include "net/url.h"

struct content_range {
    uint64_t first, last; /* first <= last */
    bool has_total;
    uint64_t total;       /* > last */
};
/* "bytes 0-99/200", or with a star for the total. False for anything else, also for null. */
MUST_CHECK bool content_range_parse(struct content_range *out, const char *text);

/* A strong ETag, or else the time of the last change. Comparable only within one origin. */
struct validator {
    char origin[300];
    char text[160]; /* empty: none, or a weak or overlong one */
};
void validator_read(struct validator *out, const struct url *from, const struct http_response *head);
bool validator_differs(const struct validator *a, const struct validator *b); /* false where they cannot be compared */

#endif
