/* The journal: one line for every step before and after it, synced. It is a hint for people and for `status` ("an installation of 1.4.0 was
 * interrupted at migrate"); what is done is asked of the world, never of this file.
 *
 *     SEQUENCE UNIXTIME RELEASE12 VERSION EVENT STEP CRC32C          one line; EVENT: begin, start, done, failed, undo, end
 *
 * A torn last line is ignored; a bad one before that is ERR_CONFIG. */
#ifndef LOADER_JOURNAL_H
#define LOADER_JOURNAL_H

#include "base/err.h"
#include "base/limits.h"

enum journal_event { JOURNAL_BEGIN, JOURNAL_START, JOURNAL_DONE, JOURNAL_FAILED, JOURNAL_UNDO, JOURNAL_END, N_JOURNAL_EVENTS };

enum { JOURNAL_STEP_BYTES = 32, JOURNAL_RELEASE_BYTES = 13 };

/* Where the last run stands. */
struct journal_last {
    bool is_unfinished; /* a begin without an end */
    char release[JOURNAL_RELEASE_BYTES]; /* first 12 digits of the release digest */
    char version[LIMIT_VERSION_BYTES + 1];
    char step[JOURNAL_STEP_BYTES]; /* the last one that was started */
    enum journal_event event;      /* what happened to it last */
    uint64_t sequence;             /* of the last line; 0: there is none */
    int64_t at;                    /* unix seconds */
};

struct journal;
/* Opens (makes it 0600 when missing) and reads what is there; beyond 4 MiB older lines are dropped at a begin. */
MUST_CHECK struct journal *journal_open(const char *path, struct err *e);
/* Reads only; a missing file is a finished state. */
MUST_CHECK bool journal_look(const char *path, struct journal_last *last, struct err *e);
/* The text of one, for tests with hostile bytes. */
MUST_CHECK bool journal_parse(struct journal_last *last, const char *text, size_t n, const char *what, struct err *e);
void journal_close(struct journal *j);
AUTO_FREE(struct journal, journal_close)
const struct journal_last *journal_last(const struct journal *j);

/* A run begins: following lines carry this release. */
MUST_CHECK bool journal_begin(struct journal *j, const char *release12, const char *version, struct err *e);
MUST_CHECK bool journal_add(struct journal *j, enum journal_event event, const char *step, struct err *e);

#endif
