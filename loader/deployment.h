/* One release as it stands, or will stand, on this host: its document, the values of its variables, its rendered directory, and how compose is called on it.
 * The release that is being installed and the one that runs are both deployments: going forward and going back are the same calls. */
#ifndef LOADER_DEPLOYMENT_H
#define LOADER_DEPLOYMENT_H

#include "app/release.h"
#include "app/variables.h"
#include "loader/deploy/compose_tool.h"
#include "loader/deploy/render.h"
#include "loader/journal.h"
#include "loader/site.h"

#define DEPLOYMENT_VALUES "stored.env" /* in dir: values of variables as the release was installed with */

struct deployment {
    struct release release;
    struct digest digest; /* of the release */
    struct values values;
    char *dir;            /* rendered files */
    char *project;        /* compose project */
    struct render_paths paths;
};

/* Takes over release and values; project null: the release's own, with the environment's name when it is not the default one. */
struct deployment *deployment_new(struct release *release, const struct digest *digest, struct values *values, const struct site *site, const char *project);
void deployment_free(struct deployment *d);
AUTO_FREE(struct deployment, deployment_free)

/* The stored document of an installed release, its values, its directory. ERR_CONFIG when files are missing or changed. */
MUST_CHECK struct deployment *deployment_read(const struct site *site, const char *version, const struct digest *digest, const char *project,
                                              struct err *e);

/* The release of a first installation that did not come to its end (the journal names it). */
MUST_CHECK struct deployment *deployment_read_unfinished(const struct site *site, const struct journal_last *last, struct err *e);

/* Keeps release.json beside the rendered files: deployment_read finds it there. */
MUST_CHECK bool deployment_keep_release(const struct deployment *d, const char *text, size_t n, struct err *e);

/* The value of HOST that a kept release was installed with (mem_free), or null. */
char *deployment_kept_host(const char *dir);

/* compose up for some services (n 0: all; started_up also notes them), stop, down. Lines of compose go to the log, without secrets. Compose waits for
 * the health that services need of each other: for wait_s and the time that it takes to replace containers; 0: half an hour. */
MUST_CHECK bool deployment_up(const struct deployment *d, const struct compose_tool *tool, const char *const *services, size_t n, unsigned wait_s,
                              struct err *e);
MUST_CHECK bool deployment_stop(const struct deployment *d, const struct compose_tool *tool, const char *const *services, size_t n,
                                struct err *e);
MUST_CHECK bool deployment_down(const struct deployment *d, const struct compose_tool *tool, bool has_volumes, struct err *e);
/* Does compose accept the rendered files? */
MUST_CHECK bool deployment_check(const struct deployment *d, const struct compose_tool *tool, struct err *e);

/* Is the service started by default (it has no profile)? */
bool deployment_starts(const struct release_service *s);

#endif
