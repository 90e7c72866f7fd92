/* The life of a program: parse, open the report, run, and an exit status. */
#include "cli/command.h"

#include "cli/report.h"
#include "sys/start.h"

#include "base/banned.h"

static bool act(const struct cli_program *p, struct cli_context *ctx, const struct cli_parsed *parsed, struct err *e)
{
    if (parsed->action == CLI_VERSION)
        fprintf(ctx->out, "%s %s\n", p->name, p->version);
    else if (parsed->group != NULL)
        cli_help_group(p, parsed->group, ctx->out);
    else if (parsed->action == CLI_HELP)
        cli_help(p, parsed->command, ctx->out);
    else {
        ctx->command = parsed->command->name;
        return parsed->command->run(ctx, parsed->options, e) && cli_finish_json(ctx, e);
    }
    return true;
}

/* Results that did not arrive are a failure, but not instead of the one that there is. */
static int end(struct cli_context *ctx, bool is_done, struct err *e)
{
    BUG_IF(!is_done && e->code == ERR_NONE);
    if (is_done && cli_finish_output(ctx, e))
        return 0;
    cli_report_error(ctx, e);
    fflush(ctx->out);
    return err_status(e->code);
}

int cli_run(const struct cli_program *p, int argc, char **argv, FILE *out, FILE *err_out)
{
    struct err e = { 0 };
    struct cli_context ctx;
    AUTO(cli_parsed_clear) struct cli_parsed parsed = { 0 };
    bool is_parsed = cli_parse(p, argc, argv, &parsed, &e);
    bool is_open = cli_context_open(&ctx, p->name, &parsed.globals, out, err_out, &e);
    int status = end(&ctx, is_parsed && is_open && act(p, &ctx, &parsed, &e), &e);
    cli_context_close(&ctx);
    return status;
}

int cli_main(const struct cli_program *p, int argc, char **argv)
{
    struct err e = { 0 };
    if (start_process(p->keep_variables, &e))
        return cli_run(p, argc, argv, stdout, stderr);
    fprintf(stderr, "%s: %s\n", p->name, e.msg);
    return err_status(e.code);
}
