/* Waiting for services. One rule for one-shot services too: running and healthy, or ended with 0 when not meant to restart. */
#include "loader/health.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine/images.h"
#include "loader/site_tls.h"
#include "loader/started.h"
#include "net/http.h"
#include "sys/clock.h"
#include "sys/start.h"

#include "base/banned.h"

enum { POLL_MS = 500, SETTLE_MS = 2000, TIMEOUT_LEAST_S = 120, LOG_LINES = 15, LOG_BYTES = 64 * 1024, URL_DEADLINE_MS = 10000 };

/* What the engine runs under this name now. */
static bool find_image(struct engine *g, const char *name, struct digest *id, bool *is_there, struct err *e)
{
    AUTO(engine_image_clear_auto) struct engine_image image = { 0 };
    if (!image_inspect(g, name, &image, e))
        return false;
    *is_there = image.is_found;
    *id = image.id;
    return true;
}

static bool is_watched(const struct health_spec *h, const struct release_service *s)
{
    return h->only_service != NULL ? text_is(h->only_service, s->name) : deployment_starts(s);
}

static bool is_replica_of(const struct container *c, const char *service)
{
    return text_is(c->service, service);
}

static enum health_verdict verdict_of(const struct container *c)
{
    return container_is_ready(c) ? HEALTH_READY : container_is_lost(c) ? HEALTH_LOST : HEALTH_WAIT;
}

const struct container *health_find(const struct container_list *l, const char *service)
{
    const struct container *found = NULL;
    for (size_t i = 0; i < l->n; i++)
        if (is_replica_of(&l->items[i], service) && (found == NULL || verdict_of(&l->items[i]) > verdict_of(found)))
            found = &l->items[i];
    return found;
}

/* Every container of the service: was it started from these files, with this image? */
static bool is_of(const struct started *s, const struct container_list *l, const char *service, const struct digest *image)
{
    for (size_t i = 0; i < l->n; i++)
        if (is_replica_of(&l->items[i], service) && (!started_has(s, &l->items[i]) || !digest_equal(&l->items[i].image, image)))
            return false;
    return true;
}

bool health_look(const struct health_spec *h, bool *all_ready, struct err *e)
{
    const struct release *r = &h->deployment->release;
    AUTO(container_list_clear_auto) struct container_list list = { 0 };
    AUTO(started_clear_auto) struct started started = { 0 };
    *all_ready = true;
    if (!container_list(h->engine, h->deployment->project, &list, e) || !started_read(&started, h->deployment, e))
        return false;
    for (size_t i = 0; i < r->n_services && *all_ready; i++) {
        const struct container *c = health_find(&list, r->services[i].name);
        struct digest id;
        bool is_there = false;
        if (!is_watched(h, &r->services[i]))
            continue;
        *all_ready = c != NULL && container_is_ready(c);
        if (*all_ready && !find_image(h->engine, r->services[i].image, &id, &is_there, e))
            return false;
        *all_ready = *all_ready && is_there && is_of(&started, &list, r->services[i].name, &id);
    }
    return true;
}

/* --- waiting ------------------------------------------------------------------------------------------------------ */

static unsigned timeout_of(const struct health_spec *h)
{
    uint64_t longest = TIMEOUT_LEAST_S;
    for (size_t i = 0; i < h->deployment->release.n_services; i++)
        if (h->deployment->release.services[i].timeout_s > longest)
            longest = h->deployment->release.services[i].timeout_s;
    return h->timeout_s > 0 ? h->timeout_s : (unsigned)longest;
}

/* Services print what they like, also their passwords. */
static void add_lines(struct buf *story, const struct values *values, const char *text)
{
    while (*text != '\0') {
        size_t n = strcspn(text, "\n");
        AUTO(mem_auto) char *line = mem_text_n(text, n);
        AUTO(buf_clear_auto) struct buf clean = BUF_LIMIT(LOG_BYTES);
        values_redact(values, line, &clean);
        buf_addf(story, "  %s\n", SHOWN(buf_text(&clean)));
        text += n + (text[n] == '\n');
    }
}

static void add_logs(const struct health_spec *h, const struct container *c, struct buf *story)
{
    struct err ignored = { 0 };
    AUTO(buf_clear_auto) struct buf raw = BUF_LIMIT(LOG_BYTES);
    bool is_read = container_logs(h->engine, c->id, LOG_LINES, &raw, &ignored);
    if (is_read && raw.len == 0) {
        buf_addf(story, "service %s has written nothing\n", SHOWN(c->service));
        return;
    }
    buf_addf(story, "last lines of service %s:\n", SHOWN(c->service));
    if (!is_read)
        buf_addf(story, "  (no log: %s)\n", ignored.msg);
    add_lines(story, &h->deployment->values, buf_text(&raw));
}

/* Which service is the trouble? The first that is lost, else the first that is not ready. */
enum health_verdict health_judge(const struct health_spec *h, const struct container_list *list, const char **service)
{
    const struct release *r = &h->deployment->release;
    enum health_verdict worst = HEALTH_READY;
    *service = NULL;
    for (size_t i = 0; i < r->n_services; i++) {
        const struct container *c = health_find(list, r->services[i].name);
        enum health_verdict now = c == NULL ? HEALTH_WAIT : verdict_of(c);
        if (is_watched(h, &r->services[i]) && now > worst) {
            worst = now;
            *service = r->services[i].name;
        }
    }
    return worst;
}

static bool report(const struct health_spec *h, const struct container_list *list, const char *service, const char *why, struct buf *story,
                   struct err *e)
{
    char shown[64] = "no container";
    const struct container *c = health_find(list, service);
    if (c != NULL) {
        container_shown(shown, c);
        add_logs(h, c, story);
    }
    err_set(e, ERR_UNHEALTHY, "service %s: %s%s", service, shown, why);
    return err_hint(e, "archon-load logs %s", service);
}

void health_tell(const struct health_spec *h, struct buf *story)
{
    struct err ignored = { 0 };
    AUTO(container_list_clear_auto) struct container_list list = { 0 };
    if (!container_list(h->engine, h->deployment->project, &list, &ignored))
        return;
    for (size_t i = 0; i < list.n; i++)
        if (!container_is_ready(&list.items[i]) && !text_is(list.items[i].state, "created"))
            add_logs(h, &list.items[i], story);
}

/* A container that is unhealthy may still recover while time is left; one that has ended will not. */
static bool may_recover(const struct container_list *list, const char *service)
{
    const struct container *c = health_find(list, service);
    return c != NULL && text_is(c->state, "running");
}

/* A container without a check of its own is ready as soon as it runs, also one that ends a moment later: such ones have to stay a while. */
struct steady {
    uint64_t until; /* 0: not everything was ready at the last look */
    unsigned restarts;
};

/* The sum of restarts tells two lives of a container apart. */
static bool needs_time(const struct health_spec *h, const struct container_list *list, unsigned *restarts)
{
    const struct release *r = &h->deployment->release;
    bool needs = false;
    *restarts = 0;
    for (size_t i = 0; i < r->n_services; i++)
        for (size_t k = 0; k < list->n; k++) {
            const struct container *c = &list->items[k];
            if (!is_watched(h, &r->services[i]) || !is_replica_of(c, r->services[i].name))
                continue;
            *restarts += c->restarts;
            needs = needs || (c->health == CONTAINER_NO_CHECK && text_is(c->state, "running"));
        }
    return needs;
}

static bool is_steady(struct steady *s, const struct health_spec *h, const struct container_list *list)
{
    unsigned restarts;
    uint64_t now = clock_monotonic_ms();
    if (!needs_time(h, list, &restarts))
        return true;
    if (s->until == 0 || s->restarts != restarts)
        *s = (struct steady){ now + SETTLE_MS, restarts };
    return now >= s->until;
}

static bool wait_containers(const struct health_spec *h, uint64_t deadline, struct buf *story, struct err *e)
{
    struct steady steady = { 0 };
    for (;;) {
        const char *service = NULL;
        AUTO(container_list_clear_auto) struct container_list list = { 0 };
        if (!start_check(e) || !container_list(h->engine, h->deployment->project, &list, e))
            return false;
        enum health_verdict verdict = health_judge(h, &list, &service);
        if (verdict == HEALTH_READY && is_steady(&steady, h, &list))
            return true;
        if (verdict == HEALTH_LOST && !may_recover(&list, service))
            return report(h, &list, service, "", story, e);
        if (verdict != HEALTH_READY && clock_monotonic_ms() >= deadline)
            return report(h, &list, service, " when the time was over", story, e);
        if (verdict != HEALTH_READY)
            steady.until = 0;
        else if (clock_monotonic_ms() >= deadline + 2 * SETTLE_MS)
            return err_set(e, ERR_UNHEALTHY, "services of %s restart again and again", h->deployment->project);
        clock_sleep_ms(POLL_MS);
    }
}

static bool ask_url(struct http *http, const char *url, char why[256], struct err *e)
{
    struct err trouble = { 0 };
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    struct http_request rq = { .method = "GET", .url = url, .max_body = LIMIT_CONFIG_FILE_BYTES, .deadline_ms = URL_DEADLINE_MS };
    if (!http_run(http, &rq, &rs, NULL, &trouble)) {
        snprintf(why, 256, "%.250s", trouble.msg);
        return trouble.code == ERR_INTERRUPTED ? err_set(e, ERR_INTERRUPTED, "%s", trouble.msg) : false;
    }
    snprintf(why, 256, "answered %u", rs.status);
    return rs.status >= 200 && rs.status < 300;
}

/* A service of this host is asked over loopback, but its certificate is for the host's name: https://127.0.0.1:P/x is asked as https://NAME:P/x
 * at the address 127.0.0.1. */
static bool use_own_name(const struct deployment *d, struct buf *url, const char **address)
{
    static const char *const loopback[] = { "https://127.0.0.1", "https://localhost" };
    const char *host = values_get(&d->values, VARIABLE_HOST);
    for (size_t i = 0; host != NULL && i < ARRAY_LEN(loopback); i++) {
        const char *rest = buf_text(url) + strlen(loopback[i]);
        if (!text_starts(buf_text(url), loopback[i]) || strchr(":/", rest[0]) == NULL)
            continue;
        AUTO(mem_auto) char *named = mem_format("https://%s%s", host, rest);
        buf_reset(url);
        buf_adds(url, named);
        *address = "127.0.0.1";
        return true;
    }
    return false;
}

static bool wait_url(const struct health_spec *h, const struct release_service *s, uint64_t deadline, struct buf *story, struct err *e)
{
    char why[256] = "";
    AUTO(buf_clear_auto) struct buf url = BUF_LIMIT(LIMIT_URL_BYTES);
    AUTO(container_list_clear_auto) struct container_list list = { 0 };
    struct values *values = (struct values *)(uintptr_t)&h->deployment->values; /* the lookup takes void * and only reads */
    if (!template_expand(&url, s->health, s->name, values_lookup, values, e))
        return false;
    AUTO(mem_auto) char *ca = NULL;
    if (!site_tls_find(h->deployment->dir, SITE_TLS_CA, &ca, e))
        return false;
    struct http_options o = { .ca_file = ca, .connect_timeout_ms = 5000 };
    if (!use_own_name(h->deployment, &url, &o.connect_address))
        log_debug("health of %s is asked as written", s->name);
    AUTO(http_close_auto) struct http *http = http_open(&o, e);
    if (http == NULL)
        return false;
    while (!ask_url(http, buf_text(&url), why, e)) {
        if (e->code != ERR_NONE || !start_check(e))
            return false;
        if (clock_monotonic_ms() >= deadline) {
            AUTO(mem_auto) char *text = mem_format(": %s: %s", buf_text(&url), why);
            return container_list(h->engine, h->deployment->project, &list, e) && report(h, &list, s->name, text, story, e);
        }
        clock_sleep_ms(POLL_MS);
    }
    return true;
}

bool health_wait(const struct health_spec *h, struct buf *story, struct err *e)
{
    const struct release *r = &h->deployment->release;
    uint64_t deadline = clock_monotonic_ms() + (uint64_t)timeout_of(h) * 1000;
    if (!wait_containers(h, deadline, story, e))
        return false;
    for (size_t i = 0; i < r->n_services; i++)
        if (r->services[i].health != NULL && is_watched(h, &r->services[i]) && !wait_url(h, &r->services[i], deadline, story, e))
            return false;
    return true;
}
