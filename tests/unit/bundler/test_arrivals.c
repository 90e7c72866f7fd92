/* Blobs that are waited for: told before and after somebody waits, and never. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bundler/arrivals.h"
#include "sys/work.h"

#include "base/banned.h"

enum { N_BLOBS = 50 };

static struct digest number(unsigned i)
{
    struct digest d = { 0 };
    d.bytes[1] = (uint8_t)(i % 4); /* several in one slot */
    d.bytes[31] = (uint8_t)i;
    return d;
}

static void what_has_come_is_not_waited_for(void **state)
{
    (void)state;
    bool is_proven = false;
    struct digest d = number(1);
    AUTO(arrivals_free_auto) struct arrivals *a = arrivals_new();
    struct arrival *x = arrivals_expect(a, &d);
    assert_ptr_equal(arrivals_expect(a, &d), x);
    arrivals_tell(a, &d, true);
    assert_true(arrival_wait(x, &is_proven));
    assert_true(is_proven);
    arrivals_end(a);
    assert_true(arrival_wait(x, &is_proven));
}

static void what_does_not_come_is_told_at_the_end(void **state)
{
    (void)state;
    bool is_proven = true;
    struct digest d = number(1), other = number(2);
    AUTO(arrivals_free_auto) struct arrivals *a = arrivals_new();
    struct arrival *x = arrivals_expect(a, &d);
    arrivals_tell(a, &other, true); /* nobody expects it */
    assert_false(arrivals_are_over(a));
    arrivals_end(a);
    assert_true(arrivals_are_over(a));
    arrivals_tell(a, &d, true); /* too late */
    assert_false(arrival_wait(x, &is_proven));
    assert_false(is_proven);
}

struct crowd {
    struct arrival *expected[N_BLOBS];
    unsigned n_come, n_proven;
};

static bool wait_for_all(void *ctx, struct err *e)
{
    struct crowd *c = ctx;
    (void)e;
    for (unsigned i = 0; i < N_BLOBS; i++) {
        bool is_proven = false;
        c->n_come += arrival_wait(c->expected[i], &is_proven);
        c->n_proven += is_proven;
    }
    return true;
}

static void waiting_threads_go_on_when_it_comes(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct crowd crowds[3] = { 0 };
    struct work_thread *threads[3];
    AUTO(arrivals_free_auto) struct arrivals *a = arrivals_new();
    for (unsigned t = 0; t < 3; t++) {
        for (unsigned i = 0; i < N_BLOBS; i++) {
            struct digest d = number(i);
            crowds[t].expected[i] = arrivals_expect(a, &d);
        }
        threads[t] = work_thread_start(wait_for_all, &crowds[t]);
    }
    for (unsigned i = N_BLOBS - 1; i > 0; i--) {
        struct digest d = number(i);
        arrivals_tell(a, &d, i % 2 == 0);
    }
    arrivals_end(a);
    for (unsigned t = 0; t < 3; t++) {
        assert_true(work_thread_join(&threads[t], &e));
        assert_int_equal(crowds[t].n_come, N_BLOBS - 1);
        assert_int_equal(crowds[t].n_proven, N_BLOBS / 2 - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_come_is_not_waited_for),
        cmocka_unit_test(what_does_not_come_is_told_at_the_end),
        cmocka_unit_test(waiting_threads_go_on_when_it_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
