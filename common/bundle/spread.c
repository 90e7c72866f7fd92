/* Each thread takes the next few things until there are none. */
#include "bundle/spread.h"

#include <stdatomic.h>

#include "base/mem.h"
#include "sys/start.h"
#include "sys/work.h"

#include "base/banned.h"

enum { MAX_THREADS = 64 };

struct state {
    const struct spread *spread;
    _Atomic uint64_t next;
    _Atomic uint64_t done;
};

struct helper {
    struct job job; /* first: work_run knows nothing else */
    struct state *state;
};

static bool tell(struct state *st, uint64_t n, struct err *e)
{
    const struct spread *s = st->spread;
    uint64_t done = atomic_fetch_add(&st->done, n) + n;
    struct progress_fact fact = { .phase = s->phase, .done = done * s->unit_bytes, .total = s->n * s->unit_bytes, .is_finished = done == s->n };
    return s->progress == NULL || progress_tell(s->progress, &fact) || err_set(e, ERR_INTERRUPTED, "%s was stopped", s->phase);
}

static bool help(struct job *j, const void *shared, struct err *e)
{
    (void)shared;
    struct state *st = ((struct helper *)j)->state;
    const struct spread *s = st->spread;
    AUTO(mem_auto) uint8_t *buffer = s->buffer_bytes == 0 ? NULL : mem_new(s->buffer_bytes);
    for (;;) {
        uint64_t first = atomic_fetch_add(&st->next, s->step);
        if (first >= s->n)
            return true;
        uint64_t end = s->n - first < s->step ? s->n : first + s->step;
        if (!start_check(e) || !s->run(s->ctx, first, end, buffer, e) || !tell(st, end - first, e)) {
            atomic_store(&st->next, s->n);
            return false;
        }
    }
}

bool spread_run(const struct spread *s, struct err *e)
{
    struct state st = { .spread = s };
    struct helper helpers[MAX_THREADS];
    struct job *jobs[MAX_THREADS];
    size_t n = s->jobs < MAX_THREADS ? s->jobs : MAX_THREADS;
    for (size_t i = 0; i < n; i++) {
        helpers[i] = (struct helper){ .job = { .run = help }, .state = &st };
        jobs[i] = &helpers[i].job;
    }
    return work_run(jobs, n, (unsigned)n, NULL, e);
}
