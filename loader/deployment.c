/* Deployments. */
#include "loader/deployment.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

#define HOST_FILE "host"

enum { UP_TIMEOUT_MS = 30 * 60 * 1000, UP_SLACK_MS = 30 * 1000, STOP_TIMEOUT_MS = 10 * 60 * 1000 };

static char *project_of(const struct release *r, const struct site *site)
{
    const char *base = r->project != NULL ? r->project : r->name;
    if (text_is(site->env, SITE_DEFAULT_ENV))
        return mem_text(base);
    return mem_format("%s-%s", base, site->env);
}

struct deployment *deployment_new(struct release *release, const struct digest *digest, struct values *values, const struct site *site,
                                  const char *project)
{
    struct deployment *d = mem_new(sizeof *d);
    d->release = *release;
    d->digest = *digest;
    d->values = *values;
    *release = (struct release){ 0 };
    *values = (struct values){ 0 };
    d->dir = site_release_dir(site, d->release.version.text, digest);
    d->project = project != NULL ? mem_text(project) : project_of(&d->release, site);
    render_paths(&d->paths, d->dir, &d->release);
    return d;
}

void deployment_free(struct deployment *d)
{
    values_clear(&d->values);
    release_clear(&d->release);
    render_paths_clear(&d->paths);
    mem_free(d->dir);
    mem_free(d->project);
    mem_free(d);
}

/* --- stored ------------------------------------------------------------------------------------------------------- */

/* The document in a release's directory; its digest begins with these digits. */
static bool read_release(const char *dir, const char *digits, struct release *out, struct digest *digest, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_RELEASE_BYTES);
    AUTO(mem_auto) char *path = path_join(dir, RELEASE_MEMBER);
    if (!file_read(path, FILE_NO_LINK | FILE_TRUSTED, LIMIT_RELEASE_BYTES, &text, e))
        return err_as(e, ERR_CONFIG);
    sha256_of(digest, buf_text(&text), text.len);
    if (!text_starts(DIGEST_HEX(digest), digits)) {
        err_set(e, ERR_CONFIG, "%s: digest is %s, expected %s", path, DIGEST_HEX(digest), digits);
        return err_hint(e, "install the bundle of this release again");
    }
    return release_read(out, buf_text(&text), text.len, e);
}

char *deployment_kept_host(const char *dir)
{
    struct err ignored = { 0 };
    AUTO(buf_clear_auto) struct buf host = BUF_LIMIT(LIMIT_REF_BYTES);
    AUTO(mem_auto) char *path = path_join(dir, HOST_FILE);
    bool exists = false;
    if (!file_exists(path, &exists, &ignored) || !exists || !file_read(path, FILE_NO_LINK | FILE_TRUSTED, host.max, &host, &ignored))
        return NULL;
    return buf_take(&host);
}

static bool read_values(const char *dir, const struct release *r, struct values *out, struct err *e)
{
    AUTO(mem_auto) char *path = path_join(dir, DEPLOYMENT_VALUES);
    AUTO(mem_auto) char *host = deployment_kept_host(dir);
    AUTO(buf_wipe_auto) struct buf text = BUF_LIMIT(LIMIT_ENV_FILE_BYTES);
    AUTO(env_pairs_clear_auto) struct env_pairs stored = { 0 };
    if (!file_read(path, FILE_NO_LINK | FILE_PRIVATE, LIMIT_ENV_FILE_BYTES, &text, e) ||
        !env_file_read(&stored, buf_text(&text), text.len, path, e))
        return err_as(e, ERR_CONFIG);
    struct values_input in = { .stored = &stored, .host = host, .is_dry = true };
    return values_resolve(out, &r->variables, &in, e);
}

static struct deployment *read_stored(const struct site *site, const char *dir, const char *digits, const char *project, struct err *e)
{
    struct release release = { 0 };
    struct values values = { 0 };
    struct digest digest;
    /* The values borrow the names of the release's declarations: both move into the deployment, whose arrays stay where they are. */
    if (read_release(dir, digits, &release, &digest, e) && read_values(dir, &release, &values, e))
        return deployment_new(&release, &digest, &values, site, project);
    values_clear(&values);
    release_clear(&release);
    return NULL;
}

struct deployment *deployment_read(const struct site *site, const char *version, const struct digest *digest, const char *project,
                                   struct err *e)
{
    AUTO(mem_auto) char *dir = site_release_dir(site, version, digest);
    return read_stored(site, dir, DIGEST_HEX(digest), project, e);
}

struct deployment *deployment_read_unfinished(const struct site *site, const struct journal_last *last, struct err *e)
{
    AUTO(mem_auto) char *dir = mem_format("%s/%s-%s", site->releases_dir, last->version, last->release);
    return read_stored(site, dir, last->release, NULL, e);
}

bool deployment_keep_release(const struct deployment *d, const char *text, size_t n, struct err *e)
{
    AUTO(mem_auto) char *path = path_join(d->dir, RELEASE_MEMBER);
    AUTO(mem_auto) char *values_path = path_join(d->dir, DEPLOYMENT_VALUES);
    AUTO(mem_auto) char *host_path = path_join(d->dir, HOST_FILE);
    const char *host = values_get(&d->values, VARIABLE_HOST);
    AUTO(buf_wipe_auto) struct buf values = BUF_LIMIT(LIMIT_ENV_FILE_BYTES);
    return values_write(&values, &d->values, e) && file_publish(values_path, buf_text(&values), values.len, 0600, e) &&
           (host == NULL || file_publish(host_path, host, strlen(host), 0600, e)) && file_publish(path, text, n, 0600, e);
}

/* --- compose ------------------------------------------------------------------------------------------------------ */

static void to_log(void *ctx, const char *line)
{
    (void)ctx;
    log_debug("compose: %s", SHOWN(line));
}

static struct compose_run run_of(const struct deployment *d, unsigned timeout_ms)
{
    return (struct compose_run){ .project = d->project, .dir = d->paths.dir, .files = (const char *const *)d->paths.files.items,
                                 .n_files = d->paths.files.n, .env_file = d->paths.env_file, .timeout_ms = timeout_ms, .on_line = to_log,
                                 .values = &d->values };
}

bool deployment_up(const struct deployment *d, const struct compose_tool *tool, const char *const *services, size_t n, unsigned wait_s, struct err *e)
{
    struct compose_run r = run_of(d, wait_s == 0 ? UP_TIMEOUT_MS : wait_s * 1000 + UP_SLACK_MS);
    return compose_tool_up(tool, &r, services, n, e);
}

bool deployment_stop(const struct deployment *d, const struct compose_tool *tool, const char *const *services, size_t n, struct err *e)
{
    struct compose_run r = run_of(d, STOP_TIMEOUT_MS);
    return compose_tool_stop(tool, &r, services, n, e);
}

bool deployment_down(const struct deployment *d, const struct compose_tool *tool, bool has_volumes, struct err *e)
{
    struct compose_run r = run_of(d, STOP_TIMEOUT_MS);
    return compose_tool_down(tool, &r, has_volumes, e);
}

bool deployment_check(const struct deployment *d, const struct compose_tool *tool, struct err *e)
{
    struct compose_run r = run_of(d, STOP_TIMEOUT_MS);
    return compose_tool_check(tool, &r, e);
}

bool deployment_starts(const struct release_service *s)
{
    return s->profiles.n == 0;
}
