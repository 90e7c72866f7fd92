/* archon-load: brings a bundle into a host without a network. What it can do is this table. */
#include "loader/commands.h"

#include "base/banned.h"

/* A command without `run` is of the contract, but not in this version. */
#define LATER(name_, arguments_, summary_) { .name = (name_), .arguments = (arguments_), .summary = (summary_) }

int main(int argc, char **argv)
{
    const struct cli_command commands[] = {
        cmd_install,
        LATER("configure", NULL, "change settings, certificates or ports of the installed release"),
        cmd_verify,
        cmd_inspect,
        cmd_list,
        cmd_cat,
        cmd_extract,
        cmd_export,
        cmd_repair,
        cmd_plan,
        cmd_load_images,
        LATER("push", "BUNDLE REGISTRY[/PREFIX]", "copy the images into the site's registry"),
        cmd_render,
        cmd_migrate_status,
        cmd_migrate_up,
        LATER("migrate rehearse", NULL, "try the migrations on a copy of the database"),
        LATER("migrate export", NULL, "write a script for another team's window"),
        LATER("migrate verify", NULL, "prove that such a script was applied"),
        LATER("migrate repair", "DIGEST", "accept a changed history after inspection"),
        cmd_status,
        cmd_logs,
        cmd_start,
        cmd_stop,
        cmd_restart,
        LATER("rollback", NULL, "go back to an earlier release"),
        cmd_uninstall,
        LATER("adopt", NULL, "take over an existing compose project"),
        LATER("backup", NULL, "save database, configuration and secrets"),
        LATER("restore", "FILE", "restore a backup"),
        cmd_consolidate,
        LATER("env list", NULL, "list environments"),
        LATER("env create", "NAME", "make an environment"),
        LATER("env remove", "NAME", "remove an environment"),
        LATER("promote", "FROM TO", "install what another environment runs"),
        LATER("rotate", "SECRET", "replace a generated secret"),
        cmd_trust_add,
        cmd_trust_list,
        LATER("trust revoke", "KEY", "trust a key no longer"),
        LATER("trust update", "FILE", "apply a signed update of the trust store"),
        LATER("ca init", NULL, "make a certificate authority for a site without one"),
        LATER("ca issue", NULL, "issue a certificate"),
        LATER("ca renew", NULL, "renew a certificate"),
        LATER("ca show", NULL, "show the site's certificates"),
        cmd_inventory,
        LATER("receipt", NULL, "signed record of what was installed"),
        LATER("gc", NULL, "remove what no kept release needs"),
        LATER("doctor", NULL, "check the host and the installation"),
    };
    static const struct cli_synonym synonyms[] = { { "upgrade", "install" }, { "update", "install" }, { "remove", "uninstall" }, { "ps", "status" } };
    static const char *const keep[] = { "ARCHON_FAULT_STEP", NULL };
    const struct cli_program program = {
        .name = "archon-load",
        .summary = "install an application from a bundle, on a host without a network",
        .version = ARCHON_VERSION,
        .commands = commands,
        .n_commands = ARRAY_LEN(commands),
        .default_command = "install",
        .keep_variables = keep,
        .synonyms = synonyms,
        .n_synonyms = ARRAY_LEN(synonyms),
    };
    return cli_main(&program, argc, argv);
}
