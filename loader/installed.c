/* The installed release. */
#include "loader/installed.h"

#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

void installed_free(struct installed *i)
{
    if (i->deployment != NULL)
        deployment_free(i->deployment);
    if (i->engine != NULL)
        engine_close(i->engine);
    if (i->lock != NULL)
        lock_release(i->lock);
    site_clear(&i->site);
    mem_free(i);
}

static bool nothing(const struct installed *i, struct err *e)
{
    err_set(e, ERR_POLICY, "nothing is installed in environment %s", i->site.env);
    if (i->last_run.is_unfinished)
        return err_hint(e, "an installation of %s was interrupted at step %s: run install again", i->last_run.version, i->last_run.step);
    return err_hint(e, "archon-load install BUNDLE");
}

static struct installed *open_site(const struct site_options *o, struct err *e)
{
    AUTO(installed_free_auto) struct installed *i = mem_new(sizeof *i);
    bool ok = site_describe(&i->site, o->root, o->env, e) && site_check(&i->site, e) && state_read(&i->state, i->site.state_path, e) &&
              journal_look(i->site.journal_path, &i->last_run, e);
    if (!ok && e->code == ERR_IO && geteuid() != 0)
        err_hint(e, "the files of an installation belong to root: run this as root, for example with sudo");
    return ok ? TAKE(i) : NULL;
}

static bool is_installed(const struct installed *i)
{
    return i->state.is_set && i->state.installed.is_set;
}

static bool open_deployment(struct installed *i, struct err *e)
{
    const struct state_release *r = &i->state.installed;
    if (is_installed(i)) {
        i->deployment = deployment_read(&i->site, r->version, &r->release, i->state.project, e);
        return i->deployment != NULL;
    }
    i->is_unfinished = i->last_run.is_unfinished;
    return true;
}

/* Killed before the files were there: nothing was started either. An uninstall that was cut short has no files any more and nothing that runs. */
static void open_remains(struct installed *i)
{
    struct err none = { 0 };
    if (is_installed(i) || !i->is_unfinished)
        return;
    i->deployment = deployment_read_unfinished(&i->site, &i->last_run, &none);
    if (i->deployment == NULL)
        log_debug("unfinished installation: %s", none.msg);
}

/* The directory of releases goes first in uninstall. */
static bool is_half_removed(const struct installed *i)
{
    struct err ignored = { 0 };
    bool exists = true;
    return file_exists(i->site.releases_dir, &exists, &ignored) && !exists;
}

static bool open_tools(struct installed *i, const struct site_options *o, struct err *e)
{
    i->engine = engine_open(o->engine, e);
    if (i->engine == NULL)
        return false;
    return i->deployment == NULL || i->deployment->release.compose.n == 0 || compose_tool_find(&i->compose, engine_facts(i->engine)->socket, e);
}

struct installed *installed_open(const struct site_options *o, struct err *e)
{
    AUTO(installed_free_auto) struct installed *i = open_site(o, e);
    if (i == NULL || (!is_installed(i) && !nothing(i, e)))
        return NULL;
    return open_deployment(i, e) && open_tools(i, o, e) ? TAKE(i) : NULL;
}

struct installed *installed_open_any(const struct site_options *o, bool *has_nothing, struct err *e)
{
    bool exists = false;
    AUTO(installed_free_auto) struct installed *i = open_site(o, e);
    if (i == NULL || !file_exists(i->site.dir, &exists, e))
        return NULL;
    i->is_unfinished = is_installed(i) && is_half_removed(i);
    if (!i->is_unfinished && !open_deployment(i, e))
        return NULL;
    open_remains(i);
    if (!open_tools(i, o, e))
        return NULL;
    *has_nothing = !exists;
    return TAKE(i);
}

/* What was read before the lock was taken must still be so. */
bool installed_lock(struct installed *i, const char *what, struct err *e)
{
    struct state now;
    i->lock = lock_take(i->site.lock_path, what, e);
    if (i->lock == NULL || !state_read(&now, i->site.state_path, e))
        return false;
    if (state_is_same(&now, &i->state))
        return true;
    err_set(e, ERR_LOCKED, "another run changed environment %s meanwhile", i->site.env);
    return err_hint(e, "run the same command again");
}

static bool read_kept(void *ctx, const char *path, struct buf *out, struct err *e)
{
    const struct installed *i = ctx;
    AUTO(mem_auto) char *member = release_member(path);
    AUTO(mem_auto) char *file = path_join(i->deployment->dir, member);
    return file_read(file, FILE_NO_LINK, out->max, out, e) || err_as(e, ERR_CONFIG);
}

bool installed_database(struct installed *i, const struct database_options *o, struct database **out, struct err *e)
{
    const struct deployment *d = i->deployment;
    return database_describe(out, &d->release, &d->digest, &d->values, o, &i->site, read_kept, i, e);
}
