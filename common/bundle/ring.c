/* The ordered pipeline, made of bounded queues: one of work to do for all workers, and one place per slot where the finished item is put. */
#include "bundle/ring.h"

#include "base/mem.h"
#include "sys/work.h"

#include "base/banned.h"

enum { WAIT_MS = 1000 };

struct slot {
    void *item;
    struct err err;
    struct work_queue *done; /* of one: the finished slot */
};

struct worker {
    struct ring *ring;
    void *state;
    struct work_thread *thread;
};

struct ring {
    struct ring_spec spec;
    struct slot *slots;
    struct worker *workers;
    unsigned n_running; /* workers that the system had threads for */
    struct work_queue *todo;
    uint64_t n_submitted;
    uint64_t n_taken; /* or drained */

    struct work_thread *drainer; /* null: the caller's thread drains */
    struct work_mutex *mutex;    /* where spec.drain does, of n_taken (which only the drainer changes) and err */
    struct err err;              /* why draining ended */
};

static void work(struct worker *w, struct slot *s)
{
    bool is_ok = w->ring->spec.work(s->item, w->state, &s->err);
    BUG_IF(is_ok != (s->err.code == ERR_NONE));
    BUG_IF(!work_queue_push(s->done, s));
}

static bool worker_run(void *ctx, struct err *e)
{
    (void)e;
    struct worker *w = ctx;
    for (struct slot *s; (s = work_queue_pop(w->ring->todo)) != NULL;)
        work(w, s);
    return true;
}

static void start_workers(struct ring *r)
{
    r->workers = mem_new_array(r->spec.n_workers, sizeof *r->workers);
    for (unsigned i = 0; i < r->spec.n_workers; i++) {
        struct worker *w = &r->workers[i];
        *w = (struct worker){ .ring = r, .state = r->spec.state_new(r->spec.ctx) };
        w->thread = work_thread_start(worker_run, w);
        r->n_running += work_thread_is_running(w->thread);
    }
}

/* --- draining ----------------------------------------------------------------------------------------------------- */

/* The first reason counts. */
static void end_draining(struct ring *r, const struct err *why)
{
    work_mutex_lock(r->mutex);
    if (r->err.code == ERR_NONE)
        r->err = *why;
    work_mutex_unlock(r->mutex);
}

static void drain_slot(struct ring *r, struct slot *s)
{
    struct err e = { 0 };
    if (!ring_is_well(r, &e)) /* thrown away */
        return;
    if (s->err.code != ERR_NONE)
        end_draining(r, &s->err);
    else if (!r->spec.drain(r->spec.ctx, s->item, &e))
        end_draining(r, &e);
}

/* False when nothing is left and nothing will come. */
static bool drain_next(struct ring *r)
{
    struct slot *s = work_queue_pop(r->slots[r->n_taken % r->spec.n_items].done);
    if (s == NULL)
        return false;
    drain_slot(r, s);
    work_mutex_lock(r->mutex);
    r->n_taken++;
    work_mutex_wake(r->mutex);
    work_mutex_unlock(r->mutex);
    return true;
}

static bool drain_run(void *ctx, struct err *e)
{
    (void)e;
    while (drain_next(ctx))
        ;
    return true;
}

static void start_drainer(struct ring *r)
{
    r->mutex = work_mutex_new();
    r->drainer = work_thread_start(drain_run, r);
    if (!work_thread_is_running(r->drainer))
        work_thread_auto(&r->drainer);
}

/* After the workers: everything that will be done is done. */
static void end_drainer(struct ring *r)
{
    for (size_t i = 0; i < r->spec.n_items; i++)
        work_queue_close(r->slots[i].done);
    if (r->drainer != NULL)
        work_thread_auto(&r->drainer);
    work_mutex_free(r->mutex);
}

bool ring_is_well(struct ring *r, struct err *e)
{
    work_mutex_lock(r->mutex);
    bool ok = r->err.code == ERR_NONE;
    if (!ok && e->code == ERR_NONE)
        *e = r->err;
    work_mutex_unlock(r->mutex);
    return ok;
}

/* Until at most so many are on their way. */
static void drain_to(struct ring *r, uint64_t most)
{
    while (r->drainer == NULL && r->n_submitted - r->n_taken > most)
        BUG_IF(!drain_next(r));
    work_mutex_lock(r->mutex);
    while (r->n_submitted - r->n_taken > most)
        work_mutex_wait(r->mutex, WAIT_MS);
    work_mutex_unlock(r->mutex);
}

void ring_settle(struct ring *r)
{
    drain_to(r, 0);
}

/* ------------------------------------------------------------------------------------------------------------------ */

struct ring *ring_new(const struct ring_spec *spec)
{
    struct ring *r = mem_new(sizeof *r);
    BUG_IF(spec->n_workers == 0 || spec->n_items == 0);
    r->spec = *spec;
    r->slots = mem_new_array(spec->n_items, sizeof *r->slots);
    for (size_t i = 0; i < spec->n_items; i++) {
        r->slots[i].item = spec->item_new(spec->ctx);
        r->slots[i].done = work_queue_new(1);
    }
    r->todo = work_queue_new(spec->n_items);
    start_workers(r);
    if (spec->drain != NULL)
        start_drainer(r);
    return r;
}

/* What is done and not drained is thrown away: it would be written to a file that is dropped, and a stick is slow. */
static void give_up(struct ring *r)
{
    struct err why = { 0 };
    err_set(&why, ERR_INTERRUPTED, "given up");
    end_draining(r, &why);
}

void ring_free(struct ring *r)
{
    if (r->spec.drain != NULL)
        give_up(r);
    work_queue_close(r->todo);
    while (work_queue_pop(r->todo) != NULL)
        ; /* not begun, and not wanted any more */
    for (unsigned i = 0; i < r->spec.n_workers; i++) {
        work_thread_auto(&r->workers[i].thread);
        r->spec.state_free(r->workers[i].state);
    }
    if (r->spec.drain != NULL)
        end_drainer(r);
    for (size_t i = 0; i < r->spec.n_items; i++) {
        r->spec.item_free(r->slots[i].item);
        work_queue_free(r->slots[i].done);
    }
    work_queue_free(r->todo);
    mem_free(r->workers);
    mem_free(r->slots);
    mem_free(r);
}

bool ring_is_full(const struct ring *r)
{
    return r->n_submitted - r->n_taken == r->spec.n_items;
}

bool ring_is_empty(const struct ring *r)
{
    return r->n_submitted == r->n_taken;
}

void *ring_next(struct ring *r)
{
    if (r->spec.drain != NULL)
        drain_to(r, r->spec.n_items - 1);
    else
        BUG_IF(ring_is_full(r));
    return r->slots[r->n_submitted % r->spec.n_items].item;
}

void ring_submit(struct ring *r)
{
    struct slot *s = &r->slots[r->n_submitted++ % r->spec.n_items];
    s->err = (struct err){ 0 };
    if (r->n_running == 0) /* a machine without threads gets everything done, slowly */
        work(&r->workers[0], s);
    else
        BUG_IF(!work_queue_push(r->todo, s));
}

void *ring_take(struct ring *r, struct err *e)
{
    BUG_IF(ring_is_empty(r));
    struct slot *s = work_queue_pop(r->slots[r->n_taken++ % r->spec.n_items].done);
    BUG_IF(s == NULL);
    if (s->err.code != ERR_NONE) {
        if (e->code == ERR_NONE)
            *e = s->err;
        return NULL;
    }
    return s->item;
}
