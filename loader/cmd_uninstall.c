/* archon-load uninstall: removes what install made. Data stays (volumes, values of variables, the highest version seen) unless --purge. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine/containers.h"
#include "engine/images.h"
#include "engine/volumes.h"
#include "loader/commands.h"
#include "loader/installed.h"
#include "sys/file.h"
#include "sys/path.h"
#include "sys/term.h"

#include "base/banned.h"

struct uninstall_options {
    struct cli_list none;
    struct site_options site;
    bool is_purge;
    bool is_yes;
};

/* The application's name; where nothing of it can be read any more, that of the environment. */
static const char *name_of(const struct installed *in)
{
    return in->deployment != NULL ? in->deployment->release.name : in->site.env;
}

static bool confirm(const struct cli_context *ctx, const struct installed *in, const struct uninstall_options *o, struct err *e)
{
    char question[256], answer[128];
    const char *name = name_of(in);
    if (o->is_yes)
        return true;
    if (!term_is_interactive() || cli_wants_json(ctx))
        return err_set(e, ERR_USAGE, "%s: --yes is needed", cli_wants_json(ctx) ? "--json asks nothing" : "no terminal to ask on");
    snprintf(question, sizeof question, o->is_purge ? "This removes all data of %s. Type its name to go on" : "Uninstall %s? Type its name to go on",
             name);
    if (!term_ask_line(question, answer, sizeof answer, e))
        return false;
    return text_is(answer, name) || err_set(e, ERR_INTERRUPTED, "not uninstalled: the answer was not %s", name);
}

/* Images that we brought in, one name a line. One that a container of somebody else uses stays. */
static bool remove_images(struct installed *in, struct err *e)
{
    static const char *const outcomes[] = { [IMAGE_REMOVED] = "removed", [IMAGE_NOT_THERE] = "was not there any more", [IMAGE_IN_USE] = "kept, a container uses it" };
    bool exists = false;
    AUTO(buf_clear_auto) struct buf names = BUF_LIMIT(LIMIT_CONFIG_FILE_BYTES);
    if (!file_exists(in->site.loaded_path, &exists, e) || (exists && !file_read(in->site.loaded_path, FILE_NO_LINK, names.max, &names, e)))
        return false;
    for (const char *at = buf_text(&names); *at != '\0';) {
        size_t n = strcspn(at, "\n");
        AUTO(mem_auto) char *name = mem_text_n(at, n);
        enum image_removal how;
        if (!image_remove(in->engine, name, &how, e))
            return false;
        log_info("image %s: %s", SHOWN(name), outcomes[how]);
        at += n + (at[n] == '\n');
    }
    return true;
}

/* What was left of an unfinished installation is over with this. */
static bool end_run(const struct installed *in, struct err *e)
{
    if (!in->last_run.is_unfinished)
        return true;
    AUTO(journal_close_auto) struct journal *j = journal_open(in->site.journal_path, e);
    return j != NULL && journal_add(j, JOURNAL_END, "uninstalled", e);
}

/* The highest version that was here stays known. */
static bool forget(struct installed *in, struct err *e)
{
    struct state s = in->state;
    s.previous = (struct state_release){ 0 };
    s.installed = (struct state_release){ 0 };
    return path_remove_tree(in->site.releases_dir, e) && (!s.is_set || state_write(&s, in->site.state_path, e)) && end_run(in, e);
}

/* An uninstall without --purge has taken the compose files away and left the data: it is found by the project's label. Containers of that project are
 * not ours then, and may use it. */
static bool remove_volumes(struct installed *in, struct err *e)
{
    const char *project = in->state.project;
    AUTO(container_list_clear_auto) struct container_list containers = { 0 };
    AUTO(volume_list_clear_auto) struct volume_list volumes = { 0 };
    if (in->deployment != NULL || project[0] == '\0')
        return true; /* compose did, or nothing ever ran */
    if (!container_list(in->engine, project, &containers, e) || !volume_list(in->engine, project, &volumes, e))
        return false;
    if (containers.n > 0 && volumes.n > 0)
        return err_set(e, ERR_POLICY, "project %s has %zu containers that this installation did not start: its volumes stay", SHOWN(project), containers.n) ||
               err_hint(e, "remove those containers first");
    for (size_t i = 0; i < volumes.n; i++) {
        if (!volume_remove(in->engine, volumes.names[i], e))
            return false;
        log_info("volume %s: removed", SHOWN(volumes.names[i]));
    }
    return true;
}

/* The state goes last but one: a run that is cut short before is found again. */
static bool purge(struct installed *in, struct err *e)
{
    return remove_volumes(in, e) && remove_images(in, e) && path_remove_tree(in->site.releases_dir, e) && path_remove_tree(in->site.dir, e);
}

static bool stop_services(struct installed *in, bool has_volumes, struct err *e)
{
    const struct deployment *d = in->deployment;
    return d == NULL || d->release.compose.n == 0 || deployment_down(d, &in->compose, has_volumes, e);
}

/* Nothing to remove is an error for people: they mean another environment. */
static bool check_something(const struct installed *in, bool has_nothing, bool is_purge, struct err *e)
{
    bool is_there = in->deployment != NULL || in->is_unfinished || (is_purge && !has_nothing);
    if (is_there)
        return true;
    err_set(e, ERR_POLICY, "nothing is installed in environment %s", in->site.env);
    return has_nothing ? false : err_hint(e, "--purge removes the settings that were kept");
}

static bool run(struct cli_context *ctx, const void *options, struct err *e)
{
    const struct uninstall_options *o = options;
    bool has_nothing = false;
    AUTO(installed_free_auto) struct installed *in = installed_open_any(&o->site, &has_nothing, e);
    if (in == NULL || !check_something(in, has_nothing, o->is_purge, e) || !confirm(ctx, in, o, e) || !installed_lock(in, "uninstall", e))
        return false;
    if (!stop_services(in, o->is_purge, e) || !(o->is_purge ? purge(in, e) : forget(in, e)))
        return false;
    cli_print(ctx, "%s is removed%s\n", name_of(in), o->is_purge ? " with all its data" : "; its data is kept");
    return true;
}

static const struct cli_option rows[] = {
    SITE_ROWS(struct uninstall_options),
    CLI_FLAG_ROW("purge", 0, struct uninstall_options, is_purge, "remove volumes, images, settings and secrets too"),
    CLI_FLAG_ROW("yes", 'y', struct uninstall_options, is_yes, "do not ask"),
};

const struct cli_command cmd_uninstall = {
    .name = "uninstall",
    .summary = "remove the installed release; data is kept unless --purge",
    CLI_OPTIONS(rows),
    CLI_INTO(struct uninstall_options, none),
    .run = run,
};
