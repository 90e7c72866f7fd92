/* Work reports facts; the terminal decides looks. Long operations call a progress function; cli/progress.c draws. */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include "base/auto.h"

struct progress_fact {
    const char *phase;    /* "fetch", "pack", "verify", "load", ... */
    const char *item;     /* image, layer, chunk: printable; null for the whole phase */
    uint64_t done;        /* bytes */
    uint64_t total;       /* bytes; 0 = unknown */
    bool is_finished;     /* of the item, or of the phase when item is null */
    bool is_from_cache;
};

/* Returns false to ask for a stop (a signal arrived): the operation then fails with ERR_INTERRUPTED. Thread: any. */
typedef bool (*progress_fn)(void *ctx, const struct progress_fact *fact);

struct progress {
    progress_fn fn; /* null: nobody listens */
    void *ctx;
};

static inline bool progress_tell(const struct progress *p, const struct progress_fact *fact)
{
    return p == NULL || p->fn == NULL || p->fn(p->ctx, fact);
}

#endif
