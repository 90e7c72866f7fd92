/* The command line as a table. Parsing, help, "did you mean" and "not in this version" are loops over it; a command gets
 * its own options struct, filled, and never sees argv.
 *
 *     struct verify_options { struct cli_list bundles; struct cli_list trust; bool is_deep; };
 *     static const struct cli_option verify_rows[] = {
 *         CLI_LIST_ROW("trust", 0, struct verify_options, trust, "KEY.pub", "a key that may sign (again for more)"),
 *         CLI_FLAG_ROW("deep", 0, struct verify_options, is_deep, "rebuild every layer too"),
 *         CLI_NOT_YET_ROW("cms"),
 *     };
 *     static const struct cli_command commands[] = {
 *         { .name = "verify", .arguments = "BUNDLE", .summary = "check a bundle", CLI_OPTIONS(verify_rows),
 *           CLI_INTO(struct verify_options, bundles), .min_arguments = 1, .max_arguments = 1, .run = cmd_verify },
 *         { .name = "repair", .arguments = "BUNDLE", .summary = "rebuild damaged slices" },       // no run: not in this version
 *         { .name = "trust add", ... },                                                           // two words: a group
 *     };
 *     int main(int argc, char **argv) { return cli_main(&program, argc, argv); }
 *
 * Every option may be written --name=value or --name value; `--` ends options; -x value, -xvalue and -qv work for letters. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdio.h>

#include "cli/report.h"

/* Values given on the command line, in order. Borrows argv. */
struct cli_list {
    const char **items;
    size_t n;
    size_t cap;
};

enum cli_kind {
    CLI_FLAG,   /* bool */
    CLI_TEXT,   /* const char *; null: not given. Twice is an error */
    CLI_LIST,   /* struct cli_list; may be given again and again */
    CLI_NUMBER, /* uint64_t, a whole number from min to max */
    CLI_BYTES,  /* uint64_t, "64MiB", at most max */
    CLI_CHOICE, /* unsigned: place of the value in `value`, "a|b|c" */
    CLI_MAYBE,  /* const char *; "" without "=value" */
};

struct cli_option {
    const char *name;  /* without -- */
    char letter;       /* 0: none */
    enum cli_kind kind;
    size_t at;         /* offset in the options struct */
    const char *value; /* name of the value in the help text; for CLI_CHOICE the choices */
    const char *help;  /* null: understood but not shown */
    uint64_t min;
    uint64_t max;
    bool is_not_yet; /* of the contract, but not in this version: using it is ERR_USAGE */
};

#define CLI_FLAG_ROW(name_, letter_, type, field, help_) \
    { .name = (name_), .letter = (letter_), .kind = CLI_FLAG, .at = offsetof(type, field), .help = (help_) }
#define CLI_TEXT_ROW(name_, letter_, type, field, value_, help_) \
    { .name = (name_), .letter = (letter_), .kind = CLI_TEXT, .at = offsetof(type, field), .value = (value_), .help = (help_) }
#define CLI_LIST_ROW(name_, letter_, type, field, value_, help_) \
    { .name = (name_), .letter = (letter_), .kind = CLI_LIST, .at = offsetof(type, field), .value = (value_), .help = (help_) }
#define CLI_NUMBER_ROW(name_, letter_, type, field, value_, help_, min_, max_)                                                \
    { .name = (name_), .letter = (letter_), .kind = CLI_NUMBER, .at = offsetof(type, field), .value = (value_), .help = (help_), \
      .min = (min_), .max = (max_) }
#define CLI_BYTES_ROW(name_, letter_, type, field, value_, help_, max_)                                                      \
    { .name = (name_), .letter = (letter_), .kind = CLI_BYTES, .at = offsetof(type, field), .value = (value_), .help = (help_), \
      .max = (max_) }
#define CLI_CHOICE_ROW(name_, letter_, type, field, value_, help_) \
    { .name = (name_), .letter = (letter_), .kind = CLI_CHOICE, .at = offsetof(type, field), .value = (value_), .help = (help_) }
/* An option of the contract that is built later; it needs no field. */
#define CLI_NOT_YET_ROW(name_) { .name = (name_), .kind = CLI_FLAG, .is_not_yet = true }

#define CLI_OPTIONS(rows) .options = (rows), .n_options = ARRAY_LEN(rows)
/* The options struct, and its struct cli_list that takes the arguments which are not options. */
#define CLI_INTO(type, arguments_field) .options_bytes = sizeof(type), .arguments_at = offsetof(type, arguments_field)

struct cli_command {
    const char *name;      /* "verify", or "trust add" */
    const char *arguments; /* "BUNDLE [MEMBER...]" in the help text; null: none */
    const char *summary;   /* one line without full stop */
    const char *details;   /* more lines for `help COMMAND`, or null */
    const struct cli_option *options;
    size_t n_options;
    size_t options_bytes;
    const void *defaults; /* an options struct to begin with; null: all zero */
    size_t arguments_at;
    size_t min_arguments;
    size_t max_arguments; /* SIZE_MAX: any number */
    bool (*run)(struct cli_context *ctx, const void *options, struct err *e); /* null: not in this version */
};

/* A word that people try, and the command that does it. */
struct cli_synonym {
    const char *word;
    const char *command;
};

struct cli_program {
    const char *name;    /* "archon-load" */
    const char *summary; /* one line */
    const char *version;
    const struct cli_command *commands;
    size_t n_commands;
    const char *default_command;       /* for a first argument that looks like a file, and for options alone; null: none */
    const char *const *keep_variables; /* see start_process */
    const struct cli_synonym *synonyms; /* for "did you mean" */
    size_t n_synonyms;
};

/* The whole program: puts the process in order, parses, runs, reports. The exit status. */
int cli_main(const struct cli_program *p, int argc, char **argv);

/* The same without start_process, on given streams: for tests. */
int cli_run(const struct cli_program *p, int argc, char **argv, FILE *out, FILE *err_out);

/* ---- for cli_main, and tests of the parser ---- */

enum cli_action { CLI_RUN, CLI_HELP, CLI_VERSION };

struct cli_parsed {
    enum cli_action action;
    const struct cli_command *command; /* null: help about the program */
    const char *group;                 /* with CLI_HELP: about the commands that begin with this word; else null. Borrows argv */
    void *options;                     /* of the command */
    struct cli_globals globals;
};

/* ERR_USAGE with the nearest name, or what was expected. Globals are filled as far as was read also on failure, so that the
 * error is reported in the form asked for. */
MUST_CHECK bool cli_parse(const struct cli_program *p, int argc, char **argv, struct cli_parsed *out, struct err *e);
void cli_parsed_clear(struct cli_parsed *parsed);

/* Help about the program (command null) or one command; and about the commands of a group, "trust". */
void cli_help(const struct cli_program *p, const struct cli_command *command, FILE *out);
void cli_help_group(const struct cli_program *p, const char *group, FILE *out);

#endif
