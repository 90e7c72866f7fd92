/* Image references by the grammar of distribution/reference, which every engine uses:
 *
 *     reference  = [host "/"] path [":" tag] ["@" digest]
 *     path       = component ("/" component)*      component = [a-z0-9]+ ((("." | "_" | "__" | "-"+) [a-z0-9]+)*)
 *     host       = label ("." label)* [":" port]  or  "[" IPv6 "]" [":" port]
 *
 * The only differences: ports must exist (1 to 65535, no zeros in front), digests are sha256, and a host that is none ("a_b.example/x") is refused, not taken for
 * a path without a host.
 *
 * What stands before the first "/" is a host when it has a "." or ":" or an upper-case letter, or is "localhost"; otherwise
 * it belongs to the path on docker.io. */
#include "format/ref.h"

#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"

#include "base/banned.h"

enum { REPOSITORY_MAX = 255, TAG_MAX = 128, PORT_MAX = 65535, ID_HEX = 64 };

static const char default_host[] = "docker.io";
static const char old_default_host[] = "index.docker.io";

static bool is_lower_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
    return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

static const char *find(struct slice s, char c)
{
    return s.n == 0 ? NULL : memchr(s.p, c, s.n);
}

/* Cuts s at a separator inside it: what is before stays, what is after is returned. */
static struct slice cut(struct slice *s, const char *at)
{
    struct slice after = { at + 1, s->n - (size_t)(at - s->p) - 1 };
    s->n = (size_t)(at - s->p);
    return after;
}

/* ---- host ---- */

static bool is_label(struct slice s)
{
    if (s.n == 0 || !is_alnum(s.p[0]) || !is_alnum(s.p[s.n - 1]))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!is_alnum(s.p[i]) && s.p[i] != '-')
            return false;
    return true;
}

static bool is_dotted(struct slice s)
{
    const char *dot;
    while ((dot = find(s, '.')) != NULL) {
        struct slice rest = cut(&s, dot);
        if (!is_label(s))
            return false;
        s = rest;
    }
    return is_label(s);
}

static bool is_ipv6(struct slice s)
{
    if (s.n < 3 || s.p[0] != '[' || s.p[s.n - 1] != ']')
        return false;
    for (size_t i = 1; i + 1 < s.n; i++)
        if (s.p[i] != ':' && !(s.p[i] >= '0' && s.p[i] <= '9') && !(s.p[i] >= 'a' && s.p[i] <= 'f') && !(s.p[i] >= 'A' && s.p[i] <= 'F'))
            return false;
    return true;
}

static bool is_port(struct slice s)
{
    uint64_t port;
    return num_parse(&port, s.p, s.n, PORT_MAX) && port > 0;
}

static bool is_host(struct slice s)
{
    const char *bracket = s.n > 0 && s.p[0] == '[' ? find(s, ']') : NULL;
    struct slice after = bracket == NULL ? s : (struct slice){ bracket + 1, s.n - (size_t)(bracket + 1 - s.p) };
    const char *colon = find(after, ':');
    if (colon != NULL && !is_port(cut(&after, colon)))
        return false;
    if (bracket == NULL)
        return is_dotted(after);
    return after.n == 0 && is_ipv6((struct slice){ s.p, (size_t)(bracket + 1 - s.p) });
}

/* Is the first component a host? Docker's rule, which has no look-up in it. */
static bool looks_like_host(struct slice s)
{
    if (find(s, '.') != NULL || find(s, ':') != NULL || slice_is(s, "localhost"))
        return true;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] >= 'A' && s.p[i] <= 'Z')
            return true;
    return false;
}

/* ---- path ---- */

/* Length of the separator at s: ".", "_", "__" or any number of "-"; 0 when there is none. */
static size_t separator(struct slice s)
{
    if (s.p[0] == '.')
        return 1;
    if (s.p[0] == '_')
        return s.n > 1 && s.p[1] == '_' ? 2 : 1;
    size_t n = 0;
    while (n < s.n && s.p[n] == '-')
        n++;
    return n;
}

static bool is_component(struct slice s)
{
    size_t i = 0;
    for (;;) {
        size_t from = i;
        while (i < s.n && is_lower_alnum(s.p[i]))
            i++;
        if (i == from)
            return false;
        if (i == s.n)
            return true;
        size_t n = separator((struct slice){ s.p + i, s.n - i });
        if (n == 0)
            return false;
        i += n;
    }
}

static bool is_path(struct slice s)
{
    const char *slash;
    while ((slash = find(s, '/')) != NULL) {
        struct slice rest = cut(&s, slash);
        if (!is_component(s))
            return false;
        s = rest;
    }
    return is_component(s);
}

static bool is_tag(struct slice s)
{
    if (s.n == 0 || s.n > TAG_MAX || !(is_alnum(s.p[0]) || s.p[0] == '_'))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!is_alnum(s.p[i]) && s.p[i] != '_' && s.p[i] != '.' && s.p[i] != '-')
            return false;
    return true;
}

/* 64 hex digits alone are an image id to every engine, never a name. */
static bool is_id(struct slice s)
{
    uint8_t bytes[ID_HEX / 2];
    return text_unhex(bytes, sizeof bytes, s.p, s.n);
}

/* ---- parsing ---- */

static void put(char *out, struct slice s)
{
    memcpy(out, s.p, s.n);
    out[s.n] = '\0';
}

static const char *why_not_path(struct slice path)
{
    for (size_t i = 0; i < path.n; i++)
        if (path.p[i] >= 'A' && path.p[i] <= 'Z')
            return "the repository name must be lower case";
    return path.n == 0 ? "there is no repository name" : "the repository name has a character or a separator that is not allowed";
}

static const char *read_digest(struct ref *out, struct slice text)
{
    char copy[DIGEST_TEXT_BYTES + 1];
    struct err ignored = { 0 };
    if (text.n >= sizeof copy)
        return "the digest is not sha256: and 64 lower-case hex digits";
    put(copy, text);
    out->has_digest = digest_parse(&out->digest, copy, "reference", &ignored);
    return out->has_digest ? NULL : "the digest is not sha256: and 64 lower-case hex digits";
}

/* The host, or Docker's default; *rest is the path afterwards. */
static const char *read_host(struct ref *out, struct slice *rest)
{
    const char *slash = find(*rest, '/');
    struct slice host = { rest->p, slash == NULL ? 0 : (size_t)(slash - rest->p) };
    if (slash == NULL || !looks_like_host(host)) {
        put(out->host, slice_of(default_host));
        return NULL;
    }
    *rest = (struct slice){ slash + 1, rest->n - host.n - 1 };
    if (host.n >= sizeof out->host)
        return "the host name is longer than 255 characters";
    if (!is_host(host))
        return "the part before the first \"/\" is not a host name with an optional port";
    put(out->host, slice_is(host, old_default_host) ? slice_of(default_host) : host);
    return NULL;
}

static const char *read_tag(struct ref *out, struct slice *path)
{
    const char *slash = path->n == 0 ? NULL : memrchr(path->p, '/', path->n);
    const char *from = slash == NULL ? path->p : slash + 1;
    const char *colon = find((struct slice){ from, path->n - (size_t)(from - path->p) }, ':');
    if (colon == NULL) {
        put(out->tag, slice_of(out->has_digest ? "" : "latest"));
        return NULL;
    }
    struct slice tag = cut(path, colon);
    if (!is_tag(tag))
        return "the tag is not 1 to 128 of letters, digits, '_', '.', '-', with no '.' or '-' in front";
    put(out->tag, tag);
    return NULL;
}

static const char *read_path(struct ref *out, struct slice path)
{
    bool is_official = strcmp(out->host, default_host) == 0 && find(path, '/') == NULL;
    const char *prefix = is_official ? "library/" : "";
    if (!is_path(path))
        return why_not_path(path);
    if (strlen(prefix) + path.n > REPOSITORY_MAX)
        return "the repository name is longer than 255 characters";
    snprintf(out->repository, sizeof out->repository, "%s%.*s", prefix, (int)path.n, path.p);
    return NULL;
}

static const char *read_all(struct ref *out, struct slice rest)
{
    if (is_id(rest))
        return "64 hex digits are an image id, not a name";
    const char *at = find(rest, '@');
    const char *why = at == NULL ? NULL : read_digest(out, cut(&rest, at));
    if (why == NULL)
        why = read_host(out, &rest);
    if (why == NULL)
        why = read_tag(out, &rest);
    return why != NULL ? why : read_path(out, rest);
}

bool ref_parse(struct ref *out, const char *text, struct err *e)
{
    *out = (struct ref){ 0 };
    size_t n = strlen(text);
    const char *why = n == 0 ? "it is empty" : n > LIMIT_REF_BYTES * 2 ? "it is too long" : read_all(out, slice_of(text));
    if (why == NULL)
        return true;
    *out = (struct ref){ 0 };
    return err_set(e, ERR_USAGE, "reference \"%s\": %s", SHOWN(text), why);
}

/* ---- formatting ---- */

const char *ref_format(struct ref_text *out, const struct ref *r)
{
    snprintf(out->text, sizeof out->text, "%s/%s%s%s%s%s", r->host, r->repository, r->tag[0] == '\0' ? "" : ":", r->tag,
             r->has_digest ? "@" : "", r->has_digest ? DIGEST_SHOWN(&r->digest) : "");
    return out->text;
}

const char *ref_format_tag(struct ref_text *out, const struct ref *r)
{
    snprintf(out->text, sizeof out->text, "%s/%s:%s", r->host, r->repository, r->tag[0] == '\0' ? "latest" : r->tag);
    return out->text;
}

bool ref_equal(const struct ref *a, const struct ref *b)
{
    return strcmp(a->host, b->host) == 0 && strcmp(a->repository, b->repository) == 0 && strcmp(a->tag, b->tag) == 0 &&
           a->has_digest == b->has_digest && (!a->has_digest || digest_equal(&a->digest, &b->digest));
}
