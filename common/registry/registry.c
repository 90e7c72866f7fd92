/* Registries by host, and how we log in to each. */
#include "registry/registry.h"

#include <limits.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "registry/certificates.h"
#include "registry/host.h"
#include "registry/login.h"
#include "registry/mirrors.h"
#include "registry/retry.h"
#include "registry/throttle.h"

#include "base/banned.h"

enum { PROBE_DEADLINE_MS = 30 * 1000 };

struct registry_host {
    struct registry *registry;
    char *name;
    struct url base;
    struct login *login;
    struct http_identity *identity; /* for its origin only; or null */
    bool is_limit_told;
    struct throttle throttle;
    struct registry_host *next;
};

struct registry {
    struct registry_options options;
    struct http *http;    /* downloads */
    struct http *control; /* probes and tokens, also in the middle of downloads */
    struct registry_host *hosts;
};

struct registry *registry_open(const struct registry_options *o, struct err *e)
{
    AUTO(registry_free_auto) struct registry *r = mem_new(sizeof *r);
    r->options = *o;
    if (r->options.tries == 0)
        r->options.tries = RETRY_TRIES;
    else if (r->options.tries == UINT_MAX)
        r->options.tries = 0;
    if (r->options.first_wait_ms == 0)
        r->options.first_wait_ms = RETRY_FIRST_WAIT_MS;
    if (r->options.large_blob_bytes == 0)
        r->options.large_blob_bytes = REGISTRY_LARGE_BLOB_BYTES;
    struct http_options h = { .ca_file = o->ca_file, .ca_adds_to_system = true,
                              .tls_hint = o->ca_file == NULL ? "if that certificate is right, name the authority that signed it: --registry-ca FILE"
                                                             : "the authority that signed it is neither in the file of --registry-ca nor among the system's",
                              .use_proxy_env = o->use_proxy_env, .connect_timeout_ms = o->connect_timeout_ms,
                              .stall_timeout_ms = o->stall_timeout_ms, .least_bytes_per_s = REGISTRY_LEAST_BYTES_PER_S,
                              .limit_bytes_per_s = o->limit_bytes_per_s, .speaks_http2 = true, .user_agent = "archon-bundle/" ARCHON_VERSION };
    r->http = http_open(&h, e);
    r->control = r->http != NULL ? http_open(&h, e) : NULL;
    return r->control != NULL ? TAKE(r) : NULL;
}

static void host_free(struct registry_host *h)
{
    login_free(h->login);
    http_identity_free(h->identity);
    mem_free(h->name);
    mem_free(h);
}

void registry_free(struct registry *r)
{
    if (r == NULL)
        return;
    while (r->hosts != NULL) {
        struct registry_host *h = r->hosts;
        r->hosts = h->next;
        host_free(h);
    }
    http_close(r->http);
    http_close(r->control);
    mem_free(r);
}

struct http *registry_http(struct registry *r)
{
    return r->http;
}

struct mirrors *registry_mirrors(struct registry *r)
{
    return r->options.mirrors;
}

/* Reaching it */

static bool set_base(struct registry_host *h, const char *scheme, struct err *e)
{
    const char *api = text_is(h->name, "docker.io") || text_is(h->name, "index.docker.io") ? "registry-1.docker.io" : h->name;
    AUTO(mem_auto) char *url = mem_format("%s://%s/", scheme, api);
    return url_parse(&h->base, url, "registry", e);
}

/* Does a registry answer here? Any HTTP answer counts with TLS; without, only one that a registry gives. */
static bool probe(struct registry_host *h, struct err *e)
{
    struct url url;
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    if (!url_join(&url, &h->base, "/v2/", "registry", e))
        return false;
    struct http_request rq = { .method = "GET", .url = url.text, .identity = h->identity, .deadline_ms = PROBE_DEADLINE_MS };
    if (!http_run(h->registry->control, &rq, &rs, NULL, e))
        return false;
    return h->base.is_https || rs.status == 200 || rs.status == 401 ||
           err_set(e, ERR_REGISTRY, "%s: answered %u to /v2/", URL_ORIGIN(&h->base), rs.status);
}

static bool is_in(const char *const *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (text_is(list[i], name))
            return true;
    return false;
}

static bool reach(struct registry_host *h, struct err *e)
{
    const struct registry_options *o = &h->registry->options;
    if (is_in(o->plain_http, o->n_plain_http, h->name))
        return set_base(h, "http", e);
    if (!set_base(h, "https", e) || !(url_host_is_loopback(h->base.host) || mirrors_is_insecure(o->mirrors, h->name)))
        return e->code == ERR_NONE;
    struct err with_tls = { 0 }, without = { 0 };
    if (probe(h, &with_tls))
        return true;
    if (with_tls.code == ERR_NET && set_base(h, "http", &without) && probe(h, &without))
        return true;
    *e = without.code == ERR_INTERRUPTED ? without : with_tls;
    return false;
}

struct registry_host *registry_host(struct registry *r, const char *name, struct err *e)
{
    for (struct registry_host *h = r->hosts; h != NULL; h = h->next)
        if (text_is(h->name, name))
            return h;
    struct registry_host *h = mem_new(sizeof *h);
    h->registry = r;
    h->name = mem_text(name);
    h->login = login_new(&(struct login_place){ .host = h, .name = h->name, .base = &h->base, .http = r->control, .options = &r->options });
    if (!certificates_open(r->http, &r->options, name, &h->identity, e) || !reach(h, e)) {
        host_free(h);
        return NULL;
    }
    h->next = r->hosts;
    r->hosts = h;
    return h;
}

const struct url *registry_host_base(const struct registry_host *h)
{
    return &h->base;
}

struct throttle *registry_host_throttle(struct registry_host *h)
{
    return &h->throttle;
}

const char *registry_host_name(const struct registry_host *h)
{
    return h->name;
}

const struct registry_options *registry_options_of(const struct registry *r)
{
    return &r->options;
}

const struct http_identity *registry_host_identity(const struct registry_host *h, const struct url *url)
{
    return url_same_origin(url, &h->base) ? h->identity : NULL;
}

const struct registry_options *registry_host_options(const struct registry_host *h)
{
    return &h->registry->options;
}

/* Logging in: login.h */

struct secret registry_authorization(struct registry_host *h, const char *repository)
{
    return login_authorization(h->login, repository);
}

bool registry_challenged(struct registry_host *h, const char *repository, const struct secret *sent, const struct http_response *rs,
                         struct err *e)
{
    return login_challenged(h->login, repository, sent, rs, e);
}

bool registry_refused(struct registry_host *h, const char *repository, struct err *e)
{
    return login_refused(h->login, repository, e);
}

bool registry_denied(struct registry_host *h, const char *repository, struct err *e)
{
    return login_denied(h->login, repository, e);
}

bool registry_limited(struct registry_host *h, const char *repository, struct err *e)
{
    return login_limited(h->login, repository, e);
}

bool registry_login(struct registry *r, const char *host, const char *repository, struct registry_login *out, struct err *e)
{
    struct registry_host *h = registry_host(r, host, e);
    return h != NULL && login_check(h->login, repository, out, e);
}

void registry_answered(struct registry_host *h, const struct http_response *rs)
{
    enum { FEW = 10 };
    const char *left = http_response_get(rs, "ratelimit-remaining"); /* "76;w=21600" */
    uint64_t n = 0;
    if (left == NULL || h->is_limit_told || !num_parse(&n, left, strcspn(left, ";"), UINT32_MAX) || n > FEW)
        return;
    h->is_limit_told = true;
    log_warn("%s: its limit is reached after %llu more pull%s", h->name, (unsigned long long)n, text_s(n));
}
