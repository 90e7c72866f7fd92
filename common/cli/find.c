/* Finding rows of the tables by what was typed, and what to say when there is none. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/options.h"

#include "base/banned.h"

enum { MAX_NAMES = 200 };

const struct cli_command *cli_command_named(const struct cli_program *p, const char *name)
{
    for (size_t i = 0; i < p->n_commands; i++)
        if (text_is(p->commands[i].name, name))
            return &p->commands[i];
    return NULL;
}

const char *cli_nearest_option(const struct cli_command *c, const char *name)
{
    const char *names[MAX_NAMES];
    size_t n = 0;
    for (size_t i = 0; i < cli_n_global_rows; i++)
        names[n++] = cli_global_rows[i].name;
    for (size_t i = 0; c != NULL && i < c->n_options && n < MAX_NAMES; i++)
        names[n++] = c->options[i].name;
    return text_nearest(name, names, n);
}

bool cli_is_group(const struct cli_program *p, const char *word)
{
    AUTO(mem_auto) char *prefix = mem_format("%s ", word);
    for (size_t i = 0; i < p->n_commands; i++)
        if (text_starts(p->commands[i].name, prefix))
            return true;
    return false;
}

static bool refuse_group(const struct cli_program *p, const char *group, const char *found, struct err *e)
{
    AUTO(mem_auto) char *prefix = mem_format("%s ", group);
    AUTO(buf_clear_auto) struct buf names = BUF_LIMIT(300);
    for (size_t i = 0; i < p->n_commands; i++)
        if (text_starts(p->commands[i].name, prefix))
            buf_addf(&names, "%s%s", names.len > 0 ? ", " : "", p->commands[i].name + strlen(prefix));
    if (found == NULL)
        err_set(e, ERR_USAGE, "%s: expected one of %s behind it", group, buf_text(&names));
    else
        err_set(e, ERR_USAGE, "%s %s: unknown command, expected one of %s", group, SHOWN(found), buf_text(&names));
    return err_hint(e, "%s help %s", p->name, group);
}

/* A word that is known to mean a command; else the only command that begins with it ("load": load-images); null: none. */
static const char *meant_by(const struct cli_program *p, const char *word)
{
    const char *only = NULL;
    for (size_t i = 0; i < p->n_synonyms; i++)
        if (text_is(p->synonyms[i].word, word))
            return p->synonyms[i].command;
    for (size_t i = 0; i < p->n_commands && strlen(word) > 2; i++)
        if (text_starts(p->commands[i].name, word)) {
            if (only != NULL)
                return NULL;
            only = p->commands[i].name;
        }
    return only;
}

static bool refuse_unknown_command(const struct cli_program *p, const char *word, struct err *e)
{
    char words[MAX_NAMES][32]; /* first words: the others belong to groups */
    const char *names[MAX_NAMES];
    size_t n = 0;
    for (; n < p->n_commands && n < MAX_NAMES; n++) {
        const char *name = p->commands[n].name;
        snprintf(words[n], sizeof words[n], "%.*s", (int)strcspn(name, " "), name);
        names[n] = words[n];
    }
    const char *near = meant_by(p, word);
    if (near == NULL)
        near = text_nearest(word, names, n);
    err_set(e, ERR_USAGE, "%s: unknown command", SHOWN(word));
    if (near != NULL)
        err_hint(e, "did you mean: %s %s", p->name, near);
    return err_hint(e, "%s help", p->name);
}

static bool looks_like_file(const char *word)
{
    return strpbrk(word, "/.") != NULL;
}

bool cli_find_command(const struct cli_program *p, const char *word, const char *next, const struct cli_command **out, int *n_words,
                      struct err *e)
{
    *n_words = 1;
    *out = cli_command_named(p, word);
    if (*out != NULL)
        return true;
    if (cli_is_group(p, word)) {
        AUTO(mem_auto) char *both = mem_format("%s %s", word, next == NULL ? "" : next);
        *n_words = 2;
        *out = cli_command_named(p, both);
        return *out != NULL || refuse_group(p, word, next != NULL && next[0] != '-' ? next : NULL, e);
    }
    *n_words = 0;
    if (p->default_command != NULL && looks_like_file(word)) {
        *out = cli_command_named(p, p->default_command);
        return true;
    }
    return refuse_unknown_command(p, word, e);
}
