/* archon-bundle: makes bundles where there is a network. What it can do is this table. */
#include "bundler/commands.h"

#include "base/banned.h"

/* A command without `run` is of the contract, but not in this version. */
#define LATER(name_, arguments_, summary_) { .name = (name_), .arguments = (arguments_), .summary = (summary_) }

int main(int argc, char **argv)
{
    const struct cli_command commands[] = {
        cmd_create,
        cmd_init,
        cmd_lint,
        cmd_plan,
        cmd_login,
        cmd_keygen,
        cmd_sign,
        cmd_verify,
        cmd_repair,
        cmd_inspect,
        cmd_list,
        cmd_cat,
        cmd_extract,
        cmd_diff,
        cmd_export,
        cmd_split,
        cmd_cache_list,
        cmd_cache_prune,
        cmd_cache_verify,
        cmd_validate_embedded,
    };
    static const struct cli_synonym synonyms[] = { { "build", "create" }, { "pack", "create" }, { "bundle", "create" }, { "unpack", "extract" } };
    static const char *const keep[] = { "DOCKER_CONFIG", "DOCKER_HOST", NULL };
    const struct cli_program program = {
        .name = "archon-bundle",
        .summary = "pack a container application into one signed file, for a host without a network",
        .version = ARCHON_VERSION,
        .commands = commands,
        .n_commands = ARRAY_LEN(commands),
        .keep_variables = keep,
        .synonyms = synonyms,
        .n_synonyms = ARRAY_LEN(synonyms),
    };
    return cli_main(&program, argc, argv);
}
