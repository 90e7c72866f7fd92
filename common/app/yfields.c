/* Scalars, lists and maps of YAML with findings instead of failures. */
#include "app/yfields.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "sys/path.h"

#include "base/banned.h"

void texts_add(struct texts *t, const char *text)
{
    MEM_PUSH(t->items, t->n, t->cap) = mem_text(text);
}

bool texts_have(const struct texts *t, const char *text)
{
    for (size_t i = 0; i < t->n; i++)
        if (text_is(t->items[i], text))
            return true;
    return false;
}

void texts_clear(struct texts *t)
{
    for (size_t i = 0; i < t->n; i++)
        mem_free(t->items[i]);
    mem_free(t->items);
    *t = (struct texts){ 0 };
}

static const char *kind_text(const struct ynode *n)
{
    if (n->kind == YNODE_LIST)
        return "a list";
    return n->kind == YNODE_MAP ? "a map" : "a text";
}

static void unknown_key(const struct yctx *c, const struct ynode *key, const char *what, const struct yfield *fields, size_t n)
{
    AUTO(mem_auto) const char **names = mem_new_array(n, sizeof *names);
    for (size_t i = 0; i < n; i++)
        names[i] = fields[i].name;
    findings_at(c->f, ERR_CONFIG, c->doc, key, "unknown key \"%s\" in %s", SHOWN(key->text), what);
    const char *near = text_nearest(key->text, names, n);
    if (near != NULL)
        findings_hint(c->f, "did you mean \"%s\"?", near);
}

static void read_paths(const struct yctx *c, const struct ynode *node, const char *what, struct texts *out)
{
    if (node->kind == YNODE_LIST && node->n > LIMIT_LIST_ITEMS) {
        findings_at(c->f, ERR_CONFIG, c->doc, node, "%s: more than %d items", what, LIMIT_LIST_ITEMS);
        return;
    }
    for (size_t i = 0; i < (node->kind == YNODE_LIST ? node->n : 1); i++) {
        AUTO(mem_auto) char *path = yfields_path(c, node->kind == YNODE_LIST ? node->items[i] : node, what);
        if (path != NULL && texts_have(out, path))
            findings_at(c->f, ERR_CONFIG, c->doc, node, "%s: \"%s\" twice", what, SHOWN(path));
        else if (path != NULL)
            texts_add(out, path);
    }
}

static void read_value(const struct yctx *c, const struct yfield *f, const struct ynode *key, const struct ynode *value, void *into)
{
    void *to = (char *)into + f->at;
    switch (f->kind) {
    case YFIELD_LATER:
        findings_at(c->f, ERR_CONFIG, c->doc, key, "\"%s\" is not in this version", key->text);
        break;
    case YFIELD_TEXT:
        yfields_put(to, yfields_text(c, value, f->name));
        break;
    case YFIELD_EMPTY:
        yfields_put(to, yfields_text_or_empty(c, value, f->name));
        break;
    case YFIELD_PATH:
        yfields_put(to, yfields_path(c, value, f->name));
        break;
    case YFIELD_BOOL:
        *(bool *)to = yfields_bool(c, value, f->name);
        break;
    case YFIELD_BYTES:
        *(uint64_t *)to = yfields_bytes(c, value, f->name);
        break;
    case YFIELD_SECONDS:
        *(uint64_t *)to = yfields_seconds(c, value, f->name);
        break;
    case YFIELD_TEXTS:
        yfields_texts(c, value, f->name, to);
        break;
    case YFIELD_PATHS:
        read_paths(c, value, f->name, to);
        break;
    case YFIELD_CALL:
        f->read(c, value, into);
        break;
    }
}

static void read_key(const struct yctx *c, const struct ynode *key, const struct ynode *value, const char *what,
                     const struct yfield *fields, size_t n, void *into)
{
    for (size_t i = 0; i < n; i++)
        if (text_is(fields[i].name, key->text)) {
            read_value(c, &fields[i], key, value, into);
            return;
        }
    unknown_key(c, key, what, fields, n);
}

bool yfields_read(const struct yctx *c, const struct ynode *node, const char *what, const struct yfield *fields, size_t n, void *into)
{
    if (node->kind != YNODE_MAP)
        return findings_at(c->f, ERR_CONFIG, c->doc, node, "%s: expected a map, found %s", what, kind_text(node));
    for (size_t i = 0; i < node->n; i++)
        read_key(c, node->keys[i], node->items[i], what, fields, n, into);
    return true;
}

char *yfields_text_or_empty(const struct yctx *c, const struct ynode *node, const char *what)
{
    if (node->kind != YNODE_SCALAR)
        findings_at(c->f, ERR_CONFIG, c->doc, node, "%s: expected a text, found %s", what, kind_text(node));
    else if (ynode_is_null(node))
        findings_at(c->f, ERR_CONFIG, c->doc, node, "%s: has no value", what);
    else if (strlen(node->text) > LIMIT_VALUE_BYTES)
        findings_at(c->f, ERR_CONFIG, c->doc, node, "%s: longer than %ju bytes", what, (uintmax_t)LIMIT_VALUE_BYTES);
    else
        return mem_text(node->text);
    return NULL;
}

char *yfields_text(const struct yctx *c, const struct ynode *node, const char *what)
{
    char *text = yfields_text_or_empty(c, node, what);
    if (text == NULL || text[0] != '\0')
        return text;
    findings_at(c->f, ERR_CONFIG, c->doc, node, "%s: is empty", what);
    mem_free(text);
    return NULL;
}

bool yfields_bool(const struct yctx *c, const struct ynode *node, const char *what)
{
    bool is_scalar = node->kind == YNODE_SCALAR && node->is_plain;
    if (is_scalar && text_is(node->text, "true"))
        return true;
    if (!is_scalar || !text_is(node->text, "false"))
        findings_at(c->f, ERR_CONFIG, c->doc, node, "%s: expected true or false", what);
    return false;
}

uint64_t yfields_number(const struct yctx *c, const struct ynode *node, const char *what, uint64_t min, uint64_t max)
{
    uint64_t v = 0;
    if (node->kind == YNODE_SCALAR && num_parse(&v, node->text, strlen(node->text), max) && v >= min)
        return v;
    findings_at(c->f, ERR_CONFIG, c->doc, node, "%s: expected a whole number from %ju to %ju", what, (uintmax_t)min, (uintmax_t)max);
    return 0;
}

void yfields_texts(const struct yctx *c, const struct ynode *node, const char *what, struct texts *out)
{
    size_t n = node->kind == YNODE_LIST ? node->n : 1;
    if (n > LIMIT_LIST_ITEMS) {
        findings_at(c->f, ERR_CONFIG, c->doc, node, "%s: more than %d items", what, LIMIT_LIST_ITEMS);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        AUTO(mem_auto) char *text = yfields_text(c, node->kind == YNODE_LIST ? node->items[i] : node, what);
        if (text != NULL)
            texts_add(out, text);
    }
}

uint64_t yfields_bytes(const struct yctx *c, const struct ynode *node, const char *what)
{
    uint64_t v = 0;
    if (node->kind != YNODE_SCALAR || !num_parse_bytes(&v, node->text, LIMIT_LAYER_BYTES * 1024))
        findings_at(c->f, ERR_CONFIG, c->doc, node, "%s: expected a size such as 512MiB or 2GiB", what);
    return v;
}

static bool parse_seconds(const char *text, uint64_t *out)
{
    static const struct {
        const char *unit;
        uint64_t seconds;
    } units[] = { { "", 1 }, { "s", 1 }, { "sec", 1 }, { "m", 60 }, { "min", 60 }, { "h", 3600 } };
    size_t digits = strspn(text, "0123456789");
    uint64_t v = 0;
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (text_is(text + digits, units[i].unit) && num_parse(&v, text, digits, LIMIT_HEALTH_TIMEOUT_S)) {
            *out = v * units[i].seconds;
            return *out >= 1 && *out <= LIMIT_HEALTH_TIMEOUT_S;
        }
    return false;
}

uint64_t yfields_seconds(const struct yctx *c, const struct ynode *node, const char *what)
{
    uint64_t v = 0;
    if (node->kind == YNODE_SCALAR && parse_seconds(node->text, &v))
        return v;
    findings_at(c->f, ERR_CONFIG, c->doc, node, "%s: expected a time such as 60s or 10min, at most 24h", what);
    return 0;
}

/* Puts the components of text behind those in out; false when ".." leaves the top. */
static bool add_components(struct texts *out, const char *text)
{
    for (const char *p = text; *p != '\0';) {
        size_t n = strcspn(p, "/");
        AUTO(mem_auto) char *part = mem_text_n(p, n);
        p += n + (p[n] == '/');
        if (n == 0 || text_is(part, "."))
            continue;
        if (!text_is(part, "..")) {
            texts_add(out, part);
        } else {
            if (out->n == 0)
                return false;
            mem_free(out->items[--out->n]);
        }
    }
    return true;
}

char *path_normalise(const char *folder, const char *text)
{
    struct texts parts = { 0 };
    struct buf path = BUF_LIMIT(LIMIT_PATH_BYTES);
    struct safe_path safe;
    struct err ignored = { 0 };
    bool ok = text[0] != '/' && (folder == NULL || add_components(&parts, folder)) && add_components(&parts, text) && parts.n > 0;
    for (size_t i = 0; i < parts.n; i++)
        buf_addf(&path, "%s%s", i > 0 ? "/" : "", parts.items[i]);
    texts_clear(&parts);
    AUTO(mem_auto) char *member = mem_format("app/%s", buf_text(&path));
    if (ok && !path.over && safe_path_parse(&safe, member, "path", &ignored))
        return buf_take(&path);
    buf_clear(&path);
    return NULL;
}

char *yfields_path(const struct yctx *c, const struct ynode *node, const char *what)
{
    AUTO(mem_auto) char *text = yfields_text(c, node, what);
    if (text == NULL)
        return NULL;
    char *path = path_normalise(NULL, text);
    if (path == NULL) {
        findings_at(c->f, ERR_CONFIG, c->doc, node, "%s: \"%s\" is no path that a bundle can carry", what, SHOWN(text));
        findings_hint(c->f, "relative, below the definition, letters, digits and . _ + @ - only, at most %d bytes", LIMIT_NAME_BYTES - 4);
    }
    return path;
}

void yfields_put(char **to, char *text)
{
    mem_free(*to);
    *to = text;
}
