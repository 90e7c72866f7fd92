/* Who we are to one registry: a user and a password, or a token. A value; its secret is wiped by credential_clear. */
#ifndef REGISTRY_CREDENTIAL_H
#define REGISTRY_CREDENTIAL_H

#include "base/err.h"
#include "base/secret.h"

enum credential_kind {
    CREDENTIAL_NONE,
    CREDENTIAL_PASSWORD, /* user and secret */
    CREDENTIAL_IDENTITY, /* secret is an OAuth2 refresh token; user may be empty */
    CREDENTIAL_TOKEN,    /* secret is a bearer token for the registry itself */
};
struct credential {
    enum credential_kind kind;
    char user[256];
    struct secret secret;
    const char *from; /* for messages: a path, a program, a variable. Borrowed from struct credentials, null when there is nothing */
};
void credential_clear(struct credential *c);
void credential_clear_auto(struct credential *c);

/* The same again, with its own secret. */
struct credential credential_copy(const struct credential *c);

/* Takes over user and secret (copied). False, with nothing kept, for a user that is too long or that Basic cannot carry: with a colon or
 * control characters. */
MUST_CHECK bool credential_set_password(struct credential *c, const char *user, const char *password);
void credential_set_secret(struct credential *c, enum credential_kind kind, const char *text);

/* The value of an Authorization header for user and password. */
struct secret credential_basic(const struct credential *c);

/* The one name of a registry that files and references write in several ways: "https://Index.docker.io/v1/" is "docker.io". A path behind
 * the host stays. Owned by the caller. */
char *credential_registry_name(const char *key);

#endif
