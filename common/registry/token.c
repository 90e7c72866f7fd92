/* Asking a token server. */
#include "registry/token.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "format/date.h"
#include "format/jread.h"
#include "registry/retry.h"
#include "sys/clock.h"

#include "base/banned.h"

enum {
    ANSWER_MAX = 256 * 1024, /* tokens of some registries list every right of the user */
    DEADLINE_MS = 60 * 1000,
    LIFETIME_MIN_S = 60,
};

enum way { BY_GET, BY_PASSWORD_FORM, BY_REFRESH_FORM };

/* Registries whose token server is known to be elsewhere; those of GHCR, Quay, ACR, GCR, Artifact Registry, ECR's public one, Harbor and
 * Artifactory without subdomains are on the registry's own host. */
static const char *const pairs[][2] = {
    { "registry-1.docker.io", "auth.docker.io" },
    { "registry.gitlab.com", "gitlab.com" },
    { "docker.elastic.co", "docker-auth.elastic.co" },
};

/* The user that stands for a token of Azure's own login server as the password. */
static const char acr_user[] = "00000000-0000-0000-0000-000000000000";

static bool belongs(const struct token_request *q, const char *host)
{
    if (text_is(q->base->host, host) || (url_host_is_loopback(q->base->host) && url_host_is_loopback(host)))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        if (text_is(pairs[i][0], q->base->host) && text_is(pairs[i][1], host))
            return true;
    for (size_t i = 0; i < q->n_more_hosts; i++)
        if (text_is(q->more_hosts[i], host))
            return true;
    return false;
}

bool token_server(struct url *out, const struct token_request *q, struct err *e)
{
    if (q->challenge->realm[0] == '\0')
        return err_set(e, ERR_AUTH, "%s: names no token server (realm)", URL_ORIGIN(q->base));
    if (!url_parse(out, q->challenge->realm, "token server (realm)", e))
        return err_as(e, ERR_AUTH);
    if (!belongs(q, out->host)) {
        err_set(e, ERR_AUTH, "%s: token server %s is not on the registry's host", URL_ORIGIN(q->base), URL_ORIGIN(out));
        return err_hint(e, "if it is meant to give this registry's tokens, and may see the login, name it: --token-server %s", out->host);
    }
    if (!out->is_https && !url_host_is_loopback(out->host))
        return err_set(e, ERR_AUTH, "%s: token server %s is not https", URL_ORIGIN(q->base), URL_ORIGIN(out));
    return true;
}

char *token_scope(const char *proposed, size_t n)
{
    static const char kind[] = "repository:";
    size_t name = n;
    while (name > 0 && proposed[name - 1] != ':')
        name--;
    if (n <= strlen(kind) || strncmp(proposed, kind, strlen(kind)) != 0 || name <= strlen(kind))
        return mem_text_n(proposed, n); /* a registry's own invention: "aws" */
    return mem_format("%.*spull", (int)name, proposed);
}

/* Each scope that was asked for, or to pull the repository. */
static void add_scopes(const struct token_request *q, struct buf *to, char *separator)
{
    const char *at = q->challenge->scope;
    at += strspn(at, " ");
    if (*at == '\0' && q->repository != NULL) {
        AUTO(mem_auto) char *scope = mem_format("repository:%s:pull", q->repository);
        url_add_query(to, *separator, "scope", scope);
        *separator = '&';
    }
    while (*at != '\0') {
        size_t n = strcspn(at, " ");
        AUTO(mem_auto) char *scope = token_scope(at, n);
        url_add_query(to, *separator, "scope", scope);
        *separator = '&';
        at += n + strspn(at + n, " ");
    }
}

/* GET realm?service=...&scope=..., with the login as Basic. */
static bool ask_by_get(struct http *h, const struct token_request *q, const struct url *server, struct http_response *rs, struct err *e)
{
    AUTO(buf_clear_auto) struct buf url = BUF_LIMIT(LIMIT_URL_BYTES);
    AUTO(secret_clear_auto) struct secret authorization = { 0 };
    char separator = strchr(server->text, '?') != NULL ? '&' : '?';
    buf_adds(&url, server->text);
    if (q->challenge->service[0] != '\0') {
        url_add_query(&url, separator, "service", q->challenge->service);
        separator = '&';
    }
    add_scopes(q, &url, &separator);
    if (!buf_done(&url, "token URL", e))
        return err_as(e, ERR_AUTH);
    if (q->credential != NULL && q->credential->kind == CREDENTIAL_PASSWORD)
        authorization = credential_basic(q->credential);
    struct http_request rq = { .method = "GET", .url = buf_text(&url), .identity = q->identity, .authorization = &authorization, .max_body = ANSWER_MAX,
                               .deadline_ms = DEADLINE_MS };
    return http_run(h, &rq, rs, NULL, e);
}

static void add_login(struct buf *form, enum way way, const struct credential *c)
{
    if (way == BY_PASSWORD_FORM)
        url_add_query(form, '&', "username", c->user);
    url_add_query(form, '&', way == BY_PASSWORD_FORM ? "password" : "refresh_token", c->secret.bytes);
}

/* OAuth2: the login is posted as a form. */
static bool ask_by_post(struct http *h, const struct token_request *q, enum way way, const struct url *server, struct http_response *rs, struct err *e)
{
    AUTO(buf_wipe_auto) struct buf form = BUF_LIMIT(4 * LIMIT_LOGIN_BYTES);
    char separator = '&';
    char *room = buf_reserve(&form, form.max); /* growing would leave copies behind */
    BUG_IF(room == NULL);
    buf_addf(&form, "grant_type=%s&client_id=archon-bundle", way == BY_PASSWORD_FORM ? "password" : "refresh_token");
    url_add_query(&form, '&', "service", q->challenge->service);
    add_scopes(q, &form, &separator);
    add_login(&form, way, q->credential);
    if (!buf_done(&form, "token request", e))
        return err_as(e, ERR_AUTH);
    AUTO(source_free_auto) struct source *body = source_memory(form.data, form.len);
    struct http_header headers[] = { { "Content-Type", "application/x-www-form-urlencoded" } };
    struct http_request rq = { .method = "POST", .url = server->text, .identity = q->identity, .headers = headers, .n_headers = 1, .body = body,
                               .body_bytes = form.len, .max_body = ANSWER_MAX, .deadline_ms = DEADLINE_MS };
    return http_run(h, &rq, rs, NULL, e);
}

/* How much of the lifetime is over, by a clock that may be another than the server's: not known is none. */
static uint64_t age_of(struct jnode root, int64_t now)
{
    struct err ignored = { 0 };
    int64_t issued = 0;
    if (!jread_has(root, "issued_at"))
        return 0;
    AUTO(mem_auto) char *text = jread_text(root, "issued_at", 64);
    return date_parse_loose(&issued, text, "issued_at", &ignored) && issued < now ? (uint64_t)(now - issued) : 0;
}

/* It becomes part of a header. */
static bool is_header_text(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text > '~')
            return false;
    return true;
}

bool token_read(const char *text, size_t n, int64_t now, struct secret *token, uint64_t *lifetime_s, struct err *e)
{
    AUTO(jread_free_auto) struct jread *doc = jread_open(text, n, "token", JREAD_OCI, e);
    if (doc == NULL)
        return err_as(e, ERR_AUTH);
    struct jnode root = jread_root(doc);
    bool has_token = jread_has(root, "token");
    char *bytes = jread_text(root, has_token ? "token" : "access_token", LIMIT_LOGIN_BYTES);
    *lifetime_s = LIFETIME_MIN_S;
    if (jread_has(root, "expires_in"))
        jread_u64(root, "expires_in", UINT32_MAX, lifetime_s);
    uint64_t age = age_of(root, now);
    *lifetime_s = *lifetime_s > age ? *lifetime_s - age : 0;
    if (*lifetime_s < LIFETIME_MIN_S)
        *lifetime_s = LIFETIME_MIN_S;
    if (bytes[0] == '\0')
        jread_fail(root, "token", "empty");
    if (!is_header_text(bytes))
        jread_fail(root, "token", "characters that no token has");
    *token = secret_of(bytes, strlen(bytes));
    secret_wipe(bytes, strlen(bytes));
    mem_free(bytes);
    if (jread_done(doc, e))
        return true;
    secret_clear(token);
    return err_as(e, ERR_AUTH);
}

static bool judge(const struct token_request *q, const struct url *server, const struct http_response *rs, struct err *e)
{
    const char *origin = URL_ORIGIN(server);
    const struct credential *c = q->credential;
    bool has_login = c != NULL && c->kind != CREDENTIAL_NONE;
    if (rs->status >= 300 && rs->status < 400)
        return err_set(e, ERR_AUTH, "token server %s: redirects, which is refused", origin);
    if (retry_is_sensible(rs->status))
        return err_set(e, ERR_NET, "token server %s: answered %u", origin, rs->status);
    if (rs->status >= 400 && rs->status < 500 && has_login)
        return err_set(e, ERR_AUTH, "token server %s: refused the login of %s%s%s: answered %u", origin,
                       c->kind == CREDENTIAL_PASSWORD ? SHOWN(c->user) : "the identity token", c->from != NULL ? " from " : "",
                       c->from != NULL ? SHOWN(c->from) : "", rs->status);
    if (rs->status >= 400 && rs->status < 500)
        return err_set(e, ERR_AUTH, "token server %s: refused to serve without a login: answered %u", origin, rs->status);
    return rs->status == 200 || err_set(e, ERR_AUTH, "token server %s: answered %u", origin, rs->status);
}

static enum way first_way(const struct credential *c)
{
    return c != NULL && c->kind == CREDENTIAL_IDENTITY ? BY_REFRESH_FORM : BY_GET;
}

/* A server that does not know GET may know OAuth2, as one for which GET is another program may; and a token of Azure's login server is taken as
 * a password, or only as what it is. */
static bool has_other_way(const struct credential *c, unsigned status, enum way *way)
{
    bool is_unknown = status == 404 || status == 405;
    if (*way != BY_GET || c == NULL || c->kind != CREDENTIAL_PASSWORD)
        return false;
    *way = text_is(c->user, acr_user) ? BY_REFRESH_FORM : BY_PASSWORD_FORM;
    return is_unknown || (*way == BY_REFRESH_FORM && (status == 400 || status == 401));
}

bool token_fetch(struct http *h, const struct token_request *q, struct secret *token, uint64_t *lifetime_s, struct err *e)
{
    struct url server;
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    enum way way = first_way(q->credential);
    if (!token_server(&server, q, e))
        return false;
    bool is_answered = way == BY_GET ? ask_by_get(h, q, &server, &rs, e) : ask_by_post(h, q, way, &server, &rs, e);
    if (is_answered && has_other_way(q->credential, rs.status, &way)) {
        http_response_clear(&rs);
        is_answered = ask_by_post(h, q, way, &server, &rs, e);
    }
    bool is_good = is_answered && judge(q, &server, &rs, e) && token_read(buf_text(&rs.text), rs.text.len, clock_unix(), token, lifetime_s, e);
    secret_wipe(rs.text.data, rs.text.len);
    return is_good;
}
