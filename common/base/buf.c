/* Bounded buffers. */
#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/secret.h"

#include "base/banned.h"

void *buf_reserve(struct buf *b, size_t n)
{
    size_t need;
    if (b->over || !num_add(&need, b->len, n) || need > b->max) {
        b->over = true;
        return NULL;
    }
    if (need + 1 > b->cap) {
        size_t cap = b->cap < 64 ? 64 : b->cap;
        while (cap < need + 1)
            cap *= 2;
        if (cap > b->max + 1)
            cap = b->max + 1;
        b->data = mem_resize(b->data, cap);
        b->cap = cap;
    }
    b->data[need] = '\0';
    return b->data + b->len;
}

void buf_add(struct buf *b, const void *bytes, size_t n)
{
    void *to = buf_reserve(b, n);
    if (to == NULL)
        return;
    if (n > 0)
        memcpy(to, bytes, n);
    b->len += n;
}

void buf_adds(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_addc(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_addv(struct buf *b, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    BUG_IF(n < 0);
    char *to = buf_reserve(b, (size_t)n);
    if (to != NULL) {
        vsnprintf(to, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    buf_addv(b, fmt, args);
    va_end(args);
}

bool buf_done(const struct buf *b, const char *what, struct err *e)
{
    if (b->over)
        return err_set(e, ERR_FORMAT, "%s: longer than %zu bytes", what, b->max);
    return true;
}

const char *buf_text(const struct buf *b)
{
    return b->data == NULL ? "" : b->data;
}

char *buf_take(struct buf *b)
{
    char *text = b->data == NULL ? mem_new(1) : b->data;
    *b = (struct buf){ .max = b->max };
    return text;
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->over = false;
    if (b->data != NULL)
        b->data[0] = '\0';
}

void buf_clear(struct buf *b)
{
    mem_free(b->data);
    *b = (struct buf){ .max = b->max };
}

void buf_clear_auto(struct buf *b)
{
    buf_clear(b);
}

void buf_wipe_auto(struct buf *b)
{
    secret_wipe(b->data, b->cap);
    buf_clear(b);
}
