/* What must hold between the parts of a release. The writer runs this before it writes, the loader after it has read. */
#include <string.h>

#include "app/compose_parts.h"
#include "app/release.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "sys/path.h"

#include "base/banned.h"

static bool bad(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
static bool bad(struct err *e, const char *fmt, ...)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(400);
    va_list args;
    va_start(args, fmt);
    buf_addv(&text, fmt, args);
    va_end(args);
    return err_set(e, ERR_FORMAT, RELEASE_MEMBER ": %s", buf_text(&text));
}

/* A finding of a reader that speaks of a definition. */
static bool as_format(struct err *e)
{
    err_as(e, ERR_FORMAT);
    return err_in(e, RELEASE_MEMBER);
}

/* ---- images ---- */

static bool check_image(const struct release *r, size_t at, struct err *e)
{
    const struct release_image *image = &r->images[at];
    struct ref ref;
    if (!ref_parse(&ref, image->reference, e))
        return as_format(e);
    if (ref.has_digest || !text_is(image->reference, ref_format_tag(&(struct ref_text){ { 0 } }, &ref)))
        return bad(e, "image \"%s\" is not written as host/repository:tag", SHOWN(image->reference));
    for (size_t i = 0; i < at; i++)
        if (text_is(r->images[i].reference, image->reference))
            return bad(e, "image %s twice", image->reference);
    for (size_t i = 0; i < image->n_platforms; i++)
        for (size_t k = 0; k < i; k++)
            if (platform_equal(&image->platforms[i].platform, &image->platforms[k].platform))
                return bad(e, "image %s has one platform twice", image->reference);
    return image->n_platforms > 0 || bad(e, "image %s has no platform", image->reference);
}

static bool has_image(const struct release *r, const char *reference)
{
    for (size_t i = 0; i < r->n_images; i++)
        if (text_is(r->images[i].reference, reference))
            return true;
    return false;
}

/* ---- variables in texts ---- */

struct used {
    const struct release *r;
    const char *what;
};

static bool check_use(void *ctx, const struct template_use *use, struct err *e)
{
    const struct used *u = ctx;
    AUTO(mem_auto) char *name = mem_text_n(use->name.p, use->name.n);
    if (text_is(name, VARIABLE_HOST) || variables_find(&u->r->variables, name) != NULL)
        return true;
    return bad(e, "%s: variable %s is not declared", u->what, SHOWN(name));
}

static bool check_template(const struct release *r, const char *what, const char *text, struct err *e)
{
    struct used u = { r, what };
    if (text == NULL || template_uses(text, what, check_use, &u, e))
        return true;
    return e->code == ERR_FORMAT ? false : as_format(e);
}

static bool check_variable_name(const struct release *r, const char *what, const char *text, struct err *e)
{
    char name[128];
    if (text == NULL)
        return true;
    if (!template_is_variable(text, name, sizeof name) || variables_find(&r->variables, name) == NULL)
        return bad(e, "%s: expected ${NAME} of a variable", what);
    return true;
}

/* ---- services ---- */

static bool check_container_path(const struct release_service *s, const char *path, struct err *e)
{
    return path == NULL || definition_container_path_ok(path) ||
           bad(e, "service %s: \"%s\" is no path in a container", s->name, SHOWN(path));
}

static bool check_service(const struct release *r, size_t at, struct err *e)
{
    const struct release_service *s = &r->services[at];
    if (!compose_name_ok(s->name))
        return bad(e, "\"%s\" is no name of a service", SHOWN(s->name));
    if (release_service_find(r, s->name) != s)
        return bad(e, "service %s twice", s->name);
    if (!has_image(r, s->image))
        return bad(e, "service %s: image \"%s\" is not in the release", s->name, SHOWN(s->image));
    for (size_t i = 0; i < s->needs.n; i++)
        if (release_service_find(r, s->needs.items[i]) == NULL)
            return bad(e, "service %s needs \"%s\", which is no service", s->name, SHOWN(s->needs.items[i]));
    for (size_t i = 0; i < s->profiles.n; i++)
        if (!compose_name_ok(s->profiles.items[i]))
            return bad(e, "service %s: \"%s\" is no name of a profile", s->name, SHOWN(s->profiles.items[i]));
    for (size_t i = 0; i < s->ca_variables.n; i++)
        if (!definition_environment_name_ok(s->ca_variables.items[i]))
            return bad(e, "service %s: \"%s\" is no name of an environment variable", s->name, SHOWN(s->ca_variables.items[i]));
    if (s->health != NULL && !text_starts(s->health, "http://") && !text_starts(s->health, "https://"))
        return bad(e, "service %s: health is no http:// or https:// address", s->name);
    return check_template(r, s->name, s->health, e) && check_container_path(s, s->tls_certificate, e) &&
           check_container_path(s, s->tls_key, e) && check_container_path(s, s->ca_file, e);
}

static bool check_compose(const struct release *r, struct err *e)
{
    if (r->compose.n == 0)
        return r->n_services == 0 || bad(e, "services without compose files");
    if (r->n_services == 0)
        return bad(e, "compose files without services");
    if (r->compose.n > LIMIT_COMPOSE_FILES)
        return bad(e, "more than %d compose files", LIMIT_COMPOSE_FILES);
    for (size_t i = 0; i < r->compose.n; i++)
        if (release_file_find(r, r->compose.items[i]) == NULL)
            return bad(e, "compose file \"%s\" is not among the files", SHOWN(r->compose.items[i]));
    if (r->compose_version != NULL && strspn(r->compose_version, "0123456789.") != strlen(r->compose_version))
        return bad(e, "compose.version: \"%s\"", SHOWN(r->compose_version));
    return definition_name_check(r->project, e) || as_format(e);
}

/* ---- database and SQL ---- */

static bool check_database(const struct release *r, struct err *e)
{
    const struct definition_database *db = &r->database;
    if (!db->is_set)
        return (r->n_migrations == 0 && r->n_bootstrap == 0) || bad(e, "migrations without a database");
    if ((db->service == NULL) == (db->url == NULL))
        return bad(e, "database: expected either service or url");
    if (db->service != NULL && (db->name == NULL || db->user == NULL || db->password == NULL))
        return bad(e, "database: a service needs name, user and password");
    if (db->service != NULL && release_service_find(r, db->service) == NULL)
        return bad(e, "database: \"%s\" is no service", SHOWN(db->service));
    if ((db->admin_user == NULL) != (db->admin_password == NULL))
        return bad(e, "database: admin_user and admin_password belong together");
    return check_variable_name(r, "database.password", db->password, e) &&
           check_variable_name(r, "database.admin_password", db->admin_password, e) && check_variable_name(r, "database.url", db->url, e);
}

static bool check_sql_file(const struct release *r, const char *path, const struct digest *sha256, struct err *e)
{
    const struct release_file *file = release_file_find(r, path);
    if (file == NULL)
        return bad(e, "\"%s\" is not among the files", SHOWN(path));
    return digest_equal(&file->sha256, sha256) || bad(e, "%s has two digests", path);
}

static bool check_sql(const struct release *r, const struct release_sql *items, size_t n, bool is_ordered, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        const struct release_sql *s = &items[i];
        const char *slash = strrchr(s->path, '/');
        if (!text_is(s->name, slash == NULL ? s->path : slash + 1))
            return bad(e, "\"%s\" is not the name of %s", SHOWN(s->name), SHOWN(s->path));
        if (is_ordered && i > 0 && s->order <= items[i - 1].order)
            return bad(e, "%s: order does not rise", SHOWN(s->name));
        if (!check_sql_file(r, s->path, &s->sha256, e) || (s->has_down && !check_sql_file(r, s->down_path, &s->down_sha256, e)))
            return false;
    }
    return true;
}

/* ---- the rest ---- */

static bool check_files(const struct release *r, struct err *e)
{
    for (size_t i = 0; i < r->n_files; i++) {
        struct safe_path safe;
        AUTO(mem_auto) char *member = release_member(r->files[i].path);
        if (!safe_path_parse(&safe, member, RELEASE_MEMBER, e))
            return err_as(e, ERR_FORMAT);
        if (i > 0 && strcmp(r->files[i - 1].path, r->files[i].path) >= 0)
            return bad(e, "file \"%s\" is not in order", SHOWN(r->files[i].path));
    }
    return true;
}

static bool check_listed(const struct release *r, const struct texts *list, const char *what, struct err *e)
{
    for (size_t i = 0; i < list->n; i++)
        if (release_file_find(r, list->items[i]) == NULL)
            return bad(e, "%s: \"%s\" is not among the files", what, SHOWN(list->items[i]));
    return true;
}

static bool check_templates(const struct release *r, struct err *e)
{
    for (size_t i = 0; i < r->n_urls; i++)
        if (!check_template(r, "url", r->urls[i].url, e))
            return false;
    for (size_t i = 0; i < r->requires.ports.n; i++)
        if (!check_template(r, "ports", r->requires.ports.items[i], e))
            return false;
    return true;
}

static bool check_declarations(const struct release *r, struct err *e)
{
    AUTO(findings_clear_auto) struct findings f = { 0 };
    variables_check(&r->variables, &f);
    return findings_done(&f, e) || as_format(e);
}

static bool check_versions(const struct release *r, struct err *e)
{
    struct version v = { 0 };
    bool ignored;
    bool ok = (r->upgrade_from == NULL || version_in_range(&v, r->upgrade_from, &ignored, e)) &&
              (r->requires.engine == NULL || version_parse_loose(&v, r->requires.engine, "engine", e)) &&
              (r->requires.compose == NULL || version_parse_loose(&v, r->requires.compose, "compose", e));
    return ok || as_format(e);
}

bool release_check(const struct release *r, struct err *e)
{
    if (!definition_name_check(r->name, e))
        return as_format(e);
    for (size_t i = 0; i < r->n_images; i++)
        if (!check_image(r, i, e))
            return false;
    if (!check_declarations(r, e) || !check_files(r, e) || !check_compose(r, e))
        return false;
    for (size_t i = 0; i < r->n_services; i++)
        if (!check_service(r, i, e))
            return false;
    return check_database(r, e) && check_sql(r, r->migrations, r->n_migrations, true, e) &&
           check_sql(r, r->bootstrap, r->n_bootstrap, false, e) && check_templates(r, e) && check_versions(r, e) &&
           check_listed(r, &r->licenses, "licenses", e) && check_listed(r, &r->docs, "docs", e);
}

static bool same_texts(const struct texts *a, const struct texts *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++)
        same = text_is(a->items[i], b->items[i]);
    return same;
}

static bool differs(struct err *e, const char *what, const char *name)
{
    return err_set(e, ERR_POLICY, "compose files: model differs from " RELEASE_MEMBER ": %s %s", what, SHOWN(name));
}

/* Every file that a service mounts must be one that was packed, or a folder of such. */
static bool check_path(const struct release *r, const char *path)
{
    size_t n = strlen(path);
    for (size_t i = 0; i < r->n_files; i++)
        if (text_starts(r->files[i].path, path) && (r->files[i].path[n] == '\0' || r->files[i].path[n] == '/'))
            return true;
    return false;
}

bool release_check_compose(const struct release *r, const struct compose *c, struct err *e)
{
    if (r->n_services != c->n_services)
        return err_set(e, ERR_POLICY, "compose files: model differs from " RELEASE_MEMBER ": %zu services, signed are %zu", c->n_services,
                       r->n_services);
    for (size_t i = 0; i < c->n_services; i++) {
        const struct compose_service *have = &c->services[i];
        const struct release_service *want = &r->services[i];
        if (!text_is(have->name, want->name))
            return differs(e, "service", have->name);
        if (!text_is(ref_format_tag(&(struct ref_text){ { 0 } }, &have->ref), want->image))
            return differs(e, "image of service", have->name);
        if (!same_texts(&have->profiles, &want->profiles) || !same_texts(&have->needs, &want->needs))
            return differs(e, "profiles or dependencies of service", have->name);
    }
    for (size_t i = 0; i < c->n_variables; i++)
        if (!text_is(c->variables[i].name, VARIABLE_HOST) && variables_find(&r->variables, c->variables[i].name) == NULL)
            return differs(e, "variable", c->variables[i].name);
    for (size_t i = 0; i < c->paths.n; i++)
        if (!check_path(r, c->paths.items[i]))
            return differs(e, "file", c->paths.items[i]);
    return true;
}
