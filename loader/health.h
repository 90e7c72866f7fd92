/* How do we know that it works? Containers of the project are watched through the engine until each is ready, then the health URLs of services are asked. */
#ifndef LOADER_HEALTH_H
#define LOADER_HEALTH_H

#include "base/progress.h"
#include "engine/containers.h"
#include "loader/deployment.h"

struct health_spec {
    struct engine *engine;
    const struct deployment *deployment;
    const char *only_service; /* null: all that start by default */
    unsigned timeout_s;       /* 0: the longest timeout a service names, at least 120 */
};

/* Waits. ERR_UNHEALTHY "service x: exited (1)" with its last log lines in `story` (printable text, several lines). */
MUST_CHECK bool health_wait(const struct health_spec *h, struct buf *story, struct err *e);

/* One look: is every service there, ready, and running the image of this release? Health URLs are not asked. */
MUST_CHECK bool health_look(const struct health_spec *h, bool *all_ready, struct err *e);

/* Appends the last lines of every service that is not ready. */
void health_tell(const struct health_spec *h, struct buf *story);

/* Does the image of a running container belong to the release? expected: id in this engine. */
MUST_CHECK bool health_service_image(struct engine *g, const struct release *r, const struct release_service *s, struct digest *id, struct err *e);

#endif
