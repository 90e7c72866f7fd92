/* What a command gets besides its options, and the ways in which it speaks: results to standard output, the story (log,
 * progress, errors) to standard error. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <stdio.h>

#include "base/err.h"
#include "base/log.h"
#include "base/progress.h"
#include "format/jwrite.h"

enum cli_json { CLI_JSON_NONE, CLI_JSON_DOCUMENT, CLI_JSON_STREAM };
enum cli_log_format { CLI_LOG_TEXT, CLI_LOG_JSON };
enum cli_color { CLI_COLOR_AUTO, CLI_COLOR_ALWAYS, CLI_COLOR_NEVER };

/* Options that every command has. */
struct cli_globals {
    const char *json; /* null, "" or "stream" */
    const char *log_file;
    unsigned log_format;
    unsigned color;
    bool is_quiet;
    bool is_verbose;
    bool is_without_progress;
    bool is_help;
    bool is_version;
};

struct cli_screen;
struct cli_progress;

struct cli_context {
    const char *program;
    const char *command;      /* "trust add"; null while the command line is not understood */
    enum cli_json json;
    bool is_quiet;
    bool is_verbose;
    int64_t now;              /* seconds since 1970, taken once: every decision of this run uses it */
    struct progress progress; /* hand it to long operations */

    /* Inside; commands use the functions below. */
    FILE *out;
    bool is_json_printed;
    bool has_bytes; /* of cli_write_result */
    enum cli_log_format log_format;
    struct cli_screen *screen;
    struct cli_progress *bars;
    int log_fd;
};

/* ---- results ---- */

/* Text for people; nothing when JSON was asked for. Trouble shows at the end of the run. */
void cli_print(struct cli_context *ctx, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The result is bytes as they are (a member of a bundle), whatever the mode: then there is no document. */
MUST_CHECK bool cli_write_result(struct cli_context *ctx, const void *bytes, size_t n, struct err *e);
/* The same for what stands beside a result: events. */
MUST_CHECK bool cli_write(struct cli_context *ctx, const void *bytes, size_t n, struct err *e);

/* True when the command should make a JSON document of its result. */
static inline bool cli_wants_json(const struct cli_context *ctx)
{
    return ctx->json != CLI_JSON_NONE;
}

/* The result as one JSON object: opened here, filled by the command, closed and printed by cli_json_close, which frees it.
 * "command", "status" 0 and "error" null come first; before them, in --json=stream, "event": "result", and the whole is one line. */
struct jwrite *cli_json_open(struct cli_context *ctx);
/* The same of a run that has a result although it fails: with the status and the error of why. When why is none: as above. */
struct jwrite *cli_json_open_for(struct cli_context *ctx, const struct err *why);
MUST_CHECK bool cli_json_close(struct cli_context *ctx, struct jwrite *w, struct err *e);

/* ---- for cli_main ---- */

/* After a command that went well: who asked for JSON gets a document, also of a command that has nothing to say but that. */
MUST_CHECK bool cli_finish_json(struct cli_context *ctx, struct err *e);

MUST_CHECK bool cli_context_open(struct cli_context *ctx, const char *program, const struct cli_globals *g, FILE *out,
                                 FILE *err_out, struct err *e);
void cli_context_close(struct cli_context *ctx);

/* Prints an error: "program: message" and "  hint: ...", or as JSON. */
void cli_report_error(struct cli_context *ctx, const struct err *e);

/* Flushes standard output; ERR_IO when it did not take everything. */
MUST_CHECK bool cli_finish_output(struct cli_context *ctx, struct err *e);

#endif
