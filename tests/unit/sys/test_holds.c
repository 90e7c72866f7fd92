/* Holds: shared by any number, taken by one alone, gone with the process. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/holds.h"
#include "tests/support/scratch.h"

static void what_is_shared_cannot_be_taken(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    AUTO(holds_close_auto) struct holds *a = holds_open(scratch_at(s, "lock"), &e);
    AUTO(holds_close_auto) struct holds *b = holds_open(scratch_at(s, "lock"), &e);
    AUTO(holds_close_auto) struct holds *remover = holds_open(scratch_at(s, "lock"), &e);
    assert_true(holds_share(a, UINT64_MAX, &e) && holds_share(a, UINT64_MAX, &e) && holds_share(b, UINT64_MAX, &e));
    assert_true(holds_is_used(remover, UINT64_MAX));
    assert_false(holds_take(remover, UINT64_MAX));
    holds_release(a, UINT64_MAX);
    assert_false(holds_take(remover, UINT64_MAX));
    holds_release_all(b);
    assert_false(holds_is_used(remover, UINT64_MAX));
    assert_true(holds_take(remover, UINT64_MAX));
}

static void numbers_are_apart(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    AUTO(holds_close_auto) struct holds *a = holds_open(scratch_at(s, "lock"), &e);
    AUTO(holds_close_auto) struct holds *b = holds_open(scratch_at(s, "lock"), &e);
    for (uint64_t i = 0; i < 2000; i += 2)
        assert_true(holds_share(a, i * 0x9E3779B97F4A7C15u, &e));
    for (uint64_t i = 0; i < 2000; i++)
        assert_int_equal(holds_take(b, i * 0x9E3779B97F4A7C15u), i % 2 == 1);
}

static void what_is_taken_is_waited_for(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct holds *h = holds_open(scratch_at(s, "lock"), &e);
        bool is_ok = h != NULL && holds_take(h, 7) && write(ready[1], "x", 1) == 1;
        usleep(30000);
        _exit(is_ok && write(ready[1], "y", 1) == 1 ? 0 : 1); /* the lock goes with the process, after this */
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    AUTO(holds_close_auto) struct holds *h = holds_open(scratch_at(s, "lock"), &e);
    assert_true(holds_share(h, 7, &e));
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(ready[0]);
    close(ready[1]);
}

static void what_is_no_file_is_refused_and_not_waited_for(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    assert_int_equal(mkfifo(scratch_at(s, "pipe"), 0600), 0);
    assert_null(holds_open(scratch_at(s, "pipe"), &e));
    assert_int_equal(e.code, ERR_IO);
    assert_int_equal(symlink("elsewhere", scratch_at(s, "link")), 0);
    assert_null(holds_open(scratch_at(s, "link"), &e));
    assert_int_equal(access(scratch_at(s, "elsewhere"), F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(what_is_shared_cannot_be_taken),
        SCRATCH_TEST(numbers_are_apart),
        SCRATCH_TEST(what_is_taken_is_waited_for),
        SCRATCH_TEST(what_is_no_file_is_refused_and_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
