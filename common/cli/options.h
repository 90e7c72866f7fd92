/* The options of every command, shared by parser and help. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "cli/command.h"

extern const struct cli_option cli_global_rows[];
extern const size_t cli_n_global_rows;

#endif
