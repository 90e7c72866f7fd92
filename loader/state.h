/* What is installed: one small document, written whole or not at all (state.json). The world decides what is done; this says what was
 * agreed: which release the site runs, which one it ran before, and the highest version it has ever seen. */
#ifndef LOADER_STATE_H
#define LOADER_STATE_H

#include "base/err.h"
#include "base/limits.h"
#include "format/digest.h"

enum { STATE_SIGNERS = 16 };

struct state_release {
    bool is_set;
    char version[LIMIT_VERSION_BYTES + 1];
    struct digest release;  /* the release digest */
    struct digest manifest; /* SHA-256 of bundle.json */
    int64_t installed_at;   /* unix seconds */
    size_t n_signers;
    char signers[STATE_SIGNERS][65]; /* key ids */
};

struct state {
    bool is_set; /* false: nothing was ever installed here */
    char stream[64];
    char project[128]; /* compose project */
    struct state_release installed;
    struct state_release previous;
    char highest[LIMIT_VERSION_BYTES + 1]; /* version */
    struct digest highest_release;
    int64_t clock_floor; /* no earlier time is believable */
};

/* The document itself, ERR_FORMAT; for state_read, and to be tried with hostile bytes. */
MUST_CHECK bool state_parse(struct state *s, const char *text, size_t n, const char *what, struct err *e);
/* A missing file is an empty state. ERR_CONFIG for one that is not ours. */
MUST_CHECK bool state_read(struct state *s, const char *path, struct err *e);
/* Do they say the same of what is installed? */
bool state_is_same(const struct state *a, const struct state *b);
MUST_CHECK bool state_write(const struct state *s, const char *path, struct err *e);

#endif
