/* Asking a token server. */
#include "registry/token.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "format/base64.h"
#include "format/jread.h"
#include "registry/retry.h"

#include "base/banned.h"

enum {
    ANSWER_MAX = 256 * 1024, /* tokens of some registries list every right of the user */
    DEADLINE_MS = 60 * 1000,
    LIFETIME_MIN_S = 60,
    TOKEN_MAX = 32 * 1024,
};

/* Registries whose token server is known to be elsewhere. */
static const char *const pairs[][2] = {
    { "registry-1.docker.io", "auth.docker.io" },
    { "registry.gitlab.com", "gitlab.com" },
};

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
    if (!belongs(q, out->host))
        return err_set(e, ERR_AUTH, "%s: token server %s is not on the registry's host", URL_ORIGIN(q->base), URL_ORIGIN(out));
    if (!out->is_https && !url_host_is_loopback(out->host))
        return err_set(e, ERR_AUTH, "%s: token server %s is not https", URL_ORIGIN(q->base), URL_ORIGIN(out));
    return true;
}

/* Calls add for each scope that was asked for, or for pulling the repository. */
static void add_scopes(const struct token_request *q, struct buf *to, char *separator)
{
    const char *at = q->challenge->scope;
    at += strspn(at, " ");
    if (*at == '\0') {
        AUTO(mem_auto) char *scope = mem_format("repository:%s:pull", q->repository);
        url_add_query(to, *separator, "scope", scope);
        *separator = '&';
        return;
    }
    while (*at != '\0') {
        size_t n = strcspn(at, " ");
        AUTO(mem_auto) char *scope = mem_text_n(at, n);
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
    struct http_request rq = { .method = "GET", .url = buf_text(&url), .authorization = &authorization, .max_body = ANSWER_MAX,
                               .deadline_ms = DEADLINE_MS };
    return http_run(h, &rq, rs, NULL, e);
}

/* OAuth2: the refresh token is posted as a form. */
static bool ask_by_post(struct http *h, const struct token_request *q, const struct url *server, struct http_response *rs, struct err *e)
{
    struct buf form = BUF_LIMIT(64 * KIB);
    char separator = '&';
    buf_adds(&form, "grant_type=refresh_token&client_id=archon-bundle");
    url_add_query(&form, '&', "service", q->challenge->service);
    add_scopes(q, &form, &separator);
    url_add_query(&form, '&', "refresh_token", q->credential->secret.bytes);
    bool is_good = buf_done(&form, "token request", e) || err_as(e, ERR_AUTH);
    if (is_good) {
        AUTO(source_free_auto) struct source *body = source_memory(form.data, form.len);
        struct http_header headers[] = { { "Content-Type", "application/x-www-form-urlencoded" } };
        struct http_request rq = { .method = "POST", .url = server->text, .headers = headers, .n_headers = 1, .body = body,
                                   .body_bytes = form.len, .max_body = ANSWER_MAX, .deadline_ms = DEADLINE_MS };
        is_good = http_run(h, &rq, rs, NULL, e);
    }
    secret_wipe(form.data, form.len);
    buf_clear(&form);
    return is_good;
}

bool token_read(const char *text, size_t n, struct secret *token, uint64_t *lifetime_s, struct err *e)
{
    AUTO(jread_free_auto) struct jread *doc = jread_open(text, n, "token", JREAD_OCI, e);
    if (doc == NULL)
        return err_as(e, ERR_AUTH);
    struct jnode root = jread_root(doc);
    bool has_token = jread_has(root, "token");
    char *bytes = jread_text(root, has_token ? "token" : "access_token", TOKEN_MAX);
    *lifetime_s = LIFETIME_MIN_S;
    if (jread_has(root, "expires_in"))
        jread_u64(root, "expires_in", UINT32_MAX, lifetime_s);
    if (*lifetime_s < LIFETIME_MIN_S)
        *lifetime_s = LIFETIME_MIN_S;
    if (bytes[0] == '\0')
        jread_fail(root, "token", "empty");
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
    bool has_login = q->credential != NULL && q->credential->kind != CREDENTIAL_NONE;
    if (rs->status >= 300 && rs->status < 400)
        return err_set(e, ERR_AUTH, "token server %s: redirects, which is refused", origin);
    if (retry_is_sensible(rs->status))
        return err_set(e, ERR_NET, "token server %s: answered %u", origin, rs->status);
    if (rs->status == 401 || rs->status == 403 || (rs->status == 400 && has_login))
        return err_set(e, ERR_AUTH, "token server %s: refused %s%s", origin, has_login ? "the login of " : "to serve without a login",
                       !has_login                                           ? ""
                       : q->credential->kind == CREDENTIAL_PASSWORD ? SHOWN(q->credential->user)
                                                                    : "the identity token");
    return rs->status == 200 || err_set(e, ERR_AUTH, "token server %s: answered %u", origin, rs->status);
}

bool token_fetch(struct http *h, const struct token_request *q, struct secret *token, uint64_t *lifetime_s, struct err *e)
{
    struct url server;
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    if (!token_server(&server, q, e))
        return false;
    bool is_identity = q->credential != NULL && q->credential->kind == CREDENTIAL_IDENTITY;
    bool is_answered = (is_identity ? ask_by_post : ask_by_get)(h, q, &server, &rs, e);
    bool is_good = is_answered && judge(q, &server, &rs, e) && token_read(buf_text(&rs.text), rs.text.len, token, lifetime_s, e);
    secret_wipe(rs.text.data, rs.text.len);
    return is_good;
}
