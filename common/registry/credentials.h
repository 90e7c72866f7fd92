/* Who we are to each registry, from wherever that is kept. In this order, the first that has something for a registry:
 *
 *     1. the file that the command line names (authfile)
 *     2. variables for that registry (credential_variables.h)
 *     3. the file that $REGISTRY_AUTH_FILE names; without it
 *        $DOCKER_CONFIG/config.json or ~/.docker/config.json, then Podman's auth.json in its usual places
 *
 * A file holds log-ins, or names programs that do (credential_helper.h); a program is asked once for each registry, and only when the
 * registry wants a log-in.
 *
 *     struct credentials_options o = { .authfile = path, .use_environment = true };
 *     AUTO(credentials_free_auto) struct credentials *c = credentials_open(&o, e);
 *     AUTO(credential_clear_auto) struct credential found = { 0 };
 *     credentials_find(c, "docker.io", "library/nginx", &found, e);                                                     */
#ifndef REGISTRY_CREDENTIALS_H
#define REGISTRY_CREDENTIALS_H

#include "registry/credential.h"

struct helper_options;
struct credentials_options {
    const char *authfile;                 /* or null */
    bool use_environment;                 /* 2 and 3 */
    const struct helper_options *helpers; /* null: helper_defaults(). Borrowed for as long as the result */
};
struct credentials;

/* Reads the files that are there; one that was named must be. Takes the variables out of the environment. ERR_CONFIG. */
MUST_CHECK struct credentials *credentials_open(const struct credentials_options *o, struct err *e);
/* Of one file's text, without anything else. */
MUST_CHECK struct credentials *credentials_read(const char *text, size_t n, const char *what, struct err *e);
void credentials_free(struct credentials *c);
AUTO_FREE(struct credentials, credentials_free)

/* The log-in for a registry (as in references: "docker.io", "h:5000") and repository. out is filled and owned by the caller; kind
 * CREDENTIAL_NONE when there is none. c may be null. ERR_CONFIG when a program had to be asked and did not answer, the same each time;
 * ERR_INTERRUPTED. */
MUST_CHECK bool credentials_find(struct credentials *c, const char *host, const char *repository, struct credential *out, struct err *e);

/* A registry refuses what a program gave: forgets it if that was a while ago, so that the program is asked again (those of cloud providers
 * give log-ins that expire). False when there is nothing to be gained. */
bool credentials_renew(struct credentials *c, const char *host, const char *repository);

/* Names of the sources that were looked through, for messages: "/root/.docker/config.json, /run/user/0/containers/auth.json". Borrowed. */
const char *credentials_sources(const struct credentials *c);

#endif
