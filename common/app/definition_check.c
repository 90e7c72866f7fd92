/* What must hold between the values of bundle.yaml. */
#include <string.h>

#include "app/definition_parts.h"
#include "app/template.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

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

void definition_check(const struct yctx *c, const struct ynode *root, const struct definition *d)
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

