/* What a program does to its own process before it touches anything, and stopping by signal. CONTRACT */
#ifndef SYS_START_H
#define SYS_START_H

#include "base/err.h"

/* Standard descriptors open (else /dev/null), umask 077, no core dumps, not dumpable, refuse set-uid, LC_ALL=C, SIGPIPE and SIGXFSZ ignored,
 * SIGINT/SIGTERM/SIGHUP set a flag (a second one within the run kills). Removes from the environment what libraries would
 * obey: LD_*, OPENSSL_*, SSL_*, PG*, GCONV_PATH, MALLOC_*, CURL_*, TMPDIR, IFS, BASH_ENV, DOCKER_*, COMPOSE_* except names in keep (null-terminated, exact names). */
MUST_CHECK bool start_process(const char *const *keep, struct err *e);

/* A signal asked for a stop. start_check: the same as ERR_INTERRUPTED "stopped by signal N" with a hint to run again. */
bool start_stop_requested(void);
MUST_CHECK bool start_check(struct err *e);

#endif
