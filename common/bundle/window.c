/* A chunk is in the window when its last byte there is: so one number for each chunk is enough, and there are never many of them, as the reader
 * refuses the 65th and the writer does not let it come. Looking through them is faster than any index of them would be. */
#include "bundle/window.h"

#include "base/mem.h"
#include "bundle/layout.h"

#include "base/banned.h"

struct touched {
    uint64_t chunk;
    uint64_t end; /* of the last run that was read from it */
};

struct window {
    struct touched *list;
    size_t n, cap;
};

struct window *window_new(void)
{
    return mem_new(sizeof(struct window));
}

void window_free(struct window *w)
{
    mem_free(w->list);
    mem_free(w);
}

void window_reset(struct window *w)
{
    w->n = 0;
}

/* Forgets chunks that the window whose last byte is at start does not touch. */
static void slide(struct window *w, uint64_t start)
{
    uint64_t from = start >= LAYOUT_WINDOW ? start - LAYOUT_WINDOW + 1 : 0;
    for (size_t i = w->n; i > 0; i--)
        if (w->list[i - 1].end <= from)
            w->list[i - 1] = w->list[--w->n];
}

static struct touched *find(struct window *w, uint64_t chunk)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->list[i].chunk == chunk)
            return &w->list[i];
    return NULL;
}

size_t window_add(struct window *w, uint64_t start, uint64_t end, uint64_t chunk)
{
    slide(w, start);
    struct touched *t = find(w, chunk);
    if (t == NULL) {
        MEM_PUSH(w->list, w->n, w->cap) = (struct touched){ .chunk = chunk };
        t = &w->list[w->n - 1];
    }
    t->end = end;
    return w->n;
}

size_t window_with(struct window *w, uint64_t start, uint64_t first, uint64_t last)
{
    slide(w, start);
    size_t n = w->n;
    for (uint64_t chunk = first; chunk <= last; chunk++)
        n += find(w, chunk) == NULL;
    return n;
}
