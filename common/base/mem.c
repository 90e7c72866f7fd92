/* The only file that calls malloc. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define BASE_ALLOCATOR
#include "base/banned.h"

static void *checked(void *p, size_t n)
{
    if (p == NULL) {
        fprintf(stderr, "out of memory: %zu bytes\n", n);
        _Exit(70);
    }
    return p;
}

void *mem_new(size_t n)
{
    return checked(calloc(1, n > 0 ? n : 1), n);
}

void *mem_new_array(size_t n, size_t item_bytes)
{
    return checked(calloc(n > 0 ? n : 1, item_bytes), n);
}

void *mem_resize(void *p, size_t n)
{
    return checked(realloc(p, n > 0 ? n : 1), n);
}

void *mem_copy(const void *p, size_t n)
{
    void *copy = checked(malloc(n > 0 ? n : 1), n);
    if (n > 0)
        memcpy(copy, p, n);
    return copy;
}

char *mem_text(const char *s)
{
    return s == NULL ? NULL : mem_copy(s, strlen(s) + 1);
}

char *mem_text_n(const char *s, size_t n)
{
    size_t len = strnlen(s, n);
    char *copy = mem_new(len + 1);
    memcpy(copy, s, len);
    return copy;
}

char *mem_format(const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    return checked(n < 0 ? NULL : text, 0);
}

void *mem_grow(void *items, size_t n, size_t *cap, size_t item_bytes)
{
    if (n < *cap)
        return items;
    size_t want = *cap == 0 ? 8 : *cap * 2;
    BUG_IF(want > SIZE_MAX / item_bytes);
    items = mem_resize(items, want * item_bytes);
    *cap = want;
    return items;
}

void mem_free(void *p)
{
    int saved = errno;
    free(p);
    errno = saved;
}

void mem_auto(void *pp)
{
    void *p;
    memcpy(&p, pp, sizeof p);
    mem_free(p);
}
