/* archon-load logs: the last lines of each service of the installed release, without its secrets. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "engine/containers.h"
#include "loader/commands.h"
#include "loader/installed.h"

#include "base/banned.h"

struct log_options {
    struct cli_list names;
    struct site_options site;
    uint64_t lines;
};

static bool check_services(const struct release *r, const struct cli_list *names, struct err *e)
{
    for (size_t i = 0; i < names->n; i++)
        if (release_service_find(r, names->items[i]) == NULL)
            return err_set(e, ERR_USAGE, "%s has no service \"%s\"", r->name, SHOWN(names->items[i]));
    return true;
}

/* At most n bytes, and no character cut in two. */
static size_t piece_of(const char *text, size_t n)
{
    enum { PIECE = TEXT_SHOWN_MAX - 8 };
    size_t at = n < PIECE ? n : PIECE;
    while (at < n && at > PIECE - 4 && ((unsigned char)text[at] & 0xC0) == 0x80)
        at--;
    return at;
}

struct log_output {
    struct cli_context *ctx;
    const struct values *values; /* whose secrets are left out */
    struct jwrite *w;            /* null: text */
};

/* One line, made printable piece by piece. */
static void tell_line(const struct log_output *o, const char *service, const char *line)
{
    AUTO(buf_clear_auto) struct buf clean = BUF_LIMIT(64 * MIB);
    AUTO(buf_clear_auto) struct buf shown = BUF_LIMIT(256 * MIB);
    values_redact(o->values, line, &clean);
    for (size_t done = 0, len; done < clean.len; done += len) {
        len = piece_of(clean.data + done, clean.len - done);
        buf_adds(&shown, SHOWN_N(clean.data + done, len));
    }
    if (o->w != NULL)
        jwrite_str(o->w, NULL, buf_text(&shown));
    else
        cli_print(o->ctx, "%s | %s\n", service, buf_text(&shown));
}

static void tell_log(const struct log_output *o, const char *service, const struct buf *raw)
{
    if (o->w != NULL) {
        jwrite_object(o->w, NULL);
        jwrite_str(o->w, "name", service);
        jwrite_array(o->w, "lines");
    }
    for (const char *at = buf_text(raw); *at != '\0';) {
        size_t n = strcspn(at, "\n");
        AUTO(mem_auto) char *line = mem_text_n(at, n);
        tell_line(o, service, line);
        at += n + (at[n] == '\n');
    }
    if (o->w != NULL) {
        jwrite_end(o->w);
        jwrite_end(o->w);
    }
}

static bool is_asked(const struct cli_list *names, const char *service)
{
    for (size_t i = 0; i < names->n; i++)
        if (text_is(names->items[i], service))
            return true;
    return names->n == 0;
}

static bool tell_logs(struct cli_context *ctx, const struct installed *in, const struct container_list *list, const struct log_options *o,
                      struct err *e)
{
    AUTO(jwrite_free_auto) struct jwrite *w = cli_wants_json(ctx) ? cli_json_open(ctx) : NULL;
    struct log_output out = { ctx, &in->deployment->values, w };
    if (w != NULL)
        jwrite_array(w, "services");
    for (size_t i = 0; i < list->n; i++) {
        AUTO(buf_clear_auto) struct buf raw = BUF_LIMIT(64 * MIB);
        if (!is_asked(&o->names, list->items[i].service))
            continue;
        if (!container_logs(in->engine, list->items[i].id, (unsigned)o->lines, &raw, e))
            return false;
        tell_log(&out, list->items[i].service, &raw);
    }
    if (w == NULL)
        return true;
    jwrite_end(w);
    return cli_json_close(ctx, TAKE(w), e);
}

static bool run_logs(struct cli_context *ctx, const void *options, struct err *e)
{
    const struct log_options *o = options;
    AUTO(container_list_clear_auto) struct container_list list = { 0 };
    bool has_nothing = false;
    AUTO(installed_free_auto) struct installed *in = installed_open_any(&o->site, &has_nothing, e);
    if (in == NULL)
        return false;
    if (in->deployment == NULL)
        return err_set(e, ERR_POLICY, "nothing is installed in environment %s", in->site.env);
    if (!check_services(&in->deployment->release, &o->names, e) || !container_list(in->engine, in->deployment->project, &list, e))
        return false;
    return tell_logs(ctx, in, &list, o, e);
}

static const struct cli_option log_rows[] = {
    SITE_ROWS(struct log_options),
    CLI_NUMBER_ROW("lines", 'n', struct log_options, lines, "N", "last lines of each service (100)", 1, 1000000),
};
static const struct log_options log_defaults = { .lines = 100 };

const struct cli_command cmd_logs = {
    .name = "logs",
    .arguments = "[SERVICE...]",
    .summary = "show the last lines that services wrote",
    CLI_OPTIONS(log_rows),
    CLI_INTO(struct log_options, names),
    .defaults = &log_defaults,
    .max_arguments = SIZE_MAX,
    .run = run_logs,
};
