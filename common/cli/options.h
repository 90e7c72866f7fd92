/* The inside of the command line: what parse.c, find.c, values.c and help.c share. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "cli/command.h"

/* The options of every command; their fields are in struct cli_globals. */
extern const struct cli_option cli_global_rows[];
extern const size_t cli_n_global_rows;

/* Puts the value of an option into its field. shown: the option as typed. ERR_USAGE with what was expected. */
MUST_CHECK bool cli_value_set(const struct cli_option *row, void *options, const char *shown, const char *value, struct err *e);

/* The command of exactly that name, or null. */
const struct cli_command *cli_command_named(const struct cli_program *p, const char *name);

/* The command that the first word which is no option means: itself, or one of a group together with the next word (may be
 * null), or the default command when it looks like a file. *n_words tells how many words were used. ERR_USAGE with the
 * nearest name. */
MUST_CHECK bool cli_find_command(const struct cli_program *p, const char *word, const char *next, const struct cli_command **out,
                                 int *n_words, struct err *e);

/* Whether a word is the first of "trust add", "trust list", ... */
bool cli_is_group(const struct cli_program *p, const char *word);

/* The nearest name among the options of every command and those of one (null: only the former), or null. */
const char *cli_nearest_option(const struct cli_command *c, const char *name);

#endif
