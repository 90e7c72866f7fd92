/* After a failure: the rule that decides, for every state that it can meet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "loader/goback.h"

/* An upgrade that failed while its services started, with nothing committed: the common case. */
static struct goback_facts upgrade(void)
{
    return (struct goback_facts){ .phase = GOBACK_SERVICES };
}

static void expect(struct goback_facts f, enum goback_result want)
{
    assert_int_equal(goback_decide(&f), want);
}

static void before_anything_was_started_nothing_is_undone(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 32; bits++)
        expect((struct goback_facts){ .phase = GOBACK_BEFORE, .is_first = bits & 1, .is_same = bits & 2, .has_migrated = bits & 4,
                                      .is_compatible = bits & 8, .is_unwanted = bits & 16 },
               GOBACK_NOTHING);
}

static void an_upgrade_that_committed_nothing_goes_back(void **state)
{
    (void)state;
    struct goback_facts f = upgrade();
    expect(f, GOBACK_RESTORE);
    f.phase = GOBACK_DATABASE;
    expect(f, GOBACK_UNDO);
}

static void a_committed_migration_forbids_it(void **state)
{
    (void)state;
    struct goback_facts f = upgrade();
    f.has_migrated = true;
    expect(f, GOBACK_NOT_SAFE);
    f.phase = GOBACK_DATABASE;
    expect(f, GOBACK_NOT_SAFE);
}

static void unless_the_author_says_that_the_one_before_runs_on_it(void **state)
{
    (void)state;
    struct goback_facts f = upgrade();
    f.has_migrated = f.is_compatible = true;
    expect(f, GOBACK_RESTORE);
    f.phase = GOBACK_DATABASE;
    expect(f, GOBACK_UNDO);
}

static void a_first_installation_has_nothing_to_go_back_to(void **state)
{
    (void)state;
    struct goback_facts f = upgrade();
    f.is_first = true;
    expect(f, GOBACK_NO_WAY);
    f.phase = GOBACK_DATABASE; /* its database is stopped again */
    expect(f, GOBACK_UNDO);
    f.has_migrated = true; /* there is no earlier release to be harmed */
    expect(f, GOBACK_UNDO);
}

static void a_repair_of_the_installed_release_leaves_it_running(void **state)
{
    (void)state;
    struct goback_facts f = upgrade();
    f.is_same = true;
    expect(f, GOBACK_NO_WAY);
    f.phase = GOBACK_DATABASE;
    expect(f, GOBACK_NO_WAY);
}

static void the_operator_may_want_to_look_at_it(void **state)
{
    (void)state;
    struct goback_facts f = upgrade();
    f.is_unwanted = true;
    expect(f, GOBACK_UNWANTED);
    f.has_migrated = true;
    expect(f, GOBACK_UNWANTED);
}

/* Healthy services are not stopped because a disk was full. */
static void what_runs_and_could_not_be_recorded_stays(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 32; bits++)
        expect((struct goback_facts){ .phase = GOBACK_COMMIT, .is_first = bits & 1, .is_same = bits & 2, .has_migrated = bits & 4,
                                      .is_compatible = bits & 8, .is_unwanted = bits & 16 },
               GOBACK_UNRECORDED);
}

/* Whatever the facts: a database that an older release does not know is never given to it without the author's word. */
static void no_combination_restores_onto_an_unknown_schema(void **state)
{
    (void)state;
    for (unsigned phase = GOBACK_BEFORE; phase <= GOBACK_COMMIT; phase++)
        for (unsigned bits = 0; bits < 8; bits++) {
            struct goback_facts f = { .phase = (enum goback_phase)phase, .is_first = bits & 1, .is_same = bits & 2, .is_unwanted = bits & 4,
                                      .has_migrated = true };
            assert_int_not_equal(goback_decide(&f), GOBACK_RESTORE);
            if (!f.is_first)
                assert_int_not_equal(goback_decide(&f), GOBACK_UNDO);
        }
}

static void every_outcome_tells_what_to_do(void **state)
{
    (void)state;
    assert_null(goback_hint(GOBACK_NOTHING));
    static const enum goback_result outcomes[] = { GOBACK_DONE, GOBACK_FAILED, GOBACK_NOT_SAFE, GOBACK_NO_WAY, GOBACK_UNWANTED, GOBACK_UNRECORDED };
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        const char *hint = goback_hint(outcomes[i]);
        assert_non_null(hint);
        assert_true(strlen(hint) < sizeof ((struct err *)NULL)->hint);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(hint, goback_hint(outcomes[k]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_anything_was_started_nothing_is_undone),
        cmocka_unit_test(an_upgrade_that_committed_nothing_goes_back),
        cmocka_unit_test(a_committed_migration_forbids_it),
        cmocka_unit_test(unless_the_author_says_that_the_one_before_runs_on_it),
        cmocka_unit_test(a_first_installation_has_nothing_to_go_back_to),
        cmocka_unit_test(a_repair_of_the_installed_release_leaves_it_running),
        cmocka_unit_test(the_operator_may_want_to_look_at_it),
        cmocka_unit_test(what_runs_and_could_not_be_recorded_stays),
        cmocka_unit_test(no_combination_restores_onto_an_unknown_schema),
        cmocka_unit_test(every_outcome_tells_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
