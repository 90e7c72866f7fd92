/* The grammar is ambiguous by design: after a comma there is either a further parameter of the same challenge or the next
 * scheme. A name with a "=" behind it is a parameter, a name without one is a scheme. */
#include "registry/challenge.h"

#include <string.h>

#include "base/text.h"

#include "base/banned.h"

struct reader {
    const char *at;
    struct err *e;
};

static bool refuse(struct reader *r, const char *why)
{
    return err_set(r->e, ERR_AUTH, "WWW-Authenticate: %s", why);
}

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static void skip_space(struct reader *r)
{
    while (*r->at == ' ' || *r->at == '\t')
        r->at++;
}

static struct slice read_token(struct reader *r)
{
    struct slice t = { r->at, 0 };
    while (is_token_char(*r->at))
        r->at++;
    t.n = (size_t)(r->at - t.p);
    return t;
}

static bool same_word(struct slice s, const char *word)
{
    return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

/* "token" or token; into out. */
static bool read_value(struct reader *r, char *out, size_t size)
{
    size_t n = 0;
    bool is_quoted = *r->at == '"';
    r->at += is_quoted;
    while (is_quoted ? *r->at != '"' : is_token_char(*r->at)) {
        if (is_quoted && *r->at == '\\')
            r->at++;
        if ((unsigned char)*r->at < ' ' || *r->at == 0x7F)
            return refuse(r, *r->at == '\0' ? "a quote is not closed" : "control characters");
        if (n + 1 >= size)
            return refuse(r, "a value is too long");
        out[n++] = *r->at++;
    }
    out[n] = '\0';
    r->at += is_quoted;
    return true;
}

/* token68, as Negotiate has: letters and = up to a comma or the end. Skipped. */
static bool skip_token68(struct reader *r)
{
    const char *at = r->at;
    while (is_token_char(*at) || *at == '/')
        at++;
    while (*at == '=')
        at++;
    if (at == r->at || (*at != ',' && *at != '\0'))
        return false;
    r->at = at;
    return true;
}

static bool begin_challenge(struct reader *r, struct challenge_list *list, struct slice scheme)
{
    if (list->n == CHALLENGES_MAX)
        return refuse(r, "too many challenges");
    struct challenge *c = &list->items[list->n++];
    *c = (struct challenge){ .kind = same_word(scheme, "bearer")  ? CHALLENGE_BEARER
                                     : same_word(scheme, "basic") ? CHALLENGE_BASIC
                                                                  : CHALLENGE_OTHER };
    skip_token68(r);
    return true;
}

static bool keep_once(struct reader *r, char *field, size_t size, const char *value)
{
    if (field[0] != '\0')
        return refuse(r, "a parameter twice");
    return text_copy(field, size, value) || refuse(r, "a value is too long");
}

static bool read_param(struct reader *r, struct challenge *c, struct slice name)
{
    char value[sizeof c->realm];
    r->at++; /* = */
    skip_space(r);
    if (!read_value(r, value, sizeof value))
        return false;
    if (same_word(name, "realm"))
        return keep_once(r, c->realm, sizeof c->realm, value);
    if (same_word(name, "service"))
        return keep_once(r, c->service, sizeof c->service, value);
    if (same_word(name, "scope"))
        return keep_once(r, c->scope, sizeof c->scope, value);
    return true; /* error, charset, ... */
}

bool challenge_parse(struct challenge_list *list, const char *header, struct err *e)
{
    struct reader r = { header, e };
    struct challenge *current = NULL;
    for (;;) {
        while (*r.at == ',' || *r.at == ' ' || *r.at == '\t')
            r.at++;
        if (*r.at == '\0')
            return true;
        struct slice name = read_token(&r);
        if (name.n == 0)
            return refuse(&r, "neither a scheme nor a parameter");
        skip_space(&r);
        if (*r.at != '=') {
            if (!begin_challenge(&r, list, name))
                return false;
            current = &list->items[list->n - 1];
        } else if (current == NULL) {
            return refuse(&r, "a parameter before the scheme");
        } else if (!read_param(&r, current, name)) {
            return false;
        }
    }
}

const struct challenge *challenge_best(const struct challenge_list *list)
{
    const struct challenge *best = NULL;
    for (size_t i = 0; i < list->n; i++)
        if (list->items[i].kind != CHALLENGE_OTHER && (best == NULL || list->items[i].kind > best->kind))
            best = &list->items[i];
    return best;
}
