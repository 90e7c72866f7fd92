/* Threads live here and nowhere else. CONTRACT
 *
 * work_run: an array of jobs on a few threads; a job owns what it touches, its error is inside it; after a failure no new
 * job starts; all threads are joined; the error of the lowest job is reported, so messages do not depend on timing.
 *
 * work_queue: a bounded channel of pointers between threads (for pipelines); work_thread: one thread that runs a function. */
#ifndef SYS_WORK_H
#define SYS_WORK_H

#include "base/err.h"

struct job {
    bool (*run)(struct job *j, const void *shared, struct err *e);
    struct err err;
};
MUST_CHECK bool work_run(struct job **jobs, size_t n_jobs, unsigned n_threads, const void *shared, struct err *e);

/* Number of usable processors (affinity and cgroup quota considered), at least 1. */
unsigned work_cpus(void);

struct work_queue; /* many producers, many consumers, at most max items */
struct work_queue *work_queue_new(size_t max);
void work_queue_free(struct work_queue *q); /* items left are the caller's problem: drain first */
AUTO_FREE(struct work_queue, work_queue_free)
/* Blocks while full. False when the queue was closed (the item stays the caller's). */
MUST_CHECK bool work_queue_push(struct work_queue *q, void *item);
/* Blocks while empty. Null when closed and empty. */
void *work_queue_pop(struct work_queue *q);
/* No more pushes; pops drain what is there. May be called twice and from any thread. */
void work_queue_close(struct work_queue *q);

/* For the few things that several threads share and that are no pipeline (the screen). */
struct work_mutex;
struct work_mutex *work_mutex_new(void);
void work_mutex_free(struct work_mutex *m);
AUTO_FREE(struct work_mutex, work_mutex_free)
void work_mutex_lock(struct work_mutex *m);
void work_mutex_unlock(struct work_mutex *m);
/* With the lock: gives it up, sleeps until work_mutex_wake or for ms at most, has it again. It may return early: ask again what was waited for. */
void work_mutex_wait(struct work_mutex *m, unsigned ms);
/* With the lock: wakes all that wait. */
void work_mutex_wake(struct work_mutex *m);

struct work_thread;
/* The function's error is inside the thread object until it is joined. */
struct work_thread *work_thread_start(bool (*run)(void *ctx, struct err *e), void *ctx);
/* False when the system had no thread left: the function will not run, joining says why. */
bool work_thread_is_running(const struct work_thread *t);
/* Waits; frees; reports the function's failure. Null is fine (true). */
MUST_CHECK bool work_thread_join(struct work_thread **t, struct err *e);
/* For AUTO on a failing path: joins and forgets the error. The caller must have closed what the thread waits for. */
void work_thread_auto(struct work_thread **t);

#endif
