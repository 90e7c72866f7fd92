/* The ordered pipeline whose items are drained by a thread of its own: order, failures on every way, and a machine that has no threads left. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/mem.h"
#include "bundle/ring.h"
#include "sys/clock.h"

#include "base/banned.h"

/* Of the threads that are asked for, the first so many are given. */
static unsigned n_threads_left;
int __real_pthread_create(pthread_t *id, const pthread_attr_t *how, void *(*run)(void *), void *ctx);
int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *how, void *(*run)(void *), void *ctx);
int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *how, void *(*run)(void *), void *ctx)
{
    if (n_threads_left == 0)
        return EAGAIN;
    n_threads_left--;
    return __real_pthread_create(id, how, run, ctx);
}

enum { N_ITEMS = 4, N_WORKERS = 2, N_ALL = 100, NONE = -1 };

struct drained {
    int n;
    bool is_in_order;
    int bad_work, bad_drain; /* the item that fails there, or NONE */
};

struct item {
    const struct drained *to;
    int number;
    int result;
};

static void *item_new(void *ctx)
{
    struct item *x = mem_new(sizeof *x);
    x->to = ctx;
    return x;
}

static void *state_new(void *ctx)
{
    (void)ctx;
    return mem_new(1);
}

static void drop(void *item)
{
    mem_free(item);
}

/* Some take longer than those after them. */
static bool work(void *item, void *state, struct err *e)
{
    struct item *x = item;
    (void)state;
    if (x->number % 7 == 0)
        clock_sleep_ms(1);
    x->result = 2 * x->number;
    return x->number != x->to->bad_work || err_set(e, ERR_INTERNAL, "work %d", x->number);
}

static bool drain(void *ctx, void *item, struct err *e)
{
    struct drained *d = ctx;
    const struct item *x = item;
    if (x->number == d->bad_drain)
        return err_set(e, ERR_IO, "drain %d", x->number);
    d->is_in_order = d->is_in_order && x->result == 2 * d->n;
    d->n++;
    return true;
}

static struct ring *open_ring(struct drained *d)
{
    struct ring_spec spec = { .n_items = N_ITEMS, .n_workers = N_WORKERS, .item_new = item_new, .item_free = drop, .state_new = state_new, .state_free = drop,
                              .work = work, .drain = drain, .ctx = d };
    return ring_new(&spec);
}

static void put(struct ring *r, int from, int to)
{
    for (int i = from; i < to; i++) {
        struct item *x = ring_next(r);
        assert_ptr_equal(ring_next(r), x); /* the same one until it is submitted */
        x->number = i;
        ring_submit(r);
    }
}

/* All of them; none, or only some, of: two workers and the thread that drains. */
static const unsigned threads[] = { 3, 2, 1, 0 };

static void items_are_drained_in_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        struct drained d = { .is_in_order = true, .bad_work = NONE, .bad_drain = NONE };
        struct err e = { 0 };
        n_threads_left = threads[i];
        AUTO(ring_free_auto) struct ring *r = open_ring(&d);
        put(r, 0, N_ALL / 2);
        struct item *open = ring_next(r); /* what is being filled does not hold it up */
        ring_settle(r);
        assert_int_equal(d.n, N_ALL / 2);
        assert_ptr_equal(ring_next(r), open);
        put(r, N_ALL / 2, N_ALL);
        ring_settle(r);
        assert_true(ring_is_well(r, &e));
        assert_int_equal(d.n, N_ALL);
        assert_true(d.is_in_order);
    }
}

/* What comes after a failure is thrown away, and nobody waits for ever. */
static void check_failure(unsigned n_threads, int bad_work, int bad_drain, enum err_code code, const char *msg)
{
    struct drained d = { .is_in_order = true, .bad_work = bad_work, .bad_drain = bad_drain };
    struct err e = { 0 };
    n_threads_left = n_threads;
    AUTO(ring_free_auto) struct ring *r = open_ring(&d);
    put(r, 0, N_ALL);
    ring_settle(r);
    assert_false(ring_is_well(r, &e));
    assert_int_equal(e.code, code);
    assert_string_equal(e.msg, msg);
    assert_int_equal(d.n, 30);
    assert_true(d.is_in_order);
}

static void the_first_failure_ends_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        check_failure(threads[i], 30, NONE, ERR_INTERNAL, "work 30");
        check_failure(threads[i], NONE, 30, ERR_IO, "drain 30");
        check_failure(threads[i], 31, 30, ERR_IO, "drain 30");
        check_failure(threads[i], 30, 31, ERR_INTERNAL, "work 30");
    }
}

static void one_that_is_given_up_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        struct drained d = { .is_in_order = true, .bad_work = NONE, .bad_drain = NONE };
        n_threads_left = threads[i];
        struct ring *r = open_ring(&d);
        put(r, 0, N_ITEMS);
        (void)ring_next(r);
        ring_free(r);
        assert_true(d.is_in_order);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_are_drained_in_order),
        cmocka_unit_test(the_first_failure_ends_it),
        cmocka_unit_test(one_that_is_given_up_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
