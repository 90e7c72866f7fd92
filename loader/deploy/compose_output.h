/* Private to compose_tool: the lines of a compose run. */
#ifndef DEPLOY_COMPOSE_OUTPUT_H
#define DEPLOY_COMPOSE_OUTPUT_H

#include "loader/deploy/compose_tool.h"

enum { COMPOSE_OUTPUT_LINES = 4 };

struct compose_output {
    const struct compose_run *r; /* who listens, and the values whose secrets are hidden */
    char *lines[COMPOSE_OUTPUT_LINES]; /* the last ones that are no progress, in a ring */
    size_t n;
    bool is_engine; /* one of all lines spoke of the engine, not of a service */
};

/* For proc_spec.on_line; ctx is a struct compose_output. */
void compose_output_take(void *ctx, const char *line);
/* Appends "a / b / c", the newest last. */
void compose_output_text(const struct compose_output *o, struct buf *out);
void compose_output_clear(struct compose_output *o);

/* One line without escape sequences, carriage returns and secrets, appended. */
void compose_output_clean(const struct compose_run *r, const char *line, struct buf *out);
/* Lines that help nobody. */
bool compose_output_is_noise(const char *line);

#endif
