/* Several loads at once. Each lane has a connection of its own and takes the request that most others wait for, among those whose layers are there or on their way. One lane
 * at a time sends blobs, so that the medium is read in one place and memory does not grow with connections; then the lane waits at its gate until everything
 * that it builds on has answered, sends the trailer, and while the engine registers it, another lane sends. */
#include <string.h>

#include "base/mem.h"
#include "engine/api.h"
#include "engine/load_set_parts.h"
#include "sys/start.h"
#include "sys/work.h"

#include "base/banned.h"

enum { LOOK_MS = 250 }; /* how long a signal may go unnoticed */

struct run {
    struct load_set *set;
    const struct load_set_how *how;
    struct load_known *known;
    struct work_mutex *mutex; /* of all below, and of requests' states and known */
    bool is_sending;          /* a lane sends blobs */
    bool is_over;             /* nothing more is begun or committed */
    size_t failed;            /* request that err is of */
    struct err err;
    size_t n_sent;            /* requests whose last blob has left */
    uint64_t sent_bytes;      /* of them and of those under way */
    struct work_mutex *story; /* one call of how->before at a time */
};

struct lane {
    struct run *run;
    struct engine *g;
    struct work_thread *thread;
    struct load_request *request;
    uint64_t sent_bytes;  /* of the request */
    bool is_sending;      /* it is this one */
    bool is_committed;    /* what is sent from now on the engine acts upon */
    bool has_given_up;    /* for the failure of another */
};

static bool over(struct lane *l, struct err *e)
{
    if (!start_check(e))
        return true;
    if (!l->run->is_over)
        return false;
    l->has_given_up = true;
    err_set(e, ERR_INTERRUPTED, "another image could not be loaded");
    return true;
}

/* --- what a load asks for ----------------------------------------------------------------------------------------- */

static bool is_next(const struct lane *l)
{
    for (size_t i = 0; i < l->request->n_after; i++)
        if (!l->run->set->requests[l->request->after[i]].is_sent)
            return false;
    return !l->run->is_sending;
}

/* What builds on others is sent after them. */
static bool lane_begin(void *ctx, struct err *e)
{
    struct lane *l = ctx;
    work_mutex_lock(l->run->mutex);
    bool is_over;
    while (!(is_over = over(l, e)) && !is_next(l))
        work_mutex_wait(l->run->mutex, LOOK_MS);
    if (!is_over)
        l->run->is_sending = l->is_sending = true;
    work_mutex_unlock(l->run->mutex);
    return !is_over;
}

static void stop_sending(struct lane *l)
{
    if (l->is_sending)
        l->run->is_sending = l->is_sending = false;
    work_mutex_wake(l->run->mutex);
}

static bool is_ready(const struct load_set *s, const struct load_request *r)
{
    for (size_t i = 0; i < r->n_after; i++)
        if (s->requests[r->after[i]].state != LOAD_REQUEST_DONE)
            return false;
    return true;
}

static bool wait_for_others(struct lane *l, struct err *e)
{
    bool is_over;
    while (!(is_over = over(l, e)) && !is_ready(l->run->set, l->request))
        work_mutex_wait(l->run->mutex, LOOK_MS);
    return !is_over;
}

static bool call_before(struct lane *l, struct err *e)
{
    const struct load_set_how *how = l->run->how;
    if (how->before == NULL || l->request->of == NULL)
        return true;
    work_mutex_lock(l->run->story);
    bool ok = how->before(how->ctx, l->request->of, e);
    work_mutex_unlock(l->run->story);
    return ok;
}

/* A request that turned out to lack something comes here twice: the second time its blobs are all in it. */
static bool lane_commit(void *ctx, struct err *e)
{
    struct lane *l = ctx;
    work_mutex_lock(l->run->mutex);
    l->run->n_sent += !l->request->is_sent;
    l->request->is_sent = true;
    stop_sending(l);
    bool ok = wait_for_others(l, e);
    work_mutex_unlock(l->run->mutex);
    l->is_committed = ok && (l->is_committed || call_before(l, e));
    return l->is_committed;
}

static void lane_end(void *ctx)
{
    struct lane *l = ctx;
    work_mutex_lock(l->run->mutex);
    stop_sending(l);
    work_mutex_unlock(l->run->mutex);
}

/* --- what is told ------------------------------------------------------------------------------------------------- */

static bool tell_all(const struct run *r)
{
    struct progress_fact all = { .phase = "load", .done = r->sent_bytes, .total = load_set_bytes(r->set) };
    all.done = all.done < all.total ? all.done : all.total;
    return progress_tell(r->how->progress, &all);
}

/* The engine works alone only when nothing is being sent any more. */
static bool lane_tell(void *ctx, const struct progress_fact *fact)
{
    struct lane *l = ctx;
    struct run *r = l->run;
    bool is_load = strcmp(fact->phase, "load") == 0;
    work_mutex_lock(r->mutex);
    bool goes_on = !r->is_over || l->is_committed;
    l->has_given_up = !goes_on;
    bool is_told = is_load || r->n_sent == r->set->n;
    if (is_load && !fact->is_finished && fact->done > l->sent_bytes) {
        r->sent_bytes += fact->done - l->sent_bytes;
        l->sent_bytes = fact->done;
    }
    if (goes_on && is_told && l->request->of != NULL)
        goes_on = progress_tell(r->how->progress, fact);
    if (goes_on && is_load && !fact->is_finished)
        goes_on = tell_all(r);
    work_mutex_unlock(r->mutex);
    return goes_on;
}

/* --- lanes -------------------------------------------------------------------------------------------------------- */

/* 2: what it builds on is there; 1: on its way; 0: not begun. */
static int readiness(const struct load_set *s, const struct load_request *r)
{
    int least = 2;
    for (size_t i = 0; i < r->n_after; i++)
        if ((int)s->requests[r->after[i]].state < least)
            least = (int)s->requests[r->after[i]].state;
    return least;
}

static struct load_request *best_request(struct load_set *s)
{
    struct load_request *best = NULL;
    int best_ready = 0;
    for (size_t i = 0; i < s->n; i++) {
        struct load_request *r = &s->requests[i];
        int ready = readiness(s, r);
        if (r->state == LOAD_REQUEST_WAITS && (ready > best_ready || (best != NULL && ready == best_ready && r->weight > best->weight))) {
            best = r;
            best_ready = ready;
        }
    }
    return best;
}

static bool has_waiting(const struct load_set *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->requests[i].state == LOAD_REQUEST_WAITS)
            return true;
    return false;
}

/* Null: nothing left. */
static struct load_request *take_request(struct run *r)
{
    struct load_request *best = NULL;
    work_mutex_lock(r->mutex);
    while (!r->is_over && has_waiting(r->set) && (best = best_request(r->set)) == NULL)
        work_mutex_wait(r->mutex, LOOK_MS);
    if (best != NULL)
        best->state = LOAD_REQUEST_RUNS;
    work_mutex_unlock(r->mutex);
    return best;
}

/* Of several failures that of the lowest request is told, whichever came first. */
static void end_request(struct lane *l, bool ok, const struct err *err)
{
    struct run *r = l->run;
    size_t number = (size_t)(l->request - r->set->requests);
    work_mutex_lock(r->mutex);
    if (ok) {
        l->request->state = LOAD_REQUEST_DONE;
        if (r->known != NULL)
            load_remember_layers(&l->request->image, r->known);
    } else if (!l->has_given_up && (r->err.code == ERR_NONE || number < r->failed)) {
        r->err = *err;
        r->failed = number;
    }
    r->is_over = r->is_over || !ok;
    work_mutex_wake(r->mutex);
    work_mutex_unlock(r->mutex);
}

static bool lane_run(void *ctx, struct err *e)
{
    (void)e;
    struct lane *l = ctx;
    struct load_turn turn = { lane_begin, lane_commit, lane_end, l };
    struct progress progress = { lane_tell, l };
    while ((l->request = take_request(l->run)) != NULL) {
        struct err err = { 0 };
        l->sent_bytes = 0;
        l->is_committed = l->has_given_up = false;
        bool ok = load_one(l->g, &l->request->image, l->request->needed, &turn, &progress, &err);
        end_request(l, ok, &err);
    }
    return true;
}

static bool open_lanes(struct run *r, struct lane *lanes, unsigned n, struct err *e)
{
    for (unsigned i = 0; i < n; i++) {
        lanes[i].run = r;
        lanes[i].g = engine_open_again(r->set->g, e);
        if (lanes[i].g == NULL)
            return false;
    }
    return true;
}

/* The caller's thread is a lane too: a machine that is out of threads still gets everything done. */
static void run_lanes(struct lane *lanes, unsigned n)
{
    struct err ignored = { 0 };
    for (unsigned i = 1; i < n; i++)
        lanes[i].thread = work_thread_start(lane_run, &lanes[i]);
    (void)!lane_run(&lanes[0], &ignored);
    for (unsigned i = 1; i < n; i++)
        work_thread_auto(&lanes[i].thread);
}

bool load_set_run(struct load_set *s, const struct load_set_how *how, struct load_known *known, struct err *e)
{
    struct run r = { .set = s, .how = how, .known = known };
    unsigned n = how->connections < s->n ? how->connections : (unsigned)s->n;
    if (s->n == 0)
        return true;
    BUG_IF(n == 0);
    AUTO(mem_auto) struct lane *lanes = mem_new_array(n, sizeof *lanes);
    r.mutex = work_mutex_new();
    r.story = work_mutex_new();
    if (open_lanes(&r, lanes, n, &r.err))
        run_lanes(lanes, n);
    for (unsigned i = 0; i < n; i++)
        engine_close(lanes[i].g);
    content_forget(s->g);
    work_mutex_free(r.mutex);
    work_mutex_free(r.story);
    if (r.err.code != ERR_NONE) {
        *e = r.err;
        return false;
    }
    return true;
}
