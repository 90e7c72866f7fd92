/* Secrets come from a file, an open descriptor or a question without echo; never from the command line. */
#ifndef CLI_SECRETS_H
#define CLI_SECRETS_H

#include "base/secret.h"
#include "cli/command.h"

/* Where one secret may come from: the values of --NAME-file and --NAME-fd (null: not given). */
struct cli_secret_source {
    const char *name;   /* "database-url" */
    const char *file;   /* mode 0600 */
    const char *fd;     /* number of an open descriptor */
    const char *prompt; /* asked on the terminal when neither is given; null: then the secret stays unset */
};

/* One line end at the end is not part of the secret. ERR_USAGE when both are given or nobody can be asked; ERR_CONFIG for an
 * empty, too long or readable file. */
MUST_CHECK bool cli_secret_read(const struct cli_secret_source *source, struct secret *out, struct err *e);

#endif
