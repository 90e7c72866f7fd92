/* The parser of command lines: one pass over the words, each an option of the program, an option of the command, or an
 * argument. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/options.h"

#include "base/banned.h"

#define GLOBAL(field) .at = offsetof(struct cli_globals, field)

const struct cli_option cli_global_rows[] = {
    { .name = "json", .kind = CLI_MAYBE, GLOBAL(json), .value = "stream", .help = "results as one JSON document, or as JSON lines with progress" },
    { .name = "quiet", .letter = 'q', .kind = CLI_FLAG, GLOBAL(is_quiet), .help = "warnings and errors only" },
    { .name = "verbose", .letter = 'v', .kind = CLI_FLAG, GLOBAL(is_verbose), .help = "say more" },
    { .name = "log-format", .kind = CLI_CHOICE, GLOBAL(log_format), .value = "text|json", .help = "form of the lines on standard error" },
    { .name = "log-file", .kind = CLI_TEXT, GLOBAL(log_file), .value = "FILE", .help = "append the log to a file too" },
    { .name = "no-progress", .kind = CLI_FLAG, GLOBAL(is_without_progress), .help = "no progress" },
    { .name = "color", .kind = CLI_CHOICE, GLOBAL(color), .value = "auto|always|never", .help = "colours on standard error" },
    { .name = "help", .letter = 'h', .kind = CLI_FLAG, GLOBAL(is_help), .help = "this text" },
    { .name = "version", .kind = CLI_FLAG, GLOBAL(is_version), .help = "the version of this program" },
};
const size_t cli_n_global_rows = ARRAY_LEN(cli_global_rows);

/* ---- finding ---- */

/* One word of the command line that is an option: its row, where its value goes, and the value after "=" if there is one. */
struct found {
    const struct cli_option *row;
    char *into;
    const char *value;
    char shown[80]; /* "--name" or "-x" for messages */
};

struct parser {
    const struct cli_program *program;
    struct cli_parsed *out;
    int argc;
    char **argv;
    int at;
    bool has_command;   /* a command was named, or the default one was taken */
    bool is_guessed;    /* the default one, for an option before any other word */
    bool is_only_words; /* after "--" */
    struct cli_list arguments;
    struct cli_list given; /* names of options that were given, to notice the second time */
};

static const struct cli_option *row_named(const struct cli_option *rows, size_t n, const char *name, size_t name_n, char letter)
{
    for (size_t i = 0; i < n; i++) {
        if (letter != 0 && rows[i].letter == letter)
            return &rows[i];
        if (letter == 0 && strlen(rows[i].name) == name_n && memcmp(rows[i].name, name, name_n) == 0)
            return &rows[i];
    }
    return NULL;
}

/* A command's own options first: after `create`, --version is that of the release. */
static bool find_row(const struct parser *p, const char *name, size_t n, char letter, struct found *f)
{
    const struct cli_command *c = p->out->command;
    f->row = c == NULL ? NULL : row_named(c->options, c->n_options, name, n, letter);
    f->into = p->out->options;
    if (f->row == NULL) {
        f->row = row_named(cli_global_rows, cli_n_global_rows, name, n, letter);
        f->into = (char *)&p->out->globals;
    }
    return f->row != NULL;
}

/* "create: " when a command is known. */
static bool refuse(const struct parser *p, struct err *e)
{
    if (p->out->command != NULL)
        err_in(e, "%s", p->out->command->name);
    if (p->out->command != NULL)
        return err_hint(e, "%s help %s", p->program->name, p->out->command->name);
    return err_hint(e, "%s help", p->program->name);
}

static bool refuse_unknown_option(const struct parser *p, const char *word, size_t n, struct err *e)
{
    const struct cli_command *c = p->out->command;
    if (c == NULL && p->program->default_command != NULL)
        c = cli_command_named(p->program, p->program->default_command);
    AUTO(mem_auto) char *name = mem_text_n(n > 2 ? word + 2 : "", n > 2 ? n - 2 : 0);
    const char *near = cli_nearest_option(c, name);
    if (p->out->command != NULL && p->out->command->run == NULL) /* its options will come with it */
        return err_set(e, ERR_USAGE, "%s: not in this version", p->out->command->name);
    err_set(e, ERR_USAGE, "%s: unknown option", SHOWN_N(word, n));
    if (near != NULL)
        err_hint(e, "did you mean --%s?", near);
    return refuse(p, e);
}

/* ---- options ---- */

static bool note_given(struct parser *p, const struct found *f, struct err *e)
{
    if (f->row->kind == CLI_LIST || f->row->kind == CLI_FLAG)
        return true;
    for (size_t i = 0; i < p->given.n; i++)
        if (p->given.items[i] == f->row->name)
            return err_set(e, ERR_USAGE, "%s: given twice", f->shown);
    MEM_PUSH(p->given.items, p->given.n, p->given.cap) = f->row->name;
    return true;
}

static bool set_value(struct parser *p, const struct found *f, const char *value, struct err *e)
{
    return note_given(p, f, e) && cli_value_set(f->row, f->into, f->shown, value, e);
}

/* The value of an option that was found: what is after "=", else the next word. */
static bool take_option(struct parser *p, struct found *f, struct err *e)
{
    bool needs_value = f->row->kind != CLI_FLAG && f->row->kind != CLI_MAYBE;
    if (f->row->is_not_yet)
        return err_set(e, ERR_USAGE, "%s: not in this version", f->shown);
    if (f->row->kind == CLI_FLAG && f->value != NULL)
        return err_set(e, ERR_USAGE, "%s: takes no value", f->shown);
    if (needs_value && f->value == NULL) {
        if (p->at >= p->argc)
            return err_set(e, ERR_USAGE, "%s: expected %s behind it", f->shown, f->row->value);
        f->value = p->argv[p->at++];
    }
    if (needs_value && f->value[0] == '\0')
        return err_set(e, ERR_USAGE, "%s: is empty, expected %s", f->shown, f->row->value);
    return set_value(p, f, f->value == NULL ? "" : f->value, e);
}

/* ---- words ---- */

static bool take_long(struct parser *p, const char *word, struct err *e)
{
    struct found f = { 0 };
    size_t n = strcspn(word, "=");
    if (!find_row(p, word + 2, n - 2, 0, &f))
        return refuse_unknown_option(p, word, n, e);
    f.value = word[n] == '=' ? word + n + 1 : NULL;
    snprintf(f.shown, sizeof f.shown, "--%s", f.row->name);
    return take_option(p, &f, e) || refuse(p, e);
}

/* "-qv", "-o FILE", "-oFILE" */
static bool take_letters(struct parser *p, const char *word, struct err *e)
{
    for (const char *letter = word + 1; *letter != '\0'; letter++) {
        struct found f = { 0 };
        snprintf(f.shown, sizeof f.shown, "-%c", *letter);
        if (!find_row(p, "", 0, *letter, &f))
            return refuse_unknown_option(p, word, strlen(word), e);
        bool is_flag = f.row->kind == CLI_FLAG || f.row->kind == CLI_MAYBE;
        if (!is_flag && letter[1] != '\0')
            f.value = letter + 1;
        if (!take_option(p, &f, e))
            return refuse(p, e);
        if (!is_flag)
            return true;
    }
    return true;
}

/* ---- commands ---- */

static void choose(struct parser *p, const struct cli_command *c)
{
    p->has_command = true;
    p->out->command = c;
    if (c->options_bytes == 0)
        return;
    p->out->options = mem_new(c->options_bytes);
    if (c->defaults != NULL)
        memcpy(p->out->options, c->defaults, c->options_bytes);
}

/* "help trust", "trust --help": what commands of that group there are. */
static bool take_group_help(struct parser *p, const char *group)
{
    p->out->action = CLI_HELP;
    p->out->group = group;
    p->at = p->argc;
    return true;
}

static bool take_help(struct parser *p, struct err *e)
{
    int n_words;
    p->out->action = CLI_HELP;
    if (p->at >= p->argc)
        return true;
    const char *word = p->argv[p->at++];
    const char *next = p->at < p->argc ? p->argv[p->at] : NULL;
    if (next == NULL && cli_is_group(p->program, word))
        return take_group_help(p, word);
    if (!cli_find_command(p->program, word, next, &p->out->command, &n_words, e))
        return false;
    p->at = p->argc;
    return true;
}

/* archon-load --yes install BUNDLE: the guess was right. Any other command has no such option. */
static bool take_late_command(struct parser *p, const char *word, struct err *e)
{
    p->is_guessed = false;
    if (text_is(p->out->command->name, word))
        return true;
    return err_set(e, ERR_USAGE, "%s: the command goes before its options", word) || refuse(p, e);
}

static bool take_word(struct parser *p, const char *word, struct err *e)
{
    const struct cli_command *c;
    int n_words;
    if (p->is_guessed && !p->is_only_words && cli_command_named(p->program, word) != NULL)
        return take_late_command(p, word, e);
    if (p->has_command) {
        p->is_guessed = false;
        MEM_PUSH(p->arguments.items, p->arguments.n, p->arguments.cap) = word;
        return true;
    }
    const char *next = p->at < p->argc ? p->argv[p->at] : NULL;
    if (text_is(word, "help"))
        return take_help(p, e);
    if ((text_is(next, "--help") || text_is(next, "-h")) && cli_is_group(p->program, word))
        return take_group_help(p, word);
    if (!cli_find_command(p->program, word, next, &c, &n_words, e))
        return false;
    choose(p, c);
    p->at += n_words - 1; /* the first argument of the default command is read again, now as such */
    return true;
}

/* Before any command an option of the default command is understood too: archon-load --offline-bundle=F. */
static void choose_default_for(struct parser *p, const char *word)
{
    struct found f;
    size_t n = strcspn(word, "=");
    bool is_long = word[1] == '-';
    if (p->has_command || p->program->default_command == NULL || find_row(p, is_long ? word + 2 : "", is_long ? n - 2 : 0, is_long ? 0 : word[1], &f))
        return;
    const struct cli_command *c = cli_command_named(p->program, p->program->default_command);
    if (row_named(c->options, c->n_options, is_long ? word + 2 : "", is_long ? n - 2 : 0, is_long ? 0 : word[1]) != NULL) {
        choose(p, c);
        p->is_guessed = true;
    }
}

static bool take_all(struct parser *p, struct err *e)
{
    while (p->at < p->argc) {
        const char *word = p->argv[p->at++];
        bool is_option = !p->is_only_words && word[0] == '-' && word[1] != '\0';
        if (is_option && text_is(word, "--")) {
            p->is_only_words = true;
            continue;
        }
        if (is_option)
            choose_default_for(p, word);
        bool is_taken = !is_option ? take_word(p, word, e) : word[1] == '-' ? take_long(p, word, e) : take_letters(p, word, e);
        if (!is_taken)
            return false;
    }
    return true;
}

/* ---- the whole ---- */

static bool check_arguments(struct parser *p, struct err *e)
{
    const struct cli_command *c = p->out->command;
    if (p->arguments.n < c->min_arguments)
        return err_set(e, ERR_USAGE, "expected %s", c->arguments) || refuse(p, e);
    if (p->arguments.n > c->max_arguments)
        return err_set(e, ERR_USAGE, "%s: one argument too many", SHOWN(p->arguments.items[c->max_arguments])) || refuse(p, e);
    return true;
}

static bool check(struct parser *p, struct err *e)
{
    const struct cli_globals *g = &p->out->globals;
    if (g->json != NULL && g->json[0] != '\0' && !text_is(g->json, "stream"))
        return err_set(e, ERR_USAGE, "--json=%s: expected --json or --json=stream", SHOWN(g->json));
    if (g->is_quiet && g->is_verbose)
        return err_set(e, ERR_USAGE, "--quiet and --verbose: expected one of them");
    if (g->is_version)
        p->out->action = CLI_VERSION;
    if (g->is_help)
        p->out->action = CLI_HELP;
    if (p->out->action != CLI_RUN)
        return true;
    if (p->out->command == NULL)
        return err_set(e, ERR_USAGE, "expected a command") || err_hint(e, "%s help", p->program->name);
    if (p->out->command->run == NULL)
        return err_set(e, ERR_USAGE, "%s: not in this version", p->out->command->name);
    return check_arguments(p, e);
}

static void hand_arguments_over(struct parser *p)
{
    const struct cli_command *c = p->out->command;
    if (c == NULL || c->max_arguments == 0 || p->out->options == NULL)
        return;
    struct cli_list *to = (struct cli_list *)(void *)((char *)p->out->options + c->arguments_at);
    *to = p->arguments;
    p->arguments = (struct cli_list){ 0 };
}

static void parser_clear(struct parser *p)
{
    mem_free(p->arguments.items);
    mem_free(p->given.items);
}

/* Who asked for JSON gets the error as JSON too, even when the wrong word came first. */
static void look_for_json(struct parser *p)
{
    for (int i = p->at; i < p->argc && !text_is(p->argv[i], "--"); i++) {
        if (text_is(p->argv[i], "--json"))
            p->out->globals.json = "";
        else if (text_is(p->argv[i], "--json=stream"))
            p->out->globals.json = "stream";
    }
}

bool cli_parse(const struct cli_program *program, int argc, char **argv, struct cli_parsed *out, struct err *e)
{
    *out = (struct cli_parsed){ .action = CLI_RUN };
    AUTO(parser_clear) struct parser p = { .program = program, .out = out, .argc = argc, .argv = argv, .at = 1 };
    bool is_good = take_all(&p, e) && check(&p, e);
    if (is_good)
        hand_arguments_over(&p);
    else
        look_for_json(&p);
    return is_good;
}

void cli_parsed_clear(struct cli_parsed *parsed)
{
    const struct cli_command *c = parsed->command;
    for (size_t i = 0; parsed->options != NULL && i < c->n_options; i++)
        if (c->options[i].kind == CLI_LIST && !c->options[i].is_not_yet)
            mem_free(((struct cli_list *)(void *)((char *)parsed->options + c->options[i].at))->items);
    if (parsed->options != NULL && c->max_arguments > 0)
        mem_free(((struct cli_list *)(void *)((char *)parsed->options + c->arguments_at))->items);
    mem_free(parsed->options);
    *parsed = (struct cli_parsed){ 0 };
}
