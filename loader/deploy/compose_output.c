/* What compose prints, made fit for people: no cursor movements, no secrets, no noise; and of a failure the lines that say why. */
#include "loader/deploy/compose_output.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

/* What compose says when the engine or its images are the trouble. Everything else that makes `up` fail is a service that does not run. */
static bool speaks_of_engine(const char *line)
{
    static const char *const parts[] = {
        "Cannot connect to the Docker daemon", "Couldn't connect to Docker daemon", "permission denied while trying to connect",
        "No such image", "no such image", "pull access denied", "Error while fetching server API version",
    };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (strstr(line, parts[i]) != NULL)
            return true;
    return text_starts(line, "Pulling "); /* compose 1 cannot be told not to; it does so for an image that is missing */
}

/* " Container shop-db-1  Started" of compose 2, "Creating shop_db_1 ... done" of compose 1: how it goes, not what went wrong. */
static bool is_progress(const char *line)
{
    return text_starts(line, " Container ") || text_starts(line, " Network ") || text_starts(line, " Volume ") ||
           text_ends(line, " ... ") || text_ends(line, " ... done") || text_ends(line, " is up-to-date") || text_starts(line, "Creating ");
}

/* Nobody here can do anything about it: the author's file has the key for compose 1, or the container is told from its name. */
bool compose_output_is_noise(const char *line)
{
    return line[0] == '\0' || strstr(line, "attribute `version` is obsolete") != NULL || text_starts(line, "Attaching to ");
}

/* Without what moves a cursor, the end of line of a terminal, and secrets. */
void compose_output_clean(const struct compose_run *r, const char *line, struct buf *out)
{
    AUTO(buf_clear_auto) struct buf plain = BUF_LIMIT(out->max);
    for (const char *p = line; *p != '\0'; p++) {
        if (p[0] == '\x1b' && p[1] == '[') {
            p += 2 + strspn(p + 2, "0123456789;?");
            if (*p == '\0')
                break;
        } else if (*p != '\r') {
            buf_addc(&plain, *p);
        }
    }
    values_redact(r->values, buf_text(&plain), out);
}

void compose_output_take(void *ctx, const char *line)
{
    struct compose_output *t = ctx;
    AUTO(buf_clear_auto) struct buf clean = BUF_LIMIT(LIMIT_PATH_BYTES);
    compose_output_clean(t->r, line, &clean);
    const char *text = buf_text(&clean);
    if (compose_output_is_noise(text) || strspn(text, " \t") == strlen(text))
        return;
    AUTO(mem_auto) char *shown = mem_text(SHOWN(text));
    if (t->r->on_line != NULL)
        t->r->on_line(t->r->on_line_ctx, shown);
    t->is_engine = t->is_engine || speaks_of_engine(text);
    if (is_progress(text))
        return;
    mem_free(t->lines[t->n % COMPOSE_OUTPUT_LINES]);
    t->lines[t->n++ % COMPOSE_OUTPUT_LINES] = TAKE(shown);
}

void compose_output_clear(struct compose_output *t)
{
    for (size_t i = 0; i < COMPOSE_OUTPUT_LINES; i++)
        mem_free(t->lines[i]);
}

/* "a / b / c", the newest last. */
void compose_output_text(const struct compose_output *t, struct buf *out)
{
    size_t first = t->n > COMPOSE_OUTPUT_LINES ? t->n - COMPOSE_OUTPUT_LINES : 0;
    for (size_t i = first; i < t->n; i++)
        buf_addf(out, "%s%s", out->len > 0 ? " / " : "", t->lines[i % COMPOSE_OUTPUT_LINES]);
}
