/* Dates: the one form of our documents, the many of others, and the calendar. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "format/date.h"

static void reads_and_writes_utc_seconds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {
        { "1970-01-01T00:00:00Z", 0 },          { "1969-12-31T23:59:59Z", -1 },         { "2000-02-29T12:34:56Z", 951827696 },
        { "2038-01-19T03:14:08Z", 2147483648 }, { "2026-11-21T20:00:00Z", 1795291200 }, { "2100-02-28T23:59:59Z", 4107542399 },
        { "9999-12-31T23:59:59Z", 253402300799 }, { "0001-01-01T00:00:00Z", -62135596800 }, { "0000-01-01T00:00:00Z", -62167219200 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = { 0 };
        int64_t t = 1;
        char text[DATE_TEXT_BYTES];
        assert_true(date_parse(&t, cases[i].text, "created", &e));
        assert_true(t == cases[i].seconds);
        date_format(text, t);
        assert_string_equal(text, cases[i].text);
        assert_true(date_parse_loose(&t, cases[i].text, "created", &e));
        assert_true(t == cases[i].seconds);
    }
}

static void agrees_with_the_c_library_on_every_day_of_eight_centuries(void **state)
{
    (void)state;
    for (int64_t day = -146097; day <= 146097; day++) {
        time_t t = (time_t)(day * 86400 + 3661);
        struct tm tm;
        char want[DATE_TEXT_BYTES];
        char text[DATE_TEXT_BYTES];
        struct err e = { 0 };
        int64_t back = 0;
        assert_non_null(gmtime_r(&t, &tm));
        assert_int_not_equal(strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%SZ", &tm), 0);
        date_format(text, t);
        assert_string_equal(text, want);
        assert_true(date_parse(&back, text, "x", &e) && back == t);
    }
}

static void writes_something_bounded_for_any_number(void **state)
{
    (void)state;
    char text[DATE_TEXT_BYTES];
    date_format(text, INT64_MAX);
    assert_string_equal(text, "9999-12-31T23:59:59Z");
    date_format(text, INT64_MIN);
    assert_string_equal(text, "0000-01-01T00:00:00Z");
}

static void reads_any_rfc_3339_date_of_others(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {
        { "2000-02-29T12:34:56.123456789Z", 951827696 }, { "2000-02-29t12:34:56z", 951827696 }, { "2000-02-29 12:34:56Z", 951827696 },
        { "2000-02-29T13:34:56+01:00", 951827696 },      { "2000-02-29T07:04:56-05:30", 951827696 }, { "2000-02-29T12:34:56-00:00", 951827696 },
        { "2000-02-29", 951782400 },                     { "1970-01-01T00:00:00.9+00:00", 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = { 0 };
        int64_t t = 1;
        if (!date_parse_loose(&t, cases[i].text, "created", &e))
            fail_msg("%s", e.msg);
        assert_true(t == cases[i].seconds);
        /* The strict form takes none of these. */
        assert_false(date_parse(&t, cases[i].text, "created", &e));
    }
}

static void refuses_days_and_times_that_do_not_exist(void **state)
{
    (void)state;
    static const char *const unreal[] = { "2024-02-30T00:00:00Z", "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2024-04-31T00:00:00Z", "2024-13-01T00:00:00Z",
        "2024-00-01T00:00:00Z", "2024-01-00T00:00:00Z", "2024-01-32T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T23:60:00Z", "2024-12-31T23:59:60Z" };
    for (size_t i = 0; i < ARRAY_LEN(unreal); i++) {
        struct err e = { 0 };
        struct err f = { 0 };
        int64_t t = 1;
        assert_false(date_parse(&t, unreal[i], "not_after", &e));
        assert_int_equal(e.code, ERR_FORMAT);
        assert_memory_equal(e.msg, "not_after: there is no date ", 28);
        assert_false(date_parse_loose(&t, unreal[i], "not_after", &f));
        assert_true(t == 0);
    }
}

static void refuses_other_forms(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "now", "2024", "2024-1-1", "2024-01-01T", "2024-01-01T00:00Z", "2024-01-01T00:00:00", "10000-01-01T00:00:00Z",
        "-2024-01-01T00:00:00Z", "+2024-01-01T00:00:00Z", "2024-01-01T00:00:00Zx", "2024-01-01T00:00:00Z ", " 2024-01-01T00:00:00Z", "2024-01-01T00:00:00.Z",
        "2024-01-01T00:00:00,5Z", "2024-01-01T00:00:00+1:00", "2024-01-01T00:00:00+0100", "2024-01-01T00:00:00+24:00", "2024-01-01T00:00:00+00:60",
        "2024-01-01T00:00:00+01:00Z", "2024/01/01", "01.02.2024", "20240101T000000Z", "2024-01-01T0a:00:00Z", "2024-W01-1" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = { 0 };
        struct err f = { 0 };
        int64_t t = 1;
        if (date_parse(&t, bad[i], "created", &e) || date_parse_loose(&t, bad[i], "created", &f))
            fail_msg("accepted \"%s\"", bad[i]);
        assert_int_equal(f.code, ERR_FORMAT);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes_utc_seconds),
        cmocka_unit_test(agrees_with_the_c_library_on_every_day_of_eight_centuries),
        cmocka_unit_test(writes_something_bounded_for_any_number),
        cmocka_unit_test(reads_any_rfc_3339_date_of_others),
        cmocka_unit_test(refuses_days_and_times_that_do_not_exist),
        cmocka_unit_test(refuses_other_forms),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
