/* Many like things, each by itself, on all processors: reading and hashing blocks, repairing rows. Built on sys/work.h.
 *
 *     struct spread s = { .n = n_blocks, .step = 64, .buffer_bytes = MIB, .jobs = jobs, .run = check_blocks, .ctx = &c };
 *     return spread_run(&s, e);
 */
#ifndef BUNDLE_SPREAD_H
#define BUNDLE_SPREAD_H

#include "base/err.h"
#include "base/progress.h"

struct spread {
    uint64_t n;                      /* things */
    uint64_t step;                   /* so many are taken at a time */
    size_t buffer_bytes;             /* each thread has one buffer of this size; 0: none */
    unsigned jobs;                   /* threads, at least 1 */
    const struct progress *progress; /* may be null; then phase is not used */
    const char *phase;
    uint64_t unit_bytes;             /* what one thing counts in it */
    /* Works on things first to end - 1. */
    bool (*run)(void *ctx, uint64_t first, uint64_t end, uint8_t *buffer, struct err *e);
    void *ctx;
};

/* Things are begun in their order. After a failure no new ones are. Also fails with ERR_INTERRUPTED. */
MUST_CHECK bool spread_run(const struct spread *s, struct err *e);

#endif
