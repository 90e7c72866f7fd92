/* The cache of decompressed chunks: places that are filled by the caller's thread or, once claimed, by others. Places, claims and their order belong to the caller's thread;
 * what workers share with it (state, content, failure of a place) is under the lock. */
#include "bundle/layer_reader.h"

#include "base/mem.h"
#include "bundle/chunk_stream.h"
#include "stream/zstd.h"
#include "sys/work.h"

#include "base/banned.h"

enum { MAX_WORKERS = 4, WAIT_MS = 1000 };

/* What filling a place takes. */
struct filler {
    struct chunk_cache *cache;
    struct zstd_unpacker *unpacker;
    uint8_t *packed;
    struct work_thread *thread; /* null: the caller's */
};

struct place {
    size_t chunk;
    size_t n_claims;
    uint64_t used; /* clock of the last use; 0: holds nothing */
    uint8_t *raw;
    enum { PLACE_EMPTY, PLACE_QUEUED, PLACE_READY, PLACE_FAILED } state;
    struct err err;
};

struct chunk_cache {
    const struct index *index;
    size_t n;
    struct place *places;
    uint64_t clock;
    bool *has_read; /* by chunk */
    struct work_mutex *mutex;
    struct work_queue *todo; /* null: no workers */
    struct filler own;
    struct filler *workers;
    unsigned n_workers;
};

static void filler_open(struct filler *f, struct chunk_cache *c)
{
    f->cache = c;
    f->unpacker = zstd_unpacker_new();
    f->packed = mem_new(LAYOUT_FRAME_MAX);
}

static void filler_close(struct filler *f)
{
    work_thread_auto(&f->thread);
    zstd_unpacker_free(f->unpacker);
    mem_free(f->packed);
}

struct chunk_cache *chunk_cache_new(const struct index *x, uint64_t limit_bytes)
{
    struct chunk_cache *c = mem_new(sizeof *c);
    c->index = x;
    c->n = limit_bytes / LIMIT_CHUNK_BYTES < 2 ? 2 : (size_t)(limit_bytes / LIMIT_CHUNK_BYTES);
    c->places = mem_new_array(c->n, sizeof *c->places);
    c->has_read = mem_new_array(index_table(x)->n, sizeof *c->has_read);
    c->mutex = work_mutex_new();
    filler_open(&c->own, c);
    return c;
}

void chunk_cache_free(struct chunk_cache *c)
{
    if (c->todo != NULL)
        work_queue_close(c->todo);
    while (c->todo != NULL && work_queue_pop(c->todo) != NULL)
        ; /* not begun, and not wanted any more */
    for (unsigned i = 0; i < c->n_workers; i++)
        filler_close(&c->workers[i]);
    filler_close(&c->own);
    for (size_t i = 0; i < c->n; i++)
        mem_free(c->places[i].raw);
    work_queue_free(c->todo);
    work_mutex_free(c->mutex);
    mem_free(c->workers);
    mem_free(c->has_read);
    mem_free(c->places);
    mem_free(c);
}

bool chunk_cache_has_read(const struct chunk_cache *c, size_t i)
{
    return c->has_read[i];
}

/* --- filling ------------------------------------------------------------------------------------------------------ */

/* Nobody else touches the place meanwhile. */
static void fill(struct filler *f, struct place *p)
{
    const struct index *x = f->cache->index;
    struct chunk_id id = { .file = index_file(x), .table = index_table(x), .i = p->chunk };
    struct err e = { 0 };
    bool ok = chunk_read(&id, f->packed, &e) && chunk_check(&id, f->packed, p->raw, f->unpacker, &e);
    if (!ok)
        err_in(&e, "%s", index_name(x));
    work_mutex_lock(f->cache->mutex);
    p->err = e;
    p->state = ok ? PLACE_READY : PLACE_FAILED;
    work_mutex_wake(f->cache->mutex);
    work_mutex_unlock(f->cache->mutex);
}

static bool worker_run(void *ctx, struct err *e)
{
    (void)e;
    struct filler *f = ctx;
    for (struct place *p; (p = work_queue_pop(f->cache->todo)) != NULL;)
        fill(f, p);
    return true;
}

void chunk_cache_read_ahead(struct chunk_cache *c, unsigned jobs)
{
    unsigned n_running = 0;
    if (c->workers != NULL)
        return;
    c->n_workers = jobs < MAX_WORKERS ? jobs : MAX_WORKERS;
    c->workers = mem_new_array(c->n_workers, sizeof *c->workers);
    struct work_queue *todo = work_queue_new(c->n);
    c->todo = todo;
    for (unsigned i = 0; i < c->n_workers; i++) {
        filler_open(&c->workers[i], c);
        c->workers[i].thread = work_thread_start(worker_run, &c->workers[i]);
        n_running += work_thread_is_running(c->workers[i].thread);
    }
    if (n_running > 0)
        return;
    c->todo = NULL; /* a machine without threads gets everything done, slowly */
    work_queue_free(todo);
}

/* --- places ------------------------------------------------------------------------------------------------------- */

/* The place of the chunk, or null. */
static struct place *find(struct chunk_cache *c, size_t chunk)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->places[i].used > 0 && c->places[i].chunk == chunk)
            return &c->places[i];
    return NULL;
}

static bool is_free(const struct place *p)
{
    return p->n_claims == 0 && p->state != PLACE_QUEUED;
}

/* Places that nobody has claimed and that are not being filled. */
static size_t count_free(struct chunk_cache *c)
{
    size_t n = 0;
    work_mutex_lock(c->mutex);
    for (size_t i = 0; i < c->n; i++)
        n += is_free(&c->places[i]);
    work_mutex_unlock(c->mutex);
    return n;
}

/* The best one of them to drop; null: there is none. soon (null: nothing is known) looks far ahead: not twice, and not for a place that cannot win. */
static struct place *find_free(struct chunk_cache *c, chunk_soon_fn soon, const void *ctx)
{
    struct place *best = NULL;
    size_t best_when = 0;
    work_mutex_lock(c->mutex);
    for (size_t i = 0; i < c->n; i++) {
        struct place *p = &c->places[i];
        if (!is_free(p) || (best_when == SIZE_MAX && p->used >= best->used))
            continue;
        size_t when = soon == NULL || p->used == 0 ? SIZE_MAX : soon(ctx, p->chunk);
        if (best == NULL || when > best_when || (when == best_when && p->used < best->used)) {
            best = p;
            best_when = when;
        }
    }
    work_mutex_unlock(c->mutex);
    return best;
}

static void take(struct chunk_cache *c, struct place *p, size_t chunk)
{
    if (p->raw == NULL)
        p->raw = mem_new(LIMIT_CHUNK_BYTES);
    p->chunk = chunk;
    p->state = PLACE_EMPTY;
    p->used = ++c->clock;
}

static bool is_empty(struct chunk_cache *c, const struct place *p)
{
    work_mutex_lock(c->mutex);
    bool yes = p->state == PLACE_EMPTY;
    work_mutex_unlock(c->mutex);
    return yes;
}

static const uint8_t *content_of(struct chunk_cache *c, struct place *p, struct err *e)
{
    if (is_empty(c, p))
        fill(&c->own, p);
    work_mutex_lock(c->mutex);
    while (p->state == PLACE_QUEUED)
        work_mutex_wait(c->mutex, WAIT_MS);
    bool ok = p->state == PLACE_READY;
    if (!ok && e->code == ERR_NONE)
        *e = p->err;
    work_mutex_unlock(c->mutex);
    if (ok)
        c->has_read[p->chunk] = true;
    else
        p->used = 0; /* who wants the chunk next reads it again */
    return ok ? p->raw : NULL;
}

/* --- use ---------------------------------------------------------------------------------------------------------- */

const uint8_t *chunk_cache_get(struct chunk_cache *c, size_t i, struct err *e)
{
    struct place *p = find(c, i);
    if (p == NULL) {
        /* Claims leave one free; it may still be being filled for somebody who does not want it any more. */
        while ((p = find_free(c, NULL, NULL)) == NULL) {
            work_mutex_lock(c->mutex);
            work_mutex_wait(c->mutex, 1);
            work_mutex_unlock(c->mutex);
        }
        take(c, p, i);
    }
    p->used = ++c->clock;
    return content_of(c, p, e);
}

bool chunk_cache_claim(struct chunk_cache *c, size_t i, chunk_soon_fn soon, const void *ctx, size_t *place)
{
    struct place *p = find(c, i);
    if ((p == NULL || p->n_claims == 0) && count_free(c) < 2)
        return false; /* chunk_cache_get needs the last one, also when that holds this very chunk */
    if (p == NULL) {
        p = find_free(c, soon, ctx);
        take(c, p, i);
        if (c->todo != NULL) {
            p->state = PLACE_QUEUED;
            BUG_IF(!work_queue_push(c->todo, p));
        }
    }
    p->used = ++c->clock;
    p->n_claims++;
    *place = (size_t)(p - c->places);
    return true;
}

const uint8_t *chunk_cache_claimed(struct chunk_cache *c, size_t place, struct err *e)
{
    return content_of(c, &c->places[place], e);
}

void chunk_cache_release(struct chunk_cache *c, size_t place)
{
    BUG_IF(c->places[place].n_claims == 0);
    c->places[place].n_claims--;
}
