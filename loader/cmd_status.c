/* archon-load status, start, stop, restart: of the installed release. */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine/containers.h"
#include "format/date.h"
#include "loader/commands.h"
#include "loader/health.h"
#include "loader/installed.h"
#include "loader/site_tls.h"
#include "loader/started.h"

#include "base/banned.h"

struct run_options {
    struct cli_list names;
    struct site_options site;
    uint64_t wait_timeout_s;
};

/* --- status ------------------------------------------------------------------------------------------------------- */

static const char *shown_of(const struct container_list *l, const char *service, char shown[64])
{
    const struct container *c = health_find(l, service);
    return c == NULL ? "not there" : container_shown(shown, c);
}

static bool is_service_ready(const struct container_list *l, const struct release_service *s)
{
    const struct container *c = health_find(l, s->name);
    return c == NULL ? !deployment_starts(s) : container_is_ready(c);
}

/* How long the site's certificate lasts. */
struct certificate {
    int64_t not_after; /* 0: there is none */
    int64_t days_left; /* negative: it is over */
};

static bool find_certificate(const struct installed *in, int64_t now, struct certificate *out, struct err *e)
{
    enum { DAY_S = 86400 };
    if (!site_tls_end(in->deployment->dir, &out->not_after, e))
        return false;
    int64_t left = out->not_after - now;
    out->days_left = left >= 0 ? left / DAY_S : -1;
    return true;
}

static void add_service(struct jwrite *w, const struct container_list *l, const struct release_service *s)
{
    char shown[64];
    jwrite_object(w, NULL);
    jwrite_str(w, "name", s->name);
    jwrite_str(w, "image", s->image);
    jwrite_str(w, "state", shown_of(l, s->name, shown));
    jwrite_bool(w, "ready", is_service_ready(l, s));
    jwrite_end(w);
}

static void add_certificate(struct jwrite *w, const struct certificate *c)
{
    char at[DATE_TEXT_BYTES];
    if (c->not_after == 0)
        return;
    date_format(at, c->not_after);
    jwrite_object(w, "certificate");
    jwrite_str(w, "not_after", at);
    jwrite_bool(w, "expired", c->days_left < 0);
    jwrite_u64(w, "days_left", c->days_left < 0 ? 0 : (uint64_t)c->days_left);
    jwrite_end(w);
}

static bool status_json(struct cli_context *ctx, const struct installed *in, const struct container_list *l, const struct certificate *c,
                        bool is_healthy, struct err *e)
{
    const struct release *r = &in->deployment->release;
    char at[DATE_TEXT_BYTES];
    struct jwrite *w = cli_json_open(ctx);
    date_format(at, in->state.installed.installed_at);
    jwrite_str(w, "name", r->name);
    jwrite_str(w, "version", r->version.text);
    jwrite_str(w, "release_sha256", DIGEST_HEX(&in->deployment->digest));
    jwrite_str(w, "environment", in->site.env);
    jwrite_str(w, "project", in->deployment->project);
    jwrite_str(w, "installed_at", at);
    jwrite_bool(w, "healthy", is_healthy);
    jwrite_bool(w, "unfinished", in->last_run.is_unfinished);
    jwrite_array(w, "services");
    for (size_t i = 0; i < r->n_services; i++)
        add_service(w, l, &r->services[i]);
    jwrite_end(w);
    add_certificate(w, c);
    return cli_json_close(ctx, w, e);
}

static void print_certificate(struct cli_context *ctx, const struct certificate *c)
{
    enum { SOON_DAYS = 30 };
    char at[DATE_TEXT_BYTES];
    if (c->not_after == 0)
        return;
    date_format(at, c->not_after);
    if (c->days_left < 0)
        cli_print(ctx, "certificate: over since %s: install again with --ssl-cert and --ssl-key\n", at);
    else
        cli_print(ctx, "certificate: until %s, %lld days%s\n", at, (long long)c->days_left,
                  c->days_left < SOON_DAYS ? ": install again with --ssl-cert and --ssl-key" : "");
}

static void status_text(struct cli_context *ctx, const struct installed *in, const struct container_list *l, const struct certificate *c)
{
    const struct release *r = &in->deployment->release;
    const struct state_release *now = &in->state.installed;
    char at[DATE_TEXT_BYTES], shown[64];
    date_format(at, now->installed_at);
    cli_print(ctx, "%s %s, installed %s, release sha256:%s\n", r->name, r->version.text, at, DIGEST_HEX(&in->deployment->digest));
    for (size_t i = 0; i < now->n_signers; i++)
        cli_print(ctx, "signed by %s\n", now->signers[i]);
    if (in->state.previous.is_set)
        cli_print(ctx, "before: %s\n", in->state.previous.version);
    if (in->last_run.is_unfinished)
        cli_print(ctx, "an installation of %s was interrupted at step %s: run install again\n", in->last_run.version, in->last_run.step);
    print_certificate(ctx, c);
    for (size_t i = 0; i < r->n_services; i++)
        if (deployment_starts(&r->services[i]))
            cli_print(ctx, "  %-24s %s\n", r->services[i].name, shown_of(l, r->services[i].name, shown));
}

/* Says whether all is well also to scripts: status 50 when a service is not ready. */
static bool check_healthy(const struct installed *in, const struct container_list *l, struct err *e)
{
    const struct release *r = &in->deployment->release;
    char shown[64];
    for (size_t i = 0; i < r->n_services; i++)
        if (!is_service_ready(l, &r->services[i])) {
            err_set(e, ERR_UNHEALTHY, "service %s: %s", r->services[i].name, shown_of(l, r->services[i].name, shown));
            return err_hint(e, "archon-load logs %s; archon-load start", r->services[i].name);
        }
    return true;
}

static bool run_status(struct cli_context *ctx, const void *options, struct err *e)
{
    const struct run_options *o = options;
    AUTO(container_list_clear_auto) struct container_list list = { 0 };
    AUTO(installed_free_auto) struct installed *in = installed_open(&o->site, e);
    struct certificate certificate = { 0 };
    struct err unhealthy = { 0 };
    if (in == NULL || !container_list(in->engine, in->deployment->project, &list, e) || !find_certificate(in, ctx->now, &certificate, e))
        return false;
    bool is_healthy = check_healthy(in, &list, &unhealthy);
    if (cli_wants_json(ctx) && !status_json(ctx, in, &list, &certificate, is_healthy, e))
        return false;
    status_text(ctx, in, &list, &certificate); /* nothing when JSON was asked for */
    *e = unhealthy;
    return is_healthy;
}

/* --- start, stop, restart ------------------------------------------------------------------------------------------ */

static bool start(struct installed *in, const struct run_options *o, struct err *e)
{
    AUTO(buf_clear_auto) struct buf story = BUF_LIMIT(LIMIT_CONFIG_FILE_BYTES);
    struct health_spec h = { .engine = in->engine, .deployment = in->deployment, .timeout_s = (unsigned)o->wait_timeout_s };
    if (started_up(in->deployment, &in->compose, in->engine, NULL, h.timeout_s, e) && health_wait(&h, &story, e))
        return true;
    if (story.len > 0)
        log_warn("%s", buf_text(&story));
    return false;
}

static bool stop(struct installed *in, const struct run_options *o, struct err *e)
{
    (void)o;
    return deployment_stop(in->deployment, &in->compose, NULL, 0, e);
}

static bool restart(struct installed *in, const struct run_options *o, struct err *e)
{
    return stop(in, o, e) && start(in, o, e);
}

static bool change(struct cli_context *ctx, const struct run_options *o, const char *what, const char *done,
                   bool (*work)(struct installed *in, const struct run_options *o, struct err *e), struct err *e)
{
    AUTO(installed_free_auto) struct installed *in = installed_open(&o->site, e);
    if (in == NULL || !installed_lock(in, what, e) || !work(in, o, e))
        return false;
    cli_print(ctx, "%s %s\n", in->deployment->release.name, done);
    return true;
}

static bool run_start(struct cli_context *ctx, const void *options, struct err *e)
{
    return change(ctx, options, "start", "is running", start, e);
}

static bool run_stop(struct cli_context *ctx, const void *options, struct err *e)
{
    return change(ctx, options, "stop", "is stopped", stop, e);
}

static bool run_restart(struct cli_context *ctx, const void *options, struct err *e)
{
    return change(ctx, options, "restart", "is running", restart, e);
}

static const struct cli_option site_rows[] = { SITE_ROWS(struct run_options) };
static const struct cli_option start_rows[] = {
    SITE_ROWS(struct run_options),
    CLI_NUMBER_ROW("wait-timeout", 0, struct run_options, wait_timeout_s, "SECONDS", "how long services may take to become healthy (what they say of themselves)", 1, 86400),
};

const struct cli_command cmd_status = {
    .name = "status", .summary = "show what is installed and how it runs", CLI_OPTIONS(site_rows), CLI_INTO(struct run_options, names),
    .run = run_status,
};
const struct cli_command cmd_start = {
    .name = "start", .summary = "start the installed release and wait until it is healthy", CLI_OPTIONS(start_rows),
    CLI_INTO(struct run_options, names), .run = run_start,
};
const struct cli_command cmd_stop = {
    .name = "stop", .summary = "stop the services of the installed release", CLI_OPTIONS(site_rows), CLI_INTO(struct run_options, names),
    .run = run_stop,
};
const struct cli_command cmd_restart = {
    .name = "restart", .summary = "stop and start", CLI_OPTIONS(start_rows), CLI_INTO(struct run_options, names), .run = run_restart,
};
