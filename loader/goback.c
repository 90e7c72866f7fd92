/* Going back after a failure. Before any migration is committed everything can be undone; after that only a schema that the previous release can
 * run on makes it safe without asking. */
#include "loader/goback.h"

#include "base/log.h"
#include "base/text.h"
#include "loader/health.h"
#include "loader/image_names.h"
#include "loader/kept_values.h"
#include "loader/started.h"

#include "base/banned.h"

enum goback_result goback_decide(const struct goback_facts *f)
{
    if (f->phase == GOBACK_BEFORE)
        return GOBACK_NOTHING;
    if (f->phase == GOBACK_COMMIT)
        return GOBACK_UNRECORDED;
    if (f->is_unwanted)
        return GOBACK_UNWANTED;
    if (f->is_same || (f->is_first && f->phase == GOBACK_SERVICES))
        return GOBACK_NO_WAY;
    if (!f->is_first && f->has_migrated && !f->is_compatible)
        return GOBACK_NOT_SAFE;
    return f->phase == GOBACK_DATABASE ? GOBACK_UNDO : GOBACK_RESTORE;
}

/* --- the facts ---------------------------------------------------------------------------------------------------- */

static size_t step_index(const char *name)
{
    size_t i = 0;
    while (i < install_n_steps && !text_is(install_steps[i].name, name))
        i++;
    BUG_IF(i == install_n_steps);
    return i;
}

static enum goback_phase phase_of(size_t failed)
{
    return failed < step_index("database")   ? GOBACK_BEFORE
           : failed < step_index("services") ? GOBACK_DATABASE
           : failed < step_index("commit")   ? GOBACK_SERVICES
                                             : GOBACK_COMMIT;
}

/* More applied than the previous release has? *is_known false: the database does not answer. */
static bool has_migrated(struct install *in, bool *is_known)
{
    struct err e = { 0 };
    AUTO(migrate_list_clear_auto) struct migrate_list list = { 0 };
    bool has_answer = false;
    size_t applied = 0;
    *is_known = true;
    if (in->database == NULL || in->previous == NULL || !in->previous->release.database.is_set ||
        in->next->release.n_migrations <= in->previous->release.n_migrations)
        return false;
    *is_known = database_status(in->database, in->engine, in->next->project, &list, &has_answer, &e) && has_answer;
    for (size_t i = 0; i < list.n; i++)
        applied += list.rows[i].state == MIGRATE_APPLIED;
    return applied > in->previous->release.n_migrations;
}

void goback_prepare(struct install *in)
{
    bool is_known = false;
    in->has_migrated = has_migrated(in, &is_known);
    in->is_migration_known = is_known;
}

/* Before the step `migrate` the answer from before the run holds; later, and when there was none, not knowing counts as yes. */
static bool may_have_migrated(struct install *in, size_t failed)
{
    bool is_known = false;
    if (failed < step_index("migrate") && in->is_migration_known)
        return in->has_migrated;
    return has_migrated(in, &is_known) || !is_known;
}

static struct goback_facts facts_of(struct install *in, size_t failed)
{
    bool has_installed = in->state.is_set && in->state.installed.is_set;
    return (struct goback_facts){ .phase = phase_of(failed),
                                  .is_first = !has_installed,
                                  .is_same = has_installed && digest_equal(&in->state.installed.release, &in->next->digest),
                                  .has_migrated = may_have_migrated(in, failed),
                                  .is_compatible = in->next->release.is_schema_compatible,
                                  .is_unwanted = in->o->is_without_rollback };
}

/* --- doing it ----------------------------------------------------------------------------------------------------- */

static bool tell(bool ok, const struct install *in, const struct err *e)
{
    if (!ok)
        log_warn("going back to %s: %s", in->previous->release.version.text, e->msg);
    return ok;
}

/* Names of images and values of variables, as the release before has them. */
static bool restore_settings(struct install *in)
{
    struct err e = { 0 };
    return in->previous == NULL || tell(image_names_give_back(in->engine, in->previous, &e) &&
                                            kept_values_write(&in->previous->values, in->site.values_path, &e),
                                        in, &e);
}

static bool undo(struct install *in, size_t failed)
{
    struct err e = { 0 };
    const char *service = in->previous != NULL && in->previous->release.database.is_set ? in->previous->release.database.service : NULL;
    struct health_spec h = { .engine = in->engine, .deployment = in->previous, .only_service = service };
    if (!restore_settings(in) || !steps_undo(install_steps, failed, in, in->journal))
        return false;
    return service == NULL || tell(health_wait(&h, &in->story, &e), in, &e);
}

static bool restore(struct install *in)
{
    struct err e = { 0 };
    struct health_spec h = { .engine = in->engine, .deployment = in->previous };
    log_info("going back to %s %s", in->previous->release.name, in->previous->release.version.text);
    return restore_settings(in) &&
           tell(started_up(in->previous, &in->compose, in->engine, NULL, 0, &e) && health_wait(&h, &in->story, &e), in, &e);
}

enum goback_result goback_after(struct install *in, size_t failed)
{
    struct goback_facts f = facts_of(in, failed);
    enum goback_result way = goback_decide(&f);
    if (way == GOBACK_NOTHING && !f.is_same)
        return restore_settings(in) ? GOBACK_NOTHING : GOBACK_FAILED;
    if (way == GOBACK_UNDO)
        return undo(in, failed) ? GOBACK_DONE : GOBACK_FAILED;
    if (way == GOBACK_RESTORE)
        return restore(in) ? GOBACK_DONE : GOBACK_FAILED;
    return way;
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
    case GOBACK_UNWANTED:
        return "left as it is (--no-rollback): archon-load logs; then run install again";
    case GOBACK_UNRECORDED:
        return "the new release runs, but that could not be recorded: correct the cause and run install again";
    case GOBACK_UNDO:
    case GOBACK_RESTORE:
    case GOBACK_FAILED:
        break;
    }
    return "going back did not work either (see above): correct the cause and run install again";
}
