/* Opening an engine: which socket, which API version, what kind of store. */
#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "engine/api.h"
#include "format/jread.h"

#include "base/banned.h"

enum { API_WANTED = 141, CALL_DEADLINE_MS = 120000, ERROR_SHOWN = 300 };
#define SOCKET_DEFAULT "/var/run/docker.sock"

const struct engine_facts *engine_facts(const struct engine *g)
{
    return &g->facts;
}

void engine_close(struct engine *g)
{
    if (g->http != NULL)
        http_close(g->http);
    mem_free(g);
}

/* --- calls -------------------------------------------------------------------------------------------------------- */

void api_url(const struct engine *g, struct buf *url, const char *path)
{
    buf_adds(url, "http://engine");
    if (g->facts.api[0] != '\0')
        buf_addf(url, "/v%s", g->facts.api);
    buf_adds(url, path);
}

void api_escape(struct buf *url, const char *text)
{
    for (; *text != '\0'; text++) {
        bool is_plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') || (*text >= '0' && *text <= '9') ||
                        strchr("-._~/:", *text) != NULL;
        if (is_plain)
            buf_addc(url, *text);
        else
            buf_addf(url, "%%%02X", (unsigned)(unsigned char)*text);
    }
}

bool api_call(struct engine *g, const char *method, const char *path, struct buf *out, unsigned *status, struct err *e)
{
    AUTO(buf_clear_auto) struct buf url = BUF_LIMIT(LIMIT_URL_BYTES);
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    AUTO(sink_drop_auto) struct sink *to = sink_buf(out, "answer of the engine");
    api_url(g, &url, path);
    struct http_request rq = { .method = method, .url = buf_text(&url), .out = to, .max_body = API_ANSWER_MAX, .deadline_ms = CALL_DEADLINE_MS };
    if (!buf_done(&url, "engine URL", e) || !http_run(g->http, &rq, &rs, NULL, e) || !sink_finish(to, e)) {
        err_as(e, e->code == ERR_INTERRUPTED ? ERR_INTERRUPTED : ERR_ENGINE);
        return err_in(e, "engine at %s: %s %s", g->facts.socket, method, SHOWN(path));
    }
    *status = rs.status;
    if (rs.status < 200 || rs.status >= 300)
        buf_add(out, buf_text(&rs.text), rs.text.len);
    return true;
}

bool api_refused(const char *what, unsigned status, const struct buf *answer, struct err *e)
{
    struct err ignored = { 0 };
    AUTO(jread_free_auto) struct jread *doc = jread_open(buf_text(answer), answer->len, "answer", JREAD_OCI, &ignored);
    if (doc != NULL && jread_has(jread_root(doc), "message")) {
        AUTO(mem_auto) char *message = jread_text(jread_root(doc), "message", API_ANSWER_MAX);
        return err_set(e, ERR_ENGINE, "%s: engine answered %u: %s", what, status,
                       SHOWN_N(message, strnlen(message, ERROR_SHOWN)));
    }
    return err_set(e, ERR_ENGINE, "%s: engine answered %u: %s", what, status, SHOWN_N(buf_text(answer), answer->len));
}

/* --- which socket ------------------------------------------------------------------------------------------------- */

static bool is_socket(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

static bool find_socket(char out[108], const char *asked, struct err *e)
{
    char own[108];
    if (asked != NULL) {
        const char *path = text_starts(asked, "unix://") ? asked + 7 : asked;
        if (path[0] != '/' || !text_copy(out, 108, path))
            return err_set(e, ERR_USAGE, "--engine %s: expected the absolute path of a unix socket (at most 107 bytes)", SHOWN(asked));
    } else {
        snprintf(own, sizeof own, "/run/user/%u/docker.sock", (unsigned)geteuid());
        const char *found = !is_socket(SOCKET_DEFAULT) && is_socket(own) ? own : SOCKET_DEFAULT;
        BUG_IF(!text_copy(out, 108, found));
    }
    if (!is_socket(out)) {
        err_set(e, ERR_ENGINE, "%s: is not a socket, or is not there", out);
        return err_hint(e, "start the container engine, or name its socket with --engine");
    }
    return true;
}

/* --- what is it --------------------------------------------------------------------------------------------------- */

/* "1.41" -> 141; 0 when it is not one. */
static unsigned api_number(const char *text)
{
    uint64_t major = 0;
    uint64_t minor = 0;
    size_t n = strcspn(text, ".");
    if (text[n] != '.' || !num_parse(&major, text, n, 9) || !num_parse(&minor, text + n + 1, strlen(text + n + 1), 99))
        return 0;
    return (unsigned)(major * 100 + minor);
}

static bool choose_api(struct engine *g, const char *highest, const char *lowest, struct err *e)
{
    unsigned high = api_number(highest);
    unsigned low = lowest[0] == '\0' ? 0 : api_number(lowest);
    unsigned v = high < API_WANTED ? high : API_WANTED;
    if (v < low)
        v = low;
    if (high < 140)
        return err_set(e, ERR_ENGINE, "engine at %s: API version \"%s\", at least 1.40 (Docker 19.03) is needed", g->facts.socket,
                       SHOWN(highest));
    snprintf(g->facts.api, sizeof g->facts.api, "%u.%u", v / 100, v % 100);
    return true;
}

static void optional_text(struct jnode o, const char *key, char *out, size_t size)
{
    if (jread_has(o, key)) {
        AUTO(mem_auto) char *text = jread_text(o, key, 4096);
        if (!text_copy(out, size, text))
            out[0] = '\0';
    }
}

static bool read_version(struct engine *g, const struct buf *text, struct err *e)
{
    char highest[16] = "", lowest[16] = "", version[LIMIT_VERSION_BYTES] = "", component[64] = "";
    struct jnode list;
    AUTO(jread_free_auto) struct jread *doc = jread_open(buf_text(text), text->len, "/version", JREAD_OCI, e);
    if (doc == NULL)
        return err_as(e, ERR_ENGINE);
    struct jnode root = jread_root(doc);
    jread_str(root, "ApiVersion", highest, sizeof highest);
    optional_text(root, "MinAPIVersion", lowest, sizeof lowest);
    jread_str(root, "Version", version, sizeof version);
    if (jread_has(root, "Components") && jread_array(root, "Components", 64, &list) > 0)
        optional_text(jread_item(list, 0), "Name", component, sizeof component);
    if (!jread_done(doc, e))
        return err_as(e, ERR_ENGINE);
    g->facts.kind = text_starts(component, "Podman") ? ENGINE_PODMAN : ENGINE_DOCKER;
    return version_parse_loose(&g->facts.version, version, "engine version", e) && choose_api(g, highest, lowest, e);
}

static bool is_containerd_store(struct jnode root)
{
    struct jnode rows;
    if (!jread_has(root, "DriverStatus"))
        return false;
    size_t n = jread_array(root, "DriverStatus", 256, &rows);
    for (size_t i = 0; i < n; i++) {
        struct jnode row = jread_item(rows, i);
        AUTO(mem_auto) char *key = jread_item_text(row, 0, 4096);
        AUTO(mem_auto) char *value = jread_item_text(row, 1, 4096);
        if (text_is(key, "driver-type") && text_is(value, "io.containerd.snapshotter.v1"))
            return true;
    }
    return false;
}

static bool is_rootless(struct jnode root)
{
    struct jnode list;
    bool found = false;
    size_t n = jread_has(root, "SecurityOptions") ? jread_array(root, "SecurityOptions", 64, &list) : 0;
    for (size_t i = 0; i < n; i++) {
        AUTO(mem_auto) char *option = jread_item_text(list, i, 4096);
        found = found || text_is(option, "name=rootless");
    }
    return found;
}

static bool read_info(struct engine *g, const struct buf *text, struct err *e)
{
    AUTO(jread_free_auto) struct jread *doc = jread_open(buf_text(text), text->len, "/info", JREAD_OCI, e);
    if (doc == NULL)
        return err_as(e, ERR_ENGINE);
    struct jnode root = jread_root(doc);
    g->facts.store = is_containerd_store(root) ? ENGINE_STORE_CONTAINERD : ENGINE_STORE_CLASSIC;
    g->facts.is_rootless = is_rootless(root);
    optional_text(root, "DockerRootDir", g->facts.root_dir, sizeof g->facts.root_dir);
    optional_text(root, "Name", g->facts.name, sizeof g->facts.name);
    jread_str(root, "OSType", g->facts.platform.os, sizeof g->facts.platform.os);
    jread_str(root, "Architecture", g->facts.platform.architecture, sizeof g->facts.platform.architecture);
    platform_normalise(&g->facts.platform);
    return jread_done(doc, e) || err_as(e, ERR_ENGINE);
}

static bool probe(struct engine *g, struct err *e)
{
    static const struct {
        const char *path;
        bool (*read)(struct engine *g, const struct buf *text, struct err *e);
    } calls[] = { { "/version", read_version }, { "/info", read_info } };
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        AUTO(buf_clear_auto) struct buf answer = BUF_LIMIT(API_ANSWER_MAX);
        unsigned status = 0;
        if (!api_call(g, "GET", calls[i].path, &answer, &status, e))
            return false;
        if (status != 200)
            return api_refused(calls[i].path, status, &answer, e);
        if (!calls[i].read(g, &answer, e))
            return err_in(e, "engine at %s", g->facts.socket);
    }
    return true;
}

struct engine *engine_open(const char *socket, struct err *e)
{
    AUTO(engine_close_auto) struct engine *g = mem_new(sizeof *g);
    if (!find_socket(g->facts.socket, socket, e))
        return NULL;
    struct http_options o = { .unix_socket = g->facts.socket, .connect_timeout_ms = 10000, .stall_timeout_ms = 600000 };
    g->http = http_open(&o, e);
    if (g->http == NULL || !probe(g, e))
        return NULL;
    return TAKE(g);
}

bool engine_require(const struct engine *g, const char *minimum, struct err *e)
{
    struct version need;
    if (minimum == NULL)
        return true;
    if (!version_parse_loose(&need, minimum, "requires.engine", e))
        return false;
    if (version_compare(&g->facts.version, &need) < 0)
        return err_set(e, ERR_POLICY, "engine %s found, %s needed", g->facts.version.text, minimum);
    return true;
}
