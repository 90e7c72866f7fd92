/* From a release and the values of a site to files that compose runs: the compose files and all other files of the application as they were
 * packed, an env file, and compose.archon.yaml with the site's CA and certificate. Nothing is started.
 *
 *     DIR/app/...                 files of the release (0644/0755), relative paths inside compose files stay true
 *     DIR/compose.archon.yaml     our override, the last -f
 *     DIR/values.env              0600
 */
#ifndef DEPLOY_RENDER_H
#define DEPLOY_RENDER_H

#include "app/release.h"
#include "app/variables.h"

#define RENDER_OVERRIDE "compose.archon.yaml"
#define RENDER_ENV_FILE "values.env"
#define RENDER_LABEL "io.archon.application" /* on every container; its value is the name of the release */
#define RENDER_CA_DEFAULT "/run/archon/ca.pem" /* in the containers, when a service names no place */

/* Writes the bytes of a member of the bundle to fd; the digest was or is checked by whoever reads the bundle. */
typedef bool (*render_member_fn)(void *ctx, const char *member, int fd, struct err *e);

struct render_input {
    const struct release *release;
    const struct values *values;
    const struct version *compose; /* of the compose that will run the files */
    const char *ca_pem;            /* absolute path of the site's CA file; null: no CA */
    const char *tls_certificate;   /* absolute path; null: the site gave none */
    const char *tls_key;
    render_member_fn member;
    void *member_ctx;
};
/* dir is made (0700 unless it exists) and filled; files that are there are replaced. A service that shows a certificate
 * and is asked for its health over https, while the site gave none: ERR_CONFIG with the options to use. Without such a
 * health address a service with tls: gets no mount and may run without TLS. */
MUST_CHECK bool render_compose(const char *dir, const struct render_input *in, struct err *e);

/* Parts of it, for plan and tests. */
MUST_CHECK bool render_override(struct buf *out, const struct render_input *in, struct err *e);

/* What compose_tool_* needs to run a rendered directory. */
struct render_paths {
    struct texts files; /* absolute, the override last */
    char *env_file;
    char *dir; /* project directory: the folder of the first compose file */
};
void render_paths(struct render_paths *out, const char *dir, const struct release *r);
void render_paths_clear(struct render_paths *p);

#endif
