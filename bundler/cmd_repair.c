/* archon-bundle repair: a new bundle out of a damaged one and its parity file. */
#include "bundler/commands.h"
#include "show/repaired.h"
#include "sys/work.h"

#include "base/banned.h"

struct options {
    struct repair_options repair;
    struct cli_list trust;
};

static struct keyring *keys_of(void *ctx, struct err *e)
{
    const struct options *o = ctx;
    return o->trust.n == 0 ? NULL : keyring_from_files(o->trust.items, o->trust.n, e);
}

static bool run_repair(struct cli_context *ctx, const void *options, struct err *e)
{
    struct options o = *(const struct options *)options;
    struct repair_order order = { .o = &o.repair, .keys = keys_of, .keys_ctx = &o, .jobs = work_cpus() };
    return show_repair(ctx, &order, e);
}

static const struct cli_option repair_rows[] = {
    REPAIR_ROWS(struct options),
    CLI_LIST_ROW("trust", 0, struct options, trust, "KEY.pub", "verify the result with this key before it gets its name; repeatable"),
};

const struct cli_command cmd_repair = REPAIR_COMMAND(repair_rows, struct options);
