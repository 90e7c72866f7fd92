/* archon-load repair: a new bundle out of a damaged one and its parity file. Nothing on this host is changed but the new file. */
#include "loader/commands.h"
#include "loader/open.h"
#include "show/repaired.h"
#include "sys/work.h"

#include "base/banned.h"

struct options {
    struct repair_options repair;
    struct cli_list trust;
    const char *root;
};

/* A host that trusts nobody yet can repair a bundle all the same: installing it will ask for a key. */
static struct keyring *keys_of(void *ctx, struct err *e)
{
    const struct options *o = ctx;
    AUTO(keyring_free_auto) struct keyring *store = keyring_read_store(o->root, e);
    if (store == NULL || (o->trust.n == 0 && keyring_count(store) == 0))
        return NULL;
    return open_keyring(o->root, &o->trust, e);
}

static bool run_repair(struct cli_context *ctx, const void *options, struct err *e)
{
    struct options o = *(const struct options *)options;
    struct repair_order order = { .o = &o.repair, .keys = keys_of, .keys_ctx = &o, .jobs = work_cpus() };
    return show_repair(ctx, &order, e);
}

static const struct cli_option repair_rows[] = {
    REPAIR_ROWS(struct options),
    CLI_LIST_ROW("trust", 0, struct options, trust, "KEY.pub", "a key that may sign, for this run (hosts without a store)"),
    CLI_TEXT_ROW("root", 0, struct options, root, "DIR", "the trust store lies below this directory (/)"),
};

const struct cli_command cmd_repair = REPAIR_COMMAND(repair_rows, struct options);
