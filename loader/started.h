/* Which containers run the files of a release. Compose leaves a container alone when nothing of its service changed, so its labels may still name the
 * release before; and one whose files did change runs on until compose is called again. So what `compose up` left is written down in the
 * release's directory: the digest of the files that compose was given, and the id of each container. */
#ifndef LOADER_STARTED_H
#define LOADER_STARTED_H

#include "engine/containers.h"
#include "loader/deployment.h"

#define STARTED_FILE "started"

struct started {
    struct buf text;
};

/* Compose up, then the note. service null: all of them. Fails like deployment_up, or ERR_ENGINE. */
MUST_CHECK bool started_up(const struct deployment *d, const struct compose_tool *tool, struct engine *g, const char *service, unsigned wait_s,
                           struct err *e);

/* The note; empty when there is none or the rendered files are others than they were. */
MUST_CHECK bool started_read(struct started *out, const struct deployment *d, struct err *e);
bool started_has(const struct started *s, const struct container *c);
void started_clear(struct started *s);
void started_clear_auto(struct started *s);

/* For tests: writes the note of these containers. Containers of other services stay noted if they are still there. */
MUST_CHECK bool started_note(const struct deployment *d, const struct container_list *l, const char *service, struct err *e);

#endif
