/* Content-Range and validators, as they are and as they are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "registry/content_range.h"

#include "base/banned.h"

static void ranges_with_and_without_a_total_are_read(void **state)
{
    (void)state;
    struct content_range r;
    assert_true(content_range_parse(&r, "bytes 0-99/200"));
    assert_true(r.first == 0 && r.last == 99 && r.has_total && r.total == 200);
    assert_true(content_range_parse(&r, "bytes 100-199/200"));
    assert_true(content_range_parse(&r, "bytes 7-7/*"));
    assert_true(r.first == 7 && r.last == 7 && !r.has_total);
    assert_true(content_range_parse(&r, "bytes 0-9223372036854775806/9223372036854775807"));
}

static void anything_else_is_no_range(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "bytes", "bytes ", "bytes */200", "bytes 0-99", "bytes 0-99/", "bytes 99-0/200", "bytes 0-200/200", "bytes 0-99/99", "bytes -1-99/200",
        "bytes 0--1/200", "bytes 0-99/-200", "bytes 0-99/200 ", "bytes  0-99/200", " bytes 0-99/200", "bytes 0 - 99/200", "bytes 0-99/200, 300-400/500",
        "bytes=0-99/200", "Bytes 0-99/200", "items 0-99/200", "bytes 00-99/200", "bytes +0-99/200", "bytes 0x0-99/200", "bytes 0-99/**",
        "bytes 0-9223372036854775808/9223372036854775809", "bytes 18446744073709551616-18446744073709551617/*",
    };
    struct content_range r;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (content_range_parse(&r, texts[i]))
            fail_msg("\"%s\" is taken", texts[i]);
    assert_false(content_range_parse(&r, NULL));
}

static struct validator read_of(const char *url, const char *name, const char *value)
{
    struct err e = { 0 };
    struct url from;
    struct validator v;
    char name_text[40], value_text[400];
    snprintf(name_text, sizeof name_text, "%s", name);
    snprintf(value_text, sizeof value_text, "%s", value);
    struct http_header_line line = { name_text, value_text };
    struct http_response head = { .n_headers = 1, .headers = &line };
    assert_true(url_parse(&from, url, "URL", &e));
    validator_read(&v, &from, &head);
    return v;
}

static void versions_are_compared_within_one_origin_and_kind(void **state)
{
    (void)state;
    struct validator one = read_of("https://a/x", "etag", "\"1\""), other = read_of("https://a/x", "etag", "\"2\"");
    struct validator elsewhere = read_of("https://b/x", "etag", "\"2\""), weak = read_of("https://a/x", "etag", "W/\"2\"");
    struct validator changed = read_of("https://a/x", "last-modified", "Sun, 22 Nov 2026 05:00:09 GMT");
    struct validator later = read_of("https://a/x", "last-modified", "Sun, 22 Nov 2026 06:00:09 GMT"), none = read_of("https://a/x", "date", "x");
    assert_false(validator_differs(&one, &one));
    assert_true(validator_differs(&one, &other));
    assert_true(validator_differs(&changed, &later));
    assert_false(validator_differs(&one, &elsewhere));
    assert_false(validator_differs(&one, &weak));
    assert_false(validator_differs(&one, &changed));
    assert_false(validator_differs(&one, &none));
    char overlong[300];
    memset(overlong, 'x', sizeof overlong - 1);
    overlong[0] = '"';
    overlong[sizeof overlong - 1] = '\0';
    struct validator too_long = read_of("https://a/x", "etag", overlong);
    assert_false(validator_differs(&one, &too_long));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_with_and_without_a_total_are_read),
        cmocka_unit_test(anything_else_is_no_range),
        cmocka_unit_test(versions_are_compared_within_one_origin_and_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
