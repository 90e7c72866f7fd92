/* The compose program of the host: `docker compose` 2 and later, or `docker-compose` 1. Which one it is, is asked, not read off its name;
 * each gets the flags it knows. Its environment is made by us (PATH, DOCKER_HOST, HOME of our own): nothing of the caller's COMPOSE_* or
 * DOCKER_* reaches it. It never builds and never pulls.
 *
 *     struct compose_tool tool;
 *     if (!compose_tool_find(&tool, "/var/run/docker.sock", e)) ...
 *     compose_tool_up(&tool, &run, services, n, e)
 */
#ifndef DEPLOY_COMPOSE_TOOL_H
#define DEPLOY_COMPOSE_TOOL_H

#include "app/variables.h"
#include "base/buf.h"
#include "base/limits.h"
#include "format/version.h"

struct compose_tool {
    char program[256];      /* "docker" or "docker-compose", looked up in PROC_PATH; tests give a path */
    bool is_plugin;         /* program is called with "compose" first */
    struct version version;
    char socket[LIMIT_PATH_BYTES]; /* of the engine */
};
/* ERR_ENGINE when there is none, with the packages to install as hint. */
MUST_CHECK bool compose_tool_find(struct compose_tool *out, const char *socket, struct err *e);
/* Is this program a compose that can be used? *is_one is false when it is missing, fails, or answers with no version. ERR_USAGE for a
 * path of a socket that is too long. */
MUST_CHECK bool compose_tool_probe(struct compose_tool *out, const char *program, bool is_plugin, const char *socket, bool *is_one,
                                   struct err *e);
/* At least this version (loose, may be null)? ERR_POLICY "compose 1.29.2 found, 2.20 needed". */
MUST_CHECK bool compose_tool_require(const struct compose_tool *t, const char *minimum, struct err *e);

struct compose_run { /* what to run on; borrowed */
    const char *project;
    const char *dir;          /* project directory: where the relative paths of the files start */
    const char *const *files; /* absolute, for -f, in order */
    size_t n_files;
    const char *env_file;     /* absolute */
    const char *const *profiles;
    size_t n_profiles;
    unsigned timeout_ms;      /* of the whole command; 0: none */
    void (*on_line)(void *ctx, const char *line); /* what compose prints, printable, without secrets; may be null */
    void *on_line_ctx;
    const struct values *values; /* their secrets are never shown; may be null */
};
/* services: n 0 means all. ERR_UNHEALTHY when a service does not start, ERR_ENGINE for everything else; the last lines of
 * compose are the message. */
MUST_CHECK bool compose_tool_up(const struct compose_tool *t, const struct compose_run *r, const char *const *services, size_t n,
                                struct err *e);
MUST_CHECK bool compose_tool_start(const struct compose_tool *t, const struct compose_run *r, const char *const *services, size_t n,
                                   struct err *e);
MUST_CHECK bool compose_tool_stop(const struct compose_tool *t, const struct compose_run *r, const char *const *services, size_t n,
                                  struct err *e);
/* Removes containers and networks, with has_volumes also the named volumes. */
MUST_CHECK bool compose_tool_down(const struct compose_tool *t, const struct compose_run *r, bool has_volumes, struct err *e);
/* The last `lines` lines of each service (0: all), appended to out (cut at its limit), as the containers wrote them but without secrets. */
MUST_CHECK bool compose_tool_logs(const struct compose_tool *t, const struct compose_run *r, const char *const *services, size_t n,
                                  unsigned lines, struct buf *out, struct err *e);
/* Compose itself accepts the files with these values (`config -q`): before anything changes. ERR_CONFIG with what it says. */
MUST_CHECK bool compose_tool_check(const struct compose_tool *t, const struct compose_run *r, struct err *e);

#endif
