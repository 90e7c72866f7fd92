/* Child programs.
 *
 * The child gets its input from an anonymous file, so that nothing can block on it and nobody gets SIGPIPE. It is the
 * leader of a process group of its own: Ctrl-C reaches us alone, and we end the whole group. Its output is read until both
 * ends are closed; a grandchild that keeps them open after the child has ended is given a second, then left alone. */
#include "sys/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/path.h"
#include "sys/start.h"

#include "base/banned.h"

enum {
    GRACE_MS = 5000,  /* between SIGTERM and SIGKILL */
    LINGER_MS = 1000, /* for output after the child's end */
    TICK_MS = 20,     /* between looks at a child that cannot be waited for with poll */
    WAIT_MS = 60000,
};

/* One output stream of the child. */
struct stream {
    int fd;
    struct buf *keep;
    size_t n_line;
    char line[LIMIT_LINE_BYTES + 1];
};

struct child {
    const struct proc_spec *spec;
    pid_t pid;
    int pid_fd; /* readable when the child has ended; -1 on old kernels */
    struct stream streams[2];
    uint64_t started_ms;
    uint64_t term_ms;  /* when SIGTERM was sent; 0 = not yet */
    uint64_t ended_ms; /* when the child's end was seen; 0 = it runs */
    bool is_timeout;
    int wait_status;
};

/* ---- finding the program ---- */

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* The path of a program as a new string, or null. A relative path is never run. */
static char *find_program(const char *name)
{
    if (strchr(name, '/') != NULL)
        return name[0] == '/' && is_program(name) ? mem_text(name) : NULL;
    const char *dirs = PROC_PATH;
    while (*dirs != '\0') {
        size_t n = strcspn(dirs, ":");
        AUTO(mem_auto) char *path = mem_format("%.*s/%s", (int)n, dirs, name);
        if (is_program(path))
            return TAKE(path);
        dirs += n + (dirs[n] == ':');
    }
    return NULL;
}

/* ---- starting ---- */

/* What the child needs, made before fork: afterwards it may only make system calls. */
struct launch {
    const char *path;
    char *const *argv;
    char *const *envp;
    const char *cwd;
    int fds[3];
    int report_fd; /* errno of a failed start goes here; closed by a successful exec */
};

static void reset_signals(void)
{
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        if (number != SIGKILL && number != SIGSTOP)
            signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* What our own parent left open (a secret given as a descriptor, say) is not for the child. All that is ours is
 * close-on-exec anyway; report_fd must live until exec. */
static void close_at_exec(void)
{
    enum { ALL_OLD_KERNELS_NEED = 1024 };
    if (syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC) == 0)
        return;
    for (int fd = 3; fd < ALL_OLD_KERNELS_NEED; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static _Noreturn void child_main(const struct launch *l)
{
    bool is_ready = true;
    setpgid(0, 0);
    umask(022);
    reset_signals();
    close_at_exec();
    for (int i = 0; i < 3; i++)
        is_ready = is_ready && dup2(l->fds[i], i) == i; /* the sources are above 2, so all three are copies without CLOEXEC */
    if (is_ready && chdir(l->cwd) == 0)
        execve(l->path, l->argv, l->envp);
    int number = errno;
    ssize_t ignored = write(l->report_fd, &number, sizeof number);
    (void)ignored;
    _exit(127);
}

/* Moves a descriptor above the standard ones. */
static bool lift(int *fd)
{
    if (*fd > 2)
        return true;
    int lifted = fcntl(*fd, F_DUPFD_CLOEXEC, 3);
    fd_auto(fd);
    *fd = lifted;
    return lifted >= 0;
}

static bool make_pipe(int ends[2], struct err *e)
{
    if (pipe2(ends, O_CLOEXEC) != 0 || !lift(&ends[0]) || !lift(&ends[1]))
        return file_fail(e, errno, "make", "a pipe");
    return true;
}

/* Read and write end of a pipe, each released by its own AUTO. */
static void pipe_auto(int (*ends)[2])
{
    fd_auto(&(*ends)[0]);
    fd_auto(&(*ends)[1]);
}

static int open_input(const struct proc_spec *spec, struct err *e)
{
    AUTO(fd_auto) int fd = spec->input == NULL ? open("/dev/null", O_RDONLY | O_CLOEXEC) : memfd_create("input", MFD_CLOEXEC);
    if (fd < 0 || !lift(&fd)) {
        file_fail(e, errno, "open", "the input of a program");
        return -1;
    }
    if (spec->input != NULL &&
        (!fd_write_all(fd, spec->input, spec->input_bytes, "the input of a program", e) || lseek(fd, 0, SEEK_SET) != 0))
        return -1;
    int opened = fd;
    fd = -1;
    return opened;
}

/* Waits for exec to happen; 0, or the errno of what went wrong. */
static int exec_outcome(int report_fd)
{
    int number = 0;
    size_t got = 0;
    struct err ignored = { 0 };
    if (!fd_read_full(report_fd, &number, sizeof number, &got, "", &ignored) || got != sizeof number)
        return 0;
    return number;
}

static void launch_and_watch(struct child *c, const struct launch *l)
{
    c->started_ms = clock_monotonic_ms();
    c->pid = fork();
    if (c->pid == 0)
        child_main(l);
    if (c->pid < 0)
        return;
    setpgid(c->pid, c->pid); /* in both, so that it holds whoever runs first */
    c->pid_fd = (int)syscall(SYS_pidfd_open, c->pid, 0);
}

static bool start_child(struct child *c, const char *path, struct err *e)
{
    static const char *const bare[] = { "PATH=" PROC_PATH, NULL };
    const struct proc_spec *spec = c->spec;
    AUTO(pipe_auto) int out[2] = { -1, -1 };
    AUTO(pipe_auto) int err_out[2] = { -1, -1 };
    AUTO(pipe_auto) int report[2] = { -1, -1 };
    AUTO(fd_auto) int input = open_input(spec, e);
    if (input < 0 || !make_pipe(out, e) || !make_pipe(err_out, e) || !make_pipe(report, e))
        return false;
    /* execve takes arrays of char * for historical reasons and changes nothing. */
    union {
        const char *const *given;
        char *const *wanted;
    } argv = { spec->argv }, envp = { spec->envp != NULL ? spec->envp : bare };
    struct launch l = { path, argv.wanted, envp.wanted, spec->cwd != NULL ? spec->cwd : "/", { input, out[1], err_out[1] }, report[1] };
    launch_and_watch(c, &l);
    int number = c->pid < 0 ? errno : 0;
    fd_auto(&report[1]);
    if (number == 0)
        number = exec_outcome(report[0]);
    if (number != 0) {
        if (c->pid > 0)
            waitpid(c->pid, NULL, 0);
        c->pid = -1;
        return err_set(e, ERR_IO, "%s: cannot be run: %s", path, strerror(number));
    }
    c->streams[0].fd = out[0];
    c->streams[1].fd = err_out[0];
    out[0] = err_out[0] = -1;
    return true;
}

/* ---- output ---- */

static void tell_line(const struct child *c, struct stream *s)
{
    s->line[s->n_line] = '\0';
    if (c->spec->on_line != NULL)
        c->spec->on_line(c->spec->on_line_ctx, s->line);
    s->n_line = 0;
}

static void take_bytes(const struct child *c, struct stream *s, const char *bytes, size_t n)
{
    if (s->keep != NULL) {
        size_t room = s->keep->max - s->keep->len;
        buf_add(s->keep, bytes, n < room ? n : room);
    }
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == '\n')
            tell_line(c, s);
        else if (s->n_line < LIMIT_LINE_BYTES) /* the rest of a longer line is not shown */
            s->line[s->n_line++] = bytes[i];
    }
}

static void read_stream(const struct child *c, struct stream *s)
{
    char piece[16384];
    ssize_t n = read(s->fd, piece, sizeof piece);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n > 0) {
        take_bytes(c, s, piece, (size_t)n);
        return;
    }
    if (s->n_line > 0)
        tell_line(c, s);
    fd_auto(&s->fd);
}

static bool is_open(const struct child *c)
{
    return c->streams[0].fd >= 0 || c->streams[1].fd >= 0;
}

/* ---- the end ---- */

static void end_group(struct child *c, uint64_t now)
{
    if (c->term_ms == 0) {
        c->term_ms = now;
        kill(-c->pid, SIGTERM);
    } else if (now - c->term_ms >= GRACE_MS) {
        kill(-c->pid, SIGKILL);
    }
}

/* Signals that are due now. */
static void keep_time(struct child *c, uint64_t now, bool *is_stopped)
{
    bool is_over = c->spec->timeout_ms > 0 && now - c->started_ms >= c->spec->timeout_ms;
    *is_stopped = *is_stopped || start_stop_requested();
    if (c->ended_ms == 0 && is_over && !*is_stopped)
        c->is_timeout = true;
    if (c->ended_ms == 0 && (c->is_timeout || *is_stopped))
        end_group(c, now);
}

static bool reap(struct child *c, struct err *e)
{
    if (c->ended_ms != 0)
        return true;
    pid_t got = waitpid(c->pid, &c->wait_status, WNOHANG);
    if (got < 0 && errno != EINTR)
        return file_fail(e, errno, "wait for", c->spec->argv[0]);
    if (got == c->pid)
        c->ended_ms = clock_monotonic_ms();
    return true;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* How long nothing can become due. */
static int wait_ms(const struct child *c, uint64_t now)
{
    uint64_t ms = c->pid_fd >= 0 || c->ended_ms != 0 ? WAIT_MS : TICK_MS;
    if (c->spec->timeout_ms > 0 && c->term_ms == 0)
        ms = least(ms, c->started_ms + c->spec->timeout_ms > now ? c->started_ms + c->spec->timeout_ms - now : 0);
    if (c->term_ms != 0)
        ms = least(ms, TICK_MS * 5);
    if (c->ended_ms != 0)
        ms = least(ms, LINGER_MS / 10);
    return (int)ms;
}

static void wait_for_something(struct child *c)
{
    struct pollfd fds[3];
    nfds_t n = 0;
    for (int i = 0; i < 2; i++)
        if (c->streams[i].fd >= 0)
            fds[n++] = (struct pollfd){ .fd = c->streams[i].fd, .events = POLLIN };
    if (c->pid_fd >= 0 && c->ended_ms == 0)
        fds[n++] = (struct pollfd){ .fd = c->pid_fd, .events = POLLIN };
    if (poll(fds, n, wait_ms(c, clock_monotonic_ms())) <= 0)
        return;
    for (nfds_t k = 0; k < n; k++)
        for (int i = 0; i < 2 && fds[k].revents != 0; i++)
            if (fds[k].fd == c->streams[i].fd)
                read_stream(c, &c->streams[i]);
}

static bool watch(struct child *c, struct err *e)
{
    bool is_stopped = false;
    for (;;) {
        uint64_t now = clock_monotonic_ms();
        keep_time(c, now, &is_stopped);
        if (!reap(c, e))
            return false;
        if (c->ended_ms != 0 && (!is_open(c) || now - c->ended_ms >= LINGER_MS))
            break;
        wait_for_something(c);
    }
    for (int i = 0; i < 2; i++)
        if (c->streams[i].fd >= 0 && c->streams[i].n_line > 0)
            tell_line(c, &c->streams[i]);
    if (c->term_ms != 0)
        kill(-c->pid, SIGKILL); /* what the child left behind when it was ended */
    return !is_stopped || start_check(e);
}

static void child_clear(struct child *c)
{
    fd_auto(&c->pid_fd);
    fd_auto(&c->streams[0].fd);
    fd_auto(&c->streams[1].fd);
}

bool proc_run(const struct proc_spec *spec, struct proc_result *result, struct err *e)
{
    *result = (struct proc_result){ 0 };
    AUTO(mem_auto) char *path = find_program(spec->argv[0]);
    if (path == NULL) {
        result->is_missing = true;
        result->status = 127;
        return true;
    }
    AUTO(mem_auto) struct child *c = mem_new(sizeof *c);
    *c = (struct child){ .spec = spec, .pid = -1, .pid_fd = -1 };
    c->streams[0] = (struct stream){ .fd = -1, .keep = spec->out };
    c->streams[1] = (struct stream){ .fd = -1, .keep = spec->err_out };
    bool is_watched = start_check(e) && start_child(c, path, e) && watch(c, e);
    child_clear(c);
    if (!is_watched)
        return false;
    result->is_timeout = c->is_timeout;
    result->status = WIFSIGNALED(c->wait_status) ? 128 + WTERMSIG(c->wait_status) : WEXITSTATUS(c->wait_status);
    return true;
}
