/* The own process, signals and the terminal. Each test changes the process it runs in, so each has a child. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "sys/proc.h"
#include "sys/start.h"
#include "sys/term.h"
#include "sys/work.h"

/* Runs fn in a child; its exit status, or 128 + signal. */
static int in_child(int (*fn)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(fn());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

#define EXPECT(cond)         \
    do {                     \
        if (!(cond))         \
            return __LINE__ % 100 + 1; \
    } while (0)

static int environment_child(void)
{
    static const char *const hostile[] = { "LD_PRELOAD", "OPENSSL_CONF", "SSL_CERT_FILE", "SSLKEYLOGFILE", "PGHOST", "PGSSLMODE",
                                           "GCONV_PATH", "MALLOC_CHECK_", "CURL_CA_BUNDLE", "TMPDIR", "IFS", "BASH_ENV",
                                           "DOCKER_HOST", "COMPOSE_FILE", "LC_NUMERIC", "GLIBC_TUNABLES" };
    static const char *const keep[] = { "DOCKER_CONFIG", NULL };
    struct err e = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(hostile); i++)
        setenv(hostile[i], "x", 1);
    setenv("DOCKER_CONFIG", "kept", 1);
    setenv("HTTPS_PROXY", "kept", 1);
    setenv("PATH", "/evil", 1);
    EXPECT(start_process(keep, &e));
    for (size_t i = 0; i < ARRAY_LEN(hostile); i++)
        EXPECT(getenv(hostile[i]) == NULL);
    EXPECT(getenv("DOCKER_CONFIG") != NULL && getenv("HTTPS_PROXY") != NULL);
    EXPECT(strcmp(getenv("PATH"), PROC_PATH) == 0 && strcmp(getenv("LC_ALL"), "C") == 0);
    return 0;
}

static void hostile_variables_are_gone(void **state)
{
    (void)state;
    assert_int_equal(in_child(environment_child), 0);
}

static int process_child(void)
{
    struct err e = { 0 };
    struct rlimit core;
    close(0);
    close(1);
    signal(SIGCHLD, SIG_IGN);
    umask(0);
    EXPECT(start_process(NULL, &e));
    EXPECT(umask(0) == 077);
    EXPECT(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0);
    EXPECT(fcntl(0, F_GETFD) >= 0);
    EXPECT(write(1, "x", 1) == -1); /* results that go nowhere are noticed */
    const char *const argv[] = { "false", NULL };
    struct proc_result r;
    EXPECT(proc_run(&(struct proc_spec){ .argv = argv }, &r, &e) && r.status == 1);
    return 0;
}

static void the_process_is_put_in_order(void **state)
{
    (void)state;
    assert_int_equal(in_child(process_child), 0);
}

static int signal_child(void)
{
    struct err e = { 0 };
    EXPECT(start_process(NULL, &e) && !start_stop_requested() && start_check(&e));
    raise(SIGPIPE);
    EXPECT(!start_stop_requested());
    raise(SIGTERM);
    EXPECT(start_stop_requested() && !start_check(&e));
    EXPECT(e.code == ERR_INTERRUPTED && strstr(e.msg, "signal 15") != NULL && e.hint[0] != '\0');
    raise(SIGINT);
    return 0; /* not reached */
}

static void the_first_signal_asks_and_the_second_kills(void **state)
{
    (void)state;
    assert_int_equal(in_child(signal_child), 128 + SIGINT);
}

static int stop_child(void)
{
    struct err e = { 0 };
    EXPECT(start_process(NULL, &e));
    const char *const argv[] = { "sh", "-c", "kill -TERM $PPID; sleep 60", NULL };
    struct proc_result r;
    EXPECT(!proc_run(&(struct proc_spec){ .argv = argv }, &r, &e));
    EXPECT(e.code == ERR_INTERRUPTED);
    return 0;
}

static void a_signal_ends_the_child_too(void **state)
{
    (void)state;
    assert_int_equal(in_child(stop_child), 0);
}

static bool never_run(struct job *j, const void *shared, struct err *e)
{
    (void)j;
    (void)shared;
    return err_set(e, ERR_INTERNAL, "ran");
}

static int no_job_child(void)
{
    struct err e = { 0 };
    struct job job = { .run = never_run };
    struct job *jobs[] = { &job };
    EXPECT(start_process(NULL, &e));
    raise(SIGHUP);
    EXPECT(!work_run(jobs, 1, 1, NULL, &e) && e.code == ERR_INTERRUPTED);
    return 0;
}

static void no_job_starts_after_a_signal(void **state)
{
    (void)state;
    assert_int_equal(in_child(no_job_child), 0);
}

static int no_terminal_child(void)
{
    struct err e = { 0 };
    struct secret s = { 0 };
    setsid();
    EXPECT(!term_ask_secret("passphrase", &s, &e));
    EXPECT(e.code == ERR_USAGE && strcmp(e.msg, "passphrase: no terminal to ask on") == 0);
    return 0;
}

static void without_a_terminal_there_is_no_question(void **state)
{
    (void)state;
    assert_int_equal(in_child(no_terminal_child), 0);
}

/* Asks on the terminal it was given and says on it whether the answer was right. */
static int ask_child(void)
{
    struct err e = { 0 };
    AUTO(secret_clear_auto) struct secret s = { 0 };
    EXPECT(term_is_interactive());
    EXPECT(term_ask_secret("passphrase", &s, &e));
    EXPECT(s.n == 8 && memcmp(s.bytes, "hunter22", 8) == 0);
    return 0;
}

static size_t read_until(int fd, char *seen, size_t n, size_t size, const char *wanted)
{
    while (strstr(seen, wanted) == NULL && n + 1 < size) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        if (poll(&p, 1, 20000) <= 0)
            break;
        ssize_t got = read(fd, seen + n, size - n - 1);
        if (got <= 0)
            break;
        n += (size_t)got;
        seen[n] = '\0';
    }
    return n;
}

static void a_secret_is_asked_without_echo(void **state)
{
    (void)state;
    int terminal;
    int status;
    char seen[500] = "";
    pid_t pid = forkpty(&terminal, NULL, NULL, NULL);
    if (pid == 0)
        _exit(ask_child());
    size_t n = read_until(terminal, seen, 0, sizeof seen, "passphrase: ");
    assert_non_null(strstr(seen, "passphrase: "));
    assert_int_equal(write(terminal, "hunter22\n", 9), 9);
    read_until(terminal, seen, n, sizeof seen, "no such text");
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_null(strstr(seen, "hunter"));
    close(terminal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_variables_are_gone),
        cmocka_unit_test(the_process_is_put_in_order),
        cmocka_unit_test(the_first_signal_asks_and_the_second_kills),
        cmocka_unit_test(a_signal_ends_the_child_too),
        cmocka_unit_test(no_job_starts_after_a_signal),
        cmocka_unit_test(without_a_terminal_there_is_no_question),
        cmocka_unit_test(a_secret_is_asked_without_echo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
