/* A change to the machine is a row in a table of steps. Install, resume, dry run and going back are loops over the same table.
 *
 * For every step: done? asks the world; if not, the journal says "start", run changes the world, done? must now say yes ("success is what can be read
 * back"), and the journal says "done". */
#ifndef LOADER_STEPS_H
#define LOADER_STEPS_H

#include "loader/journal.h"

struct install;

struct step {
    const char *name; /* in the journal: never rename */
    const char *what; /* for people: "load images" */
    bool (*done)(struct install *in, bool *yes, struct err *e); /* asks the world, not the journal */
    bool (*run)(struct install *in, struct err *e);
    bool (*undo)(struct install *in, struct err *e); /* may be called twice; null: nothing to undo */
};

/* Called before (is_done false) and after each step, with what was found. */
typedef void (*steps_fn)(void *ctx, const struct step *s, enum journal_event event, uint64_t took_ms);

/* Runs what is not done. *failed: index of the step that failed, n when none. */
MUST_CHECK bool steps_run(const struct step *steps, size_t n, struct install *in, struct journal *j, steps_fn tell, void *ctx, size_t *failed,
                          struct err *e);
/* Undoes steps last..0. Trouble of its own goes to the log; false when there was any. */
MUST_CHECK bool steps_undo(const struct step *steps, size_t last, struct install *in, struct journal *j);
/* What run would do: done[i]. A step that cannot be asked while one before it is not done (a database that is not started) is not done. */
MUST_CHECK bool steps_look(const struct step *steps, size_t n, struct install *in, bool *done, struct err *e);

#endif
