/* Waiting times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "registry/retry.h"

#include "base/banned.h"

static void waits_double_up_to_a_minute(void **state)
{
    (void)state;
    static const unsigned expected[] = { 2000, 4000, 8000, 16000, 32000, 60000, 60000 };
    for (unsigned i = 0; i < ARRAY_LEN(expected); i++)
        assert_int_equal(retry_wait_ms(NULL, i + 1, 2000, 0), expected[i]);
    assert_int_equal(retry_wait_ms(NULL, 4000000000u, 1, 0), 60000);
}

static void the_server_may_ask_for_up_to_a_minute(void **state)
{
    (void)state;
    int64_t now = 1795323600; /* Sun, 22 Nov 2026 05:00:00 GMT */
    static const struct {
        const char *text;
        unsigned ms;
    } rows[] = {
        { "0", 0 },  { "7", 7000 },  { "60", 60000 }, { "1000000000", 60000 }, { "99999999999999999999999", 60000 },
        { "-5", 2000 }, { "", 2000 }, { "soon", 2000 }, { "1.5", 2000 }, { " 3", 2000 }, { "007", 60000 },
        { "Sun, 22 Nov 2026 05:00:09 GMT", 9000 }, { "Sun, 22 Nov 2026 04:00:09 GMT", 0 }, { "Sun, 22 Nov 2099 05:00:09 GMT", 60000 },
        { "Sun, 22 Nov 2026 05:00:09 CET", 2000 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (retry_wait_ms(rows[i].text, 1, 2000, now) != rows[i].ms)
            fail_msg("%s: %u", rows[i].text, retry_wait_ms(rows[i].text, 1, 2000, now));
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
        cmocka_unit_test(only_passing_states_are_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
