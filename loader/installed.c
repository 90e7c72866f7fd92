/* The installed release. */
#include "loader/installed.h"

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

static bool read_state(struct installed *i, struct err *e)
{
    if (!state_read(&i->state, i->site.state_path, e) || !journal_look(i->site.journal_path, &i->last_run, e))
        return false;
    if (i->state.is_set && i->state.installed.is_set)
        return true;
    err_set(e, ERR_POLICY, "nothing is installed in environment %s", i->site.env);
    if (i->last_run.is_unfinished)
        return err_hint(e, "an installation of %s was interrupted at step %s: run install again", i->last_run.version, i->last_run.step);
    return err_hint(e, "archon-load install BUNDLE");
}

struct installed *installed_open(const struct site_options *o, struct err *e)
{
    AUTO(installed_free_auto) struct installed *i = mem_new(sizeof *i);
    if (!site_describe(&i->site, o->root, o->env, e) || !read_state(i, e))
        return NULL;
    const struct state_release *r = &i->state.installed;
    i->deployment = deployment_read(&i->site, r->version, &r->release, i->state.project, e);
    if (i->deployment == NULL)
        return NULL;
    i->engine = engine_open(o->engine, e);
    if (i->engine == NULL)
        return NULL;
    if (i->deployment->release.compose.n > 0 && !compose_tool_find(&i->compose, engine_facts(i->engine)->socket, e))
        return NULL;
    return TAKE(i);
}

bool installed_lock(struct installed *i, const char *what, struct err *e)
{
    i->lock = lock_take(i->site.lock_path, what, e);
    return i->lock != NULL;
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
