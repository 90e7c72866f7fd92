/* registries.conf, version 2 (containers-registries.conf(5)): the keys that say where images are and which are not to be had. Others (short names, search lists, credential helpers)
 * are for programs that use them. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/toml.h"
#include "registry/mirrors_parts.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

enum { DROP_INS_MAX = 1000 };

struct reading {
    const char *what;
    struct err *e;
};

static bool refuse(const struct reading *c, const struct toml_value *at, const char *why)
{
    return err_set(c->e, ERR_CONFIG, "%s:%u: %s", SHOWN(c->what), at->line, why);
}

/* Null in *out when the key is not there. */
static bool get_text(const struct reading *c, const struct toml_value *table, const char *key, const char **out)
{
    const struct toml_value *v = toml_get(table, key);
    *out = v == NULL || v->kind != TOML_TEXT || v->text[0] == '\0' ? NULL : v->text;
    if (v == NULL || v->kind == TOML_TEXT)
        return true;
    return err_set(c->e, ERR_CONFIG, "%s:%u: %s: expected a text in quotes", SHOWN(c->what), v->line, key);
}

static bool get_bool(const struct reading *c, const struct toml_value *table, const char *key, bool *out)
{
    const struct toml_value *v = toml_get(table, key);
    *out = v != NULL && v->yes;
    return v == NULL || v->kind == TOML_BOOL || err_set(c->e, ERR_CONFIG, "%s:%u: %s: expected true or false", SHOWN(c->what), v->line, key);
}

static bool get_prefix(const struct reading *c, const struct toml_value *table, const char *key, bool may_be_wildcard, bool *has, struct mirror_prefix *out)
{
    const char *text = NULL;
    const char *why = NULL;
    if (!get_text(c, table, key, &text))
        return false;
    *has = text != NULL;
    if (text == NULL || mirror_prefix_parse(out, text, may_be_wildcard, &why))
        return true;
    return err_set(c->e, ERR_CONFIG, "%s:%u: %s = \"%s\": %s", SHOWN(c->what), toml_get(table, key)->line, key, SHOWN(text), why);
}

static bool get_use(const struct reading *c, const struct toml_value *table, bool is_by_digest_only, enum mirror_use *out)
{
    static const struct {
        const char *text;
        enum mirror_use use;
    } uses[] = { { "all", MIRROR_ANY }, { "digest-only", MIRROR_DIGEST }, { "tag-only", MIRROR_TAG } };
    const char *text = NULL;
    *out = is_by_digest_only ? MIRROR_DIGEST : MIRROR_ANY;
    if (!get_text(c, table, "pull-from-mirror", &text) || text == NULL)
        return c->e->code == ERR_NONE;
    if (is_by_digest_only)
        return refuse(c, toml_get(table, "pull-from-mirror"), "pull-from-mirror and mirror-by-digest-only: expected one of them");
    for (size_t i = 0; i < ARRAY_LEN(uses); i++)
        if (text_is(uses[i].text, text)) {
            *out = uses[i].use;
            return true;
        }
    return refuse(c, toml_get(table, "pull-from-mirror"), "pull-from-mirror: expected all, digest-only or tag-only");
}

static bool read_mirror(const struct reading *c, const struct toml_value *table, bool is_by_digest_only, struct mirrors_registry *to)
{
    struct mirror_rule rule = { 0 };
    bool has = false;
    bool ok = table->kind == TOML_TABLE ? get_prefix(c, table, "location", false, &has, &rule.at) : refuse(c, table, "mirror: expected [[registry.mirror]]");
    ok = ok && (has || refuse(c, table, "a mirror without a location")) && get_bool(c, table, "insecure", &rule.is_insecure) &&
         get_use(c, table, is_by_digest_only, &rule.use);
    if (ok)
        MEM_PUSH(to->mirrors, to->n, to->cap) = rule;
    else
        mirror_prefix_clear(&rule.at);
    return ok;
}

static bool read_mirrors(const struct reading *c, const struct toml_value *table, struct mirrors_registry *to)
{
    const struct toml_value *list = toml_get(table, "mirror");
    bool is_by_digest_only = false;
    if (!get_bool(c, table, "mirror-by-digest-only", &is_by_digest_only))
        return false;
    if (list != NULL && list->kind != TOML_ARRAY)
        return refuse(c, list, "mirror: expected [[registry.mirror]]");
    for (size_t i = 0; list != NULL && i < list->n; i++)
        if (!read_mirror(c, list->items[i], is_by_digest_only, to))
            return false;
    return true;
}

static bool read_registry(const struct reading *c, const struct toml_value *table, struct mirrors_registry *to)
{
    bool has_prefix = false;
    if (table->kind != TOML_TABLE)
        return refuse(c, table, "registry: expected [[registry]]");
    if (!get_prefix(c, table, "prefix", true, &has_prefix, &to->prefix) || !get_prefix(c, table, "location", false, &to->has_location, &to->location))
        return false;
    if (!has_prefix && !to->has_location)
        return refuse(c, table, "a registry without a prefix or location");
    if (!has_prefix)
        to->prefix = (struct mirror_prefix){ .host = mem_text(to->location.host), .path = mem_text(to->location.path) };
    to->what = mem_format("%s:%u", c->what, table->line);
    return get_bool(c, table, "insecure", &to->is_insecure) && get_bool(c, table, "blocked", &to->is_blocked) && read_mirrors(c, table, to);
}

static bool is_same_prefix(const struct mirror_prefix *a, const struct mirror_prefix *b)
{
    return a->is_wildcard == b->is_wildcard && text_is(a->host, b->host) && text_is(a->path, b->path);
}

static void put_registry(struct mirrors *m, const struct mirrors_registry *r)
{
    for (size_t i = 0; i < m->n_read; i++)
        if (is_same_prefix(&m->read[i].prefix, &r->prefix)) {
            mirrors_registry_clear(&m->read[i]);
            m->read[i] = *r;
            return;
        }
    MEM_PUSH(m->read, m->n_read, m->cap_read) = *r;
}

bool mirrors_read(struct mirrors *m, const char *text, size_t n, const char *what, struct err *e)
{
    struct reading c = { what, e };
    AUTO(toml_free_auto) struct toml *doc = toml_open(text, n, what, e);
    if (doc == NULL)
        return false;
    const struct toml_value *list = toml_get(toml_root(doc), "registry");
    const struct toml_value *old = toml_get(toml_root(doc), "registries");
    if (old != NULL)
        return refuse(&c, old, "[registries...] is version 1 of this file, expected [[registry]] of version 2");
    if (list != NULL && list->kind != TOML_ARRAY)
        return refuse(&c, list, "registry: expected [[registry]]");
    for (size_t i = 0; list != NULL && i < list->n; i++) {
        struct mirrors_registry r = { 0 };
        if (!read_registry(&c, list->items[i], &r)) {
            mirrors_registry_clear(&r);
            return false;
        }
        put_registry(m, &r);
    }
    return true;
}

/* ---- which files ---- */

static bool read_file(struct mirrors *m, const char *path, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_CONFIG_FILE_BYTES);
    log_debug("reading %s", path);
    if (!file_read(path, FILE_PLAIN, LIMIT_CONFIG_FILE_BYTES, &text, e))
        return err_as(e, ERR_CONFIG);
    return mirrors_read(m, buf_text(&text), text.len, path, e);
}

/* A file that is there and cannot be read or understood is an error: it may forbid something. */
static bool read_if_there(struct mirrors *m, const char *path, bool *is_there, struct err *e)
{
    if (!file_exists(path, is_there, e))
        return err_as(e, ERR_CONFIG);
    return !*is_there || read_file(m, path, e);
}

static bool read_drop_ins(struct mirrors *m, const char *dir, struct err *e)
{
    struct path_names names = { 0 };
    bool is_there = false;
    if (!file_exists(dir, &is_there, e) || !is_there)
        return e->code == ERR_NONE || err_as(e, ERR_CONFIG);
    bool ok = path_list(dir, DROP_INS_MAX, &names, e) || err_as(e, ERR_CONFIG);
    for (size_t i = 0; ok && i < names.n; i++) {
        AUTO(mem_auto) char *path = path_join(dir, names.text[i]);
        ok = !text_ends(names.text[i], ".conf") || read_file(m, path, e);
    }
    path_names_clear(&names);
    return ok;
}

bool mirrors_read_files(struct mirrors *m, struct err *e)
{
    const char *named = getenv("CONTAINERS_REGISTRIES_CONF");
    const char *home = getenv("HOME");
    AUTO(mem_auto) char *own = home == NULL || home[0] != '/' ? NULL : mem_format("%s/.config/containers/registries.conf", home);
    AUTO(mem_auto) char *own_dir = own == NULL ? NULL : mem_format("%s.d", own);
    bool is_there = false;
    if (named != NULL && named[0] != '\0') {
        if (!read_file(m, named, e))
            return err_in(e, "CONTAINERS_REGISTRIES_CONF");
    } else if (own != NULL && !read_if_there(m, own, &is_there, e)) {
        return false;
    } else if (!is_there && !read_if_there(m, "/etc/containers/registries.conf", &is_there, e)) {
        return false;
    }
    return read_drop_ins(m, "/etc/containers/registries.conf.d", e) && (own_dir == NULL || read_drop_ins(m, own_dir, e));
}
