/* Threads: every job once, the lowest error, channels that end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "sys/clock.h"
#include "sys/work.h"

enum { N_JOBS = 200 };

struct counting {
    struct job job;
    int number;
    int n_runs;
};

static bool count_run(struct job *j, const void *shared, struct err *e)
{
    struct counting *c = (struct counting *)j;
    const int *fails_from = shared;
    c->n_runs++;
    return c->number < *fails_from || err_set(e, ERR_IO, "job %d", c->number);
}

static bool run_counting(struct counting *all, unsigned n_threads, int fails_from, struct err *e)
{
    struct job *jobs[N_JOBS];
    for (int i = 0; i < N_JOBS; i++) {
        all[i] = (struct counting){ .job.run = count_run, .number = i };
        jobs[i] = &all[i].job;
    }
    return work_run(jobs, N_JOBS, n_threads, &fails_from, e);
}

static void every_job_runs_once(void **state)
{
    (void)state;
    static const unsigned threads[] = { 0, 1, 3, 1000 };
    struct counting all[N_JOBS];
    for (size_t t = 0; t < ARRAY_LEN(threads); t++) {
        struct err e = { 0 };
        assert_true(run_counting(all, threads[t], N_JOBS, &e));
        for (int i = 0; i < N_JOBS; i++)
            assert_int_equal(all[i].n_runs, 1);
    }
    struct err e = { 0 };
    assert_true(work_run(NULL, 0, 4, NULL, &e));
}

static void the_lowest_error_is_reported_and_no_new_job_starts(void **state)
{
    (void)state;
    struct counting all[N_JOBS];
    for (unsigned threads = 1; threads <= 8; threads++) {
        struct err e = { 0 };
        assert_false(run_counting(all, threads, 10, &e));
        assert_string_equal(e.msg, "job 10");
        int n_runs = 0;
        for (int i = 0; i < N_JOBS; i++)
            n_runs += all[i].n_runs;
        assert_true(n_runs <= 10 + (int)threads);
    }
}

struct pair {
    struct work_queue *in;
    struct work_queue *out;
};

static bool pass_on(void *ctx, struct err *e)
{
    struct pair *p = ctx;
    for (void *item = work_queue_pop(p->in); item != NULL; item = work_queue_pop(p->in))
        if (!work_queue_push(p->out, item))
            return err_set(e, ERR_INTERNAL, "closed too early");
    return true;
}

static bool feed(void *ctx, struct err *e)
{
    struct pair *p = ctx;
    static int items[1000];
    for (size_t i = 0; i < ARRAY_LEN(items); i++)
        if (!work_queue_push(p->in, &items[i]))
            return err_set(e, ERR_INTERNAL, "refused");
    work_queue_close(p->in);
    return true;
}

static void a_pipeline_delivers_everything_and_ends(void **state)
{
    (void)state;
    AUTO(work_queue_free_auto) struct work_queue *in = work_queue_new(3);
    AUTO(work_queue_free_auto) struct work_queue *out = work_queue_new(2);
    struct pair p = { in, out };
    struct work_thread *feeder = work_thread_start(feed, &p);
    struct work_thread *a = work_thread_start(pass_on, &p);
    struct work_thread *b = work_thread_start(pass_on, &p);
    size_t n = 0;
    while (n < 1000 && work_queue_pop(out) != NULL)
        n++;
    struct err e = { 0 };
    assert_true(work_thread_join(&feeder, &e));
    assert_true(work_thread_join(&a, &e));
    assert_true(work_thread_join(&b, &e));
    assert_null(a);
    assert_true(work_thread_join(&a, &e));
    work_queue_close(out);
    work_queue_close(out);
    assert_null(work_queue_pop(out));
    assert_int_equal(n, 1000);
}

static void closing_frees_a_producer_that_waits(void **state)
{
    (void)state;
    AUTO(work_queue_free_auto) struct work_queue *q = work_queue_new(1);
    struct pair p = { q, NULL };
    struct work_thread *t = work_thread_start(feed, &p);
    clock_sleep_ms(20);
    work_queue_close(q);
    struct err e = { 0 };
    assert_false(work_thread_join(&t, &e));
    assert_string_equal(e.msg, "refused");
    assert_non_null(work_queue_pop(q));
    assert_null(work_queue_pop(q));
}

static void there_is_at_least_one_processor(void **state)
{
    (void)state;
    assert_true(work_cpus() >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_runs_once),
        cmocka_unit_test(the_lowest_error_is_reported_and_no_new_job_starts),
        cmocka_unit_test(a_pipeline_delivers_everything_and_ends),
        cmocka_unit_test(closing_frees_a_producer_that_waits),
        cmocka_unit_test(there_is_at_least_one_processor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
