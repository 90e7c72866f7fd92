/* The database of an application. */
#include "loader/database.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "app/template.h"
#include "engine/containers.h"
#include "sys/file.h"

#include "base/banned.h"

enum { READY_MS = 120000, PORT = 5432 };
#define MAINTENANCE_DATABASE "postgres"

void database_free(struct database *d)
{
    sql_set_clear(&d->migrations);
    sql_set_clear(&d->bootstrap);
    for (size_t i = 0; i < d->n_texts; i++)
        buf_clear(&d->texts[i]);
    mem_free(d->texts);
    db_target_clear(&d->site);
    mem_free(d);
}

/* --- SQL ---------------------------------------------------------------------------------------------------------- */

static bool add_file(struct database *d, struct sql_set *set, enum sql_kind kind, const char *path, const struct digest *want,
                     database_read_fn read, void *ctx, struct err *e)
{
    struct buf *text = &d->texts[d->n_texts++];
    struct digest found;
    *text = (struct buf)BUF_LIMIT(LIMIT_SQL_FILE_BYTES);
    if (!read(ctx, path, text, e))
        return false;
    sha256_of(&found, buf_text(text), text->len);
    if (!digest_equal(&found, want))
        return err_set(e, ERR_INTEGRITY, "%s: digest is %s, expected %s", path, DIGEST_SHOWN(&found), DIGEST_SHOWN(want));
    return sql_set_add(set, kind, path, buf_text(text), text->len, e);
}

static bool read_sql(struct database *d, database_read_fn read, void *ctx, struct err *e)
{
    const struct release *r = d->release;
    d->texts = mem_new_array(2 * r->n_migrations + r->n_bootstrap, sizeof *d->texts);
    for (size_t i = 0; i < r->n_bootstrap; i++)
        if (!add_file(d, &d->bootstrap, SQL_BOOTSTRAP, r->bootstrap[i].path, &r->bootstrap[i].sha256, read, ctx, e))
            return false;
    for (size_t i = 0; i < r->n_migrations; i++) {
        const struct release_sql *m = &r->migrations[i];
        if (!add_file(d, &d->migrations, SQL_ORDINARY, m->path, &m->sha256, read, ctx, e) ||
            (m->has_down && !add_file(d, &d->migrations, SQL_ORDINARY, m->down_path, &m->down_sha256, read, ctx, e)))
            return false;
    }
    return sql_set_check(&d->bootstrap, e) && sql_set_check(&d->migrations, e);
}

/* --- where -------------------------------------------------------------------------------------------------------- */

static bool from_variable(struct database *d, const char *ca, struct err *e)
{
    const char *url = NULL;
    char name[128];
    if (template_is_variable(d->release->database.url, name, sizeof name))
        url = values_get(d->values, name);
    if (url == NULL)
        return err_set(e, ERR_CONFIG, "database.url: %s has no value", SHOWN(d->release->database.url));
    return db_target_parse_url(&d->site, url, __builtin_strlen(url), ca, "database.url", e);
}

static bool find_site(struct database *d, const struct database_options *o, const struct site *site, struct err *e)
{
    bool has_url = false;
    bool has_ca = false;
    if (!file_exists(site->database_url_path, &has_url, e) || !file_exists(site->database_ca_path, &has_ca, e))
        return false;
    const char *ca = o->ca != NULL ? o->ca : has_ca ? site->database_ca_path : NULL;
    d->is_site = true;
    if (o->url_file != NULL)
        return db_target_read_url_file(&d->site, o->url_file, ca, e);
    if (has_url)
        return db_target_read_url_file(&d->site, site->database_url_path, ca, e);
    d->is_site = d->release->database.url != NULL;
    return !d->is_site || from_variable(d, ca, e);
}

bool database_describe(struct database **out, const struct release *r, const struct digest *digest, const struct values *values,
                       const struct database_options *o, const struct site *site, database_read_fn read, void *ctx, struct err *e)
{
    *out = NULL;
    if (!r->database.is_set) {
        if (o->url_file != NULL)
            return err_set(e, ERR_USAGE, "--database-url-file: %s has no database", r->name);
        return true;
    }
    AUTO(database_free_auto) struct database *d = mem_new(sizeof *d);
    d->release = r;
    d->values = values;
    d->digest = *digest;
    if (!find_site(d, o, site, e) || !read_sql(d, read, ctx, e))
        return false;
    *out = TAKE(d);
    return true;
}

static bool keep_file(const char *from, const char *to, struct err *e)
{
    AUTO(buf_wipe_auto) struct buf text = BUF_LIMIT(LIMIT_CONFIG_FILE_BYTES);
    if (from == NULL || text_is(from, to))
        return true;
    return file_read(from, FILE_PLAIN, LIMIT_CONFIG_FILE_BYTES, &text, e) && file_publish(to, buf_text(&text), text.len, 0600, e);
}

bool database_keep(const struct database *d, const struct database_options *o, const struct site *site, struct err *e)
{
    return !d->is_site || (keep_file(o->url_file, site->database_url_path, e) && keep_file(o->ca, site->database_ca_path, e));
}

static bool is_file_kept(const char *from, const char *to, bool *yes, struct err *e)
{
    AUTO(buf_wipe_auto) struct buf given = BUF_LIMIT(LIMIT_CONFIG_FILE_BYTES);
    AUTO(buf_wipe_auto) struct buf kept = BUF_LIMIT(LIMIT_CONFIG_FILE_BYTES);
    bool exists = false;
    *yes = from == NULL || text_is(from, to);
    if (*yes)
        return true;
    if (!file_exists(to, &exists, e) || !file_read(from, FILE_PLAIN, given.max, &given, e) || (exists && !file_read(to, FILE_NO_LINK, kept.max, &kept, e)))
        return false;
    *yes = exists && given.len == kept.len && text_is(buf_text(&given), buf_text(&kept));
    return true;
}

bool database_is_kept(const struct database *d, const struct database_options *o, const struct site *site, bool *yes, struct err *e)
{
    *yes = true;
    return !d->is_site || (is_file_kept(o->url_file, site->database_url_path, yes, e) && (!*yes || is_file_kept(o->ca, site->database_ca_path, yes, e)));
}

/* Passwords are written as ${VARIABLE} in the definition. */
static bool set_password(const struct database *d, const char *template, struct secret *out, struct err *e)
{
    char name[128];
    const char *value = template == NULL || !template_is_variable(template, name, sizeof name) ? NULL : values_get(d->values, name);
    if (template == NULL)
        return true;
    if (value == NULL)
        return err_set(e, ERR_CONFIG, "database: password %s has no value", SHOWN(template));
    *out = secret_of(value, __builtin_strlen(value));
    return true;
}

static bool fill(struct db_target *t, const char *address, const char *dbname, const char *user, struct err *e)
{
    *t = (struct db_target){ .kind = DB_BUNDLED, .port = PORT };
    if (!text_copy(t->host, sizeof t->host, address) || !text_copy(t->dbname, sizeof t->dbname, dbname) ||
        !text_copy(t->user, sizeof t->user, user))
        return err_set(e, ERR_CONFIG, "database: name or user is too long");
    return true;
}

static bool find_address(const struct database *d, struct engine *g, const char *project, char out[64], bool *is_up, struct err *e)
{
    AUTO(container_list_clear_auto) struct container_list list = { 0 };
    *is_up = false;
    if (!container_list(g, project, &list, e))
        return false;
    for (size_t i = 0; i < list.n; i++) {
        const struct container *c = &list.items[i];
        if (text_is(c->service, d->release->database.service) && text_is(c->state, "running") && c->address[0] != '\0') {
            *is_up = text_copy(out, 64, c->address);
            return true;
        }
    }
    return true;
}

static bool copy_site(const struct database *d, struct db_target *out)
{
    *out = d->site;
    out->password = secret_of(d->site.password.bytes == NULL ? "" : d->site.password.bytes, d->site.password.n);
    out->ca_file = mem_text(d->site.ca_file);
    return true;
}

bool database_targets(const struct database *d, struct engine *g, const char *project, struct db_target *ordinary, struct db_target *admin,
                      bool *is_up, struct err *e)
{
    const struct definition_database *x = &d->release->database;
    char address[64] = "";
    if (d->is_site) {
        *is_up = true;
        return copy_site(d, ordinary);
    }
    if (!find_address(d, g, project, address, is_up, e) || !*is_up)
        return e->code == ERR_NONE;
    if (!fill(ordinary, address, x->name, x->user, e) || !set_password(d, x->password, &ordinary->password, e))
        return false;
    if (admin == NULL || x->admin_user == NULL)
        return true;
    return fill(admin, address, MAINTENANCE_DATABASE, x->admin_user, e) && set_password(d, x->admin_password, &admin->password, e);
}

/* --- work --------------------------------------------------------------------------------------------------------- */

static void tell(void *ctx, const struct db_fact *f)
{
    (void)ctx;
    switch (f->event) {
    case DB_WAITS:
        log_info("database: waiting for %s", f->text);
        break;
    case DB_FILE_STARTED:
        log_info("database: %s (%zu statements)", f->file, f->n_statements);
        break;
    case DB_NOTICE:
        log_info("database: %s: %s", f->file == NULL ? "server" : f->file, f->text);
        break;
    case DB_COMMITTED:
        log_info("database: committed");
        break;
    case DB_STATEMENT_DONE:
    case DB_FILE_DONE:
        break;
    }
}

static bool has_bootstrap(const struct database *d)
{
    return !d->is_site && d->release->database.admin_user != NULL;
}

struct session {
    struct db_target ordinary;
    struct db_target admin;
    bool is_up;
};

static void session_clear(struct session *s)
{
    db_target_clear(&s->ordinary);
    db_target_clear(&s->admin);
}

static struct bootstrap_spec bootstrap_spec_of(const struct database *d, const struct session *s)
{
    return (struct bootstrap_spec){ .admin = &s->admin, .ordinary = &s->ordinary, .stream = d->release->name, .files = d->bootstrap.files,
                                    .n_files = d->bootstrap.n, .release = &d->digest, .report = { tell, NULL } };
}

static struct migrate_spec migrate_spec_of(const struct database *d, const struct session *s)
{
    return (struct migrate_spec){ .target = &s->ordinary, .stream = d->release->name, .files = d->migrations.files,
                                  .n_files = d->migrations.n, .release = &d->digest, .report = { tell, NULL } };
}

bool database_bootstrap_done(const struct database *d, struct engine *g, const char *project, bool *yes, struct err *e)
{
    struct session s = { 0 };
    *yes = !has_bootstrap(d);
    if (*yes)
        return true;
    bool ok = database_targets(d, g, project, &s.ordinary, &s.admin, &s.is_up, e);
    if (ok && s.is_up) {
        struct bootstrap_spec spec = bootstrap_spec_of(d, &s);
        ok = bootstrap_is_done(&spec, yes, e);
    }
    session_clear(&s);
    return ok;
}

static bool need_up(const struct database *d, const struct session *s, struct err *e)
{
    if (s->is_up)
        return true;
    return err_set(e, ERR_DB, "service %s: its container is not running", d->release->database.service);
}

bool database_bootstrap(const struct database *d, struct engine *g, const char *project, struct err *e)
{
    struct session s = { 0 };
    bool ok = database_targets(d, g, project, &s.ordinary, &s.admin, &s.is_up, e) && need_up(d, &s, e) &&
              bootstrap_wait_ready(&s.admin, READY_MS, e);
    if (ok) {
        struct bootstrap_spec spec = bootstrap_spec_of(d, &s);
        ok = bootstrap_run(&spec, e);
    }
    session_clear(&s);
    return ok;
}

bool database_bootstrap_if_needed(const struct database *d, struct engine *g, const char *project, struct err *e)
{
    bool is_done = false;
    return database_bootstrap_done(d, g, project, &is_done, e) && (is_done || database_bootstrap(d, g, project, e));
}

bool database_migrate(const struct database *d, struct engine *g, const char *project, struct migrate_result *result, struct err *e)
{
    struct session s = { 0 };
    bool ok = database_targets(d, g, project, &s.ordinary, NULL, &s.is_up, e) && need_up(d, &s, e) &&
              (d->is_site || bootstrap_wait_ready(&s.ordinary, READY_MS, e));
    if (ok) {
        struct migrate_spec spec = migrate_spec_of(d, &s);
        ok = migrate_up(&spec, result, e);
    }
    session_clear(&s);
    return ok;
}

bool database_status(const struct database *d, struct engine *g, const char *project, struct migrate_list *out, bool *has_answer,
                     struct err *e)
{
    struct session s = { 0 };
    bool ok = database_targets(d, g, project, &s.ordinary, NULL, &s.is_up, e);
    *has_answer = ok && s.is_up;
    if (*has_answer) {
        struct migrate_spec spec = migrate_spec_of(d, &s);
        ok = migrate_status(&spec, out, e);
    }
    session_clear(&s);
    return ok;
}
