/* Containers of a compose project. */
#include "engine/containers.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "engine/api.h"
#include "format/jread.h"

#include "base/banned.h"

#define LABEL "com.docker.compose."
enum { CONTAINERS_MAX = 2000, TEXT_MAX = 64 * 1024, FRAME_PREFIX = 8, ID_CHARS = 64 };

void container_list_clear(struct container_list *l)
{
    mem_free(l->items);
    *l = (struct container_list){ 0 };
}

void container_list_clear_auto(struct container_list *l)
{
    container_list_clear(l);
}

bool container_is_ready(const struct container *c)
{
    if (text_is(c->state, "running"))
        return c->health == CONTAINER_NO_CHECK || c->health == CONTAINER_HEALTHY;
    return text_is(c->state, "exited") && c->exit_code == 0 && !c->restarts_always;
}

bool container_is_lost(const struct container *c)
{
    if (text_is(c->state, "exited"))
        return c->exit_code != 0 && !c->restarts_always;
    return text_is(c->state, "dead") || (text_is(c->state, "running") && c->health == CONTAINER_UNHEALTHY);
}

const char *container_shown(char out[64], const struct container *c)
{
    static const char *const health[] = { "", " (starting)", " (healthy)", " (unhealthy)" };
    if (text_is(c->state, "exited"))
        snprintf(out, 64, "exited (%d)", c->exit_code);
    else
        snprintf(out, 64, "%s%s", c->state, health[c->health]);
    return out;
}

/* --- reading one -------------------------------------------------------------------------------------------------- */

static void copy_text(struct jnode o, const char *key, char *out, size_t size)
{
    out[0] = '\0';
    if (!jread_has(o, key))
        return;
    AUTO(mem_auto) char *text = jread_text(o, key, TEXT_MAX);
    if (!text_copy(out, size, text))
        jread_fail(o, key, "%zu bytes, at most %zu", strlen(text), size - 1);
}

/* Podman says "" where there is no check. A word that is not known yet is nothing to rely on. */
static enum container_health health_of(const char *text)
{
    static const char *const names[] = { "none", "starting", "healthy", "unhealthy" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (text_is(text, names[i]))
            return (enum container_health)i;
    return text[0] == '\0' ? CONTAINER_NO_CHECK : CONTAINER_STARTING;
}

static bool is_word(const char *text)
{
    return text[0] != '\0' && strspn(text, "abcdefghijklmnopqrstuvwxyz") == strlen(text);
}

static void read_state(struct container *c, struct jnode root)
{
    char text[32];
    uint64_t code = 0;
    struct jnode state = jread_object(root, "State");
    jread_str(state, "Status", c->state, sizeof c->state);
    if (!is_word(c->state))
        jread_fail(state, "Status", "\"%s\" is no word", SHOWN(c->state));
    if (jread_has(state, "ExitCode"))
        jread_u64(state, "ExitCode", INT_MAX, &code);
    c->exit_code = (int)code;
    if (jread_has(state, "Health")) {
        copy_text(jread_object(state, "Health"), "Status", text, sizeof text);
        c->health = health_of(text);
    }
}

static void read_labels(struct container *c, struct jnode root)
{
    struct jnode config = jread_object(root, "Config");
    if (!jread_has(config, "Labels"))
        return;
    struct jnode labels = jread_object(config, "Labels");
    copy_text(labels, LABEL "service", c->service, sizeof c->service);
    copy_text(labels, LABEL "project.config_files", c->config_files, sizeof c->config_files);
}

static void read_address(struct container *c, struct jnode root)
{
    if (!jread_has(root, "NetworkSettings"))
        return;
    struct jnode settings = jread_object(root, "NetworkSettings");
    if (!jread_has(settings, "Networks"))
        return;
    struct jnode networks = jread_object(settings, "Networks");
    for (size_t i = 0; i < jread_members(networks) && c->address[0] == '\0'; i++)
        copy_text(jread_member(networks, i), "IPAddress", c->address, sizeof c->address);
}

static void read_restart(struct container *c, struct jnode root)
{
    char name[32] = "";
    uint64_t n = 0;
    if (jread_has(root, "RestartCount"))
        jread_u64(root, "RestartCount", UINT32_MAX, &n);
    c->restarts = (unsigned)n;
    if (!jread_has(root, "HostConfig"))
        return;
    struct jnode host = jread_object(root, "HostConfig");
    if (jread_has(host, "RestartPolicy"))
        copy_text(jread_object(host, "RestartPolicy"), "Name", name, sizeof name);
    c->restarts_always = text_is(name, "always") || text_is(name, "unless-stopped");
}

bool container_read(struct container *c, const char *text, size_t n, struct err *e)
{
    AUTO(jread_free_auto) struct jread *doc = jread_open(text, n, "container", JREAD_OCI, e);
    if (doc == NULL)
        return err_as(e, ERR_ENGINE);
    struct jnode root = jread_root(doc);
    jread_digest(root, "Image", &c->image);
    read_state(c, root);
    read_labels(c, root);
    read_address(c, root);
    read_restart(c, root);
    return jread_done(doc, e) || err_as(e, ERR_ENGINE);
}

/* Gone between the list and this call: *is_there is false. */
static bool inspect(struct engine *g, struct container *c, bool *is_there, struct err *e)
{
    AUTO(buf_clear_auto) struct buf answer = BUF_LIMIT(API_ANSWER_MAX);
    AUTO(mem_auto) char *path = mem_format("/containers/%s/json", c->id);
    unsigned status = 0;
    if (!api_call(g, "GET", path, &answer, &status, e))
        return false;
    *is_there = status != 404;
    if (status == 404)
        return true;
    if (status != 200)
        return api_refused(path, status, &answer, e);
    return container_read(c, buf_text(&answer), answer.len, e) || err_in(e, "container %.12s", c->id);
}

/* --- the list ----------------------------------------------------------------------------------------------------- */

/* Ids become parts of paths. */
static void read_id(struct jnode item, char id[ID_CHARS + 1])
{
    jread_str(item, "Id", id, ID_CHARS + 1);
    if (strspn(id, "0123456789abcdef") != ID_CHARS)
        jread_fail(item, "Id", "\"%s\" is not an id", SHOWN(id));
}

bool container_read_list(struct container_list *out, const char *text, size_t n, struct err *e)
{
    *out = (struct container_list){ 0 };
    AUTO(jread_free_auto) struct jread *doc = jread_open(text, n, "list of containers", JREAD_OCI, e);
    if (doc == NULL)
        return err_as(e, ERR_ENGINE);
    struct jnode all = jread_root(doc);
    size_t count = jread_count(all);
    if (count > CONTAINERS_MAX)
        return err_set(e, ERR_ENGINE, "list of containers: %zu of them, at most %d", count, CONTAINERS_MAX);
    out->items = mem_new_array(count, sizeof *out->items);
    for (; out->n < count; out->n++)
        read_id(jread_item(all, out->n), out->items[out->n].id);
    if (jread_done(doc, e))
        return true;
    container_list_clear(out);
    return err_as(e, ERR_ENGINE);
}

static bool list_ids(struct engine *g, const char *project, struct container_list *out, struct err *e)
{
    AUTO(buf_clear_auto) struct buf path = BUF_LIMIT(LIMIT_URL_BYTES);
    AUTO(buf_clear_auto) struct buf answer = BUF_LIMIT(API_ANSWER_MAX);
    AUTO(mem_auto) char *filter = mem_format("{\"label\":[\"" LABEL "project=%s\",\"" LABEL "oneoff=False\"]}", project);
    unsigned status = 0;
    buf_adds(&path, "/containers/json?all=1&filters=");
    api_escape(&path, filter);
    if (!buf_done(&path, "project name", e) || !api_call(g, "GET", buf_text(&path), &answer, &status, e))
        return false;
    if (status != 200)
        return api_refused("list of containers", status, &answer, e);
    return container_read_list(out, buf_text(&answer), answer.len, e);
}

static int compare(const void *a, const void *b)
{
    const struct container *x = a;
    const struct container *y = b;
    int by_service = strcmp(x->service, y->service);
    return by_service != 0 ? by_service : strcmp(x->id, y->id);
}

bool container_list(struct engine *g, const char *project, struct container_list *out, struct err *e)
{
    *out = (struct container_list){ 0 };
    if (!list_ids(g, project, out, e))
        return false;
    size_t kept = 0;
    for (size_t i = 0; i < out->n; i++) {
        bool is_there = false;
        if (!inspect(g, &out->items[i], &is_there, e)) {
            container_list_clear(out);
            return false;
        }
        if (is_there)
            out->items[kept++] = out->items[i];
    }
    out->n = kept;
    if (kept > 0)
        qsort(out->items, kept, sizeof *out->items, compare);
    return true;
}

/* --- logs --------------------------------------------------------------------------------------------------------- */

void container_read_logs(struct buf *out, const char *raw, size_t n)
{
    const uint8_t *p = (const uint8_t *)raw;
    size_t at = 0;
    while (n - at >= FRAME_PREFIX && p[at] <= 2 && p[at + 1] == 0 && p[at + 2] == 0 && p[at + 3] == 0) {
        size_t frame = (size_t)p[at + 4] << 24 | (size_t)p[at + 5] << 16 | (size_t)p[at + 6] << 8 | p[at + 7];
        size_t left = n - at - FRAME_PREFIX;
        frame = frame < left ? frame : left;
        buf_add(out, p + at + FRAME_PREFIX, frame);
        at += FRAME_PREFIX + frame;
    }
    if (at == 0)
        buf_add(out, p, n); /* a container with a terminal */
}

bool container_logs(struct engine *g, const char *id, unsigned lines, struct buf *out, struct err *e)
{
    AUTO(buf_clear_auto) struct buf answer = BUF_LIMIT(API_ANSWER_MAX);
    AUTO(mem_auto) char *path = mem_format("/containers/%s/logs?stdout=1&stderr=1&tail=%u", id, lines);
    unsigned status = 0;
    if (!api_call(g, "GET", path, &answer, &status, e))
        return false;
    if (status != 200)
        return api_refused(path, status, &answer, e);
    container_read_logs(out, buf_text(&answer), answer.len);
    return true;
}
