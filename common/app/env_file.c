/* A line-wise reader with a cursor; quoted values may not run over the end of a line. */
#include "app/env_file.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"

#include "base/banned.h"

struct cursor {
    const char *p;
    const char *end; /* of the line, without its newline */
    const char *what;
    unsigned line;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void skip_blanks(struct cursor *c)
{
    while (c->p < c->end && is_blank(*c->p))
        c->p++;
}

static bool is_name_char(char ch, bool is_first)
{
    return (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z') || ch == '_' || (!is_first && ch >= '0' && ch <= '9');
}

static bool line_error(const struct cursor *c, const char *text, struct err *e)
{
    return err_set(e, ERR_CONFIG, "%s:%u: %s", c->what, c->line, text);
}

static bool read_name(struct cursor *c, struct env_pair *out, struct err *e)
{
    if (c->end - c->p > 7 && memcmp(c->p, "export", 6) == 0 && is_blank(c->p[6])) {
        c->p += 6;
        skip_blanks(c);
    }
    const char *start = c->p;
    while (c->p < c->end && is_name_char(*c->p, c->p == start))
        c->p++;
    size_t n = (size_t)(c->p - start);
    skip_blanks(c);
    if (n == 0 || c->p == c->end || *c->p != '=')
        return line_error(c, "expected NAME=VALUE", e);
    c->p++;
    skip_blanks(c);
    out->name = mem_text_n(start, n);
    return true;
}

/* After a closing quote: nothing but a comment. */
static bool read_rest(struct cursor *c, struct err *e)
{
    skip_blanks(c);
    if (c->p == c->end || *c->p == '#')
        return true;
    return line_error(c, "text after the closing quote", e);
}

/* Everything up to the next quote, as a shell reads it. */
static bool read_single(struct cursor *c, struct buf *value, struct err *e)
{
    for (c->p++; c->p < c->end && *c->p != '\''; c->p++)
        buf_addc(value, *c->p);
    if (c->p == c->end)
        return line_error(c, "single quote is not closed on its line", e);
    c->p++;
    return read_rest(c, e);
}

static bool read_double(struct cursor *c, struct buf *value, bool *is_doubtful, struct err *e)
{
    static const char escapes[] = "n\nr\rt\t\"\"\\\\$$";
    for (c->p++; c->p < c->end && *c->p != '"'; c->p++) {
        char ch = *c->p;
        const char *hit = NULL;
        for (size_t i = 0; ch == '\\' && c->p + 1 < c->end && i + 1 < sizeof escapes - 1; i += 2)
            hit = escapes[i] == c->p[1] ? &escapes[i + 1] : hit;
        if (hit != NULL) {
            c->p++;
            ch = *hit;
        } else if (ch == '$') {
            *is_doubtful = true;
        }
        buf_addc(value, ch);
    }
    if (c->p == c->end)
        return line_error(c, "double quote is not closed on its line", e);
    c->p++;
    return read_rest(c, e);
}

static void read_bare(struct cursor *c, struct buf *value, bool *is_doubtful)
{
    const char *end = c->p;
    while (end < c->end && !(*end == '#' && (end == c->p || is_blank(end[-1]))))
        end++;
    while (end > c->p && is_blank(end[-1]))
        end--;
    buf_add(value, c->p, (size_t)(end - c->p));
    *is_doubtful = memchr(c->p, '$', (size_t)(end - c->p)) != NULL;
}

static bool read_value(struct cursor *c, struct buf *value, struct env_pair *out, struct err *e)
{
    bool ok = true;
    if (c->p < c->end && *c->p == '\'')
        ok = read_single(c, value, e);
    else if (c->p < c->end && *c->p == '"')
        ok = read_double(c, value, &out->is_doubtful, e);
    else
        read_bare(c, value, &out->is_doubtful);
    if (ok && value->over)
        err_set(e, ERR_CONFIG, "%s:%u: %s is longer than %zu bytes", c->what, c->line, out->name, value->max);
    return ok && !value->over;
}

static bool read_line(struct env_pairs *out, struct cursor *c, struct err *e)
{
    skip_blanks(c);
    if (c->p == c->end || *c->p == '#')
        return true;
    if (out->n >= LIMIT_VARIABLES)
        return err_set(e, ERR_CONFIG, "%s: more than %d variables", c->what, LIMIT_VARIABLES);
    struct env_pair pair = { .line = c->line };
    AUTO(buf_clear_auto) struct buf value = BUF_LIMIT(LIMIT_VALUE_BYTES);
    bool ok = read_name(c, &pair, e) && read_value(c, &value, &pair, e);
    for (size_t i = 0; ok && i < out->n; i++)
        if (text_is(out->items[i].name, pair.name))
            ok = err_set(e, ERR_CONFIG, "%s:%u: %s is set a second time, first in line %u", c->what, c->line, SHOWN(pair.name),
                         out->items[i].line);
    if (!ok) {
        mem_free(pair.name);
        secret_wipe(value.data, value.len);
        return false;
    }
    pair.value = buf_take(&value);
    MEM_PUSH(out->items, out->n, out->cap) = pair;
    return true;
}

bool env_file_read(struct env_pairs *out, const char *text, size_t n, const char *what, struct err *e)
{
    if (n > LIMIT_ENV_FILE_BYTES)
        return err_set(e, ERR_CONFIG, "%s: %zu bytes, at most %ju", what, n, (uintmax_t)LIMIT_ENV_FILE_BYTES);
    if (memchr(text, '\0', n) != NULL || !text_is_utf8(text, n))
        return err_set(e, ERR_CONFIG, "%s: not a UTF-8 text", what);
    unsigned line = 1;
    for (const char *p = text, *end = text + n; p < end; line++) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        const char *stop = newline == NULL ? end : newline;
        struct cursor c = { .p = p, .end = stop, .what = what, .line = line };
        if (c.end > c.p && c.end[-1] == '\r')
            c.end--;
        if (!read_line(out, &c, e))
            return false;
        p = newline == NULL ? end : newline + 1;
    }
    return true;
}

const char *env_pairs_get(const struct env_pairs *p, const char *name, const char *what, struct err *e)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct env_pair *pair = &p->items[i];
        if (!text_is(pair->name, name))
            continue;
        if (!pair->is_doubtful)
            return pair->value;
        err_set(e, ERR_CONFIG, "%s:%u: %s holds a $ outside single quotes", what, pair->line, name);
        err_hint(e, "nothing is expanded here: put the value in single quotes, or write what it should be");
        return NULL;
    }
    return NULL;
}

void env_pairs_clear(struct env_pairs *p)
{
    for (size_t i = 0; i < p->n; i++) {
        secret_wipe(p->items[i].value, strlen(p->items[i].value));
        mem_free(p->items[i].value);
        mem_free(p->items[i].name);
    }
    mem_free(p->items);
    *p = (struct env_pairs){ 0 };
}

void env_pairs_clear_auto(struct env_pairs *p)
{
    env_pairs_clear(p);
}
