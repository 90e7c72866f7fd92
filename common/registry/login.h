/* Logging in to one registry: what it asked for, whose log-in it gets, its tokens by repository. Private to this folder; host.h is what others use.
 *
 *     struct login *l = login_new(&(struct login_place){ .name = "registry.example", .base = &base, .http = control, .options = &options });
 *     login_authorization(l, "app")                            what to send now
 *     login_challenged(l, "app", &sent, &response, e)          after a 401
 *     login_refused(l, "app", e)                               the registry said no to all that we have                                      */
#ifndef REGISTRY_LOGIN_H
#define REGISTRY_LOGIN_H

#include "net/url.h"
#include "registry/challenge.h"
#include "registry/registry.h"

struct registry_host;
struct login_place {
    const struct registry_host *host;
    const char *name;       /* as in references */
    const struct url *base; /* of its API */
    struct http *http;      /* for token servers: free also in the middle of downloads */
    const struct registry_options *options;
};
struct login;
struct login *login_new(const struct login_place *p); /* copies the struct, borrows what it points to */
void login_free(struct login *l);
AUTO_FREE(struct login, login_free)

struct secret login_authorization(struct login *l, const char *repository);
MUST_CHECK bool login_challenged(struct login *l, const char *repository, const struct secret *sent, const struct http_response *rs, struct err *e);
bool login_refused(struct login *l, const char *repository, struct err *e);
bool login_denied(struct login *l, const char *repository, struct err *e);
bool login_limited(struct login *l, const char *repository, struct err *e);

/* As registry_login in registry.h. */
MUST_CHECK bool login_check(struct login *l, const char *repository, struct registry_login *out, struct err *e);

/* For login_check.c. */
struct credential login_who(struct login *l, const char *repository, struct err *trouble); /* trouble: a program did not answer */
bool login_refused_with(const struct login *l, const char *repository, const struct credential *c, struct err *e);
/* What a 401 asks for, from now on known; null with ERR_AUTH when that is nothing that we can give or may send. */
MUST_CHECK const struct challenge *login_read_challenges(struct login *l, const char *repository, const struct http_response *rs,
                                                         struct challenge_list *asked, struct err *e);
MUST_CHECK bool login_ask_token(struct login *l, const char *repository, const struct challenge *asked, const struct credential *c, struct secret *token,
                                uint64_t *lifetime_s, struct err *e);
const struct login_place *login_place_of(const struct login *l);

#endif
