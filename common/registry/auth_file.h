/* A credentials file of Docker (config.json) or Podman (auth.json): secrets in it, and names of programs that keep them.
 *
 *     AUTO(auth_file_free_auto) struct auth_file *f = auth_file_open(path, e);
 *     struct auth_found found = auth_file_find(f, "docker.io", "library/nginx");                                               */
#ifndef REGISTRY_AUTH_FILE_H
#define REGISTRY_AUTH_FILE_H

#include "registry/credential.h"

struct auth_file;

/* Refuses a file with secrets that others may read, and any file that others may write. ERR_CONFIG. */
MUST_CHECK struct auth_file *auth_file_open(const char *path, struct err *e);
MUST_CHECK struct auth_file *auth_file_read(const char *text, size_t n, const char *what, struct err *e);
void auth_file_free(struct auth_file *f);
AUTO_FREE(struct auth_file, auth_file_free)

/* What the file says for a registry (as in references: "docker.io", "h:5000") and a repository: the longest key that is a prefix. A program
 * of credHelpers wins over a secret under the same key; credsStore is asked for registries without either. */
struct auth_found {
    const struct credential *credential; /* borrowed; null when there is none */
    const char *helper;                  /* NAME of docker-credential-NAME, borrowed; null when there is none */
};
struct auth_found auth_file_find(const struct auth_file *f, const char *host, const char *repository);

/* The path or name that it was read from. Borrowed. */
const char *auth_file_name(const struct auth_file *f);

#endif
