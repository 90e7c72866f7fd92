/* Bearer tokens: a registry names a token server (the realm), which gives a token for one repository, anonymously or for
 * a login. Credentials and tokens go nowhere but to the registry, and to a token server on the registry's own host, on
 * the host that is known to belong to it, or on one that the operator named; over https, or on this host itself. */
#ifndef REGISTRY_TOKEN_H
#define REGISTRY_TOKEN_H

#include "base/secret.h"
#include "net/http.h"
#include "net/url.h"
#include "registry/challenge.h"
#include "registry/credential.h"

struct token_request {
    const struct challenge *challenge;
    const struct url *base;               /* of the registry's API */
    const char *repository;               /* null: no repository, only to see whether the login is taken */
    const struct credential *credential;  /* or null */
    const struct http_identity *identity; /* certificates for the token server, when it is the registry's own origin; or null */
    const char *const *more_hosts;        /* token servers that the operator named */
    size_t n_more_hosts;
};

/* Where the token is asked for. ERR_AUTH for a realm that is no URL, not https, or on a host that is not the registry's. */
MUST_CHECK bool token_server(struct url *out, const struct token_request *q, struct err *e);

/* Asks with GET, or with an OAuth2 form where the login or the server wants that; no redirects. ERR_AUTH when it is refused; ERR_NET when
 * trying again may help. */
MUST_CHECK bool token_fetch(struct http *h, const struct token_request *q, struct secret *token, uint64_t *lifetime_s, struct err *e);

/* The server's answer: token or access_token, expires_in (at least and by default 60) from issued_at or now (unix seconds). ERR_AUTH. */
MUST_CHECK bool token_read(const char *text, size_t n, int64_t now, struct secret *token, uint64_t *lifetime_s, struct err *e);

/* The scope to ask for in place of one that the registry proposed: of a repository never more than to pull. Owned by the caller. */
char *token_scope(const char *proposed, size_t n);

#endif
