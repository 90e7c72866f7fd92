/* The loops over a table of steps. */
#include "loader/steps.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "sys/clock.h"
#include "sys/start.h"

#include "base/banned.h"

/* Test builds can be told to die here: ARCHON_FAULT_STEP=migrate:before kills the process without any clean-up, as a power cut would. */
static void fault_point(const struct step *s, const char *moment)
{
#if ARCHON_FAULTS
    char want[64];
    const char *asked = getenv("ARCHON_FAULT_STEP");
    snprintf(want, sizeof want, "%s:%s", s->name, moment);
    if (asked != NULL && strcmp(asked, want) == 0)
        kill(getpid(), SIGKILL);
#else
    (void)s;
    (void)moment;
#endif
}

static bool run_one(const struct step *s, struct install *in, struct journal *j, struct err *e)
{
    bool is_done = false;
    if (!journal_add(j, JOURNAL_START, s->name, e) || !s->run(in, e))
        return false;
    fault_point(s, "between");
    if (!s->done(in, &is_done, e))
        return false;
    if (!is_done)
        return err_set(e, ERR_INTERNAL, "%s: ran without an error, but reading back shows that it is not done", s->name);
    if (!journal_add(j, JOURNAL_DONE, s->name, e))
        return false;
    return true;
}

static void note_failure(const struct step *s, struct journal *j)
{
    struct err mine = { 0 };
    if (!journal_add(j, JOURNAL_FAILED, s->name, &mine))
        log_warn("journal: %s", mine.msg);
}

static bool run_if_needed(const struct step *s, struct install *in, struct journal *j, steps_fn tell, void *ctx, struct err *e)
{
    bool is_done = false;
    uint64_t start = clock_monotonic_ms();
    if (!start_check(e) || !s->done(in, &is_done, e))
        return false;
    if (!is_done) {
        tell(ctx, s, JOURNAL_START, 0);
        if (!run_one(s, in, j, e))
            return false;
    }
    tell(ctx, s, JOURNAL_DONE, is_done ? 0 : clock_monotonic_ms() - start);
    return true;
}

bool steps_run(const struct step *steps, size_t n, struct install *in, struct journal *j, steps_fn tell, void *ctx, size_t *failed,
               struct err *e)
{
    for (*failed = 0; *failed < n; (*failed)++) {
        fault_point(&steps[*failed], "before");
        if (!run_if_needed(&steps[*failed], in, j, tell, ctx, e)) {
            note_failure(&steps[*failed], j);
            return false;
        }
        fault_point(&steps[*failed], "after");
    }
    return true;
}

/* A journal that cannot be written (a full disk) is no reason to leave things half changed. */
static bool undo_one(const struct step *s, struct install *in, struct journal *j)
{
    struct err mine = { 0 };
    struct err noted = { 0 };
    if (!journal_add(j, JOURNAL_UNDO, s->name, &noted))
        log_warn("journal: %s", noted.msg);
    if (s->undo(in, &mine))
        return true;
    log_warn("undo of %s: %s", s->name, mine.msg);
    return false;
}

bool steps_undo(const struct step *steps, size_t last, struct install *in, struct journal *j)
{
    bool ok = true;
    for (size_t i = last + 1; i > 0; i--)
        if (steps[i - 1].undo != NULL)
            ok = undo_one(&steps[i - 1], in, j) && ok;
    return ok;
}

bool steps_look(const struct step *steps, size_t n, struct install *in, bool *done, struct err *e)
{
    bool is_pending = false;
    for (size_t i = 0; i < n; i++) {
        struct err trouble = { 0 };
        done[i] = false;
        if (!steps[i].done(in, &done[i], &trouble)) {
            done[i] = false;
            if (!is_pending) {
                *e = trouble;
                return err_in(e, "%s", steps[i].name);
            }
            log_debug("%s: cannot be told before the steps before it: %s", steps[i].name, trouble.msg);
        }
        is_pending = is_pending || !done[i];
    }
    return true;
}
