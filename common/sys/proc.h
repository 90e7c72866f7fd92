/* Child programs: an argument vector, never a shell; an environment that is given, not inherited; a timeout; bounded output. CONTRACT */
#ifndef SYS_PROC_H
#define SYS_PROC_H

#include "base/buf.h"

struct proc_spec {
    const char *const *argv;   /* argv[0]: absolute path, or a name looked up in PROC_PATH */
    const char *const *envp;   /* "NAME=value" list, null-terminated; null = only PATH */
    const char *cwd;           /* null: / */
    const void *input;         /* standard input; null: /dev/null */
    size_t input_bytes;
    unsigned timeout_ms;       /* 0: none. On expiry SIGTERM, then SIGKILL to the child's process group */
    struct buf *out;           /* captured standard output; null: discarded. Over the limit: cut, child goes on */
    struct buf *err_out;       /* captured standard error; null: discarded; may be == out */
    void (*on_line)(void *ctx, const char *line); /* each line of stderr/stdout as it comes; may be null */
    void *on_line_ctx;
};
#define PROC_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct proc_result {
    int status;        /* exit status, or 128 + signal */
    bool is_timeout;
    bool is_missing;   /* the program was not found: not an error of proc_run */
};
/* Fails only when the child could not be run or watched (ERR_IO); a non-zero status is a result. A signal to us
 * (signal_stop_requested) ends the child and fails with ERR_INTERRUPTED. Children start with default signals and umask 022. */
MUST_CHECK bool proc_run(const struct proc_spec *spec, struct proc_result *result, struct err *e);

#endif
