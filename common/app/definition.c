/* bundle.yaml by tables of keys; then what must hold between the values. */
#include "app/definition.h"

#include <stddef.h>
#include <string.h>

#include "app/template.h"
#include "app/yfields.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

/* ---- platforms, images, version ---- */

static void read_version(const struct yctx *c, const struct ynode *node, void *into)
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

static void read_platforms(const struct yctx *c, const struct ynode *node, void *into)
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
};

static void read_image(const struct yctx *c, const struct ynode *node, struct texts *images)
{
    static const struct yfield fields[] = {
        { "reference", YFIELD_TEXT, offsetof(struct image_item, reference), NULL },
        { "when", YFIELD_LATER, 0, NULL },
    };
    struct image_item item = { 0 };
    if (node->kind == YNODE_MAP) {
        if (yfields_read(c, node, "an image", fields, ARRAY_LEN(fields), &item) && ynode_get(node, "reference") == NULL)
            findings_at(c->f, ERR_CONFIG, c->doc, node, "image without a reference");
    } else {
        item.reference = yfields_text(c, node, "images");
    }
    if (item.reference != NULL)
        texts_add(images, item.reference);
    mem_free(item.reference);
}

static void read_images(const struct yctx *c, const struct ynode *node, void *into)
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
static void read_database(const struct yctx *c, const struct ynode *node, void *into)
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

static void read_upgrade(const struct yctx *c, const struct ynode *node, void *into)
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
static void read_requires(const struct yctx *c, const struct ynode *node, void *into)
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

static void read_variables(const struct yctx *c, const struct ynode *node, void *into)
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

static void read_urls(const struct yctx *c, const struct ynode *node, void *into)
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

/* A path inside a container: absolute, no variables, nothing that means something in a mount. */
static void check_container_path(const struct yctx *c, const struct ynode *node, const char *what, const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._+@-";
    if (text == NULL)
        return;
    bool ok = text[0] == '/' && text[1] != '\0' && strlen(text) < 256 && strspn(text, allowed) == strlen(text) &&
              strstr(text, "/../") == NULL && !text_ends(text, "/..") && !text_ends(text, "/");
    if (!ok)
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
        if (strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name) || strlen(name) > 64)
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

static void read_services(const struct yctx *c, const struct ynode *node, void *into)
{
    if (node->kind != YNODE_MAP || node->n > LIMIT_SERVICES) {
        findings_at(c->f, ERR_CONFIG, c->doc, node, "services: expected a map of at most %d services", LIMIT_SERVICES);
        return;
    }
    for (size_t i = 0; i < node->n; i++)
        read_service(c, node->keys[i], node->items[i], into);
}

/* ---- what must hold between values ---- */

bool definition_name_check(const char *name, struct err *e)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static const char all[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    enum { NAME_MAX_BYTES = 63 };
    size_t n = strlen(name);
    if (n > 0 && n <= NAME_MAX_BYTES && strspn(name, first) > 0 && strspn(name, all) == n)
        return true;
    err_set(e, ERR_CONFIG, "name: \"%s\" is no release name", SHOWN(name));
    return err_hint(e, "lower-case letters, digits and -, at most %d, not beginning with -", NAME_MAX_BYTES);
}

static void check_password(const struct yctx *c, const struct ynode *at, const struct definition *d, const char *what, const char *text)
{
    char name[128];
    if (text == NULL)
        return;
    if (!template_is_variable(text, name, sizeof name)) {
        findings_at(c->f, ERR_CONFIG, c->doc, at, "database.%s: expected ${NAME}, the name of a secret variable", what);
        return;
    }
    const struct variable *v = variables_find(&d->variables, name);
    if (v == NULL)
        findings_at(c->f, ERR_CONFIG, c->doc, at, "database.%s: variable %s is not declared", what, name);
    else if (!v->is_secret)
        findings_at(c->f, ERR_CONFIG, c->doc, at, "database.%s: variable %s must be declared with secret: true", what, name);
}

static void check_database(const struct yctx *c, const struct ynode *root, const struct definition *d)
{
    const struct definition_database *db = &d->database;
    const struct ynode *at = ynode_get(root, "database");
    if (!db->is_set) {
        const struct ynode *sql = ynode_get(root, d->migrations != NULL ? "migrations" : "bootstrap");
        if (sql != NULL)
            findings_at(c->f, ERR_CONFIG, c->doc, sql, "migrations need a database: section");
        return;
    }
    if ((db->service == NULL) == (db->url == NULL))
        findings_at(c->f, ERR_CONFIG, c->doc, at, "database: expected either service or url");
    if (db->service != NULL && (db->name == NULL || db->user == NULL || db->password == NULL))
        findings_at(c->f, ERR_CONFIG, c->doc, at, "database: a service needs name, user and password");
    if ((db->admin_user == NULL) != (db->admin_password == NULL))
        findings_at(c->f, ERR_CONFIG, c->doc, at, "database: admin_user and admin_password belong together");
    if (d->bootstrap != NULL && db->service != NULL && db->admin_user == NULL)
        findings_at(c->f, ERR_CONFIG, c->doc, at, "database: bootstrap needs admin_user and admin_password");
    if (db->admin_user != NULL && text_is(db->admin_user, db->user))
        findings_at(c->f, ERR_CONFIG, c->doc, at, "database: user and admin_user are the same; migrations run as an ordinary role");
    check_password(c, at, d, "password", db->password);
    check_password(c, at, d, "admin_password", db->admin_password);
    check_password(c, at, d, "url", db->url);
}

struct used {
    const struct yctx *c;
    const struct ynode *at;
    const struct definition *d;
    const char *what;
};

static bool check_declared(void *ctx, const struct template_use *use, struct err *e)
{
    (void)e;
    const struct used *u = ctx;
    AUTO(mem_auto) char *name = mem_text_n(use->name.p, use->name.n);
    if (!text_is(name, VARIABLE_HOST) && variables_find(&u->d->variables, name) == NULL)
        findings_at(u->c->f, ERR_CONFIG, u->c->doc, u->at, "%s: variable %s is not declared", u->what, SHOWN(name));
    return true;
}

static void check_uses(const struct yctx *c, const struct ynode *at, const struct definition *d, const char *what, const char *text)
{
    struct used u = { c, at, d, what };
    struct err e = { 0 };
    if (text != NULL && at != NULL && !template_uses(text, what, check_declared, &u, &e))
        return; /* the form was complained about already */
}

static void check_all_uses(const struct yctx *c, const struct ynode *root, const struct definition *d)
{
    const struct ynode *services = ynode_get(root, "services");
    for (size_t i = 0; i < d->n_services; i++)
        check_uses(c, ynode_get(ynode_get(services, d->services[i].name), "health"), d, "health", d->services[i].health);
    for (size_t i = 0; i < d->n_urls; i++)
        check_uses(c, ynode_get(root, "urls"), d, "url", d->urls[i].url);
    for (size_t i = 0; i < d->requires.ports.n; i++)
        check_uses(c, ynode_get(ynode_get(root, "requires"), "ports"), d, "ports", d->requires.ports.items[i]);
}

static void check_whole(const struct yctx *c, const struct ynode *root, const struct definition *d)
{
    struct err e = { 0 };
    if (ynode_get(root, "name") == NULL)
        findings_at(c->f, ERR_CONFIG, c->doc, root, "key \"name\" is missing");
    else if (d->name != NULL && !definition_name_check(d->name, &e))
        findings_at(c->f, ERR_CONFIG, c->doc, ynode_get(root, "name"), "%s", e.msg);
    if (ynode_get(root, "version") == NULL)
        findings_at(c->f, ERR_CONFIG, c->doc, root, "key \"version\" is missing");
    if (ynode_get(root, "compose") == NULL && ynode_get(root, "images") == NULL)
        findings_at(c->f, ERR_CONFIG, c->doc, root, "neither \"compose\" nor \"images\": nothing to bundle");
    if (d->compose.n > LIMIT_COMPOSE_FILES)
        findings_at(c->f, ERR_CONFIG, c->doc, ynode_get(root, "compose"), "compose: more than %d files", LIMIT_COMPOSE_FILES);
    if (d->n_services > 0 && d->compose.n == 0)
        findings_at(c->f, ERR_CONFIG, c->doc, ynode_get(root, "services"), "services: there is no compose file");
    check_database(c, root, d);
    check_all_uses(c, root, d);
}

#define FIELD(field) offsetof(struct definition, field)
bool definition_parse(struct definition *out, const char *text, size_t n, const char *what, struct findings *f, struct err *e)
{
    static const struct yfield fields[] = {
        { "name", YFIELD_TEXT, FIELD(name), NULL },
        { "version", YFIELD_CALL, 0, read_version },
        { "title", YFIELD_TEXT, FIELD(title), NULL },
        { "platforms", YFIELD_CALL, 0, read_platforms },
        { "compose", YFIELD_PATHS, FIELD(compose), NULL },
        { "images", YFIELD_CALL, 0, read_images },
        { "migrations", YFIELD_PATH, FIELD(migrations), NULL },
        { "bootstrap", YFIELD_PATH, FIELD(bootstrap), NULL },
        { "database", YFIELD_CALL, 0, read_database },
        { "variables", YFIELD_CALL, 0, read_variables },
        { "upgrade", YFIELD_CALL, 0, read_upgrade },
        { "services", YFIELD_CALL, 0, read_services },
        { "urls", YFIELD_CALL, 0, read_urls },
        { "files", YFIELD_PATHS, FIELD(files), NULL },
        { "licenses", YFIELD_PATHS, FIELD(licenses), NULL },
        { "docs", YFIELD_PATHS, FIELD(docs), NULL },
        { "requires", YFIELD_CALL, 0, read_requires },
        { "jobs", YFIELD_LATER, 0, NULL },
        { "profiles", YFIELD_LATER, 0, NULL },
        { "reports", YFIELD_LATER, 0, NULL },
        { "targets", YFIELD_LATER, 0, NULL },
        { "verify", YFIELD_LATER, 0, NULL },
        { "not_before", YFIELD_LATER, 0, NULL },
        { "not_after", YFIELD_LATER, 0, NULL },
    };
    AUTO(yread_free_auto) struct yread *doc = yread_open(text, n, what, YREAD_PLAIN, e);
    if (doc == NULL)
        return false;
    struct yctx c = { .doc = doc, .f = f };
    const struct ynode *root = yread_root(doc);
    if (yfields_read(&c, root, "the definition", fields, ARRAY_LEN(fields), out))
        check_whole(&c, root, out);
    return true;
}

static void service_clear(struct definition_service *s)
{
    mem_free(s->name);
    mem_free(s->health);
    mem_free(s->tls_certificate);
    mem_free(s->tls_key);
    mem_free(s->ca_file);
    texts_clear(&s->ca_variables);
}

void definition_clear(struct definition *d)
{
    char *const texts[] = { d->name, d->title, d->migrations, d->bootstrap, d->upgrade_from, d->requires.engine,
                            d->requires.compose, d->database.service, d->database.url, d->database.name, d->database.user,
                            d->database.admin_user, d->database.password, d->database.admin_password };
    struct texts *const lists[] = { &d->compose, &d->images, &d->files, &d->licenses, &d->docs, &d->requires.ports };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        mem_free(texts[i]);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        texts_clear(lists[i]);
    for (size_t i = 0; i < d->n_services; i++)
        service_clear(&d->services[i]);
    for (size_t i = 0; i < d->n_urls; i++) {
        mem_free(d->urls[i].name);
        mem_free(d->urls[i].url);
    }
    variables_clear(&d->variables);
    mem_free(d->platforms);
    mem_free(d->services);
    mem_free(d->urls);
    *d = (struct definition){ 0 };
}

void definition_clear_auto(struct definition *d)
{
    definition_clear(d);
}
