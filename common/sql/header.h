/* The header comments of a migration file: `-- archon: mode=transaction timeout=10min lock_timeout=5s`. */
#ifndef SQL_HEADER_H
#define SQL_HEADER_H

#include "base/err.h"

struct sql_header {
    bool has_mode;
    unsigned timeout_ms;      /* 0: not given */
    unsigned lock_timeout_ms; /* 0: not given */
};

/* Reads the words of one header line into h; a key that h has already, an unknown one, a malformed value and the keys that this
 * version does not build are ERR_CONFIG "<name>:<line>: ...". */
MUST_CHECK bool sql_header_read(struct sql_header *h, const char *text, size_t n, const char *name, size_t line, struct err *e);

#endif
