/* One walker reads the text from left to right. With a lookup it puts values out, without one it tells which variables there are; so both
 * see the same grammar. Arguments are walked by recursion, bounded by LIMIT_TEMPLATE_DEPTH. */
#include "app/template.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

#include "base/banned.h"

struct walk {
    const char *what;
    template_use_fn use; /* telling */
    template_lookup_fn lookup; /* expanding */
    void *ctx;
    struct buf *out; /* null while telling */
};

static bool walk_text(const struct walk *w, struct slice text, unsigned depth, struct err *e);

static bool is_name_start(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static size_t name_length(struct slice s)
{
    size_t n = 0;
    if (s.n == 0 || !is_name_start(s.p[0]))
        return 0;
    while (n < s.n && (is_name_start(s.p[n]) || (s.p[n] >= '0' && s.p[n] <= '9')))
        n++;
    return n;
}

/* Length up to the brace that closes the one before s, or s.n when there is none. Braces of inner variables are counted. */
static size_t closing_brace(struct slice s)
{
    size_t open = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '$' && i + 1 < s.n && s.p[i + 1] == '$') {
            i++;
        } else if (s.p[i] == '$' && i + 1 < s.n && s.p[i + 1] == '{') {
            open++;
            i++;
        } else if (s.p[i] == '}') {
            if (open == 0)
                return i;
            open--;
        }
    }
    return s.n;
}

static bool bad_dollar(const struct walk *w, struct slice rest, struct err *e)
{
    size_t n = rest.n < 20 ? rest.n : 20;
    err_set(e, ERR_CONFIG, "%s: \"%s\" is no variable", w->what, SHOWN_N(rest.p, n));
    return err_hint(e, "write ${NAME}, ${NAME:-default}, ${NAME:?message}, ${NAME:+other}, or $$ for a dollar sign");
}

/* The operator after the name inside braces; false when there is none of the known ones. */
static bool read_operator(struct slice *s, enum template_op *op)
{
    static const struct {
        const char *sign;
        enum template_op op;
    } table[] = {
        { ":-", TEMPLATE_DEFAULT }, { ":?", TEMPLATE_REQUIRED }, { ":+", TEMPLATE_OTHER },
        { "-", TEMPLATE_DEFAULT_UNSET }, { "?", TEMPLATE_REQUIRED_UNSET }, { "+", TEMPLATE_OTHER_SET },
    };
    if (s->n == 0) {
        *op = TEMPLATE_PLAIN;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        size_t n = strlen(table[i].sign);
        if (s->n >= n && memcmp(s->p, table[i].sign, n) == 0) {
            *op = table[i].op;
            *s = (struct slice){ s->p + n, s->n - n };
            return true;
        }
    }
    return false;
}

static bool unset_is_an_error(const struct walk *w, const struct template_use *u, struct err *e)
{
    if (u->op == TEMPLATE_PLAIN || u->argument.n == 0)
        err_set(e, ERR_CONFIG, "%s: %s has no value", w->what, SHOWN_N(u->name.p, u->name.n));
    else
        err_set(e, ERR_CONFIG, "%s: %s has no value: %s", w->what, SHOWN_N(u->name.p, u->name.n),
                SHOWN_N(u->argument.p, u->argument.n));
    return err_hint(e, "set it in the environment or in an env file (--env-file)");
}

static bool expand_use(const struct walk *w, const struct template_use *u, struct err *e)
{
    AUTO(mem_auto) char *name = mem_text_n(u->name.p, u->name.n);
    const char *value = w->lookup(w->ctx, name, e);
    if (e->code != ERR_NONE)
        return err_in(e, "%s", w->what);
    bool is_set = value != NULL;
    bool is_full = is_set && value[0] != '\0';
    bool put_argument = false;
    bool put_value = is_set;
    switch (u->op) {
    case TEMPLATE_PLAIN:
    case TEMPLATE_REQUIRED_UNSET:
        if (!is_set)
            return unset_is_an_error(w, u, e);
        break;
    case TEMPLATE_REQUIRED:
        if (!is_full)
            return unset_is_an_error(w, u, e);
        break;
    case TEMPLATE_DEFAULT:
        put_value = is_full;
        put_argument = !is_full;
        break;
    case TEMPLATE_DEFAULT_UNSET:
        put_argument = !is_set;
        break;
    case TEMPLATE_OTHER:
        put_value = false;
        put_argument = is_full;
        break;
    case TEMPLATE_OTHER_SET:
        put_value = false;
        put_argument = is_set;
        break;
    }
    if (put_value)
        buf_adds(w->out, value);
    return !put_argument || walk_text(w, u->argument, u->depth + 1, e);
}

static bool take_use(const struct walk *w, const struct template_use *u, struct err *e)
{
    if (u->depth >= LIMIT_TEMPLATE_DEPTH)
        return err_set(e, ERR_CONFIG, "%s: variables nested more than %d deep", w->what, LIMIT_TEMPLATE_DEPTH);
    if (w->out != NULL)
        return expand_use(w, u, e);
    if (w->use != NULL && !w->use(w->ctx, u, e))
        return false;
    bool is_message = u->op == TEMPLATE_REQUIRED || u->op == TEMPLATE_REQUIRED_UNSET;
    return is_message || walk_text(w, u->argument, u->depth + 1, e);
}

/* s begins with "${"; *used is what was read of it. */
static bool walk_braced(const struct walk *w, struct slice s, unsigned depth, size_t *used, struct err *e)
{
    struct slice inner = { s.p + 2, s.n - 2 };
    size_t end = closing_brace(inner);
    if (end == inner.n)
        return bad_dollar(w, s, e);
    inner.n = end;
    struct template_use u = { .name = { inner.p, name_length(inner) }, .depth = depth };
    u.argument = (struct slice){ inner.p + u.name.n, inner.n - u.name.n };
    if (u.name.n == 0 || !read_operator(&u.argument, &u.op))
        return bad_dollar(w, s, e);
    *used = end + 3;
    return take_use(w, &u, e);
}

/* s begins with '$'. */
static bool walk_dollar(const struct walk *w, struct slice s, unsigned depth, size_t *used, struct err *e)
{
    *used = 2;
    if (s.n >= 2 && s.p[1] == '$') {
        if (w->out != NULL)
            buf_addc(w->out, '$');
        return true;
    }
    if (s.n >= 2 && s.p[1] == '{')
        return walk_braced(w, s, depth, used, e);
    struct template_use u = { .name = { s.p + 1, name_length((struct slice){ s.p + 1, s.n - 1 }) }, .depth = depth };
    if (u.name.n == 0)
        return bad_dollar(w, s, e);
    *used = u.name.n + 1;
    u.argument = (struct slice){ s.p, 0 };
    return take_use(w, &u, e);
}

static bool walk_text(const struct walk *w, struct slice text, unsigned depth, struct err *e)
{
    while (text.n > 0) {
        const char *dollar = memchr(text.p, '$', text.n);
        size_t plain = dollar == NULL ? text.n : (size_t)(dollar - text.p);
        if (w->out != NULL)
            buf_add(w->out, text.p, plain);
        text = (struct slice){ text.p + plain, text.n - plain };
        size_t used = 0;
        if (text.n > 0 && !walk_dollar(w, text, depth, &used, e))
            return false;
        text = (struct slice){ text.p + used, text.n - used };
    }
    return true;
}

bool template_uses(const char *text, const char *what, template_use_fn fn, void *ctx, struct err *e)
{
    struct walk w = { .what = what, .use = fn, .ctx = ctx };
    return walk_text(&w, slice_of(text), 0, e);
}

bool template_expand(struct buf *out, const char *text, const char *what, template_lookup_fn lookup, void *ctx, struct err *e)
{
    struct walk w = { .what = what, .lookup = lookup, .ctx = ctx, .out = out };
    return walk_text(&w, slice_of(text), 0, e) && buf_done(out, what, e);
}

bool template_has_variables(const char *text)
{
    for (const char *p = strchr(text, '$'); p != NULL; p = strchr(p, '$')) {
        if (p[1] != '$')
            return true;
        p += 2;
    }
    return false;
}

bool template_is_variable(const char *text, char *name, size_t size)
{
    struct slice s = slice_of(text);
    if (!text_starts(text, "${") || s.n < 4)
        return false;
    struct slice inner = { s.p + 2, s.n - 2 };
    size_t n = name_length(inner);
    if (n == 0 || n + 1 != inner.n || inner.p[n] != '}' || n >= size)
        return false;
    memcpy(name, inner.p, n);
    name[n] = '\0';
    return true;
}
