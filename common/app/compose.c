/* Reads compose files into the model: files, sections, services merged over all files, what extends brings. */
#include "app/compose.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "app/compose_parts.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

/* ---- findings ---- */

static void vfinding(const struct compose_reader *r, enum err_code code, const struct ynode *at, const char *key, const char *fmt,
                     va_list args) PRINTF_LIKE(5, 0);
static void vfinding(const struct compose_reader *r, enum err_code code, const struct ynode *at, const char *key, const char *fmt,
                     va_list args)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(400);
    buf_addv(&text, fmt, args);
    findings_at(r->f, code, r->file->doc, at, "%s.%s.%s: %s", r->section, SHOWN(r->name), key, buf_text(&text));
}

bool compose_bad(const struct compose_reader *r, const struct ynode *at, const char *key, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vfinding(r, ERR_CONFIG, at, key, fmt, args);
    va_end(args);
    return false;
}

bool compose_deny(const struct compose_reader *r, const struct ynode *at, const char *key, const char *reason)
{
    findings_at(r->f, ERR_POLICY, r->file->doc, at, "%s.%s.%s: %s", r->section, SHOWN(r->name), key, reason);
    return false;
}

/* ---- small parts ---- */

void compose_need(struct compose *c, const char *version)
{
    struct version have;
    struct version want;
    struct err e = { 0 };
    if (!version_parse_loose(&have, c->minimum, "compose", &e) || !version_parse_loose(&want, version, "compose", &e))
        return;
    if (version_compare(&want, &have) > 0) {
        mem_free(c->minimum);
        c->minimum = mem_text(version);
    }
}

bool compose_name_ok(const char *name)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    enum { NAME_MAX_BYTES = 128 };
    size_t n = strlen(name);
    return n > 0 && n <= NAME_MAX_BYTES && strspn(name, first) > 0 && strspn(name, all) == n;
}

const char *compose_literal(const struct compose_reader *r, const struct ynode *node, const char *key)
{
    if (node->kind != YNODE_SCALAR) {
        compose_bad(r, node, key, "expected a text");
        return NULL;
    }
    if (template_has_variables(node->text)) {
        compose_bad(r, node, key, "no variables here: \"%s\"", SHOWN(node->text));
        return NULL;
    }
    return node->text;
}

void compose_path(const struct compose_reader *r, const struct ynode *at, const char *key, const char *text)
{
    AUTO(mem_auto) char *path = path_normalise(r->folder, text);
    if (path == NULL) {
        compose_bad(r, at, key, "\"%s\" is no path that a bundle can carry", SHOWN(text));
        findings_hint(r->f, "relative, below the definition; letters, digits and . _ + @ - only");
    } else if (!texts_have(&r->c->paths, path)) {
        if (r->c->paths.n < LIMIT_LIST_ITEMS)
            texts_add(&r->c->paths, path);
        else
            compose_bad(r, at, key, "more than %d paths", LIMIT_LIST_ITEMS);
    }
}

const struct ynode *compose_services(const struct compose_file *file)
{
    return ynode_get(yread_root(file->doc), "services");
}

const struct compose_service *compose_service_find(const struct compose *c, const char *name)
{
    for (size_t i = 0; i < c->n_services; i++)
        if (text_is(c->services[i].name, name))
            return &c->services[i];
    return NULL;
}

void compose_digest_tag(struct ref *r)
{
    enum { DIGITS = 12 };
    if (!r->has_digest)
        return;
    if (r->tag[0] == '\0') {
        AUTO(mem_auto) char *tag = mem_format("sha256-%.*s", DIGITS, DIGEST_HEX(&r->digest));
        BUG_IF(!text_copy(r->tag, sizeof r->tag, tag));
    }
    r->has_digest = false;
}

/* ---- the whole ---- */

static struct compose_service *service_of(struct compose *c, const char *name)
{
    for (size_t i = 0; i < c->n_services; i++)
        if (text_is(c->services[i].name, name))
            return &c->services[i];
    MEM_PUSH(c->services, c->n_services, c->cap_services) = (struct compose_service){ .name = mem_text(name) };
    return &c->services[c->n_services - 1];
}

static void read_services(struct compose_reader *r, const struct ynode *node)
{
    if (node->kind != YNODE_MAP || node->n > LIMIT_SERVICES) {
        if (!ynode_is_null(node))
            findings_at(r->f, ERR_CONFIG, r->file->doc, node, "services: expected a map of at most %d services", LIMIT_SERVICES);
        return;
    }
    for (size_t i = 0; i < node->n; i++) {
        const char *name = node->keys[i]->text;
        r->section = "services";
        r->name = name;
        if (text_starts(name, "x-"))
            continue;
        if (!compose_name_ok(name))
            findings_at(r->f, ERR_CONFIG, r->file->doc, node->keys[i], "\"%s\" is no name of a service", SHOWN(name));
        else
            compose_read_keys(r, service_of(r->c, name), node->items[i]);
    }
}

static void read_name(struct compose_reader *r, const struct ynode *node)
{
    compose_need(r->c, "2.3"); /* older ones refuse the key */
    if (node->kind != YNODE_SCALAR || template_has_variables(node->text))
        findings_at(r->f, ERR_CONFIG, r->file->doc, node, "name: expected a text without variables");
    else
        yfields_put(&r->c->project, mem_text(node->text));
}

static void read_version(struct compose_reader *r, const struct ynode *node)
{
    if (node->kind != YNODE_SCALAR || strspn(node->text, "0123456789.") != strlen(node->text) || strlen(node->text) > 8)
        findings_at(r->f, ERR_CONFIG, r->file->doc, node, "version: expected a text such as \"3.8\"");
    else if (r->file == r->c->files)
        yfields_put(&r->c->version_key, mem_text(node->text));
}

static void read_top_key(struct compose_reader *r, const struct ynode *key, const struct ynode *node)
{
    static const char *const known[] = { "services", "networks", "volumes", "secrets", "configs", "name", "version" };
    const char *name = key->text;
    if (text_starts(name, "x-"))
        return;
    if (text_is(name, "services")) {
        read_services(r, node);
    } else if (text_is(name, "name")) {
        read_name(r, node);
    } else if (text_is(name, "version")) {
        read_version(r, node);
    } else if (text_is(name, "include") || text_is(name, "models")) {
        findings_at(r->f, ERR_POLICY, r->file->doc, key, "%s: brings in what is not in the definition", name);
        findings_hint(r->f, "name all files under compose: in bundle.yaml");
    } else if (text_is(name, "networks") || text_is(name, "volumes") || text_is(name, "secrets") || text_is(name, "configs")) {
        compose_read_section(r, name, node);
        for (size_t i = 0; text_is(name, "volumes") && node->kind == YNODE_MAP && i < node->n; i++)
            if (!texts_have(&r->c->volumes, node->keys[i]->text))
                texts_add(&r->c->volumes, node->keys[i]->text);
    } else {
        findings_at(r->f, ERR_CONFIG, r->file->doc, key, "unknown key \"%s\" in a compose file", SHOWN(name));
        const char *near = text_nearest(name, known, ARRAY_LEN(known));
        if (near != NULL)
            findings_hint(r->f, "did you mean \"%s\"?", near);
    }
}

static void read_file(struct compose_reader *r, const struct compose_file *file)
{
    const struct ynode *root = yread_root(file->doc);
    compose_enter_file(r, file);
    if (root->kind != YNODE_MAP)
        findings_at(r->f, ERR_CONFIG, file->doc, root, "expected a map with services:");
    for (size_t i = 0; root->kind == YNODE_MAP && i < root->n; i++)
        read_top_key(r, root->keys[i], root->items[i]);
}

/* In packed files references are final: a tag, no digest, no variable. */
static void check_image(struct compose *c, struct compose_service *s, enum compose_mode mode, struct findings *f)
{
    struct err e = { 0 };
    const char *file = c->files[0].path;
    if (s->image == NULL) {
        findings_add(f, ERR_CONFIG, "%s: services.%s has no image", file, s->name);
        findings_hint(f, "nothing is built here: name the image beside build:, and push it to a registry first");
        return;
    }
    if (mode == COMPOSE_AUTHOR)
        return;
    if (!ref_parse(&s->ref, s->image, &e)) {
        err_in(&e, "%s: services.%s", file, s->name);
        err_as(&e, ERR_CONFIG);
        findings_take(f, &e);
    } else if (s->ref.has_digest) {
        findings_add(f, ERR_CONFIG, "%s: services.%s: image reference with a digest in a packed file", file, s->name);
    }
    s->original = s->ref;
}

static void check_services(struct compose *c, enum compose_mode mode, struct findings *f)
{
    if (c->n_services == 0)
        findings_add(f, ERR_CONFIG, "%s: no services", c->files[0].path);
    for (size_t i = 0; i < c->n_services; i++) {
        struct compose_service *s = &c->services[i];
        check_image(c, s, mode, f);
        for (size_t k = 0; k < s->needs.n; k++)
            if (compose_service_find(c, s->needs.items[k]) == NULL)
                findings_add(f, ERR_CONFIG, "%s: services.%s needs \"%s\", which is no service", c->files[0].path, s->name,
                             SHOWN(s->needs.items[k]));
    }
}

static int compare_texts(const void *a, const void *b)
{
    char *const *x = a;
    char *const *y = b;
    return strcmp(*x, *y);
}

struct compose *compose_read(const struct origin *src, const struct texts *files, enum compose_mode mode, struct findings *f,
                             struct err *e)
{
    BUG_IF(files->n == 0);
    AUTO(compose_free_auto) struct compose *c = mem_new(sizeof *c);
    c->minimum = mem_text("1.27");
    if (!compose_open_files(c, src, files, e))
        return NULL;
    struct compose_reader r = { .c = c, .f = f, .src = src, .mode = mode };
    for (size_t i = 0; i < files->n; i++) {
        r.folder = c->files[i].folder;
        read_file(&r, &c->files[i]);
    }
    check_services(c, mode, f);
    compose_find_variables(c, f);
    if (c->paths.n > 0)
        qsort(c->paths.items, c->paths.n, sizeof *c->paths.items, compare_texts);
    return TAKE(c);
}

static void free_service(struct compose_service *s)
{
    mem_free(s->name);
    mem_free(s->image);
    texts_clear(&s->profiles);
    texts_clear(&s->needs);
}

static void free_file(struct compose_file *f)
{
    yread_free(f->doc);
    mem_free(f->path);
    mem_free(f->text);
    mem_free(f->folder);
}

void compose_free(struct compose *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->n_files; i++)
        free_file(&c->files[i]);
    for (size_t i = 0; i < c->n_services; i++)
        free_service(&c->services[i]);
    for (size_t i = 0; i < c->n_variables; i++) {
        mem_free(c->variables[i].name);
        mem_free(c->variables[i].default_value);
        mem_free(c->variables[i].place);
    }
    mem_free(c->files);
    mem_free(c->services);
    mem_free(c->variables);
    mem_free(c->project);
    mem_free(c->version_key);
    mem_free(c->minimum);
    texts_clear(&c->paths);
    texts_clear(&c->volumes);
    mem_free(c);
}
