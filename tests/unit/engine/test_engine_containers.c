/* Containers of a project: what they are, when they are ready or lost, what they said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine/containers.h"
#include "engine/volumes.h"
#include "tests/unit/engine/world.h"

#include "base/banned.h"

#define IMAGE "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define ID_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define DOCUMENT(service, state) \
    "{\"Id\": \"x\", \"Image\": \"" IMAGE "\", \"State\": " state ", \"Config\": {\"Labels\": {\"com.docker.compose.service\": \"" service "\"}}}"

static bool reads(const char *text, struct container *c, struct err *e)
{
    *c = (struct container){ 0 };
    return container_read(c, text, strlen(text), e);
}

static void a_container_is_read_from_what_the_engine_shows(void **state)
{
    (void)state;
    struct container c;
    struct err e = { 0 };
    assert_true(reads("{\"Image\": \"" IMAGE "\", \"RestartCount\": 3, \"State\": {\"Status\": \"running\", \"ExitCode\": 0, \"Health\": {\"Status\": \"healthy\","
                      " \"FailingStreak\": 0, \"Log\": [{\"Output\": \"x\"}]}}, \"HostConfig\": {\"RestartPolicy\": {\"Name\": \"unless-stopped\"}},"
                      " \"Config\": {\"Labels\": {\"com.docker.compose.service\": \"api\", \"com.docker.compose.project.config_files\": \"/srv/a.yaml,/srv/b.yaml\"}},"
                      " \"NetworkSettings\": {\"Networks\": {\"none\": {\"IPAddress\": \"\"}, \"shop_default\": {\"IPAddress\": \"172.18.0.2\"}}}}",
                      &c, &e));
    assert_string_equal(c.service, "api");
    assert_string_equal(c.state, "running");
    assert_int_equal(c.health, CONTAINER_HEALTHY);
    assert_int_equal(c.restarts, 3);
    assert_true(c.restarts_always);
    assert_string_equal(DIGEST_SHOWN(&c.image), IMAGE);
    assert_string_equal(c.config_files, "/srv/a.yaml,/srv/b.yaml");
    assert_string_equal(c.address, "172.18.0.2");
}

static void what_is_not_there_is_empty(void **state)
{
    (void)state;
    struct container c;
    struct err e = { 0 };
    assert_true(reads("{\"Image\": \"" IMAGE "\", \"State\": {\"Status\": \"created\", \"Health\": null}, \"Config\": {\"Labels\": null},"
                      " \"NetworkSettings\": {\"Networks\": null}, \"HostConfig\": {}}",
                      &c, &e));
    assert_string_equal(c.service, "");
    assert_string_equal(c.address, "");
    assert_int_equal(c.health, CONTAINER_NO_CHECK);
    assert_false(c.restarts_always);
}

static void documents_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const char *const documents[] = {
        "", "[]", "{}", "{\"Image\": \"" IMAGE "\"}", "{\"Image\": \"nginx\", \"State\": {\"Status\": \"running\"}, \"Config\": {}}",
        "{\"Image\": \"" IMAGE "\", \"State\": \"running\", \"Config\": {}}",
        DOCUMENT("api", "{\"Status\": \"\"}"), DOCUMENT("api", "{\"Status\": \"Running\"}"), DOCUMENT("api", "{\"Status\": \"run\\u001b[31m\"}"),
        DOCUMENT("api", "{\"Status\": \"running for ever and ever\"}"), DOCUMENT("api", "{\"Status\": \"exited\", \"ExitCode\": -1}"),
        DOCUMENT("api", "{\"Status\": \"exited\", \"ExitCode\": 4294967296}"), DOCUMENT("api", "{\"Status\": \"running\", \"Health\": \"good\"}"),
        "{\"Image\": \"" IMAGE "\", \"State\": {\"Status\": \"running\"}, \"Config\": {\"Labels\": []}}",
        "{\"Image\": \"" IMAGE "\", \"State\": {\"Status\": \"running\"}, \"Config\": {}, \"NetworkSettings\": {\"Networks\": {\"n\": 7}}}",
    };
    for (size_t n = 0; n < ARRAY_LEN(documents); n++) {
        struct container c;
        struct err e = { 0 };
        if (reads(documents[n], &c, &e))
            fail_msg("accepted: %s", documents[n]);
        assert_int_equal(e.code, ERR_ENGINE);
    }
}

/* --- ready and lost ----------------------------------------------------------------------------------------------- */

static void ready_and_lost_follow_from_state_health_and_policy(void **state)
{
    (void)state;
    static const struct {
        const char *state;
        enum container_health health;
        int exit_code;
        bool restarts_always;
        bool is_ready, is_lost;
        const char *shown;
    } cases[] = {
        { "running", CONTAINER_NO_CHECK, 0, false, true, false, "running" },
        { "running", CONTAINER_HEALTHY, 0, true, true, false, "running (healthy)" },
        { "running", CONTAINER_STARTING, 0, true, false, false, "running (starting)" },
        { "running", CONTAINER_UNHEALTHY, 0, true, false, true, "running (unhealthy)" },
        { "exited", CONTAINER_NO_CHECK, 0, false, true, false, "exited (0)" },   /* a job that is done */
        { "exited", CONTAINER_NO_CHECK, 0, true, false, false, "exited (0)" },   /* about to be started again */
        { "exited", CONTAINER_NO_CHECK, 1, false, false, true, "exited (1)" },
        { "exited", CONTAINER_NO_CHECK, 137, true, false, false, "exited (137)" },
        { "restarting", CONTAINER_NO_CHECK, 1, true, false, false, "restarting" },
        { "created", CONTAINER_NO_CHECK, 0, false, false, false, "created" },    /* waits for another service */
        { "paused", CONTAINER_NO_CHECK, 0, false, false, false, "paused" },
        { "removing", CONTAINER_NO_CHECK, 0, false, false, false, "removing" },
        { "dead", CONTAINER_NO_CHECK, 0, true, false, true, "dead" },
    };
    for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
        struct container c = { .health = cases[n].health, .exit_code = cases[n].exit_code, .restarts_always = cases[n].restarts_always };
        char shown[64];
        assert_true(text_copy(c.state, sizeof c.state, cases[n].state));
        if (container_is_ready(&c) != cases[n].is_ready || container_is_lost(&c) != cases[n].is_lost)
            fail_msg("%s is judged wrongly", cases[n].shown);
        assert_string_equal(container_shown(shown, &c), cases[n].shown);
    }
}

static void health_in_words_that_are_not_known_is_not_relied_on(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        enum container_health health;
    } cases[] = { { "none", CONTAINER_NO_CHECK },   { "", CONTAINER_NO_CHECK },           { "starting", CONTAINER_STARTING },
                  { "healthy", CONTAINER_HEALTHY }, { "unhealthy", CONTAINER_UNHEALTHY }, { "splendid", CONTAINER_STARTING } };
    for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
        struct container c;
        struct err e = { 0 };
        AUTO(mem_auto) char *text = mem_format("{\"Image\": \"" IMAGE "\", \"State\": {\"Status\": \"running\", \"Health\": {\"Status\": \"%s\"}},"
                                               " \"Config\": {}}",
                                               cases[n].word);
        assert_true(reads(text, &c, &e));
        assert_int_equal(c.health, cases[n].health);
    }
}

/* --- the list ----------------------------------------------------------------------------------------------------- */

static void a_project_is_found_by_its_labels_and_sorted(void **state)
{
    (void)state;
    struct world w;
    struct err e = { 0 };
    AUTO(container_list_clear_auto) struct container_list list = { 0 };
    world_start(&w, WORLD_CLASSIC,
                "{\"call\": \"GET /containers/json.*\", \"json\": [{\"Id\": \"" ID_A "\"}, {\"Id\": \"" ID_B "\"}, {\"Id\": \"" ID_C "\"}]},"
                "{\"call\": \"GET /containers/a*/json\", \"json\": " DOCUMENT("web", "{\"Status\": \"running\"}") "},"
                "{\"call\": \"GET /containers/b*/json\", \"status\": 404},"
                "{\"call\": \"GET /containers/c*/json\", \"json\": " DOCUMENT("db", "{\"Status\": \"exited\", \"ExitCode\": 3}") "},");
    assert_true(container_list(w.g, "shop", &list, &e));
    assert_int_equal(list.n, 2);
    assert_string_equal(list.items[0].service, "db");
    assert_string_equal(list.items[0].id, ID_C);
    assert_int_equal(list.items[0].exit_code, 3);
    assert_string_equal(list.items[1].service, "web");
    assert_int_equal(world_calls(&w, "GET /containers/json?all=1&filters=%7B%22label%22:%5B%22com.docker.compose.project%3Dshop%22%2C"
                                     "%22com.docker.compose.oneoff%3DFalse%22%5D%7D"), 1);
    world_stop(&w);
}

static void a_list_that_makes_no_sense_is_refused(void **state)
{
    (void)state;
    static const char *const lists[] = { "", "{}", "[7]", "[{}]", "[{\"Id\": \"../../x\"}]", "[{\"Id\": \"" ID_A "a\"}]",
                                         "[{\"Id\": \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]" };
    for (size_t n = 0; n < ARRAY_LEN(lists); n++) {
        struct container_list list;
        struct err e = { 0 };
        assert_false(container_read_list(&list, lists[n], strlen(lists[n]), &e));
        assert_int_equal(e.code, ERR_ENGINE);
        assert_null(list.items);
    }
    struct container_list list;
    struct err e = { 0 };
    assert_true(container_read_list(&list, "[]", 2, &e));
    assert_int_equal(list.n, 0);
    container_list_clear(&list);
}

static void engines_that_fail_in_the_middle_of_a_list_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *part;
    } cases[] = {
        { "{\"call\": \"GET /containers/json.*\", \"status\": 500, \"json\": {\"message\": \"tea only\"}},", "list of containers: engine answered 500: tea only" },
        { "{\"call\": \"GET /containers/json.*\", \"drop\": true},", "GET /containers/json" },
        { "{\"call\": \"GET /containers/a*/json\", \"status\": 500, \"json\": {\"message\": \"tea only\"}},", "engine answered 500: tea only" },
        { "{\"call\": \"GET /containers/a*/json\", \"json\": {}},", "container aaaaaaaaaaaa: " },
    };
    for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
        struct world w;
        struct container_list list;
        struct err e = { 0 };
        AUTO(mem_auto) char *rules = mem_format("%s{\"call\": \"GET /containers/json.*\", \"json\": [{\"Id\": \"" ID_A "\"}]},", cases[n].rule);
        world_start(&w, WORLD_CLASSIC, rules);
        assert_false(container_list(w.g, "shop", &list, &e));
        assert_int_equal(e.code, ERR_ENGINE);
        if (strstr(e.msg, cases[n].part) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", e.msg, cases[n].part);
        assert_null(list.items);
        world_stop(&w);
    }
}

/* --- logs --------------------------------------------------------------------------------------------------------- */

static void reads_logs(const char *raw, size_t n, const char *wanted)
{
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(4096);
    container_read_logs(&out, raw, n);
    assert_string_equal(buf_text(&out), wanted);
}
#define READS_LOGS(raw, wanted) reads_logs(raw, sizeof raw - 1, wanted)

static void streams_of_a_log_are_put_together(void **state)
{
    (void)state;
    READS_LOGS("\1\0\0\0\0\0\0\4one\n\2\0\0\0\0\0\0\4two\n\1\0\0\0\0\0\0\6three\n", "one\ntwo\nthree\n");
    READS_LOGS("", "");
    READS_LOGS("\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\1x", "x");
}

static void a_log_of_a_terminal_stays_as_it_is(void **state)
{
    (void)state;
    READS_LOGS("plain text\r\n", "plain text\r\n");
    READS_LOGS("\1\0\0\1\0\0\0\1x", "\1");  /* no frame: third byte is not zero (shown up to its first NUL) */
    READS_LOGS("\3\0\0\0\0\0\0\1x", "\3");
}

static void a_log_that_is_cut_within_a_frame_gives_what_is_there(void **state)
{
    (void)state;
    READS_LOGS("\1\0\0\0\0\0\0\4one\n\2\0\0\0\0\0\0\4tw", "one\ntw");
    READS_LOGS("\1\0\0\0\377\377\377\377all", "all");
    READS_LOGS("\1\0\0\0\0\0\0\4one\n\1\0\0", "one\n");
}

static void logs_are_asked_for_by_number_of_lines(void **state)
{
    (void)state;
    struct world w;
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(4096);
    world_start(&w, WORLD_CLASSIC, "{\"call\": \"GET /containers/a*/logs.*\", \"body_hex\": \"0100000000000003610a62\"},"
                                   "{\"call\": \"GET /containers/b*/logs.*\", \"status\": 409, \"json\": {\"message\": \"can not get logs\"}},");
    assert_true(container_logs(w.g, ID_A, 20, &out, &e));
    assert_string_equal(buf_text(&out), "a\nb");
    assert_int_equal(world_calls(&w, "GET /containers/" ID_A "/logs?stdout=1&stderr=1&tail=20\""), 1);
    assert_false(container_logs(w.g, ID_B, 20, &out, &e));
    assert_int_equal(e.code, ERR_ENGINE);
    world_stop(&w);
}

static void volumes_of_a_project_are_found_and_removed(void **state)
{
    (void)state;
    struct world w;
    struct err e = { 0 };
    AUTO(volume_list_clear_auto) struct volume_list found = { 0 };
    struct volume_list none = { 0 };
    world_start(&w, WORLD_CLASSIC,
                "{\"call\": \"GET /volumes.*shop.*\", \"json\": {\"Volumes\": [{\"Name\": \"shop_data\"}, {\"Name\": \"shop_x\"}], \"Warnings\": null}},"
                "{\"call\": \"GET /volumes.*empty.*\", \"json\": {\"Volumes\": null}},"
                "{\"call\": \"GET /volumes.*odd.*\", \"json\": {\"Volumes\": [7]}},"
                "{\"call\": \"DELETE /volumes/shop_data\", \"status\": 204},{\"call\": \"DELETE /volumes/gone\", \"status\": 404},"
                "{\"call\": \"DELETE /volumes/used\", \"status\": 409, \"json\": {\"message\": \"volume is in use\"}},");
    assert_true(volume_list(w.g, "shop", &found, &e));
    assert_int_equal(found.n, 2);
    assert_string_equal(found.names[1], "shop_x");
    assert_true(volume_list(w.g, "empty", &none, &e));
    assert_int_equal(none.n, 0);
    assert_true(volume_remove(w.g, "shop_data", &e) && volume_remove(w.g, "gone", &e));
    assert_false(volume_remove(w.g, "used", &e));
    assert_non_null(strstr(e.msg, "volume used: "));
    assert_non_null(strstr(e.msg, "in use"));
    e = (struct err){ 0 };
    assert_false(volume_list(w.g, "odd", &none, &e));
    assert_int_equal(e.code, ERR_ENGINE);
    world_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_container_is_read_from_what_the_engine_shows),
        cmocka_unit_test(what_is_not_there_is_empty),
        cmocka_unit_test(documents_that_make_no_sense_are_refused),
        cmocka_unit_test(ready_and_lost_follow_from_state_health_and_policy),
        cmocka_unit_test(health_in_words_that_are_not_known_is_not_relied_on),
        cmocka_unit_test(a_project_is_found_by_its_labels_and_sorted),
        cmocka_unit_test(a_list_that_makes_no_sense_is_refused),
        cmocka_unit_test(engines_that_fail_in_the_middle_of_a_list_are_named),
        cmocka_unit_test(streams_of_a_log_are_put_together),
        cmocka_unit_test(a_log_of_a_terminal_stays_as_it_is),
        cmocka_unit_test(a_log_that_is_cut_within_a_frame_gives_what_is_there),
        cmocka_unit_test(logs_are_asked_for_by_number_of_lines),
        cmocka_unit_test(volumes_of_a_project_are_found_and_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
