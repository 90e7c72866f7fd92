/* Programs that keep log-ins: docker-credential-NAME get. The file that names one is the user's, the program must be the system's: it is
 * run by its full path from a fixed list of folders that only root can change, without a shell, with a small environment, for a minute at
 * most. $PATH is not looked at.
 *
 *     struct helper_options o = helper_defaults();
 *     if (!helper_get(&o, "ecr-login", "123.dkr.ecr.eu-west-1.amazonaws.com", &found, e)) ...                                     */
#ifndef REGISTRY_CREDENTIAL_HELPER_H
#define REGISTRY_CREDENTIAL_HELPER_H

#include <sys/types.h>

#include "registry/credential.h"

struct helper_options {
    const char *const *folders; /* null-terminated */
    uid_t owner;                /* beside root, who may own programs and folders: root, but in tests */
    unsigned timeout_ms;
    unsigned keep_ms; /* an answer that a registry refuses is asked for again when it is older */
};
struct helper_options helper_defaults(void);

/* Asks for the log-in of a registry (as in references). kind is CREDENTIAL_NONE when the program knows none. ERR_CONFIG
 * "docker-credential-x: ..." for a name that is none, a program that is missing, that others may change, that fails, takes too long or
 * answers rubbish; ERR_INTERRUPTED. */
MUST_CHECK bool helper_get(const struct helper_options *o, const char *name, const char *registry, struct credential *out, struct err *e);

/* The answer of a program: {"ServerURL": ..., "Username": ..., "Secret": ...}; the user "<token>" marks an identity token. ERR_CONFIG. */
MUST_CHECK bool helper_read(const char *text, size_t n, const char *what, struct credential *out, struct err *e);

#endif
