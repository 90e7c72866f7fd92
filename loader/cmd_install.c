/* archon-load install and plan: what happens, in order, when a bundle is installed.
 *
 * prepare (verify, read, check, ask: nothing changes) -> agree -> lock -> steps -> summary; after a failure: go back where that is safe. */
#include <stdio.h>

#include "app/template.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "loader/commands.h"
#include "loader/goback.h"
#include "loader/images_there.h"
#include "loader/install_images.h"
#include "loader/install_rows.h"
#include "loader/plan.h"
#include "loader/requires.h"
#include "sys/clock.h"
#include "sys/term.h"

#include "base/banned.h"

/* --- agreement ---------------------------------------------------------------------------------------------------- */

static bool agree(struct install *in, struct err *e)
{
    char answer[16];
    if (in->o->is_yes)
        return true;
    if (!plan_show(in, e))
        return false;
    cli_print(in->ctx, "\n");
    fflush(in->ctx->out); /* a pipe may have kept the plan back */
    if (!term_ask_line("Install this? [yes/no]", answer, sizeof answer, e))
        return false;
    if (text_is(answer, "yes") || text_is(answer, "y"))
        return true;
    return err_set(e, ERR_INTERRUPTED, "not installed: the answer was not yes");
}

/* Asked before anything is opened: without a terminal nobody can answer, and a program reads no question. */
static bool check_can_agree(const struct cli_context *ctx, const struct install_options *o, struct err *e)
{
    if (o->is_yes || o->is_dry || (term_is_interactive() && !cli_wants_json(ctx)))
        return true;
    err_set(e, ERR_USAGE, "%s: --yes is needed", cli_wants_json(ctx) ? "--json asks nothing" : "no terminal to ask on");
    return err_hint(e, "archon-load plan shows what would happen");
}

/* --- telling ------------------------------------------------------------------------------------------------------ */

/* What the steps did, for the result. */
struct told {
    struct {
        bool has_run;
        uint64_t took_ms;
    } steps[INSTALL_STEPS_MAX];
};

static void tell_step(void *ctx, const struct step *s, enum journal_event event, uint64_t took_ms)
{
    struct told *told = ctx;
    char took[24];
    size_t i = (size_t)(s - install_steps);
    if (event == JOURNAL_START) {
        told->steps[i].has_run = true;
        log_info("%s: %s", s->name, s->what);
    } else if (told->steps[i].has_run) {
        told->steps[i].took_ms = took_ms;
        log_info("%s: done in %s", s->name, text_seconds(took, (double)took_ms / 1000));
    } else {
        log_info("%s: nothing to do", s->name);
    }
}

static void tell_story(const struct install *in)
{
    for (const char *at = buf_text(&in->story); *at != '\0';) {
        const char *end = at;
        while (*end != '\0' && *end != '\n')
            end++;
        log_warn("%.*s", (int)(end - at), at);
        at = end + (*end == '\n');
    }
}

static void add_url(struct jwrite *w, const char *name, const char *url)
{
    jwrite_object(w, NULL);
    jwrite_str(w, "name", name);
    jwrite_str(w, "url", url);
    jwrite_end(w);
}

static bool print_urls(struct install *in, struct jwrite *w, struct err *e)
{
    const struct release *r = &in->next->release;
    for (size_t i = 0; i < r->n_urls; i++) {
        AUTO(buf_clear_auto) struct buf url = BUF_LIMIT(LIMIT_URL_BYTES);
        if (!template_expand(&url, r->urls[i].url, "urls", values_lookup, &in->next->values, e))
            return false;
        if (w != NULL)
            add_url(w, r->urls[i].name, buf_text(&url));
        else
            cli_print(in->ctx, "  %s: %s\n", r->urls[i].name, buf_text(&url));
    }
    return true;
}

static bool has_run(const struct told *t)
{
    bool any = false;
    for (size_t i = 0; i < install_n_steps; i++)
        any = any || t->steps[i].has_run;
    return any;
}

static void add_steps(struct jwrite *w, const struct told *t)
{
    jwrite_array(w, "steps");
    for (size_t i = 0; i < install_n_steps; i++) {
        jwrite_object(w, NULL);
        jwrite_str(w, "name", install_steps[i].name);
        jwrite_bool(w, "done", true);
        jwrite_bool(w, "run", t->steps[i].has_run); /* by this run; false: it was done already */
        jwrite_u64(w, "milliseconds", t->steps[i].took_ms);
        jwrite_end(w);
    }
    jwrite_end(w);
}

static bool print_result(struct install *in, const struct told *t, struct err *e)
{
    const struct release *r = &in->next->release;
    if (!cli_wants_json(in->ctx)) {
        cli_print(in->ctx, "%s %s is installed\n", r->name, r->version.text);
        return print_urls(in, NULL, e);
    }
    struct jwrite *w = cli_json_open(in->ctx);
    jwrite_str(w, "name", r->name);
    jwrite_str(w, "version", r->version.text);
    jwrite_str(w, "release_sha256", DIGEST_HEX(&in->next->digest));
    jwrite_str(w, "project", in->next->project);
    jwrite_str(w, "from", in->previous != NULL ? in->previous->release.version.text : "");
    jwrite_bool(w, "changed", has_run(t));
    add_steps(w, t);
    jwrite_array(w, "urls");
    bool ok = print_urls(in, w, e);
    jwrite_end(w);
    return cli_json_close(in->ctx, w, e) && ok;
}

/* --- the run ------------------------------------------------------------------------------------------------------ */

/* The failure stays the error; what could be done about it becomes the hint. An interrupted run is simply run again. */
static void after_failure(struct install *in, size_t failed, struct err *e)
{
    struct err mine = { 0 };
    tell_story(in);
    buf_reset(&in->story);
    if (e->code == ERR_INTERRUPTED)
        return;
    enum goback_result back = goback_after(in, failed);
    const char *hint = goback_hint(back);
    if (hint != NULL) {
        if (e->hint[0] != '\0')
            log_info("hint: %s", e->hint);
        e->hint[0] = '\0';
        err_hint(e, "%s", hint);
    }
    bool is_over = back == GOBACK_DONE || back == GOBACK_NOTHING;
    if (is_over && !journal_add(in->journal, JOURNAL_END, "as-before", &mine))
        log_warn("journal: %s", mine.msg);
}

static bool is_all_done(struct install *in, bool *yes, struct err *e)
{
    bool done[INSTALL_STEPS_MAX] = { 0 };
    *yes = true;
    if (!steps_look(install_steps, install_n_steps, in, done, e))
        return false;
    for (size_t i = 0; i < install_n_steps; i++)
        *yes = *yes && done[i];
    return true;
}

static bool run_steps(struct install *in, struct told *told, struct err *e)
{
    char release12[JOURNAL_RELEASE_BYTES];
    size_t failed = 0;
    bool nothing = false;
    snprintf(release12, sizeof release12, "%.12s", DIGEST_HEX(&in->next->digest));
    if (!in->last_run.is_unfinished) {
        if (!is_all_done(in, &nothing, e))
            return false;
        if (nothing) {
            log_info("everything is installed already: nothing to do");
            return true;
        }
    }
    goback_prepare(in);
    if (!journal_begin(in->journal, release12, in->next->release.version.text, e))
        return false;
    if (!steps_run(install_steps, install_n_steps, in, in->journal, tell_step, told, &failed, e)) {
        after_failure(in, failed, e);
        return false;
    }
    return journal_add(in->journal, JOURNAL_END, "-", e);
}

static bool run_install(struct cli_context *ctx, const void *options, struct err *e)
{
    const struct install_options *o = options;
    struct told told = { 0 };
    if (!check_can_agree(ctx, o, e))
        return false;
    AUTO(install_free_auto) struct install *in = install_prepare(ctx, o, e);
    if (in == NULL)
        return false;
    if (o->is_dry)
        return plan_show(in, e);
    return requires_check(in, e) && install_images_check_space(in, e) && agree(in, e) && install_lock(in, e) &&
           run_steps(in, &told, e) && print_result(in, &told, e);
}

static bool run_plan(struct cli_context *ctx, const void *options, struct err *e)
{
    struct install_options o = *(const struct install_options *)options;
    o.is_dry = true;
    AUTO(install_free_auto) struct install *in = install_prepare(ctx, &o, e);
    return in != NULL && plan_show(in, e);
}

static bool print_images(struct cli_context *ctx, const struct release *r, struct err *e)
{
    if (!cli_wants_json(ctx)) {
        for (size_t i = 0; i < r->n_images; i++)
            cli_print(ctx, "%s\n", r->images[i].reference);
        return true;
    }
    struct jwrite *w = cli_json_open(ctx);
    jwrite_array(w, "images");
    for (size_t i = 0; i < r->n_images; i++)
        jwrite_str(w, NULL, r->images[i].reference);
    jwrite_end(w);
    return cli_json_close(ctx, w, e);
}

static bool run_load_images(struct cli_context *ctx, const void *options, struct err *e)
{
    AUTO(release_clear_auto) struct release there = { 0 };
    bool is_there = false;
    if (!images_are_there(options, &there, &is_there, e))
        return false;
    if (is_there)
        return print_images(ctx, &there, e);
    AUTO(install_free_auto) struct install *in = install_prepare_images(ctx, options, e);
    return in != NULL && install_images_check_space(in, e) && install_images_load(in, e) && print_images(ctx, &in->next->release, e);
}

static const struct cli_option install_rows[] = {
    INSTALL_ROWS_BUNDLE,
    INSTALL_ROWS_BASE,
    INSTALL_ROWS_SITE,
    CLI_NUMBER_ROW("wait-timeout", 0, struct install_options, wait_timeout_s, "SECONDS", "how long services may take to become healthy (what they say of themselves)", 1, 86400),
    CLI_FLAG_ROW("dry-run", 0, struct install_options, is_dry, "only show what would happen (same as plan)"),
    CLI_FLAG_ROW("yes", 'y', struct install_options, is_yes, "do not ask"),
    CLI_FLAG_ROW("no-rollback", 0, struct install_options, is_without_rollback, "leave a release that does not get healthy as it is"),
    CLI_NOT_YET_ROW("target"),
    INSTALL_ROWS_NOT_YET,
};
static const struct cli_option plan_rows[] = {
    INSTALL_ROWS_BUNDLE,
    INSTALL_ROWS_BASE,
    INSTALL_ROWS_SITE,
    CLI_NOT_YET_ROW("target"),
    INSTALL_ROWS_NOT_YET,
};
static const struct cli_option load_rows[] = { INSTALL_ROWS_BUNDLE, INSTALL_ROWS_BASE, CLI_NOT_YET_ROW("platform") };

const struct cli_command cmd_install = {
    .name = "install",
    .arguments = "BUNDLE",
    .summary = "verify a bundle, load it, migrate, start, wait until it is healthy",
    .details = "Running the same command again after an interruption goes on where it is needed. A newer bundle over an "
               "installed one is an upgrade; when it does not get healthy, the release before it is started again where that is safe.",
    CLI_OPTIONS(install_rows),
    CLI_INTO(struct install_options, bundles),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run_install,
};
const struct cli_command cmd_plan = {
    .name = "plan",
    .arguments = "BUNDLE",
    .summary = "show what install would do on this host, and change nothing",
    CLI_OPTIONS(plan_rows),
    CLI_INTO(struct install_options, bundles),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run_plan,
};
const struct cli_command cmd_load_images = {
    .name = "load-images",
    .arguments = "BUNDLE",
    .summary = "only bring the images into the engine",
    CLI_OPTIONS(load_rows),
    CLI_INTO(struct install_options, bundles),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run_load_images,
};
