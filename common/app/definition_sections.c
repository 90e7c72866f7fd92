/* The sections of bundle.yaml, each by its table of keys. */
#include <stddef.h>
#include <string.h>

#include "app/definition_parts.h"
#include "app/image_place.h"
#include "app/template.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

/* ---- platforms, images, version ---- */

void definition_read_version(const struct yctx *c, const struct ynode *node, void *into)
{
    struct definition *d = into;
    struct err e = { 0 };
    AUTO(mem_auto) char *text = yfields_text(c, node, "version");
    if (text != NULL && !version_parse(&d->version, text, "version", &e)) {
        findings_at(c->f, ERR_CONFIG, c->doc, node, "%s", e.msg);
        findings_hint(c->f, "three numbers, and a suffix for development builds: 1.4.0, 1.5.0-rc.1; in quotes if YAML sees a number");
    }
}

static void read_platform(const struct yctx *c, const struct ynode *node, struct definition *d)
{
    struct err e = { 0 };
    struct platform p = { 0 };
    AUTO(mem_auto) char *text = yfields_text(c, node, "platforms");
    if (text == NULL)
        return;
    if (!platform_parse(&p, text, &e)) {
        findings_at(c->f, ERR_CONFIG, c->doc, node, "%s", e.msg);
        return;
    }
    for (size_t i = 0; i < d->n_platforms; i++)
        if (platform_equal(&d->platforms[i], &p)) {
            findings_at(c->f, ERR_CONFIG, c->doc, node, "platforms: \"%s\" twice", SHOWN(text));
            return;
        }
    d->platforms = mem_resize(d->platforms, (d->n_platforms + 1) * sizeof p);
    d->platforms[d->n_platforms++] = p;
}

void definition_read_platforms(const struct yctx *c, const struct ynode *node, void *into)
{
    enum { PLATFORMS_MAX = 64 };
    bool is_list = node->kind == YNODE_LIST;
    if (is_list && (node->n == 0 || node->n > PLATFORMS_MAX)) {
        findings_at(c->f, ERR_CONFIG, c->doc, node, "platforms: expected 1 to %d of them", PLATFORMS_MAX);
        return;
    }
    for (size_t i = 0; i < (is_list ? node->n : 1); i++)
        read_platform(c, is_list ? node->items[i] : node, into);
}

struct image_item {
    char *reference;
    char *from;
};

/* As one text, like on the command line: "reference=from". */
static void add_from(const struct yctx *c, const struct ynode *node, const struct image_item *item, struct texts *images)
{
    AUTO(mem_auto) char *both = mem_format("%s=%s", item->reference, item->from);
    if (image_place_has_prefix(item->reference) || strchr(item->reference, '=') != NULL) {
        findings_at(c->f, ERR_CONFIG, c->doc, ynode_get(node, "reference"), "reference: expected the image's name beside from:, found \"%s\"", SHOWN(item->reference));
        return;
    }
    texts_add(images, both);
}

static void read_image(const struct yctx *c, const struct ynode *node, struct texts *images)
{
    static const struct yfield fields[] = {
        { "reference", YFIELD_TEXT, offsetof(struct image_item, reference), NULL },
        { "from", YFIELD_TEXT, offsetof(struct image_item, from), NULL },
        { "when", YFIELD_LATER, 0, NULL },
    };
    struct image_item item = { 0 };
    if (node->kind == YNODE_MAP) {
        if (yfields_read(c, node, "an image", fields, ARRAY_LEN(fields), &item) && ynode_get(node, "reference") == NULL)
            findings_at(c->f, ERR_CONFIG, c->doc, node, "image without a reference");
    } else {
        item.reference = yfields_text(c, node, "images");
    }
    if (item.reference != NULL && item.from != NULL)
        add_from(c, node, &item, images);
    else if (item.reference != NULL)
        texts_add(images, item.reference);
    mem_free(item.reference);
    mem_free(item.from);
}

void definition_read_images(const struct yctx *c, const struct ynode *node, void *into)
{
    struct definition *d = into;
    if (node->kind != YNODE_LIST || node->n > LIMIT_IMAGES) {
        findings_at(c->f, ERR_CONFIG, c->doc, node, "images: expected a list of at most %d references", LIMIT_IMAGES);
        return;
    }
    for (size_t i = 0; i < node->n; i++)
        read_image(c, node->items[i], &d->images);
}

/* ---- database, upgrade, requires ---- */

#define DATABASE(field) offsetof(struct definition_database, field)
void definition_read_database(const struct yctx *c, const struct ynode *node, void *into)
{
    static const struct yfield fields[] = {
        { "service", YFIELD_TEXT, DATABASE(service), NULL },
        { "url", YFIELD_TEXT, DATABASE(url), NULL },
        { "name", YFIELD_TEXT, DATABASE(name), NULL },
        { "user", YFIELD_TEXT, DATABASE(user), NULL },
        { "password", YFIELD_TEXT, DATABASE(password), NULL },
        { "admin_user", YFIELD_TEXT, DATABASE(admin_user), NULL },
        { "admin_password", YFIELD_TEXT, DATABASE(admin_password), NULL },
    };
    struct definition_database *db = &((struct definition *)into)->database;
    db->is_set = yfields_read(c, node, "the database", fields, ARRAY_LEN(fields), db);
}

void definition_read_upgrade(const struct yctx *c, const struct ynode *node, void *into)
{
    static const struct yfield fields[] = {
        { "from", YFIELD_TEXT, offsetof(struct definition, upgrade_from), NULL },
        { "schema_compatible", YFIELD_BOOL, offsetof(struct definition, is_schema_compatible), NULL },
    };
    struct definition *d = into;
    struct err e = { 0 };
    bool ignored;
    yfields_read(c, node, "upgrade", fields, ARRAY_LEN(fields), d);
    struct version any = { 0 };
    if (d->upgrade_from != NULL && !version_in_range(&any, d->upgrade_from, &ignored, &e))
        findings_at(c->f, ERR_CONFIG, c->doc, ynode_get(node, "from"), "from: %s", e.msg);
}

static void check_loose_version(const struct yctx *c, const struct ynode *node, const char *key, const char *text)
{
    struct version v;
    struct err e = { 0 };
    if (text != NULL && !version_parse_loose(&v, text, key, &e))
        findings_at(c->f, ERR_CONFIG, c->doc, ynode_get(node, key), "%s", e.msg);
}

#define REQUIRES(field) offsetof(struct definition_requires, field)
void definition_read_requires(const struct yctx *c, const struct ynode *node, void *into)
{
    static const struct yfield fields[] = {
        { "memory", YFIELD_BYTES, REQUIRES(memory_bytes), NULL },
        { "disk", YFIELD_BYTES, REQUIRES(disk_bytes), NULL },
        { "ports", YFIELD_TEXTS, REQUIRES(ports), NULL },
        { "engine", YFIELD_TEXT, REQUIRES(engine), NULL },
        { "compose", YFIELD_TEXT, REQUIRES(compose), NULL },
    };
    struct definition_requires *r = &((struct definition *)into)->requires;
    yfields_read(c, node, "requires", fields, ARRAY_LEN(fields), r);
    check_loose_version(c, node, "engine", r->engine);
    check_loose_version(c, node, "compose", r->compose);
}

/* ---- variables, urls ---- */

static void read_generate(const struct yctx *c, const struct ynode *node, void *into)
{
    enum { GENERATE_MIN = 8 };
    ((struct variable *)into)->generate = (unsigned)yfields_number(c, node, "generate", GENERATE_MIN, LIMIT_GENERATE);
}

#define VARIABLE(field) offsetof(struct variable, field)
static void read_variable(const struct yctx *c, const struct ynode *node, struct variables *to)
{
    static const struct yfield fields[] = {
        { "name", YFIELD_TEXT, VARIABLE(name), NULL },
        { "default", YFIELD_EMPTY, VARIABLE(default_value), NULL },
        { "pattern", YFIELD_TEXT, VARIABLE(pattern), NULL },
        { "help", YFIELD_TEXT, VARIABLE(help), NULL },
        { "secret", YFIELD_BOOL, VARIABLE(is_secret), NULL },
        { "required", YFIELD_BOOL, VARIABLE(is_required), NULL },
        { "generate", YFIELD_CALL, 0, read_generate },
    };
    struct variable v = { 0 };
    struct variables one = { .items = &v, .n = 1 };
    struct findings about = { 0 };
    if (!yfields_read(c, node, "a variable", fields, ARRAY_LEN(fields), &v))
        return;
    if (v.name == NULL) {
        if (ynode_get(node, "name") == NULL)
            findings_at(c->f, ERR_CONFIG, c->doc, node, "variable without a name");
        v.name = mem_text("");
    } else {
        variables_check(&one, &about);
    }
    if (v.name[0] != '\0' && variables_find(to, v.name) != NULL)
        findings_add(&about, ERR_CONFIG, "variable %s is declared twice", SHOWN(v.name));
    for (size_t i = 0; i < about.n; i++)
        findings_at(c->f, about.items[i].code, c->doc, node, "%s", about.items[i].text);
    findings_clear(&about);
    MEM_PUSH(to->items, to->n, to->cap) = v;
}

void definition_read_variables(const struct yctx *c, const struct ynode *node, void *into)
{
    struct definition *d = into;
    if (node->kind != YNODE_LIST || node->n > LIMIT_VARIABLES) {
        findings_at(c->f, ERR_CONFIG, c->doc, node, "variables: expected a list of at most %d", LIMIT_VARIABLES);
        return;
    }
    for (size_t i = 0; i < node->n; i++)
        read_variable(c, node->items[i], &d->variables);
}

static void check_template(const struct yctx *c, const struct ynode *node, const char *what, const char *text)
{
    struct err e = { 0 };
    if (text != NULL && !template_uses(text, what, NULL, NULL, &e))
        findings_at(c->f, ERR_CONFIG, c->doc, node, "%s", e.msg);
}

void definition_read_urls(const struct yctx *c, const struct ynode *node, void *into)
{
    static const struct yfield fields[] = {
        { "name", YFIELD_TEXT, offsetof(struct definition_url, name), NULL },
        { "url", YFIELD_TEXT, offsetof(struct definition_url, url), NULL },
    };
    struct definition *d = into;
    if (node->kind != YNODE_LIST || node->n > LIMIT_LIST_ITEMS) {
        findings_at(c->f, ERR_CONFIG, c->doc, node, "urls: expected a list of { name, url }");
        return;
    }
    for (size_t i = 0; i < node->n; i++) {
        struct definition_url u = { 0 };
        bool ok = yfields_read(c, node->items[i], "a URL", fields, ARRAY_LEN(fields), &u);
        if (ok && (u.name == NULL || u.url == NULL))
            findings_at(c->f, ERR_CONFIG, c->doc, node->items[i], "urls: expected name and url");
        check_template(c, node->items[i], "url", u.url);
        MEM_PUSH(d->urls, d->n_urls, d->cap_urls) = u;
    }
}

/* ---- services ---- */

bool definition_container_path_ok(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._+@-";
    enum { CONTAINER_PATH_MAX_BYTES = 255 };
    return text[0] == '/' && text[1] != '\0' && strlen(text) <= CONTAINER_PATH_MAX_BYTES && strspn(text, allowed) == strlen(text) &&
           strstr(text, "/../") == NULL && !text_ends(text, "/..") && !text_ends(text, "/");
}

bool definition_environment_name_ok(const char *text)
{
    enum { ENVIRONMENT_NAME_MAX_BYTES = 64 };
    size_t n = strlen(text);
    return n > 0 && n <= ENVIRONMENT_NAME_MAX_BYTES &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == n;
}

static void check_container_path(const struct yctx *c, const struct ynode *node, const char *what, const char *text)
{
    if (text != NULL && !definition_container_path_ok(text))
        findings_at(c->f, ERR_CONFIG, c->doc, node, "%s: \"%s\" is no absolute path of a file in the container", what, SHOWN(text));
}

static void read_tls(const struct yctx *c, const struct ynode *node, void *into)
{
    static const struct yfield fields[] = {
        { "certificate", YFIELD_TEXT, offsetof(struct definition_service, tls_certificate), NULL },
        { "key", YFIELD_TEXT, offsetof(struct definition_service, tls_key), NULL },
    };
    struct definition_service *s = into;
    if (yfields_read(c, node, "tls", fields, ARRAY_LEN(fields), s) && (s->tls_certificate == NULL || s->tls_key == NULL))
        findings_at(c->f, ERR_CONFIG, c->doc, node, "tls: expected certificate and key");
    check_container_path(c, node, "tls.certificate", s->tls_certificate);
    check_container_path(c, node, "tls.key", s->tls_key);
    if (s->tls_key != NULL && text_is(s->tls_key, s->tls_certificate))
        findings_at(c->f, ERR_CONFIG, c->doc, node, "tls: certificate and key are the same file");
}

static void read_ca(const struct yctx *c, const struct ynode *node, void *into)
{
    static const struct yfield fields[] = {
        { "file", YFIELD_TEXT, offsetof(struct definition_service, ca_file), NULL },
        { "variables", YFIELD_TEXTS, offsetof(struct definition_service, ca_variables), NULL },
    };
    struct definition_service *s = into;
    yfields_read(c, node, "ca", fields, ARRAY_LEN(fields), s);
    s->has_ca_variables = ynode_get(node, "variables") != NULL;
    check_container_path(c, node, "ca.file", s->ca_file);
    for (size_t i = 0; i < s->ca_variables.n; i++) {
        const char *name = s->ca_variables.items[i];
        if (!definition_environment_name_ok(name))
            findings_at(c->f, ERR_CONFIG, c->doc, node, "ca.variables: \"%s\" is no name of an environment variable", SHOWN(name));
    }
}

static void check_health(const struct yctx *c, const struct ynode *node, const char *url)
{
    if (url == NULL)
        return;
    check_template(c, node, "health", url);
    if (!text_starts(url, "http://") && !text_starts(url, "https://"))
        findings_at(c->f, ERR_CONFIG, c->doc, node, "health: \"%s\" is no http:// or https:// address", SHOWN(url));
}

static void read_service(const struct yctx *c, const struct ynode *key, const struct ynode *node, struct definition *d)
{
    static const struct yfield fields[] = {
        { "health", YFIELD_TEXT, offsetof(struct definition_service, health), NULL },
        { "timeout", YFIELD_SECONDS, offsetof(struct definition_service, timeout_s), NULL },
        { "tls", YFIELD_CALL, 0, read_tls },
        { "ca", YFIELD_CALL, 0, read_ca },
    };
    struct definition_service s = { .name = mem_text(key->text) };
    yfields_read(c, node, "a service", fields, ARRAY_LEN(fields), &s);
    if (s.health != NULL)
        check_health(c, ynode_get(node, "health"), s.health);
    MEM_PUSH(d->services, d->n_services, d->cap_services) = s;
}

void definition_read_services(const struct yctx *c, const struct ynode *node, void *into)
{
    if (node->kind != YNODE_MAP || node->n > LIMIT_SERVICES) {
        findings_at(c->f, ERR_CONFIG, c->doc, node, "services: expected a map of at most %d services", LIMIT_SERVICES);
        return;
    }
    for (size_t i = 0; i < node->n; i++)
        read_service(c, node->keys[i], node->items[i], into);
}

/* Which sites a bundle is for comes later; "all of them" can be said today. */
void definition_read_targets(const struct yctx *c, const struct ynode *node, void *into)
{
    (void)into;
    const struct ynode *site = ynode_get(node, "site");
    bool is_all = node->n == 1 && site != NULL && site->kind == YNODE_LIST && site->n == 1 &&
                  site->items[0]->kind == YNODE_SCALAR && text_is(site->items[0]->text, "*");
    if (!is_all)
        findings_at(c->f, ERR_CONFIG, c->doc, node, "targets: other than { site: [\"*\"] } is not in this version");
}
