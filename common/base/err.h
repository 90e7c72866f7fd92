/* The one error value. It has a fixed size, so that reporting cannot itself fail. The first failure wins: err_set on an
 * error that is set already changes nothing. The depth names the fact, each level above may add one noun with err_in,
 * only main prints.
 *
 *     if (fd < 0)
 *         return err_set(e, ERR_IO, "open %s: %s", path, strerror(errno));
 *     ...
 *     return err_in(e, "layer %zu", i);                       ->  "layer 3: open x: No such file or directory"
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/auto.h"

/* Code, exit status, meaning. Exit statuses are API (docs/ERRORS.md): never reused. */
#define ERR_TABLE(X)                                                                                                   \
    X(NONE, 0, "success")                                                                                              \
    X(USAGE, 2, "the command line is wrong")                                                                           \
    X(CONFIG, 3, "a configuration, definition, key, certificate or policy file is wrong")                              \
    X(FORMAT, 10, "not a bundle, malformed, or too new")                                                               \
    X(TRUST, 11, "no trusted signature, wrong signature, revoked key")                                                 \
    X(POLICY, 12, "genuine, but not allowed here")                                                                     \
    X(INTEGRITY, 13, "bytes differ from what was signed or promised")                                                  \
    X(NET, 20, "no connection, timeout, TLS")                                                                          \
    X(AUTH, 21, "the registry refused the credentials")                                                                \
    X(REGISTRY, 22, "the registry answered nonsense, or has no such image or platform")                                \
    X(ENGINE, 30, "the container engine is missing, refused or failed")                                                \
    X(SPACE, 31, "not enough room")                                                                                    \
    X(DB, 40, "no database connection")                                                                                \
    X(DB_ROLLED_BACK, 41, "a migration failed, the database is as before")                                             \
    X(DB_PARTIAL, 42, "a migration that cannot be rolled back failed half-way")                                        \
    X(UNHEALTHY, 50, "services did not become healthy")                                                                \
    X(IO, 60, "a disk or medium failed")                                                                               \
    X(LOCKED, 61, "another run is active")                                                                             \
    X(INTERRUPTED, 62, "stopped by a signal; running the same command again resumes")                                  \
    X(INTERNAL, 70, "a bug")

enum err_code {
#define ERR_ENUM(name, status, meaning) ERR_##name,
    ERR_TABLE(ERR_ENUM)
#undef ERR_ENUM
};

struct err {
    enum err_code code;
    char msg[512];  /* what is wrong, outermost noun first */
    char hint[320]; /* what the operator can do, or empty  */
};

/* Sets code and message unless e is set already. Returns false always, to be returned. */
bool err_set(struct err *e, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Puts "noun: " before the message. Returns false always. */
bool err_in(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Puts more behind the message, where nothing of it was cut. Returns false always. */
bool err_add(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Sets the hint unless there is one: the deepest hint wins. Returns false always. */
bool err_hint(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Changes the class of an error that is set: the level that knows what the operation meant decides (a failed read of a
 * key file is ERR_CONFIG, of a bundle ERR_IO). Returns false always. */
bool err_as(struct err *e, enum err_code code);

/* Exit status of a code, its name ("TRUST") and its meaning. */
int err_status(enum err_code code);
const char *err_name(enum err_code code);
const char *err_meaning(enum err_code code);

/* A bug, not an error: always compiled in, prints one line and stops the program. State is on disk, stopping is safe. */
#define BUG_IF(cond)                                 \
    do {                                             \
        if (__builtin_expect(!!(cond), 0))           \
            err_bug(__FILE__, __LINE__, #cond);      \
    } while (0)
_Noreturn void err_bug(const char *file, int line, const char *what);

#endif
