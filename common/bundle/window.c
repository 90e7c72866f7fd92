/* A queue of runs and a count per chunk. The number of distinct chunks is at most 64 or we stop, but one run more may be added before
 * the caller looks, and the number of runs is bounded by 16 MiB of one-byte runs only in theory: runs of the same chunk that touch are merged. */
#include "bundle/window.h"

#include <string.h>

#include "base/mem.h"
#include "bundle/layout.h"

#include "base/banned.h"

struct run {
    uint64_t end;
    uint64_t chunk;
};
struct count {
    uint64_t chunk;
    uint64_t n_runs;
};

struct window {
    struct run *runs; /* a queue: [head, n) are live */
    size_t head, n, cap;
    struct count *counts;
    size_t n_counts, cap_counts;
};

struct window *window_new(void)
{
    return mem_new(sizeof(struct window));
}

void window_free(struct window *w)
{
    mem_free(w->runs);
    mem_free(w->counts);
    mem_free(w);
}

void window_reset(struct window *w)
{
    w->head = w->n = w->n_counts = 0;
}

static struct count *find(struct window *w, uint64_t chunk)
{
    for (size_t i = w->n_counts; i > 0; i--)
        if (w->counts[i - 1].chunk == chunk)
            return &w->counts[i - 1];
    return NULL;
}

static void leave(struct window *w, uint64_t chunk)
{
    struct count *c = find(w, chunk);
    if (--c->n_runs == 0)
        *c = w->counts[--w->n_counts];
}

/* Drops runs that end at or before the first byte of the window whose last byte is at start. */
static void slide(struct window *w, uint64_t start)
{
    uint64_t from = start >= LAYOUT_WINDOW ? start - LAYOUT_WINDOW + 1 : 0;
    while (w->head < w->n && w->runs[w->head].end <= from)
        leave(w, w->runs[w->head++].chunk);
    if (w->head > 1024 && w->head * 2 > w->n) {
        memmove(w->runs, w->runs + w->head, (w->n - w->head) * sizeof *w->runs);
        w->n -= w->head;
        w->head = 0;
    }
}

size_t window_add(struct window *w, uint64_t start, uint64_t end, uint64_t chunk)
{
    slide(w, start);
    if (w->head < w->n && w->runs[w->n - 1].chunk == chunk) {
        w->runs[w->n - 1].end = end;
        return w->n_counts;
    }
    MEM_PUSH(w->runs, w->n, w->cap) = (struct run){ end, chunk };
    struct count *c = find(w, chunk);
    if (c == NULL) {
        MEM_PUSH(w->counts, w->n_counts, w->cap_counts) = (struct count){ chunk, 0 };
        c = &w->counts[w->n_counts - 1];
    }
    c->n_runs++;
    return w->n_counts;
}

size_t window_with(struct window *w, uint64_t start, uint64_t first, uint64_t last)
{
    slide(w, start);
    size_t n = w->n_counts;
    for (uint64_t chunk = first; chunk <= last; chunk++)
        n += find(w, chunk) == NULL;
    return n;
}
