/* What was asked for decides what is sent: nothing before the first 401. */
#include "registry/login.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "registry/credential_variables.h"
#include "registry/host.h"
#include "registry/token.h"
#include "sys/clock.h"

#include "base/banned.h"

struct token {
    char *repository;
    struct secret authorization; /* "Bearer ..." */
    uint64_t expires_ms;
};
struct login {
    struct login_place place;
    enum challenge_kind wanted; /* OTHER until it asked for something */
    struct token *tokens;
    size_t n_tokens, cap_tokens;
    bool is_trouble_told;
};

struct login *login_new(const struct login_place *p)
{
    struct login *l = mem_new(sizeof *l);
    l->place = *p;
    return l;
}

void login_free(struct login *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < l->n_tokens; i++) {
        mem_free(l->tokens[i].repository);
        secret_clear(&l->tokens[i].authorization);
    }
    mem_free(l->tokens);
    mem_free(l);
}

const struct login_place *login_place_of(const struct login *l)
{
    return &l->place;
}

/* Nothing secret goes over plain HTTP to another host. */
static bool may_send(const struct login *l)
{
    return l->place.base->is_https || url_host_is_loopback(l->place.base->host);
}

/* Whose login */

struct credential login_who(struct login *l, const char *repository, struct err *trouble)
{
    struct credential found = { 0 };
    if (!credentials_find(l->place.options->credentials, l->place.name, repository, &found, trouble) && !l->is_trouble_told) {
        l->is_trouble_told = true;
        log_warn("%s: %s; going on without a login", l->place.name, trouble->msg);
    }
    return found;
}

static const char *source_of(const struct credential *c, struct text_shown *shown)
{
    return c->from != NULL ? text_printable(shown, c->from, strlen(c->from)) : "an unknown place";
}

/* What to do without a login, or with one that is refused. */
static bool hint(const struct login *l, const struct credential *c, struct err *e)
{
    AUTO(mem_auto) char *variable = credential_variable_name(l->place.name);
    if (c->kind != CREDENTIAL_NONE && c->from != NULL && text_starts(c->from, "ARCHON_REGISTRY_"))
        return err_hint(e, "set that variable and the one of its password anew, then try: archon-bundle login %s", l->place.name);
    if (c->kind != CREDENTIAL_NONE)
        return err_hint(e, "put the right login there (docker login %s, podman login --authfile FILE %s), then try: archon-bundle login %s",
                        l->place.name, l->place.name, l->place.name);
    if (variable == NULL)
        return err_hint(e, "log in with: docker login %s, or name a file with the login: --authfile FILE", l->place.name);
    return err_hint(e, "log in with: docker login %s, or name a file with the login: --authfile FILE, or set %s_USER and ..._PASSWORD",
                    l->place.name, variable);
}

/* "registry.example: app", or the registry alone. Owned by the caller. */
static char *name_of(const struct login *l, const char *repository)
{
    bool has_name = repository != NULL && repository[0] != '\0';
    return mem_format("%s%s%s", l->place.name, has_name ? ": " : "", has_name ? repository : "");
}

bool login_refused_with(const struct login *l, const char *repository, const struct credential *c, struct err *e)
{
    struct text_shown shown;
    AUTO(mem_auto) char *name = name_of(l, repository);
    if (c->kind == CREDENTIAL_NONE && repository[0] == '\0')
        err_set(e, ERR_AUTH, "%s: wants a login, and there is none", name);
    else if (c->kind == CREDENTIAL_NONE)
        err_set(e, ERR_AUTH, "%s needs a login or does not exist", name);
    else if (c->kind == CREDENTIAL_PASSWORD)
        err_set(e, ERR_AUTH, "%s: the registry refused the login of %s from %s", name, SHOWN(c->user), source_of(c, &shown));
    else if (l->wanted == CHALLENGE_BASIC)
        err_set(e, ERR_AUTH, "%s: the registry wants a user and a password, and %s has a token", name, source_of(c, &shown));
    else
        err_set(e, ERR_AUTH, "%s: the registry refused the token from %s", name, source_of(c, &shown));
    return hint(l, c, e);
}

bool login_refused(struct login *l, const char *repository, struct err *e)
{
    struct err trouble = { 0 };
    AUTO(credential_clear_auto) struct credential c = login_who(l, repository, &trouble);
    if (trouble.code == ERR_NONE)
        return login_refused_with(l, repository, &c, e);
    *e = trouble;
    AUTO(mem_auto) char *name = name_of(l, repository);
    return err_in(e, "%s needs a login", name);
}

bool login_denied(struct login *l, const char *repository, struct err *e)
{
    struct err trouble = { 0 };
    struct text_shown shown;
    AUTO(credential_clear_auto) struct credential c = login_who(l, repository, &trouble);
    AUTO(secret_clear_auto) struct secret sent = login_authorization(l, repository);
    if (c.kind == CREDENTIAL_NONE || !secret_is_set(&sent))
        return err_add(e, "; asked without a login");
    return err_add(e, "; asked as %s from %s", c.user[0] != '\0' ? SHOWN(c.user) : "the holder of a token", source_of(&c, &shown));
}

bool login_limited(struct login *l, const char *repository, struct err *e)
{
    struct err trouble = { 0 };
    struct text_shown shown;
    AUTO(credential_clear_auto) struct credential c = login_who(l, repository, &trouble);
    if (c.kind == CREDENTIAL_NONE)
        return err_hint(e, "pulls without a login are limited: log in with: docker login %s, or try later; what was fetched is kept",
                        l->place.name);
    return err_hint(e, "the limit of the login from %s is reached: try later; what was fetched is kept", source_of(&c, &shown));
}

/* Tokens */

static struct token *find_token(struct login *l, const char *repository)
{
    for (size_t i = 0; i < l->n_tokens; i++)
        if (text_is(l->tokens[i].repository, repository))
            return &l->tokens[i];
    return NULL;
}

static void keep_token(struct login *l, const char *repository, const struct secret *bearer, uint64_t lifetime_s)
{
    struct token *t = find_token(l, repository);
    if (t == NULL) {
        MEM_PUSH(l->tokens, l->n_tokens, l->cap_tokens) = (struct token){ .repository = mem_text(repository) };
        t = &l->tokens[l->n_tokens - 1];
    }
    secret_clear(&t->authorization);
    t->authorization.n = bearer->n + 7;
    t->authorization.bytes = mem_new(t->authorization.n + 1);
    memcpy(t->authorization.bytes, "Bearer ", 7);
    if (bearer->n > 0)
        memcpy(t->authorization.bytes + 7, bearer->bytes, bearer->n);
    t->expires_ms = clock_monotonic_ms() + lifetime_s * 900; /* nine tenths: not in the last moment */
}

bool login_ask_token(struct login *l, const char *repository, const struct challenge *asked, const struct credential *c,
                     struct secret *token, uint64_t *lifetime_s, struct err *e)
{
    const struct registry_options *o = l->place.options;
    struct token_request q = { .challenge = asked,
                               .base = l->place.base,
                               .repository = repository,
                               .credential = c,
                               .more_hosts = o->token_servers,
                               .n_more_hosts = o->n_token_servers };
    struct url server;
    struct err ignored = { 0 };
    if (token_server(&server, &q, &ignored))
        q.identity = registry_host_identity(l->place.host, &server);
    if (token_fetch(l->place.http, &q, token, lifetime_s, e))
        return true;
    if (e->code == ERR_AUTH)
        hint(l, c, e);
    AUTO(mem_auto) char *name = name_of(l, repository);
    return err_in(e, "%s", name);
}

static bool get_token(struct login *l, const char *repository, const struct challenge *asked, struct err *e)
{
    struct err trouble = { 0 };
    struct err refusal = { 0 };
    AUTO(credential_clear_auto) struct credential c = login_who(l, repository, &trouble);
    AUTO(secret_clear_auto) struct secret token = { 0 };
    uint64_t lifetime_s = UINT32_MAX;
    bool is_good = false;
    if (c.kind == CREDENTIAL_TOKEN) {
        token = secret_of(c.secret.bytes, c.secret.n);
        is_good = true;
    } else {
        is_good = login_ask_token(l, repository, asked, &c, &token, &lifetime_s, &refusal);
    }
    if (!is_good && refusal.code == ERR_AUTH && credentials_renew(l->place.options->credentials, l->place.name, repository)) {
        credential_clear(&c);
        c = login_who(l, repository, &trouble);
        refusal = (struct err){ 0 };
        is_good = login_ask_token(l, repository, asked, &c, &token, &lifetime_s, &refusal);
    }
    if (is_good)
        keep_token(l, repository, &token, lifetime_s);
    else if (refusal.code == ERR_AUTH && trouble.code != ERR_NONE)
        login_refused(l, repository, e);
    else
        *e = refusal;
    return is_good;
}

/* The registry's word */

const struct challenge *login_read_challenges(struct login *l, const char *repository, const struct http_response *rs,
                                              struct challenge_list *asked, struct err *e)
{
    AUTO(mem_auto) char *name = name_of(l, repository);
    for (size_t i = 0; i < rs->n_headers; i++)
        if (text_is(rs->headers[i].name, "www-authenticate") && !challenge_parse(asked, rs->headers[i].value, e)) {
            err_in(e, "%s", name);
            return NULL;
        }
    const struct challenge *best = challenge_best(asked);
    if (best == NULL)
        err_set(e, ERR_AUTH, "%s: asks for a login, but neither Basic nor Bearer", name);
    else if (may_send(l))
        l->wanted = best->kind;
    else
        err_set(e, ERR_AUTH, "%s: asks for a login, and none is sent over plain HTTP", name);
    return e->code == ERR_NONE ? best : NULL;
}

struct secret login_authorization(struct login *l, const char *repository)
{
    struct err trouble = { 0 };
    if (!may_send(l) || l->wanted == CHALLENGE_OTHER)
        return (struct secret){ 0 };
    if (l->wanted == CHALLENGE_BASIC) {
        AUTO(credential_clear_auto) struct credential c = login_who(l, repository, &trouble);
        return c.kind == CREDENTIAL_PASSWORD ? credential_basic(&c) : (struct secret){ 0 };
    }
    const struct token *t = find_token(l, repository);
    if (t == NULL || t->expires_ms <= clock_monotonic_ms())
        return (struct secret){ 0 };
    return secret_of(t->authorization.bytes, t->authorization.n);
}

/* What was sent is what we have: is there anything else to be sent? */
static bool can_do_better(struct login *l, const char *repository)
{
    return credentials_renew(l->place.options->credentials, l->place.name, repository);
}

bool login_challenged(struct login *l, const char *repository, const struct secret *sent, const struct http_response *rs, struct err *e)
{
    struct challenge_list asked = { 0 };
    struct err trouble = { 0 };
    AUTO(secret_clear_auto) struct secret now = login_authorization(l, repository);
    bool is_refused = secret_is_set(&now) && secret_equal(&now, sent);
    if (secret_is_set(&now) && !is_refused)
        return true; /* another transfer logged in, or renewed the token, since */
    enum challenge_kind before = l->wanted;
    const struct challenge *best = login_read_challenges(l, repository, rs, &asked, e);
    if (best == NULL)
        return false;
    AUTO(credential_clear_auto) struct credential c = login_who(l, repository, &trouble);
    bool is_final = c.kind == CREDENTIAL_TOKEN || best->kind == CHALLENGE_BASIC; /* sent as it is */
    if (is_refused && is_final && before == best->kind)
        return can_do_better(l, repository) || login_refused(l, repository, e);
    if (best->kind == CHALLENGE_BEARER)
        return get_token(l, repository, best, e);
    return c.kind == CREDENTIAL_PASSWORD || login_refused(l, repository, e);
}
