/* The databases that are text: paragraphs of lines, an empty line between them. */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "gates/packages_parts.h"

#include "base/banned.h"

struct paragraph { /* values are slices of the text */
    struct slice name, version, architecture, status;
    size_t line; /* of its beginning */
    bool is_any;
};

struct lines {
    const char *at;
    size_t left;
    size_t number;
};

static bool next_line(struct lines *l, struct slice *out)
{
    if (l->left == 0)
        return false;
    const char *end = memchr(l->at, '\n', l->left);
    size_t n = end == NULL ? l->left : (size_t)(end - l->at);
    *out = (struct slice){ l->at, n };
    l->at += n + (end != NULL);
    l->left -= n + (end != NULL);
    l->number++;
    return true;
}

static struct slice trim(struct slice s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r'))
        s.n--;
    return s;
}

typedef bool (*paragraph_fn)(struct packages *out, const struct paragraph *p, const char *what, struct err *e);
typedef void (*field_fn)(struct paragraph *p, struct slice key, struct slice value);

static bool parse(struct packages *out, const char *text, size_t n, field_fn field, paragraph_fn paragraph, const char *what, struct err *e)
{
    struct lines l = { text, n, 0 };
    struct paragraph p = { 0 };
    for (struct slice line; next_line(&l, &line);) {
        const char *colon = line.n == 0 ? NULL : memchr(line.p, ':', line.n);
        if (trim(line).n == 0) {
            if (p.is_any && !paragraph(out, &p, what, e))
                return false;
            p = (struct paragraph){ 0 };
            continue;
        }
        if (!p.is_any)
            p.line = l.number;
        p.is_any = true;
        if (line.p[0] == ' ' || line.p[0] == '\t')
            continue; /* the line before goes on */
        if (colon == NULL)
            return err_set(e, ERR_REGISTRY, "%s: line %zu: expected a field, found \"%s\"", what, l.number, SHOWN_N(line.p, line.n));
        size_t key = (size_t)(colon - line.p);
        field(&p, (struct slice){ line.p, key }, trim((struct slice){ colon + 1, line.n - key - 1 }));
    }
    return !p.is_any || paragraph(out, &p, what, e);
}

static bool add(struct packages *out, const struct paragraph *p, const char *type, const char *namespace, const char *what, struct err *e)
{
    if (p->name.n == 0 || p->version.n == 0)
        return err_set(e, ERR_REGISTRY, "%s: line %zu: a package without a %s", what, p->line, p->name.n == 0 ? "name" : "version");
    const struct package_facts f = {
        .type = type, .usual_namespace = namespace, .name = p->name, .version = p->version, .architecture = p->architecture
    };
    return packages_add(out, &f, what, e);
}

/* ---- dpkg ---- */

static bool key_is(struct slice key, const char *name)
{
    return key.n == strlen(name) && strncasecmp(key.p, name, key.n) == 0;
}

static void dpkg_field(struct paragraph *p, struct slice key, struct slice value)
{
    if (key_is(key, "Package"))
        p->name = value;
    else if (key_is(key, "Version"))
        p->version = value;
    else if (key_is(key, "Architecture"))
        p->architecture = value;
    else if (key_is(key, "Status"))
        p->status = value;
}

/* "install ok installed": the third word. Removed packages stay in the file while their configuration does; half-installed ones have files.
 */
static bool is_present(struct slice status)
{
    static const char *const gone[] = { "not-installed", "config-files" };
    size_t from = status.n;
    while (from > 0 && status.p[from - 1] != ' ')
        from--;
    for (size_t i = 0; i < ARRAY_LEN(gone); i++)
        if (slice_is((struct slice){ status.p + from, status.n - from }, gone[i]))
            return false;
    return true;
}

static bool add_dpkg(struct packages *out, const struct paragraph *p, const char *what, struct err *e)
{
    return add(out, p, "deb", "debian", what, e);
}

static bool add_dpkg_status(struct packages *out, const struct paragraph *p, const char *what, struct err *e)
{
    if (p->status.n == 0)
        return err_set(e, ERR_REGISTRY, "%s: line %zu: a package without a status", what, p->line);
    return !is_present(p->status) || add_dpkg(out, p, what, e);
}

bool packages_parse_dpkg(struct packages *out, const char *text, size_t n, bool is_status, const char *what, struct err *e)
{
    return parse(out, text, n, dpkg_field, is_status ? add_dpkg_status : add_dpkg, what, e);
}

/* ---- apk ---- */

static void apk_field(struct paragraph *p, struct slice key, struct slice value)
{
    if (slice_is(key, "P"))
        p->name = value;
    else if (slice_is(key, "V"))
        p->version = value;
    else if (slice_is(key, "A"))
        p->architecture = value;
}

static bool add_apk(struct packages *out, const struct paragraph *p, const char *what, struct err *e)
{
    return add(out, p, "apk", "alpine", what, e);
}

bool packages_parse_apk(struct packages *out, const char *text, size_t n, const char *what, struct err *e)
{
    return parse(out, text, n, apk_field, add_apk, what, e);
}

/* ---- os-release ---- */

/* A value without quotes; null when it has other letters than names of systems have. */
static char *os_word(struct slice value)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    enum { WORD_MAX = 64 };
    value = trim(value);
    if (value.n >= 2 && (value.p[0] == '"' || value.p[0] == '\'') && value.p[value.n - 1] == value.p[0])
        value = (struct slice){ value.p + 1, value.n - 2 };
    AUTO(mem_auto) char *word = mem_text_n(value.p, value.n < WORD_MAX ? value.n : 0);
    return word[0] != '\0' && strspn(word, allowed) == value.n ? TAKE(word) : NULL;
}

void packages_parse_os_release(struct packages *out, const char *text, size_t n)
{
    struct lines l = { text, n, 0 };
    AUTO(mem_auto) char *id = NULL;
    AUTO(mem_auto) char *version = NULL;
    for (struct slice line; next_line(&l, &line);) {
        const char *equals = line.n == 0 ? NULL : memchr(line.p, '=', line.n);
        size_t key = equals == NULL ? 0 : (size_t)(equals - line.p);
        char **to = slice_is((struct slice){ line.p, key }, "ID")           ? &id
                    : slice_is((struct slice){ line.p, key }, "VERSION_ID") ? &version
                                                                            : NULL;
        if (equals == NULL || to == NULL)
            continue;
        mem_free(*to);
        *to = os_word((struct slice){ equals + 1, line.n - key - 1 });
    }
    if (id == NULL)
        return;
    mem_free(out->distro);
    mem_free(out->namespace);
    out->distro = version == NULL ? mem_text(id) : mem_format("%s-%s", id, version);
    out->namespace = TAKE(id);
}
