/* Lines above, the bar below. A lost line of the story is not worth an error: standard error may be closed. */
#include "cli/screen.h"

#include <string.h>

#include "base/mem.h"
#include "sys/work.h"

#include "base/banned.h"

struct cli_screen {
    FILE *stream;
    bool is_terminal;
    bool has_color;
    struct work_mutex *mutex;
    char *bar; /* shown now; null: none */
};

struct cli_screen *screen_new(FILE *stream, bool is_terminal, bool has_color)
{
    struct cli_screen *s = mem_new(sizeof *s);
    *s = (struct cli_screen){ .stream = stream, .is_terminal = is_terminal, .has_color = has_color, .mutex = work_mutex_new() };
    return s;
}

void screen_free(struct cli_screen *s)
{
    if (s == NULL)
        return;
    screen_bar(s, NULL);
    work_mutex_free(s->mutex);
    mem_free(s->bar);
    mem_free(s);
}

bool screen_is_terminal(const struct cli_screen *s)
{
    return s->is_terminal;
}

bool screen_has_color(const struct cli_screen *s)
{
    return s->has_color;
}

/* "\r", "erase to the end of the line" and "one line up": what every terminal can do. */
static void erase_bar(struct cli_screen *s)
{
    if (s->bar == NULL)
        return;
    fputs("\r\033[K", s->stream);
    for (const char *c = s->bar; *c != '\0'; c++)
        if (*c == '\n')
            fputs("\033[1A\033[K", s->stream);
}

void screen_line(struct cli_screen *s, const char *line)
{
    work_mutex_lock(s->mutex);
    erase_bar(s);
    fprintf(s->stream, "%s\n", line);
    if (s->bar != NULL)
        fputs(s->bar, s->stream);
    fflush(s->stream);
    work_mutex_unlock(s->mutex);
}

void screen_bar(struct cli_screen *s, const char *text)
{
    if (!s->is_terminal)
        return;
    work_mutex_lock(s->mutex);
    erase_bar(s);
    mem_free(s->bar);
    s->bar = mem_text(text);
    if (s->bar != NULL)
        fputs(s->bar, s->stream);
    fflush(s->stream);
    work_mutex_unlock(s->mutex);
}
