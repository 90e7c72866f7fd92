/* Help, made from the table. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/options.h"

#include "base/banned.h"

enum { WIDTH = 100, MAX_LEFT = 34 };

/* Words of a text in lines of WIDTH, the second and later ones indented. */
static void print_wrapped(FILE *out, const char *text, size_t indent)
{
    size_t column = indent;
    bool is_first = true;
    while (*text != '\0') {
        size_t n = strcspn(text, " ");
        if (!is_first && column + 1 + n > WIDTH) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!is_first) {
            fputc(' ', out);
            column++;
        }
        fwrite(text, 1, n, out);
        column += n;
        text += n;
        while (*text == ' ')
            text++;
        is_first = false;
    }
    fputc('\n', out);
}

static void print_row(FILE *out, const char *left, const char *right, size_t width)
{
    fprintf(out, "  %-*s", (int)width, left);
    if (strlen(left) > width)
        fprintf(out, "\n  %*s", (int)width, "");
    fputs("  ", out);
    print_wrapped(out, right, width + 4);
}

/* "-o, --output FILE" */
static char *left_of(const struct cli_option *o)
{
    char letter[] = { '-', o->letter, ',', ' ', '\0' };
    const char *before = o->kind == CLI_FLAG ? "" : o->kind == CLI_MAYBE ? "[=" : " ";
    return mem_format("%s--%s%s%s%s", o->letter != 0 ? letter : "    ", o->name, before, o->kind == CLI_FLAG ? "" : o->value,
                      o->kind == CLI_MAYBE ? "]" : "");
}

static void print_options(FILE *out, const char *title, const struct cli_option *rows, size_t n)
{
    size_t width = 0;
    for (size_t i = 0; i < n; i++) {
        AUTO(mem_auto) char *left = left_of(&rows[i]);
        if (rows[i].help != NULL && strlen(left) > width && strlen(left) <= MAX_LEFT)
            width = strlen(left);
    }
    if (width == 0)
        return;
    fprintf(out, "\n%s\n", title);
    for (size_t i = 0; i < n; i++) {
        AUTO(mem_auto) char *left = left_of(&rows[i]);
        if (rows[i].help != NULL)
            print_row(out, left, rows[i].help, width);
    }
}

/* Commands whose names begin so: all with "". */
static void print_commands(FILE *out, const struct cli_program *p, const char *prefix)
{
    size_t width = 0;
    fputs("\nCommands\n", out);
    for (size_t i = 0; i < p->n_commands; i++)
        if (p->commands[i].run != NULL && text_starts(p->commands[i].name, prefix) && strlen(p->commands[i].name) > width)
            width = strlen(p->commands[i].name);
    for (size_t i = 0; i < p->n_commands; i++)
        if (p->commands[i].run != NULL && text_starts(p->commands[i].name, prefix))
            print_row(out, p->commands[i].name, p->commands[i].summary, width);
}

static void print_later(FILE *out, const struct cli_program *p, const char *prefix)
{
    AUTO(buf_clear_auto) struct buf names = BUF_LIMIT(2000);
    for (size_t i = 0; i < p->n_commands; i++)
        if (p->commands[i].run == NULL && text_starts(p->commands[i].name, prefix))
            buf_addf(&names, "%s%s", names.len > 0 ? ", " : "", p->commands[i].name);
    if (names.len == 0)
        return;
    fputs("\nNot in this version: ", out);
    print_wrapped(out, buf_text(&names), 2);
}

static void help_program(const struct cli_program *p, FILE *out)
{
    fprintf(out, "%s: %s\n\nUsage: %s COMMAND [OPTIONS] [ARGUMENTS]\n", p->name, p->summary, p->name);
    print_commands(out, p, "");
    print_later(out, p, "");
    print_options(out, "Options of every command", cli_global_rows, cli_n_global_rows);
    fprintf(out, "\n%s help COMMAND tells more.\n", p->name);
}

static void help_command(const struct cli_program *p, const struct cli_command *c, FILE *out)
{
    fprintf(out, "%s %s: %s%s\n", p->name, c->name, c->summary, c->run == NULL ? " (not in this version)" : "");
    fprintf(out, "\nUsage: %s %s%s%s%s\n", p->name, c->name, c->n_options > 0 ? " [OPTIONS]" : "", c->arguments != NULL ? " " : "",
            c->arguments != NULL ? c->arguments : "");
    if (c->details != NULL) {
        fputc('\n', out);
        print_wrapped(out, c->details, 0);
    }
    print_options(out, "Options", c->options, c->n_options);
    fprintf(out, "\nOptions that every command has: %s help\n", p->name);
}

void cli_help_group(const struct cli_program *p, const char *group, FILE *out)
{
    AUTO(mem_auto) char *prefix = mem_format("%s ", group);
    fprintf(out, "Usage: %s %s COMMAND [OPTIONS] [ARGUMENTS]\n", p->name, group);
    print_commands(out, p, prefix);
    print_later(out, p, prefix);
    fprintf(out, "\n%s help %s COMMAND tells more.\n", p->name, group);
}

void cli_help(const struct cli_program *p, const struct cli_command *command, FILE *out)
{
    if (command != NULL)
        help_command(p, command, out);
    else
        help_program(p, out);
}
