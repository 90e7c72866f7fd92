/* The commands of archon-bundle: each lives in its cmd_*.c and is a row of the table in main.c. */
#ifndef BUNDLER_COMMANDS_H
#define BUNDLER_COMMANDS_H

#include "cli/command.h"

extern const struct cli_command cmd_create, cmd_plan, cmd_diff, cmd_login, cmd_lint, cmd_init, cmd_validate_embedded;
extern const struct cli_command cmd_keygen, cmd_sign;
extern const struct cli_command cmd_cache_list, cmd_cache_prune, cmd_cache_verify;
extern const struct cli_command cmd_verify, cmd_inspect, cmd_list, cmd_cat, cmd_extract, cmd_export, cmd_repair, cmd_split;

#endif
