/* URLs that come from outside (redirects, token servers) and those we make: parsed once into a value, then trusted.
 *
 *     struct url from, to;
 *     if (!url_parse(&from, text, "registry", e) || !url_join(&to, &from, location, "redirect", e))
 *         return false;
 *     if (!url_same_origin(&from, &to)) ...          // no credential crosses an origin
 */
#ifndef NET_URL_H
#define NET_URL_H

#include "base/buf.h"
#include "base/limits.h"

struct url {
    bool is_https;                  /* otherwise http: nothing else gets here */
    uint16_t port;                  /* never 0 */
    char host[256];                 /* lower case; an IPv6 address without brackets; IPv4 always dotted */
    char text[LIMIT_URL_BYTES + 1]; /* what is sent: as written, without a fragment */
};

/* An absolute http or https URL without user information. ERR_NET "<what>: "x": reason". */
MUST_CHECK bool url_parse(struct url *out, const char *text, const char *what, struct err *e);

/* Where a Location header leads from base (absolute, //host, /path or relative). An empty one is refused. ERR_NET. */
MUST_CHECK bool url_join(struct url *out, const struct url *base, const char *location, const char *what, struct err *e);

/* Same scheme, host and port. */
bool url_same_origin(const struct url *a, const struct url *b);

/* "https://host:port", the port only where it is not the usual one. For messages and for comparing. */
struct url_origin {
    char text[300];
};
const char *url_origin_of(struct url_origin *out, const struct url *u);
#define URL_ORIGIN(u) url_origin_of(&(struct url_origin){ { 0 } }, (u))

/* localhost, 127.0.0.0/8, ::1. The host as in struct url. */
bool url_host_is_loopback(const char *host);

/* Splits "host", "host:port", "[::1]:5000" (a registry in an image reference). port is 0 when there is none. False when it is none. */
MUST_CHECK bool url_split_host(const char *text, char host[256], uint16_t *port);

/* Adds "?name=value" or "&name=value", percent-encoded. separator: '?' or '&'. */
void url_add_query(struct buf *url, char separator, const char *name, const char *value);

#endif
