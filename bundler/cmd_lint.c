/* archon-bundle lint and validate-embedded: what is wrong with a definition, all of it, without a network. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "bundler/commands.h"
#include "bundler/image_rules.h"
#include "bundler/input.h"

#include "base/banned.h"

struct lint_options {
    struct input_options input;
};

/* A definition has its own version; compose files and images alone get theirs when the bundle is made. */
#define LINT_VERSION "0.0.0"

/* ---- findings ---- */

/* "compose.yaml:12:3: text" taken apart; line 0 when there is no place in it. */
struct place {
    char *file; /* or null */
    uint64_t line, column;
    const char *message; /* within the finding */
};

static bool take_number(const char **at, uint64_t *n)
{
    size_t digits = strspn(*at, "0123456789");
    if (!num_parse(n, *at, digits, UINT32_MAX) || (*at)[digits] != ':')
        return false;
    *at += digits + 1;
    return true;
}

static struct place find_place(const char *text)
{
    struct place p = { .message = text };
    for (const char *colon = strchr(text, ':'); colon != NULL; colon = strchr(colon + 1, ':')) {
        const char *at = colon + 1;
        if (!take_number(&at, &p.line))
            continue;
        p.file = mem_text_n(text, (size_t)(colon - text));
        if (!take_number(&at, &p.column))
            p.column = 0;
        p.message = at + strspn(at, " ");
        return p;
    }
    p.line = 0;
    return p;
}

static void add_finding(struct jwrite *w, const struct finding *f)
{
    struct place p = find_place(f->text);
    jwrite_object(w, NULL);
    if (p.file != NULL)
        jwrite_str(w, "file", p.file);
    if (p.line > 0)
        jwrite_u64(w, "line", p.line);
    if (p.column > 0)
        jwrite_u64(w, "column", p.column);
    jwrite_str(w, "message", p.message);
    if (f->hint != NULL)
        jwrite_str(w, "hint", f->hint);
    jwrite_end(w);
    mem_free(p.file);
}

static bool report_json(struct cli_context *ctx, const struct findings *f, const struct err *why, struct err *e)
{
    struct jwrite *w = cli_json_open_for(ctx, why);
    jwrite_array(w, "findings");
    for (size_t i = 0; i < f->n; i++)
        add_finding(w, &f->items[i]);
    jwrite_end(w);
    return cli_json_close(ctx, w, e);
}

/* The first one is the error of the run. */
static void blame_first(const struct findings *f, struct err *e)
{
    err_set(e, ERR_CONFIG, "%s", f->items[0].text);
    if (f->items[0].hint != NULL)
        err_hint(e, "%s", f->items[0].hint);
    else if (f->n > 1)
        err_hint(e, "this is the first of %zu findings", f->n);
}

/* The others are told before it. */
static void tell_others(const struct findings *f)
{
    for (size_t i = 1; i < f->n; i++) {
        log_info("%s", f->items[i].text);
        if (f->items[i].hint != NULL)
            log_info("  hint: %s", f->items[i].hint);
    }
}

static bool finish(struct cli_context *ctx, const struct findings *f, const struct application *app, struct err *e)
{
    struct err why = { 0 };
    if (f->n > 0)
        blame_first(f, &why);
    *e = (struct err){ 0 }; /* it is the first finding */
    if (cli_wants_json(ctx) && !report_json(ctx, f, &why, e))
        return false;
    tell_others(f);
    *e = why;
    if (f->n > 0)
        return false;
    cli_print(ctx, "%s: nothing to complain about\n", input_summary(&(struct input_summary){ { 0 } }, app));
    return true;
}

/* ---- the commands ---- */

/* The keys of verify: are files beside the definition. */
static bool check_rules(const struct input *in, struct err *e)
{
    const struct cli_list none = { 0 };
    AUTO(image_rules_clear_auto) struct image_rules rules = { 0 };
    return image_rules_load(&rules, in->app, in->origin, &none, e);
}

static bool run_lint(struct cli_context *ctx, const void *options, struct err *e)
{
    const struct lint_options *o = options;
    struct input_options how = o->input;
    struct input in = { 0 };
    AUTO(findings_clear_auto) struct findings f = { 0 };
    if (how.version == NULL && (how.compose.n > 0 || how.images.n > 0))
        how.version = LINT_VERSION;
    bool ok = input_read(&in, &how, &f, e) && (check_rules(&in, e) || findings_take(&f, e));
    ok = (ok || f.n > 0) && finish(ctx, &f, in.app, e);
    input_clear(&in);
    return ok;
}

static const char *no_environment(const char *name)
{
    (void)name;
    return NULL;
}

static bool run_validate(struct cli_context *ctx, const void *options, struct err *e)
{
    (void)options;
    AUTO(mem_auto) struct origin_file *files = NULL;
    AUTO(origin_free_auto) struct origin *origin = input_embedded_origin(&files);
    AUTO(findings_clear_auto) struct findings f = { 0 };
    struct application_options how = { .environment = no_environment };
    AUTO(application_free_auto) struct application *app = application_read(origin, "bundle.yaml", &how, &f, e);
    return (app != NULL || f.n > 0) && finish(ctx, &f, app, e);
}

static const struct cli_option lint_rows[] = { INPUT_ROWS(struct lint_options) };

const struct cli_command cmd_lint = { .name = "lint", .arguments = "[IMAGE...]", .summary = "check a definition, its compose files and its SQL", CLI_OPTIONS(lint_rows),
                                      CLI_INTO(struct lint_options, input.images), .max_arguments = SIZE_MAX, .run = run_lint };
const struct cli_command cmd_validate_embedded = { .name = "validate-embedded", .summary = "check the application that is compiled into this program",
                                                   .run = run_validate };
