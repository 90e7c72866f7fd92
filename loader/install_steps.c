/* The table of an installation. Order: images, files, database, bootstrap, migrate, services, commit. Each row asks the world whether it is done. */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "loader/health.h"
#include "loader/install.h"
#include "loader/install_images.h"
#include "loader/kept_values.h"
#include "loader/started.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

/* --- files -------------------------------------------------------------------------------------------------------- */

static bool write_member(void *ctx, const char *member, int fd, struct err *e)
{
    struct install *in = ctx;
    size_t i = manifest_find_member(bundle_manifest(in->bundle), member);
    AUTO(source_free_auto) struct source *from = member_reader_open(bundle_index(in->bundle), in->cache, i, e);
    AUTO(sink_drop_auto) struct sink *to = sink_fd(fd, member);
    return from != NULL && pump(from, to, e) && sink_finish(to, e);
}

static bool same_text(const char *path, const struct buf *want, bool *yes, struct err *e)
{
    AUTO(buf_clear_auto) struct buf found = BUF_LIMIT(LIMIT_RELEASE_BYTES);
    *yes = false;
    bool exists = false;
    if (!file_exists(path, &exists, e) || (exists && !file_read(path, FILE_NO_LINK, found.max, &found, e)))
        return false;
    *yes = exists && found.len == want->len && memcmp(buf_text(&found), buf_text(want), want->len) == 0;
    secret_wipe(found.data, found.len);
    return true;
}

static bool same_values(struct install *in, bool *yes, struct err *e)
{
    AUTO(buf_wipe_auto) struct buf own = BUF_LIMIT(LIMIT_ENV_FILE_BYTES);
    AUTO(buf_wipe_auto) struct buf kept = BUF_LIMIT(LIMIT_ENV_FILE_BYTES);
    AUTO(mem_auto) char *path = path_join(in->next->dir, DEPLOYMENT_VALUES);
    return values_write(&own, &in->next->values, e) && kept_values_text(&kept, &in->next->values, in->site.values_path, e) &&
           same_text(path, &own, yes, e) && (!*yes || same_text(in->site.values_path, &kept, yes, e));
}

static bool same_host(struct install *in, bool *yes, struct err *e)
{
    (void)e;
    AUTO(mem_auto) char *kept = deployment_kept_host(in->next->dir);
    *yes = text_is(kept, values_get(&in->next->values, VARIABLE_HOST));
    return true;
}

static bool same_override(struct install *in, bool *yes, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_CONFIG_FILE_BYTES);
    AUTO(mem_auto) char *path = path_join(in->next->dir, RENDER_OVERRIDE);
    struct render_input r = install_render_input(in, in->next->dir);
    bool ok = render_override(&text, &r, e) && same_text(path, &text, yes, e);
    install_render_input_clear(&r);
    return ok;
}

static bool same_env(struct install *in, bool *yes, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_CONFIG_FILE_BYTES);
    AUTO(mem_auto) char *path = path_join(in->next->dir, RENDER_ENV_FILE);
    bool ok = values_write_compose(&text, &in->next->values, &in->compose.version, e) && same_text(path, &text, yes, e);
    secret_wipe(text.data, text.len);
    return ok;
}

static bool same_release(struct install *in, bool *yes, struct err *e)
{
    size_t n;
    const char *text = bundle_release_text(in->bundle, &n);
    struct buf want = { .data = (char *)(uintptr_t)text, .len = n, .max = n };
    AUTO(mem_auto) char *path = path_join(in->next->dir, RELEASE_MEMBER);
    return same_text(path, &want, yes, e);
}

/* Files of the application against the digests of the release. */
static bool same_app_files(struct install *in, bool *yes, struct err *e)
{
    const struct release *r = &in->next->release;
    *yes = true;
    for (size_t i = 0; i < r->n_files && *yes; i++) {
        AUTO(mem_auto) char *member = release_member(r->files[i].path);
        AUTO(mem_auto) char *path = path_join(in->next->dir, member);
        struct digest found;
        uint64_t bytes = 0;
        if (!file_exists(path, yes, e))
            return false;
        if (!*yes)
            return true;
        AUTO(fd_auto) int fd = file_open_read(path, FILE_NO_LINK, e);
        AUTO(source_free_auto) struct source *from = fd < 0 ? NULL : source_fd(fd, path);
        AUTO(sink_drop_auto) struct sink *to = sink_measure(&found, &bytes, sink_null());
        if (from == NULL || !pump(from, to, e) || !sink_finish(to, e))
            return false;
        *yes = digest_equal(&found, &r->files[i].sha256);
    }
    return true;
}

static bool same_database(struct install *in, bool *yes, struct err *e)
{
    *yes = true;
    return in->database == NULL || database_is_kept(in->database, &in->database_options, &in->site, yes, e);
}

static bool files_done(struct install *in, bool *yes, struct err *e)
{
    if (in->missing.code != ERR_NONE) {
        *yes = false;
        return true;
    }
    static bool (*const checks[])(struct install *in, bool *yes, struct err *e) = { same_release, same_values, same_host, same_override, same_env, same_database,
                                                                                  same_app_files };
    if (!site_tls_is_written(in->tls, in->next->dir, yes, e))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(checks) && *yes; i++)
        if (!checks[i](in, yes, e))
            return false;
    return true;
}

/* What later releases find: last, when compose has accepted the files, so that a refused value is not kept. */
static bool keep_settings(struct install *in, struct err *e)
{
    return kept_values_write(&in->next->values, in->site.values_path, e) &&
           (in->database == NULL || database_keep(in->database, &in->database_options, &in->site, e));
}

static bool files_run(struct install *in, struct err *e)
{
    size_t n;
    const char *release = bundle_release_text(in->bundle, &n);
    struct render_input r = install_render_input(in, in->next->dir);
    r.member = write_member;
    r.member_ctx = in;
    bool ok = path_make_dirs(in->next->dir, 0700, e) && site_tls_write(in->tls, in->next->dir, e) && render_compose(in->next->dir, &r, e) &&
              deployment_keep_release(in->next, release, n, e);
    install_render_input_clear(&r);
    return ok && (in->next->release.compose.n == 0 || deployment_check(in->next, &in->compose, e)) && keep_settings(in, e);
}

/* --- database ----------------------------------------------------------------------------------------------------- */

static const char *database_service(const struct deployment *d)
{
    return d->release.database.is_set ? d->release.database.service : NULL;
}

static bool has_own_database(const struct install *in)
{
    return in->database != NULL && !in->database->is_site && database_service(in->next) != NULL;
}

static struct health_spec watch(struct install *in, const struct deployment *d, const char *service)
{
    return (struct health_spec){ .engine = in->engine, .deployment = d, .only_service = service, .timeout_s = (unsigned)in->o->wait_timeout_s };
}

static bool database_done(struct install *in, bool *yes, struct err *e)
{
    struct health_spec h = watch(in, in->next, database_service(in->next));
    *yes = true;
    return !has_own_database(in) || health_look(&h, yes, e);
}

static bool database_run(struct install *in, struct err *e)
{
    const char *service = database_service(in->next);
    struct health_spec h = watch(in, in->next, service);
    return started_up(in->next, &in->compose, in->engine, service, h.timeout_s, e) && health_wait(&h, &in->story, e);
}

/* The database goes back to how the running release has it; on a first installation it is stopped. */
static bool database_undo(struct install *in, struct err *e)
{
    const char *service = database_service(in->next);
    const char *before = in->previous == NULL ? NULL : database_service(in->previous);
    if (!has_own_database(in))
        return true;
    if (before == NULL && in->state.installed.is_set)
        return true; /* the release before had its data elsewhere */
    if (before == NULL)
        return deployment_stop(in->next, &in->compose, &service, 1, e);
    return started_up(in->previous, &in->compose, in->engine, before, 0, e);
}

static bool bootstrap_done(struct install *in, bool *yes, struct err *e)
{
    *yes = true;
    return in->database == NULL || database_bootstrap_done(in->database, in->engine, in->next->project, yes, e);
}

static bool bootstrap_step_run(struct install *in, struct err *e)
{
    return database_bootstrap(in->database, in->engine, in->next->project, e);
}

static bool migrate_done(struct install *in, bool *yes, struct err *e)
{
    AUTO(migrate_list_clear_auto) struct migrate_list list = { 0 };
    bool has_answer = false;
    *yes = in->database == NULL || in->next->release.n_migrations == 0;
    if (*yes)
        return true;
    /* A role or database that is not made yet is no connection: then nothing is applied. */
    struct err ignored = { 0 };
    if (!database_status(in->database, in->engine, in->next->project, &list, &has_answer, &ignored) || !has_answer)
        return true;
    *yes = list.n > 0;
    for (size_t i = 0; i < list.n; i++)
        *yes = *yes && list.rows[i].state == MIGRATE_APPLIED;
    (void)e;
    return true;
}

static bool migrate_run(struct install *in, struct err *e)
{
    struct migrate_result result = { 0 };
    if (!database_migrate(in->database, in->engine, in->next->project, &result, e))
        return false;
    log_info("database: %zu migrations applied, %zu were there", result.n_applied, result.n_before);
    return true;
}

/* --- services ----------------------------------------------------------------------------------------------------- */

static bool services_done(struct install *in, bool *yes, struct err *e)
{
    struct health_spec h = watch(in, in->next, NULL);
    *yes = true;
    return in->next->release.compose.n == 0 || health_look(&h, yes, e);
}

static bool services_run(struct install *in, struct err *e)
{
    struct health_spec h = watch(in, in->next, NULL);
    struct err up = { 0 };
    if (!started_up(in->next, &in->compose, in->engine, NULL, h.timeout_s, &up)) {
        /* Compose waits for dependencies itself; what it says of a failure is short, the service's own log says why. */
        if (up.code == ERR_UNHEALTHY)
            health_tell(&h, &in->story);
        *e = up;
        return false;
    }
    return health_wait(&h, &in->story, e);
}

/* --- commit ------------------------------------------------------------------------------------------------------- */

static bool commit_done(struct install *in, bool *yes, struct err *e)
{
    (void)e;
    const struct state_release *r = &in->state.installed;
    *yes = in->state.is_set && r->is_set && digest_equal(&r->release, &in->next->digest) &&
           digest_equal(&r->manifest, index_manifest_sha256(bundle_index(in->bundle)));
    return true;
}

static void note_signers(struct state_release *r, const struct verdict *v)
{
    r->n_signers = v->n_keys;
    for (size_t i = 0; i < v->n_keys; i++)
        memcpy(r->signers[i], DIGEST_HEX(&v->keys[i].id), sizeof r->signers[i]);
}

static bool commit_run(struct install *in, struct err *e)
{
    struct state s = in->state;
    const struct release *r = &in->next->release;
    struct state_release now = { .is_set = true, .release = in->next->digest, .manifest = *index_manifest_sha256(bundle_index(in->bundle)),
                                 .installed_at = in->ctx->now };
    note_signers(&now, &in->verdict);
    bool fits = text_copy(now.version, sizeof now.version, r->version.text) && text_copy(s.stream, sizeof s.stream, r->name) &&
                text_copy(s.project, sizeof s.project, in->next->project) && text_copy(s.highest, sizeof s.highest, r->version.text);
    if (!fits)
        return err_set(e, ERR_INTERNAL, "state: a name is too long");
    if (s.installed.is_set && !digest_equal(&s.installed.release, &now.release))
        s.previous = s.installed;
    s.installed = now;
    s.highest_release = in->next->digest;
    s.clock_floor = in->ctx->now > s.clock_floor ? in->ctx->now : s.clock_floor;
    s.is_set = true;
    if (!state_write(&s, in->site.state_path, e))
        return false;
    return state_read(&in->state, in->site.state_path, e);
}

const struct step install_steps[] = {
    { "images", "load images", install_images_done, install_images_load, NULL },
    { "files", "write the files of the release", files_done, files_run, NULL },
    { "database", "start the database", database_done, database_run, database_undo },
    { "bootstrap", "prepare the database", bootstrap_done, bootstrap_step_run, NULL },
    { "migrate", "migrate the database", migrate_done, migrate_run, NULL },
    { "services", "start the services", services_done, services_run, NULL },
    { "commit", "record the installation", commit_done, commit_run, NULL },
};
const size_t install_n_steps = ARRAY_LEN(install_steps);
_Static_assert(ARRAY_LEN(install_steps) <= INSTALL_STEPS_MAX, "INSTALL_STEPS_MAX");
