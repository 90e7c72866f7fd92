/* archon-load migrate: the database part alone, of the installed release or of a bundle. */
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "loader/commands.h"
#include "loader/install_rows.h"
#include "loader/installed.h"

#include "base/banned.h"

/* Either way: a database, and the engine that its container runs on. */
struct target {
    struct installed *installed;
    struct install *install;
    struct database *database;
    struct engine *engine;
    const char *project;
};

static void target_clear(struct target *t)
{
    if (t->installed != NULL) {
        if (t->database != NULL)
            database_free(t->database);
        installed_free(t->installed);
    }
    if (t->install != NULL)
        install_free(t->install); /* owns its database */
}

static bool open_target(struct target *t, struct cli_context *ctx, const struct install_options *o, struct err *e)
{
    if (o->bundles.n > 0) {
        t->install = install_prepare_database(ctx, o, e);
        if (t->install == NULL)
            return false;
        t->database = t->install->database;
        t->engine = t->install->engine;
        t->project = t->install->next->project;
    } else {
        struct site_options site = { o->root, o->env, o->engine };
        t->installed = installed_open(&site, e);
        if (t->installed == NULL || !installed_database(t->installed, &o->database, &t->database, e))
            return false;
        t->engine = t->installed->engine;
        t->project = t->installed->deployment->project;
    }
    return t->database != NULL || err_set(e, ERR_POLICY, "this application has no database");
}

static const char *const state_names[] = { [MIGRATE_APPLIED] = "applied", [MIGRATE_PENDING] = "pending", [MIGRATE_CHANGED] = "changed",
                                           [MIGRATE_UNKNOWN] = "not in this release" };

static bool print_list(struct cli_context *ctx, const struct migrate_list *l, struct err *e)
{
    if (!cli_wants_json(ctx)) {
        for (size_t i = 0; i < l->n; i++)
            cli_print(ctx, "%-44s %-8s %s\n", l->rows[i].name, state_names[l->rows[i].state], l->rows[i].finished);
        return true;
    }
    struct jwrite *w = cli_json_open(ctx);
    jwrite_array(w, "migrations");
    for (size_t i = 0; i < l->n; i++) {
        jwrite_object(w, NULL);
        jwrite_u64(w, "order", l->rows[i].order);
        jwrite_str(w, "name", l->rows[i].name);
        jwrite_str(w, "state", state_names[l->rows[i].state]);
        jwrite_str(w, "finished", l->rows[i].finished);
        jwrite_u64(w, "statements", l->rows[i].n_statements);
        jwrite_end(w);
    }
    jwrite_end(w);
    return cli_json_close(ctx, w, e);
}

static bool show(struct cli_context *ctx, struct target *t, struct err *e)
{
    AUTO(migrate_list_clear_auto) struct migrate_list list = { 0 };
    bool has_answer = false;
    if (!database_status(t->database, t->engine, t->project, &list, &has_answer, e))
        return false;
    if (!has_answer)
        return err_set(e, ERR_DB, "the database of %s is not running", t->project);
    return print_list(ctx, &list, e);
}

static bool migrate(struct cli_context *ctx, struct target *t, struct err *e)
{
    struct migrate_result result = { 0 };
    bool is_locked = t->installed != NULL ? installed_lock(t->installed, "migrate", e) : install_lock(t->install, e);
    if (!is_locked)
        return false;
    if (!database_bootstrap_if_needed(t->database, t->engine, t->project, e) ||
        !database_migrate(t->database, t->engine, t->project, &result, e))
        return false;
    log_info("database: %zu applied now, %zu before", result.n_applied, result.n_before);
    return show(ctx, t, e);
}

static bool with_target(struct cli_context *ctx, const struct install_options *o,
                        bool (*work)(struct cli_context *ctx, struct target *t, struct err *e), struct err *e)
{
    struct target t = { 0 };
    bool ok = open_target(&t, ctx, o, e) && work(ctx, &t, e);
    target_clear(&t);
    return ok;
}

static bool run_status(struct cli_context *ctx, const void *options, struct err *e)
{
    return with_target(ctx, options, show, e);
}

static bool run_up(struct cli_context *ctx, const void *options, struct err *e)
{
    return with_target(ctx, options, migrate, e);
}

static const struct cli_option rows[] = { INSTALL_ROWS_BUNDLE, INSTALL_ROWS_SITE, CLI_NOT_YET_ROW("baseline") };

const struct cli_command cmd_migrate_status = {
    .name = "migrate status",
    .arguments = "[BUNDLE]",
    .summary = "which migrations are applied",
    CLI_OPTIONS(rows),
    CLI_INTO(struct install_options, bundles),
    .max_arguments = 1,
    .run = run_status,
};
const struct cli_command cmd_migrate_up = {
    .name = "migrate up",
    .arguments = "[BUNDLE]",
    .summary = "apply the migrations that are pending",
    CLI_OPTIONS(rows),
    CLI_INTO(struct install_options, bundles),
    .max_arguments = 1,
    .run = run_up,
};
