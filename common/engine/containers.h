/* Containers of a compose project, found by their labels, never by their names. */
#ifndef ENGINE_CONTAINERS_H
#define ENGINE_CONTAINERS_H

#include "engine/engine.h"
#include "format/digest.h"

enum container_health { CONTAINER_NO_CHECK, CONTAINER_STARTING, CONTAINER_HEALTHY, CONTAINER_UNHEALTHY };

struct container {
    char id[65];
    char service[128];
    char state[16]; /* created, running, paused, restarting, removing, exited, dead */
    enum container_health health;
    int exit_code;
    unsigned restarts;
    bool restarts_always; /* restart policy always or unless-stopped: an exit is never the end */
    struct digest image;  /* its id in the engine */
    char config_files[4096]; /* the label of compose: which files it was started with */
    char address[64];     /* IP address in the first network; empty when there is none */
};

struct container_list {
    size_t n;
    struct container *items; /* sorted by service */
};
/* One-off containers (compose run) are left out. */
MUST_CHECK bool container_list(struct engine *g, const char *project, struct container_list *out, struct err *e);
void container_list_clear(struct container_list *l);
void container_list_clear_auto(struct container_list *l);

/* Running and healthy (or without a check), or ended well when it was meant to end. */
bool container_is_ready(const struct container *c);
/* Will it never become ready by waiting? (exited with an error and no restart, dead, unhealthy; for a container that is ready or whose check is still
 * starting: no) */
bool container_is_lost(const struct container *c);
/* "running (healthy)", "exited (1)" */
const char *container_shown(char out[64], const struct container *c);

/* Last lines of its output, stdout and stderr together, raw text. */
MUST_CHECK bool container_logs(struct engine *g, const char *id, unsigned lines, struct buf *out, struct err *e);

/* Documents of the engine, ERR_ENGINE when they make no sense. For the files of this folder, and to be tried with hostile bytes. */
MUST_CHECK bool container_read_list(struct container_list *out, const char *text, size_t n, struct err *e); /* ids only */
MUST_CHECK bool container_read(struct container *c, const char *text, size_t n, struct err *e);             /* everything but the id */
/* Without a terminal the engine multiplexes: 1 byte stream, 3 zero bytes, u32 big-endian length, then the bytes. */
void container_read_logs(struct buf *out, const char *raw, size_t n);

#endif
