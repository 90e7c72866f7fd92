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

/* One look: is every service there, ready, and running the files and the image of this release (started.h)? Health URLs are not asked. */
MUST_CHECK bool health_look(const struct health_spec *h, bool *all_ready, struct err *e);

/* Appends the last lines of every service that is not ready. */
void health_tell(const struct health_spec *h, struct buf *story);

/* --- the rules, without an engine */

/* The container of a service; of several the one that is worst off. Null: there is none. */
const struct container *health_find(const struct container_list *l, const char *service);

enum health_verdict { HEALTH_READY, HEALTH_WAIT, HEALTH_LOST };
/* How these containers stand; *service: the one to speak of. */
enum health_verdict health_judge(const struct health_spec *h, const struct container_list *list, const char **service);

#endif
