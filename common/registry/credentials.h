/* Who we are to a registry: a Docker or Podman credentials file (config.json, auth.json). Programs named in it
 * (credsStore, credHelpers) are not run in this version; a registry that would need one is an error that says so, but
 * only once it refuses to serve us without.
 *
 *     AUTO(mem_auto) char *path = NULL;  bool must_exist;
 *     credentials_locate(authfile, &path, &must_exist);
 *     AUTO(credentials_free_auto) struct credentials *c = credentials_open(path, must_exist, e);
 *     AUTO(credential_clear_auto) struct credential found = { 0 };
 *     credentials_find(c, "docker.io", "library/nginx", &found);                                                     */
#ifndef REGISTRY_CREDENTIALS_H
#define REGISTRY_CREDENTIALS_H

#include "base/err.h"
#include "base/secret.h"

enum credential_kind {
    CREDENTIAL_NONE,
    CREDENTIAL_PASSWORD, /* user and secret */
    CREDENTIAL_IDENTITY, /* secret is an OAuth2 refresh token */
    CREDENTIAL_TOKEN,    /* secret is a bearer token for the registry itself */
    CREDENTIAL_HELPER,   /* user is the helper's name: kept by a program */
};
struct credential {
    enum credential_kind kind;
    char user[256];
    struct secret secret;
};
void credential_clear(struct credential *c);
void credential_clear_auto(struct credential *c);

/* The value of an Authorization header for user and password. */
struct secret credential_basic(const struct credential *c);

struct credentials;

/* Where the file is: authfile, else $REGISTRY_AUTH_FILE, else $DOCKER_CONFIG/config.json, else ~/.docker/config.json, else
 * $XDG_RUNTIME_DIR/containers/auth.json when that exists and the one before does not. *path (mem_free) is null when there is none; must_exist: it was named by the operator. */
void credentials_locate(const char *authfile, char **path, bool *must_exist);

/* A null or (unless must_exist) missing path gives an empty set. Refuses a file that others may read. ERR_CONFIG. */
MUST_CHECK struct credentials *credentials_open(const char *path, bool must_exist, struct err *e);
MUST_CHECK struct credentials *credentials_read(const char *text, size_t n, const char *what, struct err *e);
void credentials_free(struct credentials *c);
AUTO_FREE(struct credentials, credentials_free)

/* The entry for a registry (as in references: "docker.io", "h:5000") and repository: the longest key that is a prefix wins.
 * out is filled and owned by the caller; kind CREDENTIAL_NONE when there is none. c may be null. */
void credentials_find(const struct credentials *c, const char *host, const char *repository, struct credential *out);

#endif
