/* Locks: one holder, named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/lock.h"
#include "tests/support/scratch.h"

static void the_second_taker_learns_who_holds_it(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    const char *path = scratch_at(s, "lock");
    {
        AUTO(lock_release_auto) struct lock *first = lock_take(path, "install shop-1.4.0", &e);
        assert_non_null(first);
        assert_null(lock_take(path, "install shop-1.5.0", &e));
        assert_int_equal(e.code, ERR_LOCKED);
        AUTO(mem_auto) char *expected = mem_format("held by pid %d (install shop-1.4.0) since 2", (int)getpid());
        assert_non_null(strstr(e.msg, expected));
    }
    e = (struct err){ 0 };
    AUTO(lock_release_auto) struct lock *again = lock_take(path, "status", &e);
    assert_non_null(again);
}

static void a_lock_ends_with_its_process(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    const char *path = scratch_at(s, "lock");
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct lock *l = lock_take(path, "child", &e);
        if (l == NULL || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_null(lock_take(path, "parent", &e));
    assert_int_equal(e.code, ERR_LOCKED);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    e = (struct err){ 0 };
    AUTO(lock_release_auto) struct lock *l = lock_take(path, "parent", &e);
    assert_non_null(l);
    close(ready[0]);
    close(ready[1]);
}

static void a_link_or_a_pipe_is_not_a_lock(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    AUTO(mem_auto) char *victim = mem_text(scratch_text(s, "victim", "precious", 0600));
    assert_int_equal(symlink(victim, scratch_at(s, "link")), 0);
    assert_null(lock_take(s->path, "x", &e));
    AUTO(mem_auto) char *text = scratch_content(s, "victim");
    assert_string_equal(text, "precious");
    e = (struct err){ 0 };
    assert_int_equal(mkfifo(scratch_at(s, "fifo"), 0600), 0);
    assert_null(lock_take(s->path, "x", &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(the_second_taker_learns_who_holds_it),
        SCRATCH_TEST(a_lock_ends_with_its_process),
        SCRATCH_TEST(a_link_or_a_pipe_is_not_a_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
