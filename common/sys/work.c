/* Threads. They are started with every signal blocked: signals are for the main thread, whose waits they interrupt. */
#include "sys/work.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"
#include "sys/start.h"

#include "base/banned.h"

enum { MAX_THREADS = 256 };

static bool thread_start(pthread_t *id, void *(*run)(void *), void *ctx)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool is_started = pthread_create(id, NULL, run, ctx) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return is_started;
}

/* ---- an array of jobs ---- */

struct crew {
    pthread_mutex_t mutex;
    struct job **jobs;
    size_t n_jobs;
    size_t next;
    bool is_failed;
    const void *shared;
};

static struct job *crew_next(struct crew *c)
{
    struct job *j = NULL;
    pthread_mutex_lock(&c->mutex);
    if (!c->is_failed && c->next < c->n_jobs)
        j = c->jobs[c->next++];
    if (j != NULL && !start_check(&j->err)) {
        c->is_failed = true;
        j = NULL;
    }
    pthread_mutex_unlock(&c->mutex);
    return j;
}

static void *crew_work(void *ctx)
{
    struct crew *c = ctx;
    for (struct job *j = crew_next(c); j != NULL; j = crew_next(c)) {
        if (j->run(j, c->shared, &j->err))
            continue;
        BUG_IF(j->err.code == ERR_NONE);
        pthread_mutex_lock(&c->mutex);
        c->is_failed = true;
        pthread_mutex_unlock(&c->mutex);
    }
    return NULL;
}

bool work_run(struct job **jobs, size_t n_jobs, unsigned n_threads, const void *shared, struct err *e)
{
    struct crew c = { .mutex = PTHREAD_MUTEX_INITIALIZER, .jobs = jobs, .n_jobs = n_jobs, .shared = shared };
    pthread_t ids[MAX_THREADS];
    size_t wanted = n_threads < MAX_THREADS ? n_threads : MAX_THREADS;
    size_t n = 0;
    if (wanted > n_jobs)
        wanted = n_jobs;
    /* The caller works too, so a machine that is out of threads still gets everything done. */
    while (n + 1 < wanted && thread_start(&ids[n], crew_work, &c))
        n++;
    crew_work(&c);
    while (n > 0)
        pthread_join(ids[--n], NULL);
    for (size_t i = 0; i < n_jobs; i++)
        if (jobs[i]->err.code != ERR_NONE) {
            if (e->code == ERR_NONE)
                *e = jobs[i]->err;
            return false;
        }
    return true;
}

/* ---- how many processors ---- */

/* The quota of our control group in whole processors, 0 when there is none. */
static unsigned cgroup_cpus(const char *path)
{
    char quota[32];
    unsigned long long period = 0;
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return 0;
    bool is_read = fscanf(f, "%31s %llu", quota, &period) == 2;
    fclose(f);
    unsigned long long micros = 0;
    if (!is_read || period == 0 || sscanf(quota, "%llu", &micros) != 1)
        return 0;
    unsigned long long cpus = (micros + period - 1) / period;
    return cpus > 0 && cpus < MAX_THREADS ? (unsigned)cpus : 0;
}

static unsigned own_cgroup_cpus(void)
{
    char line[1024];
    unsigned cpus = 0;
    FILE *f = fopen("/proc/self/cgroup", "re");
    while (f != NULL && cpus == 0 && fgets(line, sizeof line, f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (!text_starts(line, "0::/"))
            continue;
        AUTO(mem_auto) char *path = mem_format("/sys/fs/cgroup%s/cpu.max", line + 3);
        cpus = cgroup_cpus(path);
    }
    if (f != NULL)
        fclose(f);
    return cpus;
}

unsigned work_cpus(void)
{
    cpu_set_t set;
    int allowed = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    unsigned cpus = allowed > 0 ? (unsigned)allowed : 1;
    unsigned quota = own_cgroup_cpus();
    return quota > 0 && quota < cpus ? quota : cpus;
}

/* ---- a channel ---- */

struct work_queue {
    pthread_mutex_t mutex;
    pthread_cond_t has_item;
    pthread_cond_t has_room;
    void **items; /* a ring */
    size_t max;
    size_t first;
    size_t n;
    bool is_closed;
};

struct work_queue *work_queue_new(size_t max)
{
    BUG_IF(max == 0);
    struct work_queue *q = mem_new(sizeof *q);
    q->items = mem_new_array(max, sizeof *q->items);
    q->max = max;
    pthread_mutex_init(&q->mutex, NULL);
    pthread_cond_init(&q->has_item, NULL);
    pthread_cond_init(&q->has_room, NULL);
    return q;
}

void work_queue_free(struct work_queue *q)
{
    if (q == NULL)
        return;
    pthread_mutex_destroy(&q->mutex);
    pthread_cond_destroy(&q->has_item);
    pthread_cond_destroy(&q->has_room);
    mem_free(q->items);
    mem_free(q);
}

bool work_queue_push(struct work_queue *q, void *item)
{
    pthread_mutex_lock(&q->mutex);
    while (!q->is_closed && q->n == q->max)
        pthread_cond_wait(&q->has_room, &q->mutex);
    bool is_taken = !q->is_closed;
    if (is_taken) {
        q->items[(q->first + q->n) % q->max] = item;
        q->n++;
        pthread_cond_signal(&q->has_item);
    }
    pthread_mutex_unlock(&q->mutex);
    return is_taken;
}

void *work_queue_pop(struct work_queue *q)
{
    void *item = NULL;
    pthread_mutex_lock(&q->mutex);
    while (!q->is_closed && q->n == 0)
        pthread_cond_wait(&q->has_item, &q->mutex);
    if (q->n > 0) {
        item = q->items[q->first];
        q->first = (q->first + 1) % q->max;
        q->n--;
        pthread_cond_signal(&q->has_room);
    }
    pthread_mutex_unlock(&q->mutex);
    return item;
}

void work_queue_close(struct work_queue *q)
{
    pthread_mutex_lock(&q->mutex);
    q->is_closed = true;
    pthread_cond_broadcast(&q->has_item);
    pthread_cond_broadcast(&q->has_room);
    pthread_mutex_unlock(&q->mutex);
}

/* ---- a lock ---- */

struct work_mutex {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

struct work_mutex *work_mutex_new(void)
{
    struct work_mutex *m = mem_new(sizeof *m);
    pthread_condattr_t attributes;
    pthread_mutex_init(&m->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&m->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return m;
}

void work_mutex_free(struct work_mutex *m)
{
    if (m == NULL)
        return;
    pthread_cond_destroy(&m->changed);
    pthread_mutex_destroy(&m->mutex);
    mem_free(m);
}

void work_mutex_lock(struct work_mutex *m)
{
    pthread_mutex_lock(&m->mutex);
}

void work_mutex_unlock(struct work_mutex *m)
{
    pthread_mutex_unlock(&m->mutex);
}

void work_mutex_wait(struct work_mutex *m, unsigned ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(&m->changed, &m->mutex, &until);
}

void work_mutex_wake(struct work_mutex *m)
{
    pthread_cond_broadcast(&m->changed);
}

/* ---- one thread ---- */

struct work_thread {
    pthread_t id;
    bool (*run)(void *ctx, struct err *e);
    void *ctx;
    bool is_ok;
    bool is_started;
    struct err err;
};

static void *thread_main(void *ctx)
{
    struct work_thread *t = ctx;
    t->is_ok = t->run(t->ctx, &t->err);
    return NULL;
}

struct work_thread *work_thread_start(bool (*run)(void *ctx, struct err *e), void *ctx)
{
    struct work_thread *t = mem_new(sizeof *t);
    t->run = run;
    t->ctx = ctx;
    t->is_started = thread_start(&t->id, thread_main, t);
    if (!t->is_started)
        err_set(&t->err, ERR_IO, "no more threads can be started");
    return t;
}

bool work_thread_is_running(const struct work_thread *t)
{
    return t->is_started;
}

bool work_thread_join(struct work_thread **t, struct err *e)
{
    AUTO(mem_auto) struct work_thread *ending = TAKE(*t);
    if (ending == NULL)
        return true;
    if (ending->is_started)
        pthread_join(ending->id, NULL);
    if (ending->is_ok)
        return true;
    BUG_IF(ending->err.code == ERR_NONE);
    if (e->code == ERR_NONE)
        *e = ending->err;
    return false;
}

void work_thread_auto(struct work_thread **t)
{
    struct err ignored = { 0 };
    if (!work_thread_join(t, &ignored))
        return;
}
