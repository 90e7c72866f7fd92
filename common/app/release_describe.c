/* From an application and its resolved images to a release: every value is copied, nothing is decided here. */
#include <string.h>

#include "app/release.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

static void copy_texts(struct texts *to, const struct texts *from)
{
    for (size_t i = 0; i < from->n; i++)
        texts_add(to, from->items[i]);
}

static void copy_image(struct release_image *to, const struct application_image *image, const struct release_image *from)
{
    *to = (struct release_image){ .has_index = from->has_index, .index = from->index, .n_platforms = from->n_platforms };
    to->reference = mem_text(ref_format_tag(&(struct ref_text){ { 0 } }, &image->ref));
    to->platforms = mem_new_array(from->n_platforms, sizeof *to->platforms);
    for (size_t i = 0; i < from->n_platforms; i++) {
        const struct release_platform *p = &from->platforms[i];
        to->platforms[i] = *p;
        to->platforms[i].manifest_type = mem_text(p->manifest_type);
        to->platforms[i].diff_ids = mem_copy(p->diff_ids, p->n_diff_ids * sizeof *p->diff_ids);
    }
}

static const struct definition_service *declared_service(const struct definition *d, const char *name)
{
    for (size_t i = 0; i < d->n_services; i++)
        if (text_is(d->services[i].name, name))
            return &d->services[i];
    return NULL;
}

static void describe_service(struct release_service *to, const struct compose_service *from, const struct definition_service *declared)
{
    to->name = mem_text(from->name);
    to->image = mem_text(ref_format_tag(&(struct ref_text){ { 0 } }, &from->ref));
    copy_texts(&to->profiles, &from->profiles);
    copy_texts(&to->needs, &from->needs);
    if (declared == NULL)
        return;
    to->health = mem_text(declared->health);
    to->timeout_s = declared->timeout_s;
    to->tls_certificate = mem_text(declared->tls_certificate);
    to->tls_key = mem_text(declared->tls_key);
    to->ca_file = mem_text(declared->ca_file);
    to->has_ca_variables = declared->has_ca_variables;
    copy_texts(&to->ca_variables, &declared->ca_variables);
}

static void describe_compose(struct release *r, const struct application *app)
{
    const struct compose *c = app->compose;
    for (size_t i = 0; i < c->n_files; i++)
        if (c->files[i].is_main)
            texts_add(&r->compose, c->files[i].path);
    r->compose_version = mem_text(c->version_key);
    r->project = mem_text(app->definition.name);
    r->n_services = c->n_services;
    r->services = mem_new_array(c->n_services, sizeof *r->services);
    for (size_t i = 0; i < c->n_services; i++)
        describe_service(&r->services[i], &c->services[i], declared_service(&app->definition, c->services[i].name));
}

static void describe_variables(struct variables *to, const struct variables *from)
{
    for (size_t i = 0; i < from->n; i++) {
        struct variable v = from->items[i];
        v.name = mem_text(v.name);
        v.default_value = mem_text(v.default_value);
        v.pattern = mem_text(v.pattern);
        v.help = mem_text(v.help);
        MEM_PUSH(to->items, to->n, to->cap) = v;
    }
}

static void describe_database(struct definition_database *to, const struct definition_database *from)
{
    to->is_set = from->is_set;
    to->service = mem_text(from->service);
    to->url = mem_text(from->url);
    to->name = mem_text(from->name);
    to->user = mem_text(from->user);
    to->admin_user = mem_text(from->admin_user);
    to->password = mem_text(from->password);
    to->admin_password = mem_text(from->admin_password);
}

/* The path that a file of the set was read from: its text is borrowed from there. */
static const char *sql_path(const struct application *app, const struct sql_file *file)
{
    size_t i = 0;
    while (i < app->n_sql && app->sql[i].text != file->text)
        i++;
    BUG_IF(i == app->n_sql);
    return app->sql[i].path;
}

static size_t describe_sql(struct release_sql **to, const struct application *app, const struct sql_set *set)
{
    size_t n = 0;
    *to = mem_new_array(set->n + 1, sizeof **to);
    for (size_t i = 0; i < set->n; i++) {
        const struct sql_file *file = &set->files[i];
        char *path = mem_text(sql_path(app, file));
        if (file->is_down) { /* follows its up file */
            struct release_sql *up = &(*to)[n - 1];
            up->has_down = true;
            up->down_path = path;
            up->down_sha256 = file->sha256;
            up->down_statements = file->n_statements;
        } else {
            (*to)[n++] = (struct release_sql){ .order = file->order, .name = mem_text(file->name), .path = path, .sha256 = file->sha256,
                                               .statements = file->n_statements };
        }
    }
    return n;
}

/* The files that a list of files and folders stands for. */
static void describe_listed(struct texts *to, const struct texts *list, const struct application *app)
{
    for (size_t i = 0; i < app->n_files; i++) {
        const char *path = app->files[i].path;
        for (size_t k = 0; k < list->n; k++) {
            size_t n = strlen(list->items[k]);
            bool is_listed = text_starts(path, list->items[k]) && (path[n] == '\0' || path[n] == '/');
            if (is_listed && !texts_have(to, path))
                texts_add(to, path);
        }
    }
}

static void describe_files(struct release *r, const struct application *app)
{
    r->n_files = app->n_files;
    r->files = mem_new_array(app->n_files, sizeof *r->files);
    for (size_t i = 0; i < app->n_files; i++) {
        const struct application_file *f = &app->files[i];
        r->files[i] = (struct release_file){ .path = mem_text(f->path), .size = f->size, .is_executable = f->is_executable,
                                             .sha256 = f->sha256 };
    }
    describe_listed(&r->licenses, &app->definition.licenses, app);
    describe_listed(&r->docs, &app->definition.docs, app);
}

/* What the author asks for, or what the files need, whichever is more. */
static char *compose_needed(const struct application *app)
{
    const char *asked = app->definition.requires.compose;
    struct version a;
    struct version b;
    struct err e = { 0 };
    if (app->compose == NULL)
        return mem_text(asked);
    if (asked == NULL || !version_parse_loose(&a, asked, "compose", &e) || !version_parse_loose(&b, app->compose->minimum, "compose", &e))
        return mem_text(app->compose->minimum);
    return mem_text(version_compare(&a, &b) >= 0 ? asked : app->compose->minimum);
}

bool release_describe(struct release *out, const struct application *app, const struct release_image *resolved, struct err *e)
{
    const struct definition *d = &app->definition;
    *out = (struct release){ .name = mem_text(d->name), .version = d->version, .title = mem_text(d->title) };
    out->min_loader = mem_text(RELEASE_MIN_LOADER);
    out->upgrade_from = mem_text(d->upgrade_from);
    out->is_schema_compatible = d->is_schema_compatible;
    out->n_images = app->n_images;
    out->images = mem_new_array(app->n_images, sizeof *out->images);
    for (size_t i = 0; i < app->n_images; i++)
        copy_image(&out->images[i], &app->images[i], &resolved[i]);
    if (app->compose != NULL)
        describe_compose(out, app);
    describe_variables(&out->variables, &d->variables);
    describe_database(&out->database, &d->database);
    out->n_migrations = describe_sql(&out->migrations, app, &app->migrations);
    out->n_bootstrap = describe_sql(&out->bootstrap, app, &app->bootstrap);
    out->n_urls = d->n_urls;
    out->urls = mem_new_array(d->n_urls, sizeof *out->urls);
    for (size_t i = 0; i < d->n_urls; i++)
        out->urls[i] = (struct definition_url){ .name = mem_text(d->urls[i].name), .url = mem_text(d->urls[i].url) };
    out->requires = (struct definition_requires){ .memory_bytes = d->requires.memory_bytes, .disk_bytes = d->requires.disk_bytes };
    copy_texts(&out->requires.ports, &d->requires.ports);
    out->requires.engine = mem_text(d->requires.engine);
    out->requires.compose = compose_needed(app);
    describe_files(out, app);
    return release_check(out, e);
}
