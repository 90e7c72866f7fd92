/* Blobs that are waited for: told before and after somebody waits, and never. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "bundler/arrivals.h"
#include "sys/file.h"
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

/* A file with n bytes; the caller's. */
static int file_of(size_t n)
{
    int fd = memfd_create("blob", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)n), 0);
    return fd;
}

static void what_grows_is_followed_to_its_end(void **state)
{
    (void)state;
    AUTO(fd_auto) int mine = -1;
    uint64_t n = 0;
    struct digest d = number(1);
    AUTO(arrivals_free_auto) struct arrivals *a = arrivals_new();
    struct arrival *x = arrivals_expect(a, &d);
    int fd = file_of(100);
    arrivals_grow(a, &d, fd, 40);
    assert_int_equal(close(fd), 0); /* arrivals have their own */
    assert_int_equal(arrival_follow(x, 0, &mine, &n), ARRIVAL_BYTES);
    assert_int_equal(n, 40);
    assert_true(mine >= 0);
    arrivals_grow(a, &d, mine, 100);
    assert_int_equal(arrival_follow(x, 40, &mine, &n), ARRIVAL_BYTES);
    assert_int_equal(n, 100);
    arrivals_tell(a, &d, true);
    assert_int_equal(arrival_follow(x, 100, &mine, &n), ARRIVAL_CAME);
    assert_int_equal(lseek(mine, 0, SEEK_END), 100); /* still open */
}

static void wrong_bytes_are_told_to_who_has_them_and_to_nobody_else(void **state)
{
    (void)state;
    AUTO(fd_auto) int mine = -1, late = -1;
    AUTO(fd_auto) int fd = file_of(100);
    uint64_t n = 0;
    struct digest d = number(1);
    AUTO(arrivals_free_auto) struct arrivals *a = arrivals_new();
    struct arrival *x = arrivals_expect(a, &d);
    arrivals_grow(a, &d, fd, 100);
    assert_int_equal(arrival_follow(x, 0, &mine, &n), ARRIVAL_BYTES);
    arrivals_grow(a, &d, fd, 0);
    assert_int_equal(arrival_follow(x, 100, &mine, &n), ARRIVAL_AGAIN);
    arrivals_grow(a, &d, fd, 100);
    arrivals_tell(a, &d, true);
    assert_int_equal(arrival_follow(x, 100, &mine, &n), ARRIVAL_AGAIN); /* also when the right ones have come since */
    assert_int_equal(arrival_follow(x, 0, &late, &n), ARRIVAL_CAME);
    assert_int_equal(late, -1);
}

static void what_stops_in_the_middle_is_told(void **state)
{
    (void)state;
    AUTO(fd_auto) int mine = -1;
    AUTO(fd_auto) int fd = file_of(100);
    uint64_t n = 0;
    struct digest d = number(1);
    AUTO(arrivals_free_auto) struct arrivals *a = arrivals_new();
    struct arrival *x = arrivals_expect(a, &d);
    arrivals_grow(a, &d, fd, 40);
    assert_int_equal(arrival_follow(x, 0, &mine, &n), ARRIVAL_BYTES);
    arrivals_end(a);
    assert_int_equal(arrival_follow(x, 40, &mine, &n), ARRIVAL_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_come_is_not_waited_for),
        cmocka_unit_test(what_does_not_come_is_told_at_the_end),
        cmocka_unit_test(waiting_threads_go_on_when_it_comes),
        cmocka_unit_test(what_grows_is_followed_to_its_end),
        cmocka_unit_test(wrong_bytes_are_told_to_who_has_them_and_to_nobody_else),
        cmocka_unit_test(what_stops_in_the_middle_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
