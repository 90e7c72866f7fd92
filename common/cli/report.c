/* The report: log lines, errors and JSON results, and the context that carries them. */
#include "cli/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/progress.h"
#include "cli/screen.h"
#include "format/date.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/term.h"

#include "base/banned.h"

enum { MAX_JSON_BYTES = 64 << 20, LINE_BYTES = 2048 };

static const char *const level_names[] = { "debug", "info", "warning", "error" };

/* ---- lines ---- */

/* Text that may hold bytes from outside, made harmless for a terminal. Whoever made it has escaped and cut those already;
 * this is for what was forgotten. */
static void clean(char *text)
{
    bool is_utf8 = text_is_utf8(text, strlen(text));
    for (char *p = text; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        if (c < 0x20 || c == 0x7f || (c >= 0x80 && !is_utf8))
            *p = '?';
    }
}

static void json_text(struct buf *out, struct jwrite *w)
{
    struct err e = { 0 };
    jwrite_end(w);
    if (!jwrite_done(w, out, "log line", &e))
        buf_adds(out, "{}\n");
    jwrite_free(w);
    if (out->len > 0 && out->data[out->len - 1] == '\n')
        out->data[--out->len] = '\0';
}

static struct jwrite *json_line(const char *level, const char *message)
{
    char time[DATE_TEXT_BYTES];
    struct jwrite *w = jwrite_new(JWRITE_COMPACT, LINE_BYTES * 8);
    date_format(time, clock_unix());
    jwrite_object(w, NULL);
    jwrite_str(w, "time", time);
    jwrite_str(w, "level", level);
    jwrite_str(w, "message", message);
    return w;
}

/* The log file is a record for later: it has the time in every line, and a full disk must not stop the work. */
static void write_file(const struct cli_context *ctx, const char *level, const char *line, bool is_json)
{
    struct err e = { 0 };
    char time[DATE_TEXT_BYTES];
    if (ctx->log_fd < 0)
        return;
    date_format(time, clock_unix());
    AUTO(mem_auto) char *text = is_json ? mem_format("%s\n", line) : mem_format("%s %s: %s\n", time, level, line);
    if (!fd_write_all(ctx->log_fd, text, strlen(text), "log file", &e))
        return;
}

static void write_log(void *user, enum log_level level, const char *line)
{
    const struct cli_context *ctx = user;
    char text[LINE_BYTES];
    bool is_shown = level >= LOG_WARN || !ctx->is_quiet;
    snprintf(text, sizeof text, "%s", line);
    clean(text);
    if (ctx->log_format == CLI_LOG_JSON) {
        AUTO(buf_clear_auto) struct buf json = BUF_LIMIT(LINE_BYTES * 8);
        json_text(&json, json_line(level_names[level], text));
        if (is_shown)
            screen_line(ctx->screen, buf_text(&json));
        write_file(ctx, level_names[level], buf_text(&json), true);
        return;
    }
    AUTO(mem_auto) char *shown = level == LOG_INFO ? mem_text(text) : mem_format("%s: %s: %s", ctx->program, level_names[level], text);
    if (is_shown)
        screen_line(ctx->screen, shown);
    write_file(ctx, level_names[level], text, false);
}

/* ---- errors ---- */

static void add_error(struct jwrite *w, const struct err *e)
{
    jwrite_str(w, "name", err_name(e->code));
    if (e->hint[0] != '\0')
        jwrite_str(w, "hint", e->hint);
}

/* What every document has (docs/CLI.md). A command line that is wrong names no command. */
static struct jwrite *open_document(const struct cli_context *ctx, const char *event, int status)
{
    struct jwrite *w = jwrite_new(ctx->json == CLI_JSON_STREAM ? JWRITE_COMPACT : JWRITE_PRETTY, MAX_JSON_BYTES);
    jwrite_object(w, NULL);
    if (ctx->json == CLI_JSON_STREAM)
        jwrite_str(w, "event", event);
    if (ctx->command != NULL)
        jwrite_str(w, "command", ctx->command);
    else
        jwrite_null(w, "command");
    jwrite_i64(w, "status", status);
    return w;
}

static void add_error_object(struct jwrite *w, const struct err *e)
{
    jwrite_object(w, "error");
    jwrite_str(w, "message", e->msg);
    add_error(w, e);
    jwrite_end(w);
}

static void error_as_text(struct cli_context *ctx, const struct err *e)
{
    bool has_color = screen_has_color(ctx->screen);
    AUTO(mem_auto) char *line = mem_format("%s%s:%s %s", has_color ? "\033[1;31m" : "", ctx->program, has_color ? "\033[0m" : "", e->msg);
    AUTO(mem_auto) char *hint = mem_format("  hint: %s", e->hint);
    screen_line(ctx->screen, line);
    if (e->hint[0] != '\0')
        screen_line(ctx->screen, hint);
    write_file(ctx, "error", e->msg, false);
    if (e->hint[0] != '\0')
        write_file(ctx, "hint", e->hint, false);
}

static void error_as_json_log(struct cli_context *ctx, const struct err *e)
{
    AUTO(buf_clear_auto) struct buf json = BUF_LIMIT(LINE_BYTES * 8);
    struct jwrite *w = json_line("error", e->msg);
    add_error(w, e);
    jwrite_i64(w, "status", err_status(e->code));
    json_text(&json, w);
    screen_line(ctx->screen, buf_text(&json));
    write_file(ctx, "error", buf_text(&json), true);
}

/* A program that reads our standard output finds the error there too, unless it has its document already. */
static void error_as_result(struct cli_context *ctx, const struct err *e)
{
    struct err ignored = { 0 };
    if (ctx->json == CLI_JSON_NONE || (ctx->json == CLI_JSON_DOCUMENT && ctx->is_json_printed))
        return;
    struct jwrite *w = open_document(ctx, "error", err_status(e->code));
    add_error_object(w, e);
    if (!cli_json_close(ctx, w, &ignored))
        return; /* cli_finish_output tells */
}

void cli_report_error(struct cli_context *ctx, const struct err *given)
{
    struct err e = *given;
    clean(e.msg);
    clean(e.hint);
    screen_bar(ctx->screen, NULL);
    error_as_result(ctx, &e);
    if (ctx->log_format == CLI_LOG_JSON)
        error_as_json_log(ctx, &e);
    else
        error_as_text(ctx, &e);
}

/* ---- results ---- */

/* On a terminal the result would stand behind a bar that is still there. */
static void take_bar_away(struct cli_context *ctx)
{
    if (ctx->screen != NULL)
        screen_bar(ctx->screen, NULL);
}

void cli_print(struct cli_context *ctx, const char *fmt, ...)
{
    if (ctx->json != CLI_JSON_NONE)
        return;
    take_bar_away(ctx);
    va_list args;
    va_start(args, fmt);
    vfprintf(ctx->out, fmt, args);
    va_end(args);
}

static bool output_fail(int number, struct err *e)
{
    /* Never ERR_SPACE: whatever took our results is no place that this program can make room in. */
    return err_set(e, ERR_IO, "standard output: %s", strerror(number));
}

bool cli_write(struct cli_context *ctx, const void *bytes, size_t n, struct err *e)
{
    errno = EIO;
    return n == 0 || fwrite(bytes, 1, n, ctx->out) == n || output_fail(errno, e);
}

bool cli_write_result(struct cli_context *ctx, const void *bytes, size_t n, struct err *e)
{
    ctx->has_bytes = true;
    take_bar_away(ctx);
    return cli_write(ctx, bytes, n, e);
}

struct jwrite *cli_json_open(struct cli_context *ctx)
{
    struct jwrite *w = open_document(ctx, "result", 0);
    jwrite_null(w, "error");
    return w;
}

struct jwrite *cli_json_open_for(struct cli_context *ctx, const struct err *why)
{
    if (why->code == ERR_NONE)
        return cli_json_open(ctx);
    struct jwrite *w = open_document(ctx, "result", err_status(why->code));
    add_error_object(w, why);
    return w;
}

bool cli_json_close(struct cli_context *ctx, struct jwrite *w, struct err *e)
{
    AUTO(jwrite_free_auto) struct jwrite *mine = w;
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(MAX_JSON_BYTES);
    jwrite_end(mine);
    take_bar_away(ctx);
    ctx->is_json_printed = true;
    return jwrite_done(mine, &text, "result", e) && cli_write(ctx, buf_text(&text), text.len, e);
}

bool cli_finish_json(struct cli_context *ctx, struct err *e)
{
    bool is_over = ctx->json == CLI_JSON_NONE || ctx->is_json_printed || ctx->has_bytes;
    return is_over || cli_json_close(ctx, cli_json_open(ctx), e);
}

bool cli_finish_output(struct cli_context *ctx, struct err *e)
{
    errno = 0;
    bool is_flushed = fflush(ctx->out) == 0 && ferror(ctx->out) == 0;
    return is_flushed || output_fail(errno != 0 ? errno : EIO, e);
}

/* ---- the context ---- */

static bool wants_color(unsigned color, bool is_terminal)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    if (color != CLI_COLOR_AUTO)
        return color == CLI_COLOR_ALWAYS;
    return is_terminal && (no_color == NULL || no_color[0] == '\0') && !text_is(term, "dumb");
}

static enum progress_look look_of(const struct cli_context *ctx, const struct cli_globals *g)
{
    if (g->is_quiet || g->is_without_progress)
        return PROGRESS_NONE;
    if (ctx->json == CLI_JSON_STREAM)
        return PROGRESS_JSON;
    if (g->log_format == CLI_LOG_JSON)
        return PROGRESS_LINES; /* they go through the log, so they are JSON too */
    return screen_is_terminal(ctx->screen) && !text_is(getenv("TERM"), "dumb") ? PROGRESS_BAR : PROGRESS_LINES;
}

static bool open_log_file(struct cli_context *ctx, const char *path, struct err *e)
{
    struct stat st;
    if (path == NULL)
        return true;
    ctx->log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (ctx->log_fd < 0 || fstat(ctx->log_fd, &st) != 0)
        return file_fail(e, errno, "open log file", path);
    return S_ISREG(st.st_mode) || file_not_regular(path, st.st_mode, e);
}

bool cli_context_open(struct cli_context *ctx, const char *program, const struct cli_globals *g, FILE *out, FILE *err_out, struct err *e)
{
    bool is_terminal = isatty(fileno(err_out));
    *ctx = (struct cli_context){ .program = program, .out = out, .log_fd = -1, .now = clock_unix() };
    ctx->json = g->json == NULL ? CLI_JSON_NONE : text_is(g->json, "stream") ? CLI_JSON_STREAM : CLI_JSON_DOCUMENT;
    ctx->is_quiet = g->is_quiet;
    ctx->is_verbose = g->is_verbose;
    ctx->log_format = g->log_format == CLI_LOG_JSON ? CLI_LOG_JSON : CLI_LOG_TEXT;
    ctx->screen = screen_new(err_out, is_terminal, wants_color(g->color, is_terminal));
    ctx->bars = progress_new(ctx, look_of(ctx, g));
    ctx->progress = (struct progress){ .fn = progress_show, .ctx = ctx->bars };
    log_install(write_log, ctx, g->is_verbose ? LOG_DEBUG : g->is_quiet && g->log_file == NULL ? LOG_WARN : LOG_INFO);
    return open_log_file(ctx, g->log_file, e);
}

void cli_context_close(struct cli_context *ctx)
{
    log_install(NULL, NULL, LOG_ERROR);
    progress_free(ctx->bars);
    screen_free(ctx->screen);
    fd_auto(&ctx->log_fd);
}
