/* Certificates of one registry: those that the command line names, and what lies in the folders that Docker and Podman use:
 *
 *     CERTS/HOST[:PORT]/NAME.crt     an authority to believe there
 *     CERTS/HOST[:PORT]/NAME.cert    a certificate that the registry may ask us for, with its key in NAME.key                           */
#ifndef REGISTRY_CERTIFICATES_H
#define REGISTRY_CERTIFICATES_H

#include "net/identity.h"
#include "registry/registry.h"

/* For the registry's own origin only; null, with *out, when there is nothing particular. A key that we may not read leaves a warning.
 * ERR_CONFIG. */
MUST_CHECK bool certificates_open(const struct http *h, const struct registry_options *o, const char *host, struct http_identity **out,
                                  struct err *e);

#endif
