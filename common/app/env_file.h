/* Env files: NAME=VALUE lines with # comments, an optional `export`, 'single' and "double" quotes (\n \r \t \" \\ \$ in the latter).
 * Nothing is expanded here: a $ outside single quotes is remembered and refused when that value is asked for, because compose
 * would expand it and a password must not change silently. */
#ifndef APP_ENV_FILE_H
#define APP_ENV_FILE_H

#include "base/buf.h"

struct env_pair {
    char *name;
    char *value;
    unsigned line;
    bool is_doubtful; /* holds a $ that was not in single quotes (or written \$) */
};
struct env_pairs {
    struct env_pair *items;
    size_t n, cap;
};

/* Reads the text of a file; what is its name for messages. Repeated names, names that are none, NUL, invalid UTF-8, quotes that do not
 * end: ERR_CONFIG "what:line: ...". */
MUST_CHECK bool env_file_read(struct env_pairs *out, const char *text, size_t n, const char *what, struct err *e);
/* The value, or null when it is not there. A doubtful one is ERR_CONFIG in e (and null). */
const char *env_pairs_get(const struct env_pairs *p, const char *name, const char *what, struct err *e);
void env_pairs_clear(struct env_pairs *p); /* wipes the values */
void env_pairs_clear_auto(struct env_pairs *p);

#endif
