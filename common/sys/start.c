/* What the program does to its own process. The environment is the caller's, and under sudo the caller is not who we run
 * as: variables that libraries obey are removed, not trusted. */
#include "sys/start.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "sys/proc.h"

#include "base/banned.h"

/* The one thing a signal handler can do is remember; this is the one variable that it may touch. Other threads look at it, so it is atomic. */
static atomic_int stop_signal;

/* ---- descriptors ---- */

/* A file opened later must not become number 1 and receive the results. Descriptor 1 cannot be written to, so that a run
 * whose results went nowhere does not end well. */
static bool open_standard(struct err *e)
{
    static const int modes[3] = { O_RDWR, O_RDONLY, O_RDWR };
    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
            continue;
        int opened = open("/dev/null", modes[fd]);
        if (opened != fd)
            return err_set(e, ERR_IO, "open /dev/null: %s", opened < 0 ? strerror(errno) : "wrong descriptor");
    }
    return true;
}

/* ---- environment ---- */

static const char *const hostile_prefixes[] = {
    "LD_", "OPENSSL_", "SSL_", "SSLKEYLOGFILE=", "PG", "GCONV_PATH=", "LOCPATH=", "NLSPATH=", "GLIBC_TUNABLES=", "MALLOC_",
    "CURL_", "TMPDIR=", "IFS=", "BASH_ENV=", "ENV=", "CDPATH=", "DOCKER_", "COMPOSE_", "CONTAINER_HOST=", "RES_OPTIONS=",
    "HOSTALIASES=", "LOCALDOMAIN=", "LC_", "LANGUAGE=", "ZSTD_",
};

static bool is_kept(const char *name, const char *const *keep)
{
    for (; keep != NULL && *keep != NULL; keep++)
        if (text_is(name, *keep))
            return true;
    return false;
}

static bool is_hostile(const char *entry)
{
    for (size_t i = 0; i < ARRAY_LEN(hostile_prefixes); i++)
        if (text_starts(entry, hostile_prefixes[i]))
            return true;
    return false;
}

static void clean_environment(const char *const *keep)
{
    size_t i = 0;
    while (environ != NULL && environ[i] != NULL) {
        AUTO(mem_auto) char *name = mem_text_n(environ[i], strcspn(environ[i], "="));
        /* unsetenv closes the gap, so the next entry is at the same place. */
        if (!is_hostile(environ[i]) || is_kept(name, keep) || unsetenv(name) != 0)
            i++;
    }
    setenv("PATH", PROC_PATH, 1);
    setenv("LC_ALL", "C", 1);
    setlocale(LC_ALL, "C");
}

/* ---- signals ---- */

static void on_stop(int number)
{
    if (stop_signal != 0) {
        signal(number, SIG_DFL);
        raise(number);
    }
    stop_signal = number;
}

static void set_handler(int number, void (*handler)(int))
{
    struct sigaction act = { .sa_handler = handler };
    sigemptyset(&act.sa_mask);
    sigaction(number, &act, NULL);
}

static void install_signals(void)
{
    struct sigaction hup;
    sigset_t none;
    set_handler(SIGINT, on_stop);
    set_handler(SIGTERM, on_stop);
    /* Under nohup the hang-up stays ignored. */
    if (sigaction(SIGHUP, NULL, &hup) != 0 || hup.sa_handler != SIG_IGN)
        set_handler(SIGHUP, on_stop);
    set_handler(SIGPIPE, SIG_IGN);
    /* A file that may not become larger is an error like any other. */
    set_handler(SIGXFSZ, SIG_IGN);
    /* A parent that ignores SIGCHLD would leave us without the status of our children. */
    set_handler(SIGCHLD, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

bool start_stop_requested(void)
{
    return stop_signal != 0;
}

bool start_check(struct err *e)
{
    int number = stop_signal;
    if (number == 0)
        return true;
    err_set(e, ERR_INTERRUPTED, "stopped by signal %d (%s)", number, strsignal(number));
    return err_hint(e, "running the same command again goes on from here");
}

/* ---- the rest ---- */

static bool refuse_set_uid(struct err *e)
{
    if (getuid() != geteuid() || getgid() != getegid() || getauxval(AT_SECURE) != 0)
        return err_set(e, ERR_USAGE, "this program must not be set-uid, set-gid or have file capabilities");
    return true;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED
#elif defined(__has_feature) /* clang's way of telling */
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED
#endif
#endif

static void forbid_core_dumps(void)
{
    struct rlimit none = { 0, 0 };
    if (setrlimit(RLIMIT_CORE, &none) != 0)
        log_warn("core dumps cannot be switched off: %s", strerror(errno));
#ifndef IS_SANITIZED
    /* The leak checker of a test build traces its own process, which this forbids. */
    prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
#endif
}

bool start_process(const char *const *keep, struct err *e)
{
    if (!open_standard(e) || !refuse_set_uid(e))
        return false;
    umask(077);
    forbid_core_dumps();
    clean_environment(keep);
    install_signals();
    return true;
}
