/* What happens before the first change: open, verify, read, check, ask. Nothing in this file writes to the host but install_lock. */
#include "loader/install.h"

#include <sys/utsname.h>
#include <unistd.h>

#include "app/compose.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine/containers.h"
#include "loader/install_base.h"
#include "loader/install_images.h"
#include "loader/kept_values.h"
#include "loader/open.h"
#include "loader/policy.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

#define CACHE_BYTES (36 * MIB) /* with what reading ahead takes, loading stays below 64 MiB (docs/PERFORMANCE.md) */
#define COMPOSE_FILE_MAX LIMIT_CONFIG_FILE_BYTES
#define PACKED_FILES_MAX (32 * MIB) /* besides the compose files themselves */

void install_free(struct install *in)
{
    install_images_clear(in);
    if (in->database != NULL)
        database_free(in->database);
    if (in->tls != NULL)
        site_tls_free(in->tls);
    if (in->engine != NULL)
        engine_close(in->engine);
    if (in->previous != NULL)
        deployment_free(in->previous);
    if (in->next != NULL)
        deployment_free(in->next);
    if (in->base != NULL)
        base_source_free(in->base);
    if (in->cache != NULL)
        chunk_cache_free(in->cache);
    if (in->bundle != NULL)
        bundle_close(in->bundle);
    if (in->journal != NULL)
        journal_close(in->journal);
    if (in->lock != NULL)
        lock_release(in->lock);
    site_clear(&in->site);
    buf_clear(&in->story);
    mem_free(in);
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static bool read_env_file(const char *path, struct env_pairs *out, struct err *e)
{
    AUTO(buf_wipe_auto) struct buf text = BUF_LIMIT(LIMIT_CONFIG_FILE_BYTES);
    if (path == NULL)
        return true;
    return (file_read(path, FILE_PRIVATE, LIMIT_CONFIG_FILE_BYTES, &text, e) && env_file_read(out, buf_text(&text), text.len, path, e)) ||
           err_as(e, ERR_CONFIG);
}

#define SET_HOST VARIABLE_HOST "="

/* --set HOST=name replaces the machine's own name; the rest goes to the variables. */
static const char *split_host(const struct cli_list *set, const char **others, size_t *n, const char *own)
{
    const char *host = own;
    for (size_t i = 0; i < set->n; i++) {
        if (text_starts(set->items[i], SET_HOST))
            host = set->items[i] + sizeof SET_HOST - 1;
        else
            others[(*n)++] = set->items[i];
    }
    return host;
}

/* A name given once with --set HOST is kept over upgrades. */
static char *kept_host(const struct install *in)
{
    const struct state_release *r = &in->state.installed;
    AUTO(mem_auto) char *dir = in->state.is_set && r->is_set ? site_release_dir(&in->site, r->version, &r->release) : NULL;
    return dir == NULL ? NULL : deployment_kept_host(dir);
}

static bool read_values(struct install *in, const struct release *r, struct values *out, struct err *e)
{
    AUTO(env_pairs_clear_auto) struct env_pairs given = { 0 };
    AUTO(env_pairs_clear_auto) struct env_pairs stored = { 0 };
    AUTO(mem_auto) const char **set = mem_new_array(in->o->set.n, sizeof *set);
    struct utsname host;
    size_t n_set = 0;
    BUG_IF(uname(&host) != 0);
    if (!read_env_file(in->o->env_file, &given, e) || !kept_values_read(&stored, in->site.values_path, e))
        return false;
    struct values_input input = { .env_file = in->o->env_file == NULL ? NULL : &given, .env_file_name = in->o->env_file,
                                  .stored = &stored, .is_dry = in->o->is_dry || in->is_partial,
                                  .is_partial = in->is_partial };
    AUTO(mem_auto) char *kept = kept_host(in);
    input.host = split_host(&in->o->set, set, &n_set, kept != NULL ? kept : host.nodename);
    input.set = set;
    input.n_set = n_set;
    return values_resolve(out, &r->variables, &input, e);
}

/* --- the compose files, read again on this host --------------------------------------------------------------------- */

static bool read_member(void *ctx, const char *path, struct buf *out, struct err *e)
{
    struct install *in = ctx;
    AUTO(mem_auto) char *member = release_member(path);
    return member_read(bundle_index(in->bundle), in->cache, member, out, e);
}

struct packed {
    struct origin_file *files;
    struct buf *texts;
    size_t n;
};

static void packed_clear(struct packed *p)
{
    for (size_t i = 0; i < p->n; i++)
        buf_clear(&p->texts[i]);
    mem_free(p->texts);
    mem_free(p->files);
}

/* Compose files, and what they could extend: every file of their size, as far as memory is bounded. */
static bool may_be_compose(const struct release *r, const struct release_file *f, uint64_t *room)
{
    bool is_named = texts_have(&r->compose, f->path);
    if (f->size > COMPOSE_FILE_MAX || (!is_named && f->size > *room))
        return false;
    *room -= is_named ? 0 : f->size;
    return true;
}

static bool read_packed(struct install *in, const struct release *r, struct packed *p, struct err *e)
{
    uint64_t room = PACKED_FILES_MAX;
    p->files = mem_new_array(r->n_files, sizeof *p->files);
    p->texts = mem_new_array(r->n_files, sizeof *p->texts);
    for (size_t i = 0; i < r->n_files; i++) {
        if (!may_be_compose(r, &r->files[i], &room))
            continue;
        struct buf *text = &p->texts[p->n];
        *text = (struct buf)BUF_LIMIT(COMPOSE_FILE_MAX);
        p->n++;
        if (!read_member(in, r->files[i].path, text, e))
            return false;
        p->files[p->n - 1] = (struct origin_file){ r->files[i].path, buf_text(text), text->len, r->files[i].is_executable };
    }
    return true;
}

static bool check_compose(struct install *in, const struct release *r, struct err *e)
{
    struct packed packed = { 0 };
    struct findings findings = { 0 };
    if (r->compose.n == 0)
        return true;
    bool ok = read_packed(in, r, &packed, e);
    AUTO(origin_free_auto) struct origin *origin = ok ? origin_memory(packed.files, packed.n) : NULL;
    AUTO(compose_free_auto) struct compose *model = ok ? compose_read(origin, &r->compose, COMPOSE_PACKED, &findings, e) : NULL;
    ok = model != NULL && findings_done(&findings, e) && release_check_compose(r, model, e);
    if (!ok)
        err_as(e, e->code == ERR_CONFIG ? ERR_POLICY : e->code);
    findings_clear(&findings);
    packed_clear(&packed);
    return ok;
}

/* --- the parts ---------------------------------------------------------------------------------------------------- */

static bool open_state(struct install *in, struct err *e)
{
    return site_describe(&in->site, in->o->root, in->o->env, e) && site_check(&in->site, e) &&
           state_read(&in->state, in->site.state_path, e) && journal_look(in->site.journal_path, &in->last_run, e);
}

static bool check_policy(const struct install *in, const struct release *r, const struct digest *digest, struct err *e)
{
    return policy_check_release(r, digest, &in->state, in->ctx->now, e) && policy_check_unfinished(r, digest, &in->state, &in->last_run, e);
}

/* Whether the release may be here at all comes before what it lacks. */
static bool open_parts(struct install *in, bool has_policy, struct release *r, struct digest *digest, struct values *v, struct err *e)
{
    return open_release(in->bundle, r, digest, e) && (!has_policy || check_policy(in, r, digest, e)) && read_values(in, r, v, e) &&
           check_compose(in, r, e);
}

static bool open_next(struct install *in, bool has_policy, struct err *e)
{
    struct release release = { 0 };
    struct values values = { 0 };
    struct digest digest;
    in->bundle = open_bundle(in->o->bundles.items[0], &in->o->parts, in->o->root, &in->o->trust, in->ctx, &in->verdict, e);
    if (in->bundle == NULL)
        return false;
    in->cache = chunk_cache_new(bundle_index(in->bundle), CACHE_BYTES);
    if (!open_parts(in, has_policy, &release, &digest, &values, e)) {
        values_clear(&values);
        release_clear(&release);
        return false;
    }
    in->next = deployment_new(&release, &digest, &values, &in->site, in->state.is_set ? in->state.project : NULL);
    return true;
}

static bool open_engine(struct install *in, struct err *e)
{
    const struct definition_requires *need = &in->next->release.requires;
    in->engine = engine_open(in->o->engine, e);
    return in->engine != NULL && engine_require(in->engine, need->engine, e);
}

static bool open_compose(struct install *in, struct err *e)
{
    if (in->next->release.compose.n == 0)
        return true;
    return compose_tool_find(&in->compose, engine_facts(in->engine)->socket, e) &&
           compose_tool_require(&in->compose, in->next->release.requires.compose, e);
}

/* Installing the release that is installed already repairs its files: then they need not be readable. */
static bool open_previous(struct install *in, struct err *e)
{
    const struct state_release *r = &in->state.installed;
    struct err trouble = { 0 };
    if (!in->state.is_set || !r->is_set)
        return true;
    in->previous = deployment_read(&in->site, r->version, &r->release, in->state.project, &trouble);
    if (in->previous != NULL)
        return true;
    if (digest_equal(&r->release, &in->next->digest)) {
        log_warn("files of the installed release are written again: %s", trouble.msg);
        return true;
    }
    *e = trouble;
    err_hint(e, "install the bundle of %s again, or archon-load uninstall", r->version);
    return err_in(e, "installed release %s", r->version);
}

/* Containers that carry the project's name and are not ours: compose would take them over, and remove those it does not know. */
static bool check_project(struct install *in, struct err *e)
{
    AUTO(container_list_clear_auto) struct container_list list = { 0 };
    const char *project = in->next->project;
    if (in->next->release.compose.n == 0)
        return true;
    if (!container_list(in->engine, project, &list, e))
        return false;
    for (size_t i = 0; i < list.n; i++)
        if (!site_made(&in->site, list.items[i].config_files)) {
            err_set(e, ERR_POLICY, "compose project %s exists on this host and was not installed by archon-load (container %.12s)", project,
                    list.items[i].id);
            return err_hint(e, "remove it, or install into an environment of its own: --env NAME");
        }
    return true;
}

/* What runs is newer than what an attempt at this release may have left. */
static bool open_tls(struct install *in, struct err *e)
{
    const char *kept[] = { in->previous != NULL ? in->previous->dir : NULL, in->next->dir };
    in->tls = site_tls_read(&in->o->tls, kept, ARRAY_LEN(kept), values_get(&in->next->values, VARIABLE_HOST), in->ctx->now, e);
    return in->tls != NULL;
}

static bool open_database(struct install *in, struct err *e)
{
    in->database_options = in->o->database;
    if (in->o->database.ca == NULL && in->o->database.url_file != NULL)
        in->database_options.ca = in->o->tls.ca;
    return database_describe(&in->database, &in->next->release, &in->next->digest, &in->next->values, &in->database_options, &in->site,
                             read_member, in, e);
}

struct render_input install_render_input(struct install *in, const char *dir)
{
    return (struct render_input){ .release = &in->next->release, .values = &in->next->values, .compose = &in->compose.version,
                                  .ca_pem = site_tls_path(in->tls, dir, SITE_TLS_CA),
                                  .tls_certificate = site_tls_path(in->tls, dir, SITE_TLS_CERTIFICATE),
                                  .tls_key = site_tls_path(in->tls, dir, SITE_TLS_KEY) };
}

void install_render_input_clear(struct render_input *r)
{
    const char *paths[] = { r->ca_pem, r->tls_certificate, r->tls_key };
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        mem_free((void *)(uintptr_t)paths[i]);
}

/* What rendering would refuse (a service that needs a certificate, a value compose cannot carry) is refused now. */
static bool check_render(struct install *in, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_CONFIG_FILE_BYTES);
    AUTO(buf_clear_auto) struct buf values = BUF_LIMIT(LIMIT_CONFIG_FILE_BYTES);
    struct render_input r = install_render_input(in, in->next->dir);
    bool ok = render_override(&text, &r, e) && values_write_compose(&values, &in->next->values, &in->compose.version, e);
    secret_wipe(values.data, values.len);
    install_render_input_clear(&r);
    if (ok || !in->o->is_dry || e->code != ERR_CONFIG)
        return ok;
    in->missing = *e;
    *e = (struct err){ 0 };
    return true;
}

static struct install *install_new(struct cli_context *ctx, const struct install_options *o)
{
    struct install *in = mem_new(sizeof *in);
    in->ctx = ctx;
    in->o = o;
    in->story = (struct buf)BUF_LIMIT(LIMIT_CONFIG_FILE_BYTES);
    return in;
}

struct install *install_prepare(struct cli_context *ctx, const struct install_options *o, struct err *e)
{
    AUTO(install_free_auto) struct install *in = install_new(ctx, o);
    bool ok = open_state(in, e) && open_next(in, true, e) && open_engine(in, e) && open_compose(in, e) && check_project(in, e) &&
              open_previous(in, e) && open_tls(in, e) && open_database(in, e) && check_render(in, e) && install_images_describe(in, e) &&
              install_base_prepare(in, e);
    return ok ? TAKE(in) : NULL;
}

struct install *install_prepare_images(struct cli_context *ctx, const struct install_options *o, struct err *e)
{
    AUTO(install_free_auto) struct install *in = install_new(ctx, o);
    struct release release = { 0 };
    struct values values = { 0 };
    struct digest digest;
    if (!open_state(in, e))
        return NULL;
    in->bundle = open_bundle_without_data(o->bundles.items[0], &o->parts, o->root, &o->trust, ctx, &in->verdict, e);
    if (in->bundle == NULL || !open_release(in->bundle, &release, &digest, e)) {
        release_clear(&release);
        return NULL;
    }
    in->cache = chunk_cache_new(bundle_index(in->bundle), CACHE_BYTES);
    in->next = deployment_new(&release, &digest, &values, &in->site, NULL);
    return open_engine(in, e) && install_images_describe(in, e) && install_base_prepare(in, e) ? TAKE(in) : NULL;
}

struct install *install_prepare_files(struct cli_context *ctx, const struct install_options *o, struct err *e)
{
    AUTO(install_free_auto) struct install *in = install_new(ctx, o);
    bool ok = open_state(in, e) && open_next(in, false, e) && open_previous(in, e) && open_tls(in, e);
    return ok ? TAKE(in) : NULL;
}

struct install *install_prepare_database(struct cli_context *ctx, const struct install_options *o, struct err *e)
{
    AUTO(install_free_auto) struct install *in = install_new(ctx, o);
    in->is_partial = true;
    bool ok = open_state(in, e) && open_next(in, true, e) && open_engine(in, e) && open_database(in, e);
    return ok ? TAKE(in) : NULL;
}

/* What was read before the lock was taken must still be so: a run that came between may have made other secrets. */
static bool check_unchanged(struct install *in, struct err *e)
{
    struct state now;
    if (!state_read(&now, in->site.state_path, e))
        return false;
    if (state_is_same(&now, &in->state) && journal_last(in->journal)->sequence == in->last_run.sequence)
        return true;
    err_set(e, ERR_LOCKED, "another run changed environment %s meanwhile", in->site.env);
    return err_hint(e, "run the same command again");
}

bool install_lock(struct install *in, struct err *e)
{
    AUTO(mem_auto) char *what = mem_format("install %s-%s", in->next->release.name, in->next->release.version.text);
    if (!site_make(&in->site, e))
        return false;
    in->lock = lock_take(in->site.lock_path, what, e);
    if (in->lock == NULL)
        return false;
    in->journal = journal_open(in->site.journal_path, e);
    return in->journal != NULL && check_unchanged(in, e);
}
