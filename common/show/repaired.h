/* The command repair of both programs: what is left of a bundle, and its parity file, become a new file. What it is worth is decided as always, by its signature. */
#ifndef SHOW_REPAIRED_H
#define SHOW_REPAIRED_H

#include "bundle/verify.h"
#include "cli/command.h"
#include "show/parts.h"

/* The keyring that is to judge the new file; null with *e untouched when there are no keys at hand, which is said. */
typedef struct keyring *(*repair_keys_fn)(void *ctx, struct err *e);

/* What both programs let their users say: the field `repair` of their options. */
struct repair_options {
    struct cli_list bundles;
    struct show_parts parts;
    const char *parity; /* null: beside the bundle */
    const char *output; /* null: beside it, too, under a name of its own */
};
#define REPAIR_ROWS(type)                                                                                                                \
    CLI_TEXT_ROW("output", 'o', type, repair.output, "OUT",                                                                              \
                 "file or directory (NAME.repaired.bundle.tar.zst beside the bundle). Of a bundle in parts a directory gets those that " \
                 "are damaged"),                                                                                                         \
        CLI_TEXT_ROW("parity-file", 0, type, repair.parity, "FILE", "the parity file (BUNDLE.par)"), SHOW_PARTS_ROW(type, repair.parts)
#define REPAIR_COMMAND(rows, type)                                                                                                                          \
    { .name = "repair", .arguments = "BUNDLE", .summary = "rebuild damaged slices from parity into a new file",                                             \
      .details = "The damaged bundle is read once, from its beginning to its end, and never changed. Places that cannot be read are damage like any other.", \
      CLI_OPTIONS(rows), CLI_INTO(type, repair.bundles), .min_arguments = 1, .max_arguments = 1, .run = run_repair }

struct repair_order {
    const struct repair_options *o;
    repair_keys_fn keys;
    void *keys_ctx;
    unsigned jobs;
};

/* Fails with ERR_INTEGRITY when too much is damaged (what was found is printed all the same), and as bundle_verify does; then there is no new file. */
MUST_CHECK bool show_repair(struct cli_context *ctx, const struct repair_order *o, struct err *e);

/* After a bundle was refused: when its bytes were wrong and there is a parity file beside it, the hint says so. Returns false always. */
bool show_repair_hint(const struct cli_context *ctx, const char *bundle, struct err *e);

#endif
