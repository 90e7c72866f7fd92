/* One place where images are served: its address, its way to log in, its tokens. A reference's host is one; whatever else serves the same images
 * (a mirror) is another, with its own name, login and certificates. Private to this folder. */
#ifndef REGISTRY_HOST_H
#define REGISTRY_HOST_H

#include "net/url.h"
#include "registry/registry.h"

struct registry_host;

/* Finds or makes; a loopback host is asked whether it speaks HTTPS. Owned by r. */
MUST_CHECK struct registry_host *registry_host(struct registry *r, const char *name, struct err *e);
const struct url *registry_host_base(const struct registry_host *h);
const char *registry_host_name(const struct registry_host *h);
struct throttle *registry_host_throttle(struct registry_host *h); /* throttle.h */
const struct registry_options *registry_options_of(const struct registry *r);
const struct registry_options *registry_host_options(const struct registry_host *h);

/* The certificates for a request to url: null when that is not this host's own origin, where nobody is told who we are. Borrows. */
const struct http_identity *registry_host_identity(const struct registry_host *h, const struct url *url);

/* What to send now for a repository; empty when nothing is known to be wanted. Owned by the caller. */
struct secret registry_authorization(struct registry_host *h, const char *repository);

/* A 401 came to a request with `sent` (what registry_authorization gave for it): learns what is asked for and gets a token where one is, unless
 * another transfer has renewed it since. sent may be empty. ERR_AUTH, ERR_CONFIG, or ERR_NET when trying again may help. */
MUST_CHECK bool registry_challenged(struct registry_host *h, const char *repository, const struct secret *sent, const struct http_response *rs,
                                    struct err *e);

/* The error for a registry that said no to all that we have. Returns false. */
bool registry_refused(struct registry_host *h, const char *repository, struct err *e);

/* Call for every answer of the registry itself: warns, once, when it says that few pulls are left (ratelimit-remaining). */
void registry_answered(struct registry_host *h, const struct http_response *rs);

/* For e of a 403: adds as whom it was asked, and from where that login is. Returns false. */
bool registry_denied(struct registry_host *h, const char *repository, struct err *e);

/* For e of a 429: hints at a log-in, or says whose limit is used up. Returns false. */
bool registry_limited(struct registry_host *h, const char *repository, struct err *e);

#endif
