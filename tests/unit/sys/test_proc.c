/* Child programs: what they get, what comes back, and how they end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/clock.h"
#include "tests/support/scratch.h"
#include "sys/proc.h"

static struct proc_result run_shell(const char *script, struct proc_spec spec)
{
    const char *const argv[] = { "sh", "-c", script, NULL };
    struct proc_result r;
    struct err e = { 0 };
    spec.argv = argv;
    if (!proc_run(&spec, &r, &e))
        fail_msg("%s", e.msg);
    return r;
}

static void status_and_output_come_back(void **state)
{
    (void)state;
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(100);
    AUTO(buf_clear_auto) struct buf err_out = BUF_LIMIT(100);
    struct proc_result r = run_shell("echo a; echo b >&2; exit 7", (struct proc_spec){ .out = &out, .err_out = &err_out });
    assert_int_equal(r.status, 7);
    assert_false(r.is_timeout);
    assert_string_equal(buf_text(&out), "a\n");
    assert_string_equal(buf_text(&err_out), "b\n");
}

static void a_missing_program_is_a_result(void **state)
{
    (void)state;
    static const char *const missing[] = { "no-such-program-here", "/no/such/program", "relative/program", "/etc/passwd" };
    for (size_t i = 0; i < ARRAY_LEN(missing); i++) {
        const char *const argv[] = { missing[i], NULL };
        struct proc_result r;
        struct err e = { 0 };
        assert_true(proc_run(&(struct proc_spec){ .argv = argv }, &r, &e));
        assert_true(r.is_missing);
    }
}

static void a_program_that_cannot_start_is_an_error(void **state)
{
    struct scratch *s = *state;
    const char *const argv[] = { scratch_text(s, "script", "#!/no/such/interpreter\n", 0755), NULL };
    struct proc_result r;
    struct err e = { 0 };
    assert_false(proc_run(&(struct proc_spec){ .argv = argv }, &r, &e));
    assert_int_equal(e.code, ERR_IO);
    assert_non_null(strstr(e.msg, "cannot be run"));
}

static void the_environment_is_given_not_inherited(void **state)
{
    (void)state;
    setenv("CANARY", "leaks", 1);
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(1000);
    const char *const argv[] = { "env", NULL };
    const char *const envp[] = { "A=1", NULL };
    struct proc_result r;
    struct err e = { 0 };
    assert_true(proc_run(&(struct proc_spec){ .argv = argv, .out = &out }, &r, &e));
    assert_string_equal(buf_text(&out), "PATH=" PROC_PATH "\n");
    buf_reset(&out);
    assert_true(proc_run(&(struct proc_spec){ .argv = argv, .envp = envp, .out = &out }, &r, &e));
    assert_string_equal(buf_text(&out), "A=1\n");
}

static void no_descriptor_is_inherited(void **state)
{
    struct scratch *s = *state;
    AUTO(fd_auto) int fd = open(scratch_text(s, "f", "x", 0600), O_RDONLY); /* on purpose without O_CLOEXEC */
    assert_true(fd > 2);
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(1000);
    struct proc_result r = run_shell("ls /proc/self/fd | wc -l; umask; pwd", (struct proc_spec){ .out = &out });
    assert_int_equal(r.status, 0);
    assert_string_equal(buf_text(&out), "4\n0022\n/\n"); /* three, and the directory that ls lists */
}

static void input_is_read_whole_or_not_at_all(void **state)
{
    (void)state;
    size_t n = 3 << 20;
    AUTO(mem_auto) char *big = mem_new(n);
    memset(big, 'x', n);
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(100);
    struct proc_result r = run_shell("wc -c", (struct proc_spec){ .input = big, .input_bytes = n, .out = &out });
    assert_int_equal(r.status, 0);
    assert_string_equal(buf_text(&out), "3145728\n");
    /* A child that does not read must not stop us, nor kill us with SIGPIPE. */
    r = run_shell("exit 3", (struct proc_spec){ .input = big, .input_bytes = n });
    assert_int_equal(r.status, 3);
}

static void more_output_than_wanted_is_cut_and_the_child_goes_on(void **state)
{
    (void)state;
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(1000);
    struct proc_result r = run_shell("head -c 3000000 /dev/zero | tr '\\0' x; exit 5", (struct proc_spec){ .out = &out });
    assert_int_equal(r.status, 5);
    assert_int_equal(out.len, 1000);
    assert_false(out.over);
}

struct lines {
    char text[500];
    size_t longest;
};

static void note_line(void *ctx, const char *line)
{
    struct lines *lines = ctx;
    size_t n = strlen(lines->text);
    if (strlen(line) > lines->longest)
        lines->longest = strlen(line);
    snprintf(lines->text + n, sizeof lines->text - n, "[%.20s]", line);
}

static void lines_are_told_one_by_one(void **state)
{
    (void)state;
    struct lines lines = { 0 };
    run_shell("printf 'one\\ntwo\\n\\nlast'", (struct proc_spec){ .on_line = note_line, .on_line_ctx = &lines });
    assert_string_equal(lines.text, "[one][two][][last]");
    run_shell("head -c 100000 /dev/zero | tr '\\0' x", (struct proc_spec){ .on_line = note_line, .on_line_ctx = &lines });
    assert_int_equal(lines.longest, 4096);
}

static void a_timeout_ends_the_whole_group(void **state)
{
    struct scratch *s = *state;
    AUTO(mem_auto) char *script = mem_format("(sleep 60; touch %s/alive) & sleep 60", s->dir);
    uint64_t before = clock_monotonic_ms();
    struct proc_result r = run_shell(script, (struct proc_spec){ .timeout_ms = 200 });
    assert_true(r.is_timeout);
    assert_int_equal(r.status, 128 + SIGTERM);
    assert_true(clock_monotonic_ms() - before < 30000);
}

static void a_child_that_ignores_sigterm_is_killed(void **state)
{
    (void)state;
    struct proc_result r = run_shell("trap '' TERM; while :; do sleep 1; done", (struct proc_spec){ .timeout_ms = 100 });
    assert_true(r.is_timeout);
    assert_int_equal(r.status, 128 + SIGKILL);
}

static void a_daemon_left_behind_does_not_hold_us(void **state)
{
    (void)state;
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(100);
    uint64_t before = clock_monotonic_ms();
    struct proc_result r = run_shell("sleep 20 & echo started", (struct proc_spec){ .out = &out });
    assert_int_equal(r.status, 0);
    assert_string_equal(buf_text(&out), "started\n");
    assert_true(clock_monotonic_ms() - before < 15000);
}

static void death_by_signal_is_128_and_the_number(void **state)
{
    (void)state;
    assert_int_equal(run_shell("kill -9 $$", (struct proc_spec){ 0 }).status, 137);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_and_output_come_back),
        cmocka_unit_test(a_missing_program_is_a_result),
        SCRATCH_TEST(a_program_that_cannot_start_is_an_error),
        cmocka_unit_test(the_environment_is_given_not_inherited),
        SCRATCH_TEST(no_descriptor_is_inherited),
        cmocka_unit_test(input_is_read_whole_or_not_at_all),
        cmocka_unit_test(more_output_than_wanted_is_cut_and_the_child_goes_on),
        cmocka_unit_test(lines_are_told_one_by_one),
        SCRATCH_TEST(a_timeout_ends_the_whole_group),
        cmocka_unit_test(a_child_that_ignores_sigterm_is_killed),
        cmocka_unit_test(a_daemon_left_behind_does_not_hold_us),
        cmocka_unit_test(death_by_signal_is_128_and_the_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
