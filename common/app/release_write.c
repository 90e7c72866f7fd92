/* release.json out of a release: keys in one order, absent where there is nothing to say, so that the same release gives the same bytes. */
#include "app/release.h"
#include "base/limits.h"
#include "format/jwrite.h"

#include "base/banned.h"

static void write_text(struct jwrite *w, const char *key, const char *text)
{
    if (text != NULL)
        jwrite_str(w, key, text);
}

static void write_number(struct jwrite *w, const char *key, uint64_t v)
{
    if (v > 0)
        jwrite_u64(w, key, v);
}

static void write_flag(struct jwrite *w, const char *key, bool v)
{
    if (v)
        jwrite_bool(w, key, true);
}

static void write_list(struct jwrite *w, const char *key, const struct texts *list)
{
    jwrite_array(w, key);
    for (size_t i = 0; i < list->n; i++)
        jwrite_str(w, NULL, list->items[i]);
    jwrite_end(w);
}

static void write_texts(struct jwrite *w, const char *key, const struct texts *list)
{
    if (list->n > 0)
        write_list(w, key, list);
}

static void write_upgrade(struct jwrite *w, const struct release *r)
{
    if (r->upgrade_from == NULL && !r->is_schema_compatible)
        return;
    jwrite_object(w, "upgrade");
    write_text(w, "from", r->upgrade_from);
    write_flag(w, "schema_compatible", r->is_schema_compatible);
    jwrite_end(w);
}

static void write_platform(struct jwrite *w, const struct release_platform *p)
{
    jwrite_object(w, NULL);
    jwrite_str(w, "platform", platform_format(&(struct platform_text){ { 0 } }, &p->platform));
    jwrite_digest(w, "manifest", &p->manifest);
    jwrite_u64(w, "manifest_size", p->manifest_size);
    write_text(w, "manifest_type", p->manifest_type);
    jwrite_digest(w, "config", &p->config);
    jwrite_u64(w, "config_size", p->config_size);
    jwrite_array(w, "diff_ids");
    for (size_t i = 0; i < p->n_diff_ids; i++)
        jwrite_digest(w, NULL, &p->diff_ids[i]);
    jwrite_end(w);
    jwrite_end(w);
}

static void write_images(struct jwrite *w, const struct release *r)
{
    jwrite_array(w, "images");
    for (size_t i = 0; i < r->n_images; i++) {
        const struct release_image *image = &r->images[i];
        jwrite_object(w, NULL);
        jwrite_str(w, "reference", image->reference);
        if (image->has_index)
            jwrite_digest(w, "index", &image->index);
        jwrite_array(w, "platforms");
        for (size_t k = 0; k < image->n_platforms; k++)
            write_platform(w, &image->platforms[k]);
        jwrite_end(w);
        jwrite_end(w);
    }
    jwrite_end(w);
}

static void write_ca(struct jwrite *w, const struct release_service *s)
{
    if (s->ca_file == NULL && !s->has_ca_variables)
        return;
    jwrite_object(w, "ca");
    write_text(w, "file", s->ca_file);
    if (s->has_ca_variables)
        write_list(w, "variables", &s->ca_variables);
    jwrite_end(w);
}

static void write_service(struct jwrite *w, const struct release_service *s)
{
    jwrite_object(w, NULL);
    jwrite_str(w, "name", s->name);
    jwrite_str(w, "image", s->image);
    write_texts(w, "profiles", &s->profiles);
    write_texts(w, "needs", &s->needs);
    write_text(w, "health", s->health);
    write_number(w, "timeout_s", s->timeout_s);
    if (s->tls_certificate != NULL) {
        jwrite_object(w, "tls");
        jwrite_str(w, "certificate", s->tls_certificate);
        jwrite_str(w, "key", s->tls_key);
        jwrite_end(w);
    }
    write_ca(w, s);
    jwrite_end(w);
}

static void write_compose(struct jwrite *w, const struct release *r)
{
    if (r->compose.n == 0)
        return;
    jwrite_array(w, "services");
    for (size_t i = 0; i < r->n_services; i++)
        write_service(w, &r->services[i]);
    jwrite_end(w);
    jwrite_object(w, "compose");
    write_list(w, "files", &r->compose);
    write_text(w, "version", r->compose_version);
    jwrite_str(w, "project", r->project);
    jwrite_end(w);
}

static void write_variables(struct jwrite *w, const struct variables *all)
{
    if (all->n == 0)
        return;
    jwrite_array(w, "variables");
    for (size_t i = 0; i < all->n; i++) {
        const struct variable *v = &all->items[i];
        jwrite_object(w, NULL);
        jwrite_str(w, "name", v->name);
        write_text(w, "default", v->default_value);
        write_text(w, "pattern", v->pattern);
        write_text(w, "help", v->help);
        write_flag(w, "secret", v->is_secret);
        write_flag(w, "required", v->is_required);
        write_number(w, "generate", v->generate);
        jwrite_end(w);
    }
    jwrite_end(w);
}

static void write_database(struct jwrite *w, const struct definition_database *db)
{
    if (!db->is_set)
        return;
    jwrite_object(w, "database");
    write_text(w, "service", db->service);
    write_text(w, "url", db->url);
    write_text(w, "name", db->name);
    write_text(w, "user", db->user);
    write_text(w, "password", db->password);
    write_text(w, "admin_user", db->admin_user);
    write_text(w, "admin_password", db->admin_password);
    jwrite_end(w);
}

static void write_sql(struct jwrite *w, const char *key, const struct release_sql *items, size_t n)
{
    if (n == 0)
        return;
    jwrite_array(w, key);
    for (size_t i = 0; i < n; i++) {
        const struct release_sql *s = &items[i];
        jwrite_object(w, NULL);
        write_number(w, "order", s->order);
        jwrite_str(w, "name", s->name);
        jwrite_str(w, "path", s->path);
        jwrite_digest_hex(w, "sha256", &s->sha256);
        jwrite_str(w, "mode", "transaction");
        jwrite_u64(w, "statements", s->statements);
        if (s->has_down) {
            jwrite_object(w, "down");
            jwrite_str(w, "path", s->down_path);
            jwrite_digest_hex(w, "sha256", &s->down_sha256);
            jwrite_u64(w, "statements", s->down_statements);
            jwrite_end(w);
        }
        jwrite_end(w);
    }
    jwrite_end(w);
}

static void write_urls(struct jwrite *w, const struct release *r)
{
    if (r->n_urls == 0)
        return;
    jwrite_array(w, "urls");
    for (size_t i = 0; i < r->n_urls; i++) {
        jwrite_object(w, NULL);
        jwrite_str(w, "name", r->urls[i].name);
        jwrite_str(w, "url", r->urls[i].url);
        jwrite_end(w);
    }
    jwrite_end(w);
}

static void write_requires(struct jwrite *w, const struct definition_requires *q)
{
    if (q->memory_bytes == 0 && q->disk_bytes == 0 && q->ports.n == 0 && q->engine == NULL && q->compose == NULL)
        return;
    jwrite_object(w, "requires");
    write_number(w, "memory", q->memory_bytes);
    write_number(w, "disk", q->disk_bytes);
    write_texts(w, "ports", &q->ports);
    write_text(w, "engine", q->engine);
    write_text(w, "compose", q->compose);
    jwrite_end(w);
}

static void write_files(struct jwrite *w, const struct release *r)
{
    if (r->n_files == 0)
        return;
    jwrite_array(w, "files");
    for (size_t i = 0; i < r->n_files; i++) {
        jwrite_object(w, NULL);
        jwrite_str(w, "path", r->files[i].path);
        jwrite_u64(w, "size", r->files[i].size);
        write_number(w, "x", r->files[i].is_executable);
        jwrite_digest_hex(w, "sha256", &r->files[i].sha256);
        jwrite_end(w);
    }
    jwrite_end(w);
}

bool release_write(const struct release *r, struct buf *out, struct err *e)
{
    AUTO(jwrite_free_auto) struct jwrite *w = jwrite_new(JWRITE_COMPACT, LIMIT_RELEASE_BYTES);
    jwrite_object(w, NULL);
    jwrite_u64(w, "archon_release", 1); /* first: what is signed says what kind of document it is */
    jwrite_str(w, "name", r->name);
    jwrite_str(w, "version", r->version.text);
    write_text(w, "title", r->title);
    write_text(w, "min_loader", r->min_loader);
    write_upgrade(w, r);
    write_images(w, r);
    write_compose(w, r);
    write_variables(w, &r->variables);
    write_database(w, &r->database);
    write_sql(w, "migrations", r->migrations, r->n_migrations);
    write_sql(w, "bootstrap", r->bootstrap, r->n_bootstrap);
    write_urls(w, r);
    write_requires(w, &r->requires);
    write_files(w, r);
    write_texts(w, "licenses", &r->licenses);
    write_texts(w, "docs", &r->docs);
    jwrite_end(w);
    return jwrite_done(w, out, RELEASE_MEMBER, e);
}
