/* When is a deployment healthy? And which containers are its own? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "loader/health.h"
#include "loader/started.h"
#include "tests/support/scratch.h"

static char web[] = "web", db[] = "db", job[] = "job", tool[] = "tool", name[] = "shop", profile[] = "debug";
static char *profiles[] = { profile };

/* Four services; the last one starts only when asked for. */
static struct release_service services[] = {
    { .name = db }, { .name = web }, { .name = job }, { .name = tool, .profiles = { .items = profiles, .n = 1 } },
};
static struct deployment deployment = { .release = { .name = name, .services = services, .n_services = 4 } };

static struct container container(const char *service, const char *state, enum container_health health)
{
    struct container c = { .health = health };
    snprintf(c.service, sizeof c.service, "%s", service);
    snprintf(c.state, sizeof c.state, "%s", state);
    snprintf(c.id, sizeof c.id, "id-of-%s", service);
    return c;
}

static struct container ended(const char *service, int code, bool restarts)
{
    struct container c = container(service, "exited", CONTAINER_NO_CHECK);
    c.exit_code = code;
    c.restarts_always = restarts;
    return c;
}

static void expect(const struct container *items, size_t n, const char *only, enum health_verdict verdict, const char *service)
{
    struct container_list list = { .items = (struct container *)(uintptr_t)items, .n = n };
    struct health_spec h = { .deployment = &deployment, .only_service = only };
    const char *found = NULL;
    assert_int_equal(health_judge(&h, &list, &found), verdict);
    if (service == NULL)
        assert_null(found);
    else
        assert_string_equal(found, service);
}

static void all_that_start_by_default_must_be_ready(void **state)
{
    (void)state;
    struct container c[] = { container(db, "running", CONTAINER_HEALTHY), container(web, "running", CONTAINER_NO_CHECK), ended(job, 0, false) };
    expect(c, 3, NULL, HEALTH_READY, NULL);
    expect(c, 2, NULL, HEALTH_WAIT, "job"); /* it has no container yet */
    expect(c, 0, NULL, HEALTH_WAIT, "db");
}

static void a_check_that_has_not_spoken_is_waited_for(void **state)
{
    (void)state;
    struct container c[] = { container(db, "running", CONTAINER_STARTING), container(web, "running", CONTAINER_NO_CHECK), ended(job, 0, false) };
    expect(c, 3, NULL, HEALTH_WAIT, "db");
}

static void states_on_the_way_are_waited_for(void **state)
{
    (void)state;
    static const char *const states[] = { "created", "restarting", "paused", "removing" };
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        struct container c[] = { container(db, "running", CONTAINER_HEALTHY), container(web, states[i], CONTAINER_NO_CHECK), ended(job, 0, false) };
        expect(c, 3, NULL, HEALTH_WAIT, "web");
    }
}

static void a_service_that_ended_badly_is_lost_and_spoken_of_first(void **state)
{
    (void)state;
    struct container c[] = { container(db, "running", CONTAINER_STARTING), ended(web, 1, false), ended(job, 0, false) };
    expect(c, 3, NULL, HEALTH_LOST, "web");
    c[1] = container(web, "dead", CONTAINER_NO_CHECK);
    expect(c, 3, NULL, HEALTH_LOST, "web");
    c[1] = container(web, "running", CONTAINER_UNHEALTHY);
    expect(c, 3, NULL, HEALTH_LOST, "web");
}

static void a_service_that_is_to_be_restarted_is_not_lost_and_not_ready(void **state)
{
    (void)state;
    struct container c[] = { container(db, "running", CONTAINER_HEALTHY), ended(web, 1, true), ended(job, 0, false) };
    expect(c, 3, NULL, HEALTH_WAIT, "web");
    c[1] = ended(web, 0, true);
    expect(c, 3, NULL, HEALTH_WAIT, "web");
}

static void one_service_can_be_asked_about_alone(void **state)
{
    (void)state;
    struct container c[] = { container(db, "running", CONTAINER_HEALTHY), ended(web, 1, false) };
    expect(c, 2, db, HEALTH_READY, NULL);
    expect(c, 2, web, HEALTH_LOST, "web");
    expect(c, 2, tool, HEALTH_WAIT, "tool"); /* asked for by name it counts, though it does not start by default */
}

static void containers_of_strangers_do_not_count(void **state)
{
    (void)state;
    struct container c[] = { container(db, "running", CONTAINER_HEALTHY), ended(job, 0, false), ended("old", 1, false),
                             container(web, "running", CONTAINER_NO_CHECK) };
    expect(c, 4, NULL, HEALTH_READY, NULL);
}

static void of_several_containers_the_worst_one_speaks(void **state)
{
    (void)state;
    struct container c[] = { container(db, "running", CONTAINER_HEALTHY), ended(job, 0, false), container(web, "running", CONTAINER_HEALTHY),
                             container(web, "created", CONTAINER_NO_CHECK), ended(web, 2, false), container(web, "running", CONTAINER_HEALTHY) };
    struct container_list list = { .items = c, .n = 4 };
    assert_ptr_equal(health_find(&list, web), &c[3]);
    list.n = 6;
    assert_ptr_equal(health_find(&list, web), &c[4]);
    assert_null(health_find(&list, "nobody"));
    expect(c, 6, NULL, HEALTH_LOST, "web");
    expect(c, 3, NULL, HEALTH_READY, NULL);
}

/* --- the note of what was started ------------------------------------------------------------------------------------ */

static struct deployment *rendered(struct scratch *s)
{
    static struct deployment d;
    d = deployment;
    d.dir = s->dir;
    scratch_text(s, RENDER_OVERRIDE, "services: {}\n", 0600);
    scratch_text(s, RENDER_ENV_FILE, "A='1'\n", 0600);
    return &d;
}

static void note(const struct deployment *d, struct container *items, size_t n, const char *service)
{
    struct container_list list = { .items = items, .n = n };
    struct err e = { 0 };
    if (!started_note(d, &list, service, &e))
        fail_msg("%s", e.msg);
}

static bool has(const struct deployment *d, const struct container *c)
{
    AUTO(started_clear_auto) struct started s = { 0 };
    struct err e = { 0 };
    assert_true(started_read(&s, d, &e));
    return started_has(&s, c);
}

static void a_container_counts_by_its_id(void **state)
{
    struct deployment *d = rendered(*state);
    struct container c[] = { container(db, "running", CONTAINER_HEALTHY), container(web, "running", CONTAINER_HEALTHY) };
    assert_false(has(d, &c[0]));
    note(d, c, 2, NULL);
    assert_true(has(d, &c[0]) && has(d, &c[1]));
    struct container again = c[1];
    snprintf(again.id, sizeof again.id, "another");
    assert_false(has(d, &again)); /* recreated by somebody else */
    snprintf(again.id, sizeof again.id, "id-of-we");
    assert_false(has(d, &again));
}

static void other_files_make_every_container_an_old_one(void **state)
{
    struct scratch *s = *state;
    struct deployment *d = rendered(s);
    struct container c[] = { container(db, "running", CONTAINER_HEALTHY) };
    static const char *const files[] = { RENDER_OVERRIDE, RENDER_ENV_FILE };
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        rendered(s);
        note(d, c, 1, NULL);
        assert_true(has(d, &c[0]));
        scratch_text(s, files[i], "changed", 0600);
        assert_false(has(d, &c[0]));
        assert_int_equal(unlink(scratch_at(s, files[i])), 0);
        assert_false(has(d, &c[0]));
    }
}

static void a_note_about_one_service_keeps_the_others(void **state)
{
    struct deployment *d = rendered(*state);
    struct container c[] = { container(db, "running", CONTAINER_HEALTHY), container(web, "running", CONTAINER_HEALTHY) };
    note(d, c, 2, db);
    assert_true(has(d, &c[0]));
    assert_false(has(d, &c[1])); /* of the release before: it was not started from these files */
    note(d, c, 2, NULL);
    snprintf(c[0].id, sizeof c[0].id, "new");
    note(d, c, 2, db);
    assert_true(has(d, &c[0]) && has(d, &c[1]));
}

static void a_note_that_others_may_write_is_refused(void **state)
{
    struct scratch *s = *state;
    struct deployment *d = rendered(s);
    AUTO(started_clear_auto) struct started read = { 0 };
    struct err e = { 0 };
    scratch_text(s, STARTED_FILE, "FILES x\n", 0666);
    assert_false(started_read(&read, d, &e));
    assert_int_equal(e.code, ERR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_start_by_default_must_be_ready),
        cmocka_unit_test(a_check_that_has_not_spoken_is_waited_for),
        cmocka_unit_test(states_on_the_way_are_waited_for),
        cmocka_unit_test(a_service_that_ended_badly_is_lost_and_spoken_of_first),
        cmocka_unit_test(a_service_that_is_to_be_restarted_is_not_lost_and_not_ready),
        cmocka_unit_test(one_service_can_be_asked_about_alone),
        cmocka_unit_test(containers_of_strangers_do_not_count),
        cmocka_unit_test(of_several_containers_the_worst_one_speaks),
        SCRATCH_TEST(a_container_counts_by_its_id),
        SCRATCH_TEST(other_files_make_every_container_an_old_one),
        SCRATCH_TEST(a_note_about_one_service_keeps_the_others),
        SCRATCH_TEST(a_note_that_others_may_write_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
