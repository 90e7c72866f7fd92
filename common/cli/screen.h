/* Standard error as a place with lines and, on a terminal, a bar of one or more lines below them. Any thread may write. */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include <stdio.h>

#include "base/auto.h"

struct cli_screen;

/* Borrows the stream. */
struct cli_screen *screen_new(FILE *stream, bool is_terminal, bool has_color);
void screen_free(struct cli_screen *s);

bool screen_is_terminal(const struct cli_screen *s);
bool screen_has_color(const struct cli_screen *s);

/* A whole line (without newline) above the bar. */
void screen_line(struct cli_screen *s, const char *line);
/* The bar's text, lines between newlines; null takes the bar away. Each must be narrower than the terminal, all lower than it. Nothing happens where there is no terminal. */
void screen_bar(struct cli_screen *s, const char *text);

#endif
