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

#endif
