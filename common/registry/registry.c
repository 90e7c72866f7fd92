/* Registries by host, and how we log in to each. */
#include "registry/registry.h"

#include <limits.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "registry/host.h"
#include "registry/retry.h"
#include "registry/token.h"
#include "sys/clock.h"

#include "base/banned.h"

enum { PROBE_DEADLINE_MS = 30 * 1000 };

struct token {
    char *repository;
    struct secret authorization; /* "Bearer ..." */
    uint64_t expires_ms;
};

struct registry_host {
    struct registry *registry;
    char *name;
    struct url base;
    enum challenge_kind wanted; /* OTHER until it asked for something */
    struct token *tokens;
    size_t n_tokens, cap_tokens;
    bool is_limit_told;
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
    struct http_options h = { .ca_file = o->ca_file, .ca_adds_to_system = true, .client_cert = o->client_cert, .client_key = o->client_key,
                              .tls_hint = "if that certificate is right, name the authority that signed it: --registry-ca FILE",
                              .use_proxy_env = o->use_proxy_env, .connect_timeout_ms = o->connect_timeout_ms,
                              .stall_timeout_ms = o->stall_timeout_ms, .user_agent = "archon-bundle/" ARCHON_VERSION };
    r->http = http_open(&h, e);
    r->control = r->http != NULL ? http_open(&h, e) : NULL;
    return r->control != NULL ? TAKE(r) : NULL;
}

static void host_free(struct registry_host *h)
{
    for (size_t i = 0; i < h->n_tokens; i++) {
        mem_free(h->tokens[i].repository);
        secret_clear(&h->tokens[i].authorization);
    }
    mem_free(h->tokens);
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
    struct http_request rq = { .method = "GET", .url = url.text, .deadline_ms = PROBE_DEADLINE_MS };
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
    if (!set_base(h, "https", e) || !url_host_is_loopback(h->base.host))
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
    if (!reach(h, e)) {
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

const char *registry_host_name(const struct registry_host *h)
{
    return h->name;
}

const struct registry_options *registry_host_options(const struct registry_host *h)
{
    return &h->registry->options;
}

/* Logging in */

static bool may_send_secrets(const struct registry_host *h)
{
    return h->base.is_https || url_host_is_loopback(h->base.host);
}

static struct credential find_credential(const struct registry_host *h, const char *repository)
{
    struct credential found = { 0 };
    credentials_find(h->registry->options.credentials, h->name, repository, &found);
    return found;
}

static struct token *find_token(struct registry_host *h, const char *repository)
{
    for (size_t i = 0; i < h->n_tokens; i++)
        if (text_is(h->tokens[i].repository, repository))
            return &h->tokens[i];
    return NULL;
}

static void keep_token(struct registry_host *h, const char *repository, const struct secret *bearer, uint64_t lifetime_s)
{
    struct token *t = find_token(h, repository);
    if (t == NULL) {
        MEM_PUSH(h->tokens, h->n_tokens, h->cap_tokens) = (struct token){ .repository = mem_text(repository) };
        t = &h->tokens[h->n_tokens - 1];
    }
    secret_clear(&t->authorization);
    t->authorization.n = bearer->n + 7;
    t->authorization.bytes = mem_new(t->authorization.n + 1);
    memcpy(t->authorization.bytes, "Bearer ", 7);
    if (bearer->n > 0)
        memcpy(t->authorization.bytes + 7, bearer->bytes, bearer->n);
    t->expires_ms = clock_monotonic_ms() + lifetime_s * 900; /* nine tenths: not in the last moment */
}

struct secret registry_authorization(struct registry_host *h, const char *repository)
{
    if (!may_send_secrets(h) || h->wanted == CHALLENGE_OTHER)
        return (struct secret){ 0 };
    if (h->wanted == CHALLENGE_BASIC) {
        AUTO(credential_clear_auto) struct credential c = find_credential(h, repository);
        return c.kind == CREDENTIAL_PASSWORD ? credential_basic(&c) : (struct secret){ 0 };
    }
    const struct token *t = find_token(h, repository);
    if (t == NULL || t->expires_ms <= clock_monotonic_ms())
        return (struct secret){ 0 };
    return secret_of(t->authorization.bytes, t->authorization.n);
}

static bool refused_with(const struct registry_host *h, const char *repository, const struct credential *c, struct err *e)
{
    switch (c->kind) {
    case CREDENTIAL_HELPER:
        err_set(e, ERR_CONFIG, "%s: the login is kept by the program docker-credential-%s, which is not used in this version", h->name,
                SHOWN(c->user));
        return err_hint(e, "write the login into a file of its own and name it: --authfile FILE");
    case CREDENTIAL_NONE:
        err_set(e, ERR_AUTH, "%s: %s needs a login or does not exist", h->name, repository);
        return err_hint(e, "log in with: docker login %s, or name a file with the login: --authfile FILE", h->name);
    case CREDENTIAL_PASSWORD:
        return err_set(e, ERR_AUTH, "%s: %s: the registry refused the login of %s", h->name, repository, SHOWN(c->user));
    case CREDENTIAL_IDENTITY:
    case CREDENTIAL_TOKEN:
        break;
    }
    return err_set(e, ERR_AUTH, "%s: %s: the registry refused our token", h->name, repository);
}

bool registry_refused(struct registry_host *h, const char *repository, struct err *e)
{
    AUTO(credential_clear_auto) struct credential c = find_credential(h, repository);
    return refused_with(h, repository, &c, e);
}

static bool get_token(struct registry_host *h, const char *repository, const struct challenge *asked, struct err *e)
{
    AUTO(credential_clear_auto) struct credential c = find_credential(h, repository);
    if (c.kind == CREDENTIAL_TOKEN) {
        keep_token(h, repository, &c.secret, UINT32_MAX);
        return true;
    }
    const struct registry_options *o = &h->registry->options;
    struct token_request q = { .challenge = asked, .base = &h->base, .repository = repository, .credential = &c,
                               .more_hosts = o->token_servers, .n_more_hosts = o->n_token_servers };
    AUTO(secret_clear_auto) struct secret token = { 0 };
    uint64_t lifetime_s = 0;
    struct err trouble = { 0 };
    if (token_fetch(h->registry->control, &q, &token, &lifetime_s, &trouble)) {
        keep_token(h, repository, &token, lifetime_s);
        return true;
    }
    if (trouble.code == ERR_AUTH && c.kind == CREDENTIAL_HELPER)
        return refused_with(h, repository, &c, e);
    *e = trouble;
    return err_in(e, "%s", h->name);
}

bool registry_challenged(struct registry_host *h, const char *repository, const struct secret *sent, const struct http_response *rs,
                         struct err *e)
{
    AUTO(secret_clear_auto) struct secret now = registry_authorization(h, repository);
    if (secret_is_set(&now)) {
        if (!secret_equal(&now, sent))
            return true; /* another transfer logged in, or renewed the token, since */
        if (h->wanted == CHALLENGE_BASIC)
            return registry_refused(h, repository, e);
    }
    struct challenge_list asked = { 0 };
    for (size_t i = 0; i < rs->n_headers; i++)
        if (text_is(rs->headers[i].name, "www-authenticate") && !challenge_parse(&asked, rs->headers[i].value, e))
            return err_in(e, "%s", h->name);
    const struct challenge *best = challenge_best(&asked);
    if (best == NULL)
        return err_set(e, ERR_AUTH, "%s: asks for a login, but neither Basic nor Bearer", h->name);
    if (!may_send_secrets(h))
        return err_set(e, ERR_AUTH, "%s: asks for a login, and none is sent over plain HTTP", h->name);
    h->wanted = best->kind;
    if (best->kind == CHALLENGE_BEARER)
        return get_token(h, repository, best, e);
    AUTO(credential_clear_auto) struct credential c = find_credential(h, repository);
    return c.kind == CREDENTIAL_PASSWORD || refused_with(h, repository, &c, e);
}

void registry_answered(struct registry_host *h, const struct http_response *rs)
{
    enum { FEW = 10 };
    const char *left = http_response_get(rs, "ratelimit-remaining"); /* "76;w=21600" */
    uint64_t n = 0;
    if (left == NULL || h->is_limit_told || !num_parse(&n, left, strcspn(left, ";"), UINT32_MAX) || n > FEW)
        return;
    h->is_limit_told = true;
    log_warn("%s: %llu more pull%s and its limit is reached", h->name, (unsigned long long)n, text_s(n));
}

bool registry_limited(const struct registry_host *h, const char *repository, struct err *e)
{
    AUTO(credential_clear_auto) struct credential c = find_credential(h, repository);
    if (c.kind == CREDENTIAL_NONE)
        return err_hint(e, "the limit for pulls without a login is reached: log in with: docker login %s, or try later", h->name);
    return err_hint(e, "the limit of the login that was used is reached: try again later, what was fetched is kept");
}
