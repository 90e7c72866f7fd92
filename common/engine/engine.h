/* A container engine on this host, spoken to over its unix socket (Docker Engine API; Podman answers the same calls). What it is and can do is asked
 * once, at open.
 *
 *     AUTO(engine_close_auto) struct engine *g = engine_open(NULL, e);
 *     const struct engine_facts *f = engine_facts(g);
 *
 * Facts about engines: docs/ENGINES.md. Every failure is ERR_ENGINE and names the call. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "base/buf.h"
#include "format/platform.h"
#include "format/version.h"

enum engine_kind { ENGINE_DOCKER, ENGINE_PODMAN };
enum engine_store { ENGINE_STORE_CLASSIC, ENGINE_STORE_CONTAINERD };

struct engine_facts {
    enum engine_kind kind;
    enum engine_store store;
    char socket[108];          /* path */
    char api[16];              /* version used in paths, "1.41" */
    unsigned api_newest;       /* that it speaks: 1.41 is 141 */
    struct version version;    /* of the engine */
    struct platform platform;  /* of the host it runs on */
    char root_dir[1024];       /* where it keeps images; for the question of space */
    char name[256];            /* of the host, as the engine sees it */
    bool is_rootless;
};

struct engine;
/* socket: a path or unix://PATH; null: /var/run/docker.sock, then the caller's own rootless socket. ERR_USAGE for anything else, ERR_ENGINE
 * when nothing useful answers there in time. Thread: one call at a time on one engine. */
MUST_CHECK struct engine *engine_open(const char *socket, struct err *e);
/* Another connection to the same one, for another thread; asks nothing. ERR_ENGINE. */
MUST_CHECK struct engine *engine_open_again(const struct engine *g, struct err *e);
/* The same for tidying up: what is asked there is answered also after a signal asked for a stop. (A second signal ends the program.) */
MUST_CHECK struct engine *engine_open_to_tidy(const struct engine *g, struct err *e);
void engine_close(struct engine *g);
AUTO_FREE(struct engine, engine_close)
const struct engine_facts *engine_facts(const struct engine *g);

/* At least this version? (loose text, may be null) ERR_POLICY. */
MUST_CHECK bool engine_require(const struct engine *g, const char *minimum, struct err *e);
/* Can it run programs of this platform (system and processor; variants are not judged)? ERR_POLICY "is for linux/arm64, the engine runs
 * linux/amd64": the caller says what. load_image asks too. */
MUST_CHECK bool engine_require_platform(const struct engine *g, const struct platform *p, struct err *e);

#endif
