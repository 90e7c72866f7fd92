/* The loops over a table of steps, on a machine of four switches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "loader/steps.h"
#include "tests/support/scratch.h"

enum { N = 4 };

/* The machine, and what happened to it: "d0" asked, "r0" run, "u0" undone. */
struct install {
    bool is_on[N];
    bool fails[N];      /* run fails and leaves the switch off */
    bool lies[N];       /* run says yes and leaves the switch off */
    bool is_mute[N];    /* done cannot be told */
    bool undo_fails[N];
    struct buf story;
};

static bool ask(struct install *in, size_t i, bool *yes, struct err *e)
{
    buf_addf(&in->story, "d%zu ", i);
    if (in->is_mute[i])
        return err_set(e, ERR_DB, "switch %zu does not answer", i);
    *yes = in->is_on[i];
    return true;
}

static bool turn_on(struct install *in, size_t i, struct err *e)
{
    buf_addf(&in->story, "r%zu ", i);
    if (in->fails[i])
        return err_set(e, ERR_ENGINE, "switch %zu is stuck", i);
    in->is_on[i] = !in->lies[i];
    return true;
}

static bool turn_off(struct install *in, size_t i, struct err *e)
{
    buf_addf(&in->story, "u%zu ", i);
    if (in->undo_fails[i])
        return err_set(e, ERR_ENGINE, "switch %zu stays on", i);
    in->is_on[i] = false;
    return true;
}

#define SWITCH(i)                                                                                    \
    static bool done##i(struct install *in, bool *yes, struct err *e) { return ask(in, i, yes, e); } \
    static bool run##i(struct install *in, struct err *e) { return turn_on(in, i, e); }
#define UNDO(i) \
    static bool undo##i(struct install *in, struct err *e) { return turn_off(in, i, e); }
SWITCH(0)
UNDO(0)
SWITCH(1)
UNDO(1)
SWITCH(2)
SWITCH(3)
UNDO(3)

/* The third has no undo. */
static const struct step steps[N] = {
    { "zero", "turn on 0", done0, run0, undo0 },
    { "one", "turn on 1", done1, run1, undo1 },
    { "two", "turn on 2", done2, run2, NULL },
    { "three", "turn on 3", done3, run3, undo3 },
};

struct world {
    struct scratch *scratch;
    struct install in;
    struct journal *journal;
    char *path;
    size_t failed;
    struct err e;
    struct buf told;
};

static void tell(void *ctx, const struct step *s, enum journal_event event, uint64_t took_ms)
{
    struct world *w = ctx;
    (void)took_ms;
    buf_addf(&w->told, "%s %s, ", event == JOURNAL_START ? "start" : "done", s->name);
}

static int world_make(void **state)
{
    struct world *w = mem_new(sizeof *w);
    void *scratch = NULL;
    int code = scratch_make(&scratch);
    w->scratch = scratch;
    w->in.story = (struct buf)BUF_LIMIT(4000);
    w->told = (struct buf)BUF_LIMIT(4000);
    w->path = mem_text(scratch_at(w->scratch, "journal"));
    *state = w;
    return code;
}

static int world_drop(void **state)
{
    struct world *w = *state;
    void *scratch = w->scratch;
    if (w->journal != NULL)
        journal_close(w->journal);
    buf_clear(&w->in.story);
    buf_clear(&w->told);
    mem_free(w->path);
    mem_free(w);
    return scratch_drop(&scratch);
}

static bool go(struct world *w)
{
    if (w->journal != NULL)
        journal_close(w->journal);
    buf_reset(&w->in.story);
    buf_reset(&w->told);
    w->e = (struct err){ 0 };
    w->journal = journal_open(w->path, &w->e);
    assert_non_null(w->journal);
    assert_true(journal_begin(w->journal, "0123456789ab", "1.0.0", &w->e));
    return steps_run(steps, N, &w->in, w->journal, tell, w, &w->failed, &w->e);
}

static void expect_journal(struct world *w, enum journal_event event, const char *step)
{
    struct journal_last last;
    struct err e = { 0 };
    assert_true(journal_look(w->path, &last, &e));
    assert_int_equal(last.event, event);
    assert_string_equal(last.step, step);
}

static void every_step_is_asked_then_run_then_asked_again(void **state)
{
    struct world *w = *state;
    assert_true(go(w));
    assert_string_equal(buf_text(&w->in.story), "d0 r0 d0 d1 r1 d1 d2 r2 d2 d3 r3 d3 ");
    assert_string_equal(buf_text(&w->told),
                        "start zero, done zero, start one, done one, start two, done two, start three, done three, ");
    assert_int_equal(w->failed, N);
    expect_journal(w, JOURNAL_DONE, "three");
}

static void what_is_done_is_not_run_whatever_the_journal_says(void **state)
{
    struct world *w = *state;
    w->in.is_on[0] = w->in.is_on[1] = w->in.is_on[3] = true;
    assert_true(go(w));
    assert_string_equal(buf_text(&w->in.story), "d0 d1 d2 r2 d2 d3 ");
    assert_true(go(w));
    assert_string_equal(buf_text(&w->in.story), "d0 d1 d2 d3 ");
    w->in.is_on[1] = false; /* somebody turned it off: the journal still says done */
    assert_true(go(w));
    assert_string_equal(buf_text(&w->in.story), "d0 d1 r1 d1 d2 d3 ");
}

static void a_run_that_failed_at_any_step_goes_on_there(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < N; i++) {
        memset(w->in.is_on, 0, sizeof w->in.is_on);
        w->in.fails[i] = true;
        assert_false(go(w));
        assert_int_equal(w->failed, i);
        assert_int_equal(w->e.code, ERR_ENGINE);
        expect_journal(w, JOURNAL_FAILED, steps[i].name);
        for (size_t k = i; k < N; k++)
            assert_false(w->in.is_on[k]);
        w->in.fails[i] = false;
        assert_true(go(w));
        for (size_t k = 0; k < i; k++) {
            AUTO(mem_auto) char *again = mem_format("r%zu ", k);
            assert_null(strstr(buf_text(&w->in.story), again));
        }
        for (size_t k = 0; k < N; k++)
            assert_true(w->in.is_on[k]);
    }
}

static void success_is_what_can_be_read_back(void **state)
{
    struct world *w = *state;
    w->in.lies[1] = true;
    assert_false(go(w));
    assert_int_equal(w->failed, 1);
    assert_int_equal(w->e.code, ERR_INTERNAL);
    assert_non_null(strstr(w->e.msg, "one: ran without an error"));
    assert_string_equal(buf_text(&w->in.story), "d0 r0 d0 d1 r1 d1 ");
    expect_journal(w, JOURNAL_FAILED, "one");
}

static void a_step_that_cannot_be_asked_stops_the_run_with_its_reason(void **state)
{
    struct world *w = *state;
    w->in.is_mute[2] = true;
    assert_false(go(w));
    assert_int_equal(w->failed, 2);
    assert_int_equal(w->e.code, ERR_DB);
    assert_string_equal(w->e.msg, "switch 2 does not answer");
    assert_string_equal(buf_text(&w->in.story), "d0 r0 d0 d1 r1 d1 d2 ");
    expect_journal(w, JOURNAL_FAILED, "two");
}

/* --- undoing -------------------------------------------------------------------------------------------------------- */

static void undo_goes_backwards_from_the_step_that_failed(void **state)
{
    struct world *w = *state;
    w->in.fails[3] = true;
    assert_false(go(w));
    buf_reset(&w->in.story);
    assert_true(steps_undo(steps, w->failed, &w->in, w->journal));
    assert_string_equal(buf_text(&w->in.story), "u3 u1 u0 "); /* two has none */
    expect_journal(w, JOURNAL_UNDO, "zero");
}

static void undo_may_be_done_twice(void **state)
{
    struct world *w = *state;
    assert_true(go(w));
    assert_true(steps_undo(steps, 1, &w->in, w->journal));
    assert_true(steps_undo(steps, 1, &w->in, w->journal));
    assert_false(w->in.is_on[0] || w->in.is_on[1]);
    assert_true(w->in.is_on[3]);
}

static void trouble_in_an_undo_does_not_stop_the_others(void **state)
{
    struct world *w = *state;
    assert_true(go(w));
    w->in.undo_fails[3] = true;
    buf_reset(&w->in.story);
    assert_false(steps_undo(steps, 3, &w->in, w->journal));
    assert_string_equal(buf_text(&w->in.story), "u3 u1 u0 ");
}

/* A disk that takes nothing: no file may grow. */
static void fill_disk(bool is_full)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = is_full ? 0 : limit.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* What was begun is undone all the same. */
static void undo_does_not_need_the_journal(void **state)
{
    struct world *w = *state;
    assert_true(go(w));
    fill_disk(true);
    bool is_undone = steps_undo(steps, 3, &w->in, w->journal);
    fill_disk(false);
    assert_true(is_undone);
    expect_journal(w, JOURNAL_DONE, "three");
    assert_false(w->in.is_on[0] || w->in.is_on[1] || w->in.is_on[3]);
}

static void a_journal_that_cannot_be_written_stops_a_run_before_the_change(void **state)
{
    struct world *w = *state;
    struct err e = { 0 };
    size_t failed = 0;
    AUTO(journal_close_auto) struct journal *j = journal_open(w->path, &e);
    assert_non_null(j);
    fill_disk(true);
    bool ok = steps_run(steps, N, &w->in, j, tell, w, &failed, &e);
    fill_disk(false);
    assert_false(ok);
    assert_int_equal(e.code, ERR_SPACE);
    assert_int_equal(failed, 0);
    assert_string_equal(buf_text(&w->in.story), "d0 ");
}

/* --- looking -------------------------------------------------------------------------------------------------------- */

static void looking_changes_nothing(void **state)
{
    struct world *w = *state;
    bool done[N];
    struct err e = { 0 };
    w->in.is_on[0] = w->in.is_on[2] = true;
    assert_true(steps_look(steps, N, &w->in, done, &e));
    assert_true(done[0] && !done[1] && done[2] && !done[3]);
    assert_string_equal(buf_text(&w->in.story), "d0 d1 d2 d3 ");
    assert_false(scratch_has(w->scratch, "journal"));
}

static void what_cannot_be_asked_yet_is_not_done(void **state)
{
    struct world *w = *state;
    bool done[N];
    struct err e = { 0 };
    w->in.is_on[0] = w->in.is_on[2] = w->in.is_on[3] = true;
    w->in.is_mute[2] = true;
    assert_true(steps_look(steps, N, &w->in, done, &e)); /* one is not done: two may depend on it */
    assert_true(done[0] && !done[1] && !done[2] && done[3]);
    w->in.is_on[1] = true;
    assert_false(steps_look(steps, N, &w->in, done, &e));
    assert_int_equal(e.code, ERR_DB);
    assert_string_equal(e.msg, "two: switch 2 does not answer");
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, world_make, world_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(every_step_is_asked_then_run_then_asked_again),
        WORLD_TEST(what_is_done_is_not_run_whatever_the_journal_says),
        WORLD_TEST(a_run_that_failed_at_any_step_goes_on_there),
        WORLD_TEST(success_is_what_can_be_read_back),
        WORLD_TEST(a_step_that_cannot_be_asked_stops_the_run_with_its_reason),
        WORLD_TEST(undo_goes_backwards_from_the_step_that_failed),
        WORLD_TEST(undo_may_be_done_twice),
        WORLD_TEST(trouble_in_an_undo_does_not_stop_the_others),
        WORLD_TEST(undo_does_not_need_the_journal),
        WORLD_TEST(a_journal_that_cannot_be_written_stops_a_run_before_the_change),
        WORLD_TEST(looking_changes_nothing),
        WORLD_TEST(what_cannot_be_asked_yet_is_not_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
