/* Going back after a failure. Before any migration is committed everything can be undone; after that only a schema that the previous release can
 * run on makes it safe without asking. */
#include "loader/goback.h"

#include "base/log.h"
#include "base/text.h"
#include "loader/health.h"
#include "loader/started.h"

#include "base/banned.h"

static size_t step_index(const char *name)
{
    for (size_t i = 0; i < install_n_steps; i++)
        if (text_is(install_steps[i].name, name))
            return i;
    BUG_IF(true);
}

/* More applied than the previous release has? Not knowing counts as yes. */
static bool has_committed(struct install *in)
{
    struct err e = { 0 };
    AUTO(migrate_list_clear_auto) struct migrate_list list = { 0 };
    bool has_answer = false;
    size_t applied = 0;
    if (in->database == NULL || in->next->release.n_migrations == in->previous->release.n_migrations)
        return false;
    if (!database_status(in->database, in->engine, in->next->project, &list, &has_answer, &e) || !has_answer)
        return true;
    for (size_t i = 0; i < list.n; i++)
        applied += list.rows[i].state == MIGRATE_APPLIED;
    return applied > in->previous->release.n_migrations;
}

static bool start_previous(struct install *in)
{
    struct err e = { 0 };
    struct health_spec h = { .engine = in->engine, .deployment = in->previous };
    if (started_up(in->previous, &in->compose, in->engine, NULL, &e) && health_wait(&h, &in->story, &e))
        return true;
    log_warn("going back to %s: %s", in->previous->release.version.text, e.msg);
    return false;
}

/* Images of the new release took names over only if both releases use the same names; give them back to what the previous release runs. */
static enum goback_result after_services(struct install *in)
{
    if (in->previous == NULL || digest_equal(&in->previous->digest, &in->next->digest))
        return GOBACK_NO_WAY;
    if (in->o->is_without_rollback)
        return GOBACK_UNWANTED;
    if (has_committed(in) && !in->next->release.is_schema_compatible)
        return GOBACK_NOT_SAFE;
    log_info("going back to %s %s", in->previous->release.name, in->previous->release.version.text);
    return start_previous(in) ? GOBACK_DONE : GOBACK_FAILED;
}

enum goback_result goback_after(struct install *in, size_t failed)
{
    if (failed < step_index("database"))
        return GOBACK_NOTHING;
    if (failed >= step_index("services"))
        return after_services(in);
    bool ok = steps_undo(install_steps, failed, in, in->journal);
    return ok ? GOBACK_DONE : GOBACK_FAILED;
}

const char *goback_hint(enum goback_result r)
{
    switch (r) {
    case GOBACK_NOTHING:
        return NULL;
    case GOBACK_DONE:
        return "everything runs as before; correct the cause and run the same command again";
    case GOBACK_NOT_SAFE:
        return "migrations are committed and this release does not say that the one before runs on them: correct the cause and run install again, or restore the "
               "database from a backup";
    case GOBACK_NO_WAY:
        return "what was started is left for you to look at: archon-load logs; then run install again, or archon-load uninstall";
    case GOBACK_FAILED:
        return "going back did not work either (see above): correct the cause and run install again";
    case GOBACK_UNWANTED:
        return "left as it is (--no-rollback): archon-load logs; then run install again";
    }
    return NULL;
}
