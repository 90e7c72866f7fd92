/* Rules and what follows from them for one repository. */
#include "registry/mirrors.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/ref.h"
#include "registry/mirrors_parts.h"

#include "base/banned.h"

struct mirrors *mirrors_new(void)
{
    return mem_new(sizeof(struct mirrors));
}

void mirror_prefix_clear(struct mirror_prefix *p)
{
    mem_free(p->host);
    mem_free(p->path);
    *p = (struct mirror_prefix){ 0 };
}

void mirrors_registry_clear(struct mirrors_registry *r)
{
    for (size_t i = 0; i < r->n; i++)
        mirror_prefix_clear(&r->mirrors[i].at);
    mem_free(r->mirrors);
    mem_free(r->what);
    mirror_prefix_clear(&r->prefix);
    mirror_prefix_clear(&r->location);
    *r = (struct mirrors_registry){ 0 };
}

void mirrors_free(struct mirrors *m)
{
    for (size_t i = 0; i < m->n_added; i++)
        mirrors_registry_clear(&m->added[i]);
    for (size_t i = 0; i < m->n_read; i++)
        mirrors_registry_clear(&m->read[i]);
    for (size_t i = 0; i < m->n_down; i++)
        mem_free(m->down[i]);
    mem_free(m->added);
    mem_free(m->read);
    mem_free(m->down);
    mem_free(m);
}

/* ---- prefixes ---- */

/* The grammar of references decides: with a repository behind it, it must be one, and its host the one that is written. */
bool mirror_prefix_parse(struct mirror_prefix *out, const char *text, bool may_be_wildcard, const char **why)
{
    static const char probe[] = "x/x";
    struct err ignored = { 0 };
    struct ref ref;
    bool is_wildcard = may_be_wildcard && text_starts(text, "*.");
    const char *plain = is_wildcard ? text + 2 : text;
    size_t n = strcspn(plain, "/");
    *why = "is not HOST or HOST/PATH";
    if (strstr(plain, "://") != NULL) {
        *why = "is an address, expected HOST or HOST/PATH";
        return false;
    }
    if (strchr(plain + n, '@') != NULL || (plain[n] == '/' && strchr(plain + n, ':') != NULL)) {
        *why = "names a tag or digest, which is not understood here";
        return false;
    }
    AUTO(mem_auto) char *whole = mem_format("%s/%s", plain, probe);
    AUTO(mem_auto) char *host = mem_text_n(plain, n);
    if (!ref_parse(&ref, whole, &ignored) || (!text_is(ref.host, host) && !text_is(host, "index.docker.io")))
        return false;
    size_t path = strlen(ref.repository) - (sizeof probe - 1);
    *out = (struct mirror_prefix){ .is_wildcard = is_wildcard, .path = mem_text_n(ref.repository, path > 0 ? path - 1 : 0) };
    out->host = is_wildcard ? mem_format(".%s", ref.host) : mem_text(ref.host);
    return true;
}

/* How many bytes of the repository the prefix covers, with the slash behind them; SIZE_MAX: it does not match. */
static size_t match(const struct mirror_prefix *p, const char *host, const char *repository)
{
    size_t n = strlen(p->path);
    bool is_host = p->is_wildcard ? text_ends(host, p->host) && strlen(host) > strlen(p->host) : text_is(host, p->host);
    if (!is_host)
        return SIZE_MAX;
    if (n == 0)
        return 0;
    if (strncmp(repository, p->path, n) != 0 || (repository[n] != '/' && repository[n] != '\0'))
        return SIZE_MAX;
    return repository[n] == '/' ? n + 1 : n;
}

static size_t length(const struct mirror_prefix *p)
{
    return strlen(p->host) + strlen(p->path) + 1;
}

/* ---- what follows for a repository ---- */

static bool add_place(struct mirror_places *out, const char *host, const char *path, const char *rest, bool is_mirror, struct err *e)
{
    struct mirror_place place = { .is_mirror = is_mirror };
    AUTO(mem_auto) char *repository = mem_format("%s%s%s", path, path[0] != '\0' && rest[0] != '\0' ? "/" : "", rest);
    if (out->n == MIRROR_PLACES_MAX)
        return true; /* enough have been asked by then */
    if (!text_copy(place.host, sizeof place.host, host) || !text_copy(place.repository, sizeof place.repository, repository) || repository[0] == '\0')
        return err_set(e, ERR_CONFIG, "mirror %s: \"%s\" is no repository there", SHOWN(host), SHOWN(repository));
    out->list[out->n++] = place;
    return true;
}

static bool add_mirrors(struct mirror_places *out, const struct mirrors_registry *r, const char *rest, enum mirror_use use, struct err *e)
{
    for (size_t i = 0; i < r->n && out->n < MIRROR_PLACES_MAX - 1; i++) {
        const struct mirror_rule *rule = &r->mirrors[i];
        bool fits = rule->use == MIRROR_ANY || use == MIRROR_ANY || rule->use == use;
        if (fits && !add_place(out, rule->at.host, rule->at.path, rest, true, e))
            return false;
    }
    return true;
}

/* The longest prefix that matches. */
static const struct mirrors_registry *find_read(const struct mirrors *m, const char *host, const char *repository)
{
    const struct mirrors_registry *best = NULL;
    for (size_t i = 0; i < m->n_read; i++)
        if (match(&m->read[i].prefix, host, repository) != SIZE_MAX && (best == NULL || length(&m->read[i].prefix) > length(&best->prefix)))
            best = &m->read[i];
    return best;
}

static bool add_read(const struct mirrors_registry *r, const char *host, const char *repository, enum mirror_use use, struct mirror_places *out, struct err *e)
{
    const char *rest = repository + match(&r->prefix, host, repository);
    if (r->is_blocked) {
        err_set(e, ERR_POLICY, "%s/%s: is blocked by %s", host, SHOWN(repository), SHOWN(r->what));
        return err_hint(e, "blocked = true stands there; whoever administers this machine wrote it");
    }
    if (!add_mirrors(out, r, rest, use, e))
        return false;
    return r->has_location ? add_place(out, r->location.host, r->location.path, rest, false, e) : add_place(out, host, "", repository, false, e);
}

bool mirrors_find(const struct mirrors *m, const char *host, const char *repository, enum mirror_use use, struct mirror_places *out, struct err *e)
{
    *out = (struct mirror_places){ 0 };
    for (size_t i = 0; m != NULL && i < m->n_added; i++) {
        size_t covered = match(&m->added[i].prefix, host, repository);
        if (covered != SIZE_MAX && !add_mirrors(out, &m->added[i], repository + covered, use, e))
            return false;
    }
    const struct mirrors_registry *r = m == NULL ? NULL : find_read(m, host, repository);
    return r != NULL ? add_read(r, host, repository, use, out, e) : add_place(out, host, "", repository, false, e);
}

bool mirrors_is_insecure(const struct mirrors *m, const char *host)
{
    for (size_t i = 0; m != NULL && i < m->n_read; i++) {
        const struct mirrors_registry *r = &m->read[i];
        const struct mirror_prefix *at = r->has_location ? &r->location : &r->prefix;
        if (r->is_insecure && match(&(struct mirror_prefix){ .host = at->host, .path = (char[]){ "" }, .is_wildcard = at->is_wildcard }, host, "") == 0)
            return true;
        for (size_t k = 0; k < r->n; k++)
            if (r->mirrors[k].is_insecure && text_is(r->mirrors[k].at.host, host))
                return true;
    }
    return false;
}

/* ---- --mirror ---- */

bool mirrors_add(struct mirrors *m, const char *text, struct err *e)
{
    const char *equals = strchr(text, '=');
    const char *why = "expected HOST=HOST or HOST/PREFIX=HOST/PREFIX";
    if (equals == NULL)
        return err_set(e, ERR_USAGE, "--mirror %s: %s", SHOWN(text), why);
    AUTO(mem_auto) char *left = mem_text_n(text, (size_t)(equals - text));
    struct mirrors_registry r = { 0 };
    struct mirror_rule rule = { 0 };
    bool ok = mirror_prefix_parse(&r.prefix, left, true, &why);
    if (ok && !mirror_prefix_parse(&rule.at, equals + 1, false, &why)) {
        ok = false;
        left = (mem_free(left), mem_text(equals + 1));
    }
    if (!ok) {
        mirrors_registry_clear(&r);
        return err_set(e, ERR_USAGE, "--mirror %s: \"%s\" %s", SHOWN(text), SHOWN(left), why);
    }
    MEM_PUSH(r.mirrors, r.n, r.cap) = rule;
    MEM_PUSH(m->added, m->n_added, m->cap_added) = r;
    return true;
}

/* ---- what does not answer ---- */

void mirrors_set_down(struct mirrors *m, const char *host)
{
    if (m != NULL && !mirrors_is_down(m, host))
        MEM_PUSH(m->down, m->n_down, m->cap_down) = mem_text(host);
}

bool mirrors_is_down(const struct mirrors *m, const char *host)
{
    for (size_t i = 0; m != NULL && i < m->n_down; i++)
        if (text_is(m->down[i], host))
            return true;
    return false;
}
