/* A small program with one command of every kind, for the tests of the command line. */
#ifndef TESTS_TOY_H
#define TESTS_TOY_H

#include <stdint.h>

#include "cli/command.h"
#include "cli/progress.h"

struct toy_options {
    struct cli_list arguments;
    struct cli_list trust;
    const char *output;
    const char *offline;
    uint64_t level;
    uint64_t split;
    uint64_t any;
    unsigned format;
    bool is_deep;
    bool is_xtra;
};

static const struct cli_option toy_rows[] = {
    CLI_TEXT_ROW("output", 'o', struct toy_options, output, "FILE", "where the result goes"),
    CLI_LIST_ROW("trust", 0, struct toy_options, trust, "KEY.pub", "a key that may sign"),
    CLI_NUMBER_ROW("level", 0, struct toy_options, level, "N", "compression", 1, 19),
    CLI_BYTES_ROW("split", 0, struct toy_options, split, "SIZE", "size of the parts", 1ull << 40),
    CLI_BYTES_ROW("any", 0, struct toy_options, any, "SIZE", NULL, UINT64_MAX),
    CLI_CHOICE_ROW("format", 'f', struct toy_options, format, "oci|docker|dir", "form of the output"),
    CLI_FLAG_ROW("deep", 'd', struct toy_options, is_deep, "look at everything, which takes as long as it takes and is worth every second of it"),
    CLI_FLAG_ROW("xtra", 'x', struct toy_options, is_xtra, NULL),
    CLI_TEXT_ROW("offline-bundle", 0, struct toy_options, offline, "BUNDLE", NULL),
    CLI_NOT_YET_ROW("parity"),
};

static bool toy_show(struct cli_context *ctx, const void *options, struct err *e)
{
    const struct toy_options *o = options;
    if (cli_wants_json(ctx)) {
        struct jwrite *w = cli_json_open(ctx);
        jwrite_u64(w, "arguments", o->arguments.n);
        return cli_json_close(ctx, w, e);
    }
    for (size_t i = 0; i < o->arguments.n; i++)
        cli_print(ctx, "%s\n", o->arguments.items[i]);
    log_info("shown %zu", o->arguments.n);
    log_debug("a detail");
    log_warn("a warning with \033[2J in it");
    return true;
}

static bool toy_fail(struct cli_context *ctx, const void *options, struct err *e)
{
    (void)options;
    cli_print(ctx, "before\n");
    err_set(e, ERR_TRUST, "bundle is not \033[31msigned");
    return err_hint(e, "sign it");
}

static bool toy_work(struct cli_context *ctx, const void *options, struct err *e)
{
    (void)options;
    for (uint64_t done = 0; done <= 1000; done += 100) {
        struct progress_fact item = { .phase = "fetch", .item = "layer \033[1m1", .done = done, .total = 1000, .is_finished = done == 1000 };
        struct progress_fact whole = { .phase = "fetch", .done = done, .total = 1000, .is_finished = done == 1000 };
        if (!progress_tell(&ctx->progress, &item) || !progress_tell(&ctx->progress, &whole))
            return err_set(e, ERR_INTERRUPTED, "stopped");
    }
    return true;
}

static bool toy_bytes(struct cli_context *ctx, const void *options, struct err *e)
{
    (void)options;
    return cli_write_result(ctx, "raw", 3, e);
}

static const struct toy_options toy_defaults = { .level = 3 };

static const struct cli_command toy_commands[] = {
    { .name = "show", .arguments = "[WORD...]", .summary = "print the words", .details = "One word a line.", CLI_OPTIONS(toy_rows),
      CLI_INTO(struct toy_options, arguments), .defaults = &toy_defaults, .max_arguments = SIZE_MAX, .run = toy_show },
    { .name = "verify", .arguments = "BUNDLE", .summary = "check a bundle", CLI_OPTIONS(toy_rows),
      CLI_INTO(struct toy_options, arguments), .min_arguments = 1, .max_arguments = 1, .run = toy_show },
    { .name = "fail", .summary = "does not work", .run = toy_fail },
    { .name = "work", .summary = "makes progress", .run = toy_work },
    { .name = "trust add", .arguments = "KEY.pub", .summary = "trust a key", CLI_INTO(struct toy_options, arguments),
      .min_arguments = 1, .max_arguments = 1, .run = toy_show },
    { .name = "trust list", .summary = "list the trusted keys", .run = toy_fail },
    { .name = "trust revoke", .summary = "trust a key no more" },
    { .name = "cat", .summary = "bytes", .run = toy_bytes },
    { .name = "load-images", .summary = "only the images", .run = toy_work },
    { .name = "repair", .arguments = "BUNDLE", .summary = "rebuild damaged slices" },
};

static const struct cli_synonym toy_synonyms[] = { { "display", "show" } };

static const struct cli_program toy = { .name = "toy", .summary = "a toy", .version = "1.2.3", .commands = toy_commands,
                                        .n_commands = ARRAY_LEN(toy_commands), .default_command = "verify", .synonyms = toy_synonyms,
                                        .n_synonyms = ARRAY_LEN(toy_synonyms) };

#endif
