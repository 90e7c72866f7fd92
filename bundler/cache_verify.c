/* Is every blob what its name says? */
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "bundler/cache_parts.h"
#include "bundler/cache_room.h"
#include "stream/sink.h"
#include "sys/file.h"
#include "sys/path.h"
#include "sys/start.h"
#include "sys/work.h"

#include "base/banned.h"

struct checking {
    const struct cache *cache;
    const struct cache_listing *list;
    struct holds *holds;
    const struct progress *progress;
    atomic_size_t next; /* entry */
    atomic_uint_fast64_t done;
    uint64_t total;
    struct work_mutex *mutex; /* of out */
    struct cache_checked *out;
};

struct checker { /* one of several */
    struct job job;
    struct checking *all;
};

void cache_checked_clear(struct cache_checked *k)
{
    mem_free(k->damaged);
    *k = (struct cache_checked){ 0 };
}

void cache_checked_clear_auto(struct cache_checked *k)
{
    cache_checked_clear(k);
}

static bool count(void *ctx, const void *bytes, size_t n, struct err *e)
{
    (void)bytes;
    struct checking *all = ctx;
    struct progress_fact fact = { .phase = "verify", .done = atomic_fetch_add(&all->done, n) + n, .total = all->total };
    return progress_tell(all->progress, &fact) || err_set(e, ERR_INTERRUPTED, "stopped");
}

static bool hash(struct checking *all, const char *path, const struct digest *want, struct err *e)
{
    AUTO(fd_auto) int fd = file_open_read(path, FILE_NO_LINK, e);
    if (fd < 0)
        return false;
    AUTO(source_free_auto) struct source *from = source_fd(fd, path);
    AUTO(sink_drop_auto) struct sink *to = sink_sha256(want, "content", sink_call(count, all));
    return pump(from, to, e) && sink_finish(to, e);
}

/* Another run may have put a new one in its place meanwhile: that one stays, and is no matter of ours. */
static bool remove_damaged(struct checking *all, const char *path, const struct stat *seen, struct cache_damage *d, bool *is_gone, struct err *e)
{
    struct stat now;
    uint64_t number = cache_number(&d->digest);
    if (!holds_take(all->holds, number))
        return true;
    *is_gone = lstat(path, &now) != 0 || now.st_ino != seen->st_ino || now.st_dev != seen->st_dev;
    d->is_removed = !*is_gone && file_remove(path, e);
    holds_release(all->holds, number);
    return *is_gone || d->is_removed || err_in(e, "blob cache");
}

static bool check(struct checking *all, const struct cache_entry *x, struct err *e)
{
    struct stat seen;
    struct cache_damage d = { .digest = x->digest };
    AUTO(mem_auto) char *path = cache_path(all->cache, &x->digest);
    bool is_gone = lstat(path, &seen) != 0;
    bool is_intact = is_gone || hash(all, path, &x->digest, &d.why);
    if (d.why.code == ERR_INTERRUPTED) {
        *e = d.why;
        return false;
    }
    if (!is_intact && !remove_damaged(all, path, &seen, &d, &is_gone, e))
        return false;
    if (is_gone)
        return true;
    work_mutex_lock(all->mutex);
    all->out->n++;
    all->out->bytes += (uint64_t)seen.st_size;
    if (!is_intact)
        MEM_PUSH(all->out->damaged, all->out->n_damaged, all->out->cap) = d;
    work_mutex_unlock(all->mutex);
    return true;
}

static bool checker_run(struct job *job, const void *ignored, struct err *e)
{
    (void)ignored;
    struct checking *all = ((struct checker *)job)->all;
    for (size_t i; (i = atomic_fetch_add(&all->next, 1)) < all->list->n;)
        if (all->list->entries[i].is_complete && (!start_check(e) || !check(all, &all->list->entries[i], e)))
            return false;
    return true;
}

static void add_up(struct checking *all)
{
    for (size_t i = 0; i < all->list->n; i++) {
        all->total += all->list->entries[i].is_complete ? all->list->entries[i].bytes : 0;
        all->out->n_parts += !all->list->entries[i].is_complete;
    }
}

static int by_digest(const void *a, const void *b)
{
    const struct cache_damage *x = a, *y = b;
    return digest_compare(&x->digest, &y->digest);
}

static bool run(struct checking *all, unsigned jobs, struct err *e)
{
    AUTO(mem_auto) struct checker *checkers = mem_new_array(jobs, sizeof *checkers);
    AUTO(mem_auto) struct job **pointers = mem_new_array(jobs, sizeof *pointers);
    for (unsigned i = 0; i < jobs; i++) {
        checkers[i] = (struct checker){ .job = { .run = checker_run }, .all = all };
        pointers[i] = &checkers[i].job;
    }
    add_up(all);
    if (!work_run(pointers, jobs, jobs, NULL, e))
        return false;
    if (all->out->n_damaged > 0)
        qsort(all->out->damaged, all->out->n_damaged, sizeof *all->out->damaged, by_digest);
    struct progress_fact end = { .phase = "verify", .done = all->out->bytes, .total = all->out->bytes, .is_finished = true };
    return progress_tell(all->progress, &end) || err_set(e, ERR_INTERRUPTED, "stopped");
}

bool cache_verify(const struct cache *c, unsigned jobs, const struct progress *progress, struct cache_checked *out, struct err *e)
{
    AUTO(cache_listing_clear_auto) struct cache_listing list = { 0 };
    AUTO(work_mutex_free_auto) struct work_mutex *mutex = work_mutex_new();
    *out = (struct cache_checked){ 0 };
    if (!cache_list(c, &list, e) || list.n == 0)
        return e->code == ERR_NONE;
    AUTO(holds_close_auto) struct holds *holds = cache_open_holds(c, e);
    struct checking all = { .cache = c, .list = &list, .holds = holds, .progress = progress, .mutex = mutex, .out = out };
    return holds != NULL && run(&all, jobs, e);
}
