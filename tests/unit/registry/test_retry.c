/* Waiting times. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "registry/retry.h"
#include "registry/throttle.h"

#include "base/banned.h"

static void waits_double_up_to_a_minute(void **state)
{
    (void)state;
    static const unsigned expected[] = { 2000, 4000, 8000, 16000, 32000, 60000, 60000 };
    for (unsigned i = 0; i < ARRAY_LEN(expected); i++)
        assert_int_equal(retry_wait_ms(NULL, i + 1, 2000, 0, 0), expected[i]);
    assert_int_equal(retry_wait_ms(NULL, 4000000000u, 1, 0, 0), 60000);
}

static void the_server_may_ask_for_up_to_a_minute(void **state)
{
    (void)state;
    int64_t now = 1795323600; /* Sun, 22 Nov 2026 05:00:00 GMT */
    static const struct {
        const char *text;
        unsigned ms;
    } rows[] = {
        { "0", 2000 },  { "7", 7000 },  { "60", 60000 }, { "1000000000", 60000 }, { "99999999999999999999999", 60000 },
        { "-5", 2000 }, { "", 2000 }, { "soon", 2000 }, { "1.5", 2000 }, { " 3", 2000 }, { "007", 60000 },
        { "Sun, 22 Nov 2026 05:00:09 GMT", 9000 }, { "Sun, 22 Nov 2026 04:00:09 GMT", 2000 }, { "Sun, 22 Nov 2099 05:00:09 GMT", 60000 },
        { "Sun, 22 Nov 2026 05:00:09 CET", 2000 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (retry_wait_ms(rows[i].text, 1, 2000, now, 0) != rows[i].ms)
            fail_msg("%s: %u", rows[i].text, retry_wait_ms(rows[i].text, 1, 2000, now, 0));
}

static void chance_spreads_waits_and_never_shortens_what_was_asked_for(void **state)
{
    (void)state;
    unsigned least = UINT_MAX, most = 0, least_asked = UINT_MAX, most_asked = 0;
    for (uint32_t i = 0; i < 5000; i++) {
        unsigned own = retry_wait_ms(NULL, 1, 2000, 0, i), asked = retry_wait_ms("8", 1, 2000, 0, i);
        least = own < least ? own : least;
        most = own > most ? own : most;
        least_asked = asked < least_asked ? asked : least_asked;
        most_asked = asked > most_asked ? asked : most_asked;
    }
    assert_int_equal(least, 1000);
    assert_int_equal(most, 2000);
    assert_int_equal(least_asked, 8000);
    assert_int_equal(most_asked, 9000);
    assert_int_equal(retry_wait_ms("60", 1, 2000, 0, 77777), 60000);
    assert_int_equal(retry_wait_ms(NULL, 1, 0, 0, 5), 0);
    uint32_t first = retry_chance(), n_same = 0;
    for (int i = 0; i < 100; i++)
        n_same += retry_chance() == first;
    assert_true(n_same < 50);
}

/* throttle.h */

static void a_refusal_stops_everyone_for_a_while_and_halves(void **state)
{
    (void)state;
    struct throttle t = { 0 };
    unsigned wait = 0;
    for (int i = 0; i < 6; i++)
        assert_true(throttle_enter(&t, 1000, &wait));
    for (int i = 0; i < 3; i++) { /* three of those under way are refused: one refusal */
        throttle_refused(&t, 1000 + (uint64_t)i, 500);
        throttle_leave(&t);
    }
    assert_int_equal(throttle_allowed(&t), 3);
    assert_false(throttle_enter(&t, 1100, &wait));
    assert_int_equal(wait, 402); /* until the last of them is over */
    assert_false(throttle_enter(&t, 1600, &wait)); /* three are at it still */
    assert_int_equal(wait, THROTTLE_LOOK_MS);
    throttle_leave(&t);
    assert_true(throttle_enter(&t, 1600, &wait));
    throttle_refused(&t, 1700, 10);
    throttle_refused(&t, 1800, 10);
    throttle_refused(&t, 1900, 10);
    assert_int_equal(throttle_allowed(&t), 1); /* never none */
}

static void good_answers_let_it_grow_again(void **state)
{
    (void)state;
    struct throttle t = { 0 };
    unsigned wait = 0;
    assert_true(throttle_enter(&t, 0, &wait));
    throttle_refused(&t, 0, 0);
    assert_int_equal(throttle_allowed(&t), 1);
    for (int i = 0; i < 3 * THROTTLE_GROW_AFTER; i++)
        throttle_good(&t);
    assert_int_equal(throttle_allowed(&t), 4);
    for (int i = 0; i < 1000; i++)
        throttle_good(&t);
    assert_int_equal(throttle_allowed(&t), THROTTLE_MOST);
}

static void only_passing_states_are_tried_again(void **state)
{
    (void)state;
    static const unsigned yes[] = { 408, 429, 500, 502, 503, 504 }, no[] = { 200, 301, 400, 401, 403, 404, 416, 501, 505, 0 };
    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        assert_true(retry_is_sensible(yes[i]));
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        assert_false(retry_is_sensible(no[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_double_up_to_a_minute),
        cmocka_unit_test(the_server_may_ask_for_up_to_a_minute),
        cmocka_unit_test(chance_spreads_waits_and_never_shortens_what_was_asked_for),
        cmocka_unit_test(a_refusal_stops_everyone_for_a_while_and_halves),
        cmocka_unit_test(good_answers_let_it_grow_again),
        cmocka_unit_test(only_passing_states_are_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
