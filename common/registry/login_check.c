/* A log-in without a pull: the API's first page, as a client finds out what a registry wants. */
#include "registry/host.h"
#include "registry/login.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "registry/retry.h"
#include "registry/token.h"

#include "base/banned.h"

enum { DEADLINE_MS = 60 * 1000 };

static bool get_first_page(const struct login_place *p, const struct secret *authorization, struct http_response *rs, struct err *e)
{
    struct url url;
    http_response_clear(rs);
    if (!url_join(&url, p->base, "/v2/", "registry", e))
        return false;
    struct http_request rq = { .method = "GET",
                               .url = url.text,
                               .identity = registry_host_identity(p->host, &url),
                               .authorization = authorization,
                               .deadline_ms = DEADLINE_MS };
    if (!http_run(p->http, &rq, rs, NULL, e))
        return err_in(e, "%s", p->name);
    if (rs->status == 200 || rs->status == 401 || (rs->status == 403 && authorization != NULL))
        return true;
    err_set(e, retry_is_sensible(rs->status) ? ERR_NET : ERR_REGISTRY, "%s: %s answered %u to /v2/, where a registry says 200 or 401",
            p->name, URL_ORIGIN(p->base), rs->status);
    return err_hint(e, "is %s the host of a registry, as in the names of its images?", p->name);
}

static void describe(struct registry_login *out, const struct credential *c)
{
    out->kind = c->kind;
    out->from = c->from;
    if (!text_copy(out->user, sizeof out->user, c->user))
        out->user[0] = '\0';
}

/* Does the registry take this header? */
static bool is_taken(struct login *l, const char *repository, const struct secret *authorization, const struct credential *c, struct err *e)
{
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    return get_first_page(login_place_of(l), authorization, &rs, e) && (rs.status == 200 || login_refused_with(l, repository, c, e));
}

static bool check_basic(struct login *l, const char *repository, const struct credential *c, struct err *e)
{
    if (c->kind != CREDENTIAL_PASSWORD)
        return login_refused_with(l, repository, c, e);
    AUTO(secret_clear_auto) struct secret authorization = credential_basic(c);
    return is_taken(l, repository, &authorization, c, e);
}

static struct secret bearer(const struct secret *token)
{
    AUTO(mem_auto) char *text = mem_format("Bearer %s", token->bytes);
    struct secret s = secret_of(text, strlen(text));
    secret_wipe(text, strlen(text));
    return s;
}

static bool check_bearer(struct login *l, const char *repository, const struct challenge *asked, const struct credential *c,
                         struct registry_login *out, struct err *e)
{
    AUTO(secret_clear_auto) struct secret token = { 0 };
    uint64_t lifetime_s = 0;
    struct url server;
    const char *scope = repository[0] != '\0' ? repository : NULL;
    if (c->kind == CREDENTIAL_TOKEN) {
        token = secret_of(c->secret.bytes, c->secret.n);
    } else {
        if (!login_ask_token(l, scope, asked, c, &token, &lifetime_s, e))
            return false;
        struct token_request q = { .challenge = asked, .base = login_place_of(l)->base };
        struct err ignored = { 0 };
        q.more_hosts = login_place_of(l)->options->token_servers;
        q.n_more_hosts = login_place_of(l)->options->n_token_servers;
        if (token_server(&server, &q, &ignored))
            url_origin_of(&out->token_server, &server);
    }
    if (c->kind == CREDENTIAL_NONE)
        return true; /* some servers give such a token, and the first page only to users */
    AUTO(secret_clear_auto) struct secret authorization = bearer(&token);
    return is_taken(l, repository, &authorization, c, e);
}

bool login_check(struct login *l, const char *repository, struct registry_login *out, struct err *e)
{
    const struct login_place *p = login_place_of(l);
    struct challenge_list asked = { 0 };
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    AUTO(credential_clear_auto) struct credential c = { 0 };
    *out = (struct registry_login){ 0 };
    url_origin_of(&out->address, p->base);
    if (!get_first_page(p, NULL, &rs, e))
        return false;
    if (!credentials_find(p->options->credentials, p->name, repository, &c, e))
        return err_in(e, "%s", p->name);
    describe(out, &c);
    out->is_anonymous = rs.status == 200 || c.kind == CREDENTIAL_NONE;
    if (rs.status == 200)
        return true;
    const struct challenge *best = login_read_challenges(l, repository, &rs, &asked, e);
    if (best == NULL)
        return false;
    out->scheme = best->kind;
    return best->kind == CHALLENGE_BASIC ? check_basic(l, repository, &c, e) : check_bearer(l, repository, best, &c, out, e);
}
