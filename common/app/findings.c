/* A list that grows up to a limit; the first entry is the error of those who want only one. */
#include "app/findings.h"

#include <stdarg.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"

#include "base/banned.h"

static bool push(struct findings *f, enum err_code code, char *text, const char *hint)
{
    if (f->n >= LIMIT_FINDINGS) {
        mem_free(text);
        return false;
    }
    MEM_PUSH(f->items, f->n, f->cap) = (struct finding){ .code = code, .text = text, .hint = mem_text(hint) };
    return false;
}

bool findings_at(struct findings *f, enum err_code code, const struct yread *doc, const struct ynode *at, const char *fmt, ...)
{
    struct buf text = BUF_LIMIT(sizeof((struct err *)0)->msg);
    buf_addf(&text, "%s:%u:%u: ", yread_name(doc), at->line, at->column);
    va_list args;
    va_start(args, fmt);
    buf_addv(&text, fmt, args);
    va_end(args);
    return push(f, code, buf_take(&text), NULL);
}

bool findings_add(struct findings *f, enum err_code code, const char *fmt, ...)
{
    struct buf text = BUF_LIMIT(sizeof((struct err *)0)->msg);
    va_list args;
    va_start(args, fmt);
    buf_addv(&text, fmt, args);
    va_end(args);
    return push(f, code, buf_take(&text), NULL);
}

bool findings_take(struct findings *f, struct err *e)
{
    BUG_IF(e->code == ERR_NONE);
    push(f, e->code, mem_text(e->msg), e->hint[0] == '\0' ? NULL : e->hint);
    *e = (struct err){ 0 };
    return false;
}

bool findings_hint(struct findings *f, const char *fmt, ...)
{
    if (f->n == 0 || f->items[f->n - 1].hint != NULL)
        return false;
    struct buf text = BUF_LIMIT(sizeof((struct err *)0)->hint);
    va_list args;
    va_start(args, fmt);
    buf_addv(&text, fmt, args);
    va_end(args);
    f->items[f->n - 1].hint = buf_take(&text);
    return false;
}

bool findings_done(const struct findings *f, struct err *e)
{
    if (f->n == 0)
        return true;
    err_set(e, f->items[0].code, "%s", f->items[0].text);
    if (f->items[0].hint != NULL)
        err_hint(e, "%s", f->items[0].hint);
    else if (f->n > 1)
        err_hint(e, "%zu more; all of them: archon-bundle lint", f->n - 1);
    return false;
}

void findings_clear(struct findings *f)
{
    for (size_t i = 0; i < f->n; i++) {
        mem_free(f->items[i].text);
        mem_free(f->items[i].hint);
    }
    mem_free(f->items);
    *f = (struct findings){ 0 };
}

void findings_clear_auto(struct findings *f)
{
    findings_clear(f);
}
