/* The ordered pipeline, made of bounded queues: one of work to do for all workers, one place per slot where the finished item is put, and, where a
 * thread drains, one of slots that are free again. */
#include "bundle/ring.h"

#include "base/mem.h"
#include "sys/work.h"

#include "base/banned.h"

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
    uint64_t n_taken; /* by whoever drains */

    struct work_thread *drainer; /* null: the caller's thread drains */
    struct work_queue *room;
    struct slot *open; /* taken from room, not submitted yet; or null */
    struct work_mutex *mutex;
    struct err err; /* under it: why draining ended */
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

/* False when nothing is left and nothing will come. */
static bool drain_next(struct ring *r)
{
    struct err e = { 0 };
    struct slot *s = work_queue_pop(r->slots[r->n_taken % r->spec.n_items].done);
    if (s == NULL)
        return false;
    r->n_taken++;
    if (!ring_is_well(r, &e)) /* thrown away */
        return true;
    if (s->err.code != ERR_NONE)
        e = s->err;
    else
        BUG_IF(r->spec.drain(r->spec.ctx, s->item, &e) != (e.code == ERR_NONE));
    work_mutex_lock(r->mutex);
    if (r->err.code == ERR_NONE)
        r->err = e;
    work_mutex_unlock(r->mutex);
    return true;
}

static bool drain_run(void *ctx, struct err *e)
{
    (void)e;
    struct ring *r = ctx;
    while (drain_next(r))
        BUG_IF(!work_queue_push(r->room, &r->slots[(r->n_taken - 1) % r->spec.n_items]));
    return true;
}

static void start_drainer(struct ring *r)
{
    r->mutex = work_mutex_new();
    r->room = work_queue_new(r->spec.n_items);
    for (size_t i = 0; i < r->spec.n_items; i++)
        BUG_IF(!work_queue_push(r->room, &r->slots[i]));
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
    work_queue_free(r->room);
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

void ring_settle(struct ring *r)
{
    size_t in_hand = r->open != NULL;
    while (r->drainer == NULL && !ring_is_empty(r))
        BUG_IF(!drain_next(r));
    for (size_t i = in_hand; i < r->spec.n_items && r->drainer != NULL; i++) /* all that the drainer may hold */
        BUG_IF(work_queue_pop(r->room) == NULL);
    for (size_t i = in_hand; i < r->spec.n_items && r->drainer != NULL; i++)
        BUG_IF(!work_queue_push(r->room, &r->slots[(r->n_submitted + i) % r->spec.n_items]));
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
    work_mutex_lock(r->mutex);
    if (r->err.code == ERR_NONE)
        err_set(&r->err, ERR_INTERRUPTED, "given up");
    work_mutex_unlock(r->mutex);
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
    if (r->open != NULL)
        return r->open->item;
    if (r->drainer != NULL)
        BUG_IF(work_queue_pop(r->room) != &r->slots[r->n_submitted % r->spec.n_items]);
    else if (r->spec.drain != NULL && ring_is_full(r))
        BUG_IF(!drain_next(r));
    BUG_IF(r->drainer == NULL && ring_is_full(r));
    r->open = &r->slots[r->n_submitted % r->spec.n_items];
    return r->open->item;
}

void ring_submit(struct ring *r)
{
    struct slot *s = TAKE(r->open);
    BUG_IF(s == NULL);
    r->n_submitted++;
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
