/* The definition that application_from_compose makes up, written down for the author to change. */
#include "bundler/outline.h"

#include <stdlib.h>

#include "app/application.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundler/input.h"
#include "sys/path.h"

#include "base/banned.h"

#define OUTLINE_VERSION "0.1.0"

/* Values for image locations are not written anywhere: any will do, and a variable that is unset now may be set when the bundle is made. */
static const char *any_value(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : "unset.invalid";
}

/* Double-quoted YAML: what JSON would write. */
static void add_quoted(struct buf *out, const char *text)
{
    buf_addc(out, '"');
    for (const char *p = text; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\')
            buf_addf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            buf_addf(out, "\\x%02x", c);
        else
            buf_addc(out, (char)c);
    }
    buf_addc(out, '"');
}

static void add_variable(struct buf *out, const struct variable *v)
{
    buf_addf(out, "  - { name: %s", v->name);
    if (v->is_secret)
        buf_adds(out, ", secret: true");
    if (v->is_secret && v->is_required) {
        buf_adds(out, ", generate: 32");
    } else if (v->is_required) {
        buf_adds(out, ", required: true");
    } else if (v->default_value != NULL) {
        buf_adds(out, ", default: ");
        add_quoted(out, v->default_value);
    }
    buf_adds(out, " }\n");
}

static void add_variables(struct buf *out, const struct variables *all)
{
    if (all->n == 0)
        return;
    buf_adds(out, "\n# What a site may or must set. Secrets are never shown; those with generate: are made on the first install.\nvariables:\n");
    for (size_t i = 0; i < all->n; i++)
        add_variable(out, &all->items[i]);
}

static void add_services(struct buf *out, const struct compose *c)
{
    buf_adds(out, "\n# How to see that a service works, beside its own health check; and where it wants the site's certificate.\n# services:\n");
    for (size_t i = 0; i < c->n_services; i++) {
        buf_addf(out, "#   %s:\n#     health: https://127.0.0.1:8443/health\n#     timeout: 60s\n", c->services[i].name);
        if (i == 0)
            buf_adds(out, "#     tls: { certificate: /run/tls/tls.crt, key: /run/tls/tls.key }\n");
    }
}

static void add_rest(struct buf *out)
{
    buf_adds(out, "\n# SQL that the loader runs, NNNN_name.sql, and the database that it is for.\n"
                  "# migrations: sql\n"
                  "# database:\n"
                  "#   service: db\n"
                  "#   name: app\n"
                  "#   user: app\n"
                  "#   password: ${DB_PASSWORD}\n"
                  "#   admin_user: postgres\n"
                  "#   admin_password: ${DB_ADMIN_PASSWORD}\n"
                  "\n# urls:\n"
                  "#   - { name: \"Web interface\", url: \"https://${HOST}:8443/\" }\n"
                  "\n# requires: { memory: 2GiB, disk: 4GiB, ports: [8443], engine: \"20.10\" }\n");
}

static void outline(struct buf *out, const struct application *app, const char *file)
{
    buf_adds(out, "# What goes into the bundle. Every key is explained in docs/DEFINITION.md; check with: archon-bundle lint\n");
    buf_adds(out, "name: ");
    add_quoted(out, app->definition.name); /* YAML takes null, on and 12 for something else */
    buf_addf(out, "\nversion: " OUTLINE_VERSION "\nplatforms: [linux/amd64]\n\ncompose: [%s]\n", file);
    add_variables(out, &app->definition.variables);
    add_services(out, app->compose);
    add_rest(out);
}

bool outline_write(const char *compose_path, struct buf *out, struct err *e)
{
    AUTO(mem_auto) char *dir = path_dir(compose_path);
    AUTO(mem_auto) char *name = input_folder_name(dir);
    AUTO(origin_free_auto) struct origin *origin = origin_directory(dir);
    AUTO(findings_clear_auto) struct findings f = { 0 };
    struct application_options how = { .version = OUTLINE_VERSION, .environment = any_value };
    struct texts files = { 0 };
    texts_add(&files, path_base(compose_path));
    AUTO(application_free_auto) struct application *app = application_from_compose(origin, &files, name, &how, &f, e);
    texts_clear(&files);
    if (app == NULL)
        return false;
    outline(out, app, path_base(compose_path));
    return buf_done(out, "bundle.yaml", e);
}
