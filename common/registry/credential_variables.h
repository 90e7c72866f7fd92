/* Log-ins from the environment, a pair for each registry:
 *
 *     ARCHON_REGISTRY_<HOST>_USER=builder
 *     ARCHON_REGISTRY_<HOST>_PASSWORD=...          or  ARCHON_REGISTRY_<HOST>_PASSWORD_FILE=/run/secrets/registry
 *
 * HOST in capitals, "." and ":" as "_", "-" as "__": registry.example:5000 is REGISTRY_EXAMPLE_5000, my-hub.example is MY__HUB_EXAMPLE. No two
 * registries share a name, so that no log-in goes to another host than it is for. They are taken out of the environment when they are read. */
#ifndef REGISTRY_CREDENTIAL_VARIABLES_H
#define REGISTRY_CREDENTIAL_VARIABLES_H

#include "registry/credential.h"

struct credential_variables;

/* Reads and removes them all. ERR_CONFIG for a half pair, both kinds of password, a name with another ending, a file that others may read. */
MUST_CHECK struct credential_variables *credential_variables_take(struct err *e);
void credential_variables_free(struct credential_variables *v);
AUTO_FREE(struct credential_variables, credential_variables_free)

/* The log-in for a registry (as in references), borrowed, or null. */
const struct credential *credential_variables_find(const struct credential_variables *v, const char *host);

/* "ARCHON_REGISTRY_REGISTRY_EXAMPLE_5000", or null for a host that has no such name (an IPv6 address). Owned by the caller. */
char *credential_variable_name(const char *host);

#endif
