/* The commands of archon-load: each lives in its cmd_*.c and is a row of the table in main.c. */
#ifndef LOADER_COMMANDS_H
#define LOADER_COMMANDS_H

#include "cli/command.h"

extern const struct cli_command cmd_install, cmd_plan, cmd_load_images, cmd_render;
extern const struct cli_command cmd_inventory, cmd_consolidate;
extern const struct cli_command cmd_verify, cmd_inspect, cmd_list, cmd_cat, cmd_extract, cmd_export, cmd_repair;
extern const struct cli_command cmd_migrate_status, cmd_migrate_up;
extern const struct cli_command cmd_status, cmd_logs, cmd_start, cmd_stop, cmd_restart, cmd_uninstall;
extern const struct cli_command cmd_trust_add, cmd_trust_list;

/* Help of an option that several commands have; --root, --env and --engine of those whose options struct has `struct site_options site` (loader/installed.h). */
#define ENGINE_SOCKET_HELP "unix socket of the container engine (where Docker listens)"
#define SITE_ROWS(type)                                                                                       \
    CLI_TEXT_ROW("root", 0, type, site.root, "DIR", "state lies below this directory (/)"),                   \
        CLI_TEXT_ROW("env", 0, type, site.env, "NAME", "environment: one application on this host (default)"), \
        CLI_TEXT_ROW("engine", 0, type, site.engine, "SOCKET", ENGINE_SOCKET_HELP)

#endif
