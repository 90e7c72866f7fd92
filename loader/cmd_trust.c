/* archon-load trust: who may sign bundles for this host. */
#include "base/text.h"
#include "certs/trust.h"
#include "loader/commands.h"

#include "base/banned.h"

struct trust_options {
    struct cli_list files;
    const char *root;
    const char *role;
    const char *name;
};

static bool print_added(struct cli_context *ctx, const char *file, const struct digest *id, struct err *e)
{
    if (!cli_wants_json(ctx)) {
        cli_print(ctx, "trusted: %s, key id %s\n", SHOWN(file), DIGEST_HEX(id));
        return true;
    }
    struct jwrite *w = cli_json_open(ctx);
    jwrite_str(w, "id", DIGEST_HEX(id));
    return cli_json_close(ctx, w, e);
}

static bool run_add(struct cli_context *ctx, const void *options, struct err *e)
{
    const struct trust_options *o = options;
    struct digest id;
    return trust_store_add(o->root, o->role, o->name, o->files.items[0], &id, e) && print_added(ctx, o->files.items[0], &id, e);
}

static void print_entry(struct cli_context *ctx, struct jwrite *w, const struct trust_entry *t)
{
    if (w == NULL) {
        cli_print(ctx, "%-10s %-24s %-11s %s%s%s\n", t->role, t->name, key_type_name(t->type), DIGEST_HEX(&t->id),
                  t->is_revoked ? " revoked: " : "", t->is_revoked ? SHOWN(t->reason) : "");
        return;
    }
    jwrite_object(w, NULL);
    jwrite_str(w, "role", t->role);
    jwrite_str(w, "name", t->name);
    jwrite_str(w, "type", key_type_name(t->type));
    jwrite_str(w, "id", DIGEST_HEX(&t->id));
    jwrite_bool(w, "revoked", t->is_revoked);
    jwrite_end(w);
}

static bool run_list(struct cli_context *ctx, const void *options, struct err *e)
{
    const struct trust_options *o = options;
    AUTO(keyring_free_auto) struct keyring *k = keyring_read_store(o->root, e);
    if (k == NULL)
        return false;
    struct jwrite *w = cli_wants_json(ctx) ? cli_json_open(ctx) : NULL;
    if (w != NULL)
        jwrite_array(w, "keys");
    for (size_t i = 0; i < keyring_count(k); i++)
        print_entry(ctx, w, keyring_at(k, i));
    if (keyring_count(k) == 0)
        cli_print(ctx, "no key is trusted: archon-load trust add KEY.pub\n");
    if (w == NULL)
        return true;
    jwrite_end(w);
    return cli_json_close(ctx, w, e);
}

static const struct cli_option add_rows[] = {
    CLI_TEXT_ROW("root", 0, struct trust_options, root, "DIR", "the trust store lies below this directory (/)"),
    CLI_TEXT_ROW("role", 0, struct trust_options, role, "ROLE", "what the key may do (release)"),
    CLI_TEXT_ROW("name", 0, struct trust_options, name, "NAME", "name of the key (that of the file)"),
};
static const struct cli_option list_rows[] = {
    CLI_TEXT_ROW("root", 0, struct trust_options, root, "DIR", "the trust store lies below this directory (/)"),
};

const struct cli_command cmd_trust_add = {
    .name = "trust add",
    .arguments = "KEY.pub",
    .summary = "trust a key that signs bundles",
    CLI_OPTIONS(add_rows),
    CLI_INTO(struct trust_options, files),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run_add,
};
const struct cli_command cmd_trust_list = {
    .name = "trust list",
    .summary = "list the keys that may sign bundles",
    CLI_OPTIONS(list_rows),
    CLI_INTO(struct trust_options, files),
    .run = run_list,
};
