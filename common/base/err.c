/* The error value: bounded text in a fixed struct. Long messages are cut with "..." so that a reader sees that
 * something is missing. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

struct row {
    int status;
    const char *name;
    const char *meaning;
};

static const struct row rows[] = {
#define ERR_ROW(name, status, meaning) { status, #name, meaning },
    ERR_TABLE(ERR_ROW)
#undef ERR_ROW
};

static void mark_cut(char *text, size_t size, int needed)
{
    if (needed >= 0 && (size_t)needed >= size)
        memcpy(text + size - 4, "...", 4);
}

bool err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
    if (e->code != ERR_NONE)
        return false;
    e->code = code;
    va_list args;
    va_start(args, fmt);
    mark_cut(e->msg, sizeof e->msg, vsnprintf(e->msg, sizeof e->msg, fmt, args));
    va_end(args);
    return false;
}

bool err_in(struct err *e, const char *fmt, ...)
{
    char noun[sizeof e->msg];
    char whole[2 * sizeof e->msg + 4];
    va_list args;
    va_start(args, fmt);
    mark_cut(noun, sizeof noun, vsnprintf(noun, sizeof noun, fmt, args));
    va_end(args);
    int n = snprintf(whole, sizeof whole, "%s: %s", noun, e->msg);
    memcpy(e->msg, whole, sizeof e->msg - 1);
    e->msg[sizeof e->msg - 1] = '\0';
    mark_cut(e->msg, sizeof e->msg, n);
    return false;
}

bool err_add(struct err *e, const char *fmt, ...)
{
    size_t at = strlen(e->msg);
    va_list args;
    va_start(args, fmt);
    if (at < sizeof e->msg - sizeof "...")
        mark_cut(e->msg + at, sizeof e->msg - at, vsnprintf(e->msg + at, sizeof e->msg - at, fmt, args));
    va_end(args);
    return false;
}

bool err_hint(struct err *e, const char *fmt, ...)
{
    if (e->hint[0] != '\0')
        return false;
    va_list args;
    va_start(args, fmt);
    mark_cut(e->hint, sizeof e->hint, vsnprintf(e->hint, sizeof e->hint, fmt, args));
    va_end(args);
    return false;
}

bool err_as(struct err *e, enum err_code code)
{
    if (e->code != ERR_NONE)
        e->code = code;
    return false;
}

int err_status(enum err_code code)
{
    return rows[code].status;
}

const char *err_name(enum err_code code)
{
    return rows[code].name;
}

const char *err_meaning(enum err_code code)
{
    return rows[code].meaning;
}

_Noreturn void err_bug(const char *file, int line, const char *what)
{
    fprintf(stderr, "internal error at %s:%d: %s\n", file, line, what);
    fflush(stderr);
    _Exit(70);
}
