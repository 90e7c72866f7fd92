/* Opening an engine: which socket, which API version, what kind of store; and what an application may ask of it. */
#include "engine/engine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "engine/api.h"
#include "engine/facts.h"

#include "base/banned.h"

#define SOCKET_DEFAULT "/var/run/docker.sock"
enum { CONNECT_MS = 10000 };

/* A disk under load lets an engine stop reading for minutes; deleting layers takes long on a slow one. */
static const struct engine_times usual_times = { .call_ms = 120000, .slow_ms = 900000, .stall_ms = 600000, .silence_ms = 900000 };

const struct engine_facts *engine_facts(const struct engine *g)
{
    return &g->facts;
}

void engine_close(struct engine *g)
{
    if (g == NULL)
        return;
    http_close(g->http);
    digest_set_clear(&g->complete);
    mem_free(g);
}

/* --- which socket ------------------------------------------------------------------------------------------------- */

static bool is_socket(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

static bool choose_socket(char out[108], const char *asked, struct err *e)
{
    char own[108];
    if (asked != NULL) {
        const char *path = text_starts(asked, "unix://") ? asked + 7 : asked;
        if (path[0] != '/' || !text_copy(out, 108, path))
            return err_set(e, ERR_USAGE, "--engine %s: expected the absolute path of a unix socket (at most 107 bytes)", SHOWN(asked));
        return true;
    }
    snprintf(own, sizeof own, "/run/user/%u/docker.sock", (unsigned)geteuid());
    BUG_IF(!text_copy(out, 108, !is_socket(SOCKET_DEFAULT) && is_socket(own) ? own : SOCKET_DEFAULT));
    return true;
}

static bool check_socket(const char *path, struct err *e)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        err_set(e, ERR_ENGINE, "engine at %s: %s", SHOWN(path), strerror(errno));
        return err_hint(e, "start the container engine, or name its socket with --engine");
    }
    if (!S_ISSOCK(st.st_mode)) {
        err_set(e, ERR_ENGINE, "engine at %s: is not a socket", SHOWN(path));
        return err_hint(e, "name the socket of the container engine with --engine");
    }
    if (access(path, R_OK | W_OK) != 0) {
        err_set(e, ERR_ENGINE, "engine at %s: %s", SHOWN(path), strerror(errno));
        return err_hint(e, "run this as root, or as a member of the group that the socket belongs to");
    }
    return true;
}

/* --- what is it --------------------------------------------------------------------------------------------------- */

static bool ask(struct engine *g, const char *path, bool (*read)(struct engine_facts *f, const char *text, size_t n, struct err *e),
                struct err *e)
{
    AUTO(buf_clear_auto) struct buf answer = BUF_LIMIT(API_ANSWER_MAX);
    unsigned status = 0;
    if (!api_call(g, "GET", path, &answer, &status, e))
        return false;
    bool ok = status == 200 ? read(&g->facts, buf_text(&answer), answer.len, e) : api_refused(path, status, &answer, e);
    return ok || err_in(e, "engine at %s", SHOWN(g->facts.socket));
}

static bool open_http(struct engine *g, bool works_after_signal, struct err *e)
{
    struct http_options o = { .unix_socket = g->facts.socket, .connect_timeout_ms = CONNECT_MS, .stall_timeout_ms = g->times.stall_ms,
                              .works_after_signal = works_after_signal };
    g->http = http_open(&o, e);
    return g->http != NULL;
}

struct engine *engine_open_timed(const char *socket, const struct engine_times *times, struct err *e)
{
    AUTO(engine_close_auto) struct engine *g = mem_new(sizeof *g);
    g->times = *times;
    if (!choose_socket(g->facts.socket, socket, e) || !check_socket(g->facts.socket, e))
        return NULL;
    if (!open_http(g, false, e) || !ask(g, "/version", facts_read_version, e) || !ask(g, "/info", facts_read_info, e))
        return NULL;
    return TAKE(g);
}

struct engine *engine_open(const char *socket, struct err *e)
{
    return engine_open_timed(socket, &usual_times, e);
}

static struct engine *open_again(const struct engine *g, bool works_after_signal, struct err *e)
{
    AUTO(engine_close_auto) struct engine *again = mem_new(sizeof *again);
    again->facts = g->facts;
    again->times = g->times;
    return open_http(again, works_after_signal, e) ? TAKE(again) : NULL;
}

struct engine *engine_open_again(const struct engine *g, struct err *e)
{
    return open_again(g, false, e);
}

struct engine *engine_open_to_tidy(const struct engine *g, struct err *e)
{
    return open_again(g, true, e);
}

/* --- what may be asked of it -------------------------------------------------------------------------------------- */

bool engine_require(const struct engine *g, const char *minimum, struct err *e)
{
    struct version need;
    if (minimum == NULL)
        return true;
    if (!version_parse_loose(&need, minimum, "requires.engine", e))
        return false;
    if (version_compare(&g->facts.version, &need) < 0)
        return err_set(e, ERR_POLICY, "engine %s found, %s needed", g->facts.version.text, SHOWN(minimum));
    return true;
}

/* Processors that also run the programs of their 32-bit kin. */
static bool also_runs(const char *host, const char *wanted)
{
    return (text_is(host, "amd64") && text_is(wanted, "386")) || (text_is(host, "arm64") && text_is(wanted, "arm"));
}

bool engine_require_platform(const struct engine *g, const struct platform *p, struct err *e)
{
    const struct platform *host = &g->facts.platform;
    struct platform_text a, b;
    bool fits = text_is(host->os, p->os) && (text_is(host->architecture, p->architecture) || also_runs(host->architecture, p->architecture));
    if (!fits)
        return err_set(e, ERR_POLICY, "is for %s, the engine runs %s", platform_format(&a, p), platform_format(&b, host));
    return true;
}
