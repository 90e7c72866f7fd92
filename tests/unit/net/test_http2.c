/* HTTP/2 where the server offers it: the same limits, and its own ways to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "net/http.h"
#include "tests/support/fake.h"

#include "base/banned.h"

static struct http *open_2(struct fake *f, uint64_t limit, struct err *e)
{
    struct http_options o = { .ca_file = fake_path(f, "ca.pem"), .stall_timeout_ms = 5000, .speaks_http2 = true, .limit_bytes_per_s = limit };
    struct http *h = http_open(&o, e);
    assert_non_null(h);
    return h;
}

static void a_body_comes_whole_and_the_connection_is_used_again(void **state)
{
    (void)state;
    struct fake f;
    struct err e = { 0 };
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    fake_start_program(&f, "fake_h2.py", "{\"answers\": [{\"body_bytes\": 900000, \"interim\": 2, \"headers\": 90}]}");
    AUTO(http_close_auto) struct http *h = open_2(&f, 0, &e);
    struct http_request rq = { .method = "GET", .url = fake_urls(&f, 0, "/x"), .max_body = MIB };
    for (int i = 0; i < 2; i++) {
        if (!http_run(h, &rq, &rs, NULL, &e))
            fail_msg("%s", e.msg);
        assert_int_equal(rs.status, 200);
        assert_int_equal(rs.body_bytes, 900000);
        assert_memory_equal(buf_text(&rs.text), "0123456789abcdef0123", 20);
        assert_string_equal(http_response_get(&rs, "content-length"), "900000");
    }
    assert_int_equal(fake_count(&f, "\"connection\": 1,"), 2);
    assert_int_equal(fake_count(&f, "\"stream\": 3"), 1);
    fake_stop(&f);
}

static void a_limited_body_comes_whole(void **state)
{
    (void)state;
    struct fake f;
    struct err e = { 0 };
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    fake_start_program(&f, "fake_h2.py", "{\"answers\": [{\"body_bytes\": 900000}]}");
    AUTO(http_close_auto) struct http *h = open_2(&f, 2000000, &e);
    struct http_request rq = { .method = "GET", .url = fake_urls(&f, 0, "/x"), .max_body = MIB };
    if (!http_run(h, &rq, &rs, NULL, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(rs.body_bytes, 900000);
    fake_stop(&f);
}

static void who_does_not_ask_for_it_gets_none(void **state)
{
    (void)state;
    struct fake f;
    struct err e = { 0 };
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    fake_start_program(&f, "fake_h2.py", "{\"answers\": [{}]}");
    struct http_options o = { .ca_file = fake_path(&f, "ca.pem"), .stall_timeout_ms = 2000 };
    AUTO(http_close_auto) struct http *h = http_open(&o, &e);
    struct http_request rq = { .method = "GET", .url = fake_urls(&f, 0, "/x") };
    assert_false(http_run(h, &rq, &rs, NULL, &e));
    assert_int_equal(fake_count(&f, "h2"), 0);
    fake_stop(&f);
}

static void floods_and_endings_are_errors_that_may_pass(void **state)
{
    (void)state;
    static const struct {
        const char *script, *part;
    } rows[] = {
        { "{\"answers\": [{\"headers\": 150}]}", "more than 100 headers" },
        { "{\"answers\": [{\"interim\": 100}]}", "more than 100 headers" },
        { "{\"answers\": [{\"goaway\": true}]}", "https://127.0.0.1:" },
        { "{\"answers\": [{\"body_bytes\": 100000, \"goaway\": 50000}]}", "https://127.0.0.1:" },
        { "{\"answers\": [{\"body_bytes\": 100000, \"cut\": 50000, \"reset\": 2}]}", "https://127.0.0.1:" },
        { "{\"answers\": [{\"body_bytes\": 100000, \"cut\": 50000}]}", "https://127.0.0.1:" },
        { "{\"answers\": [{\"body_bytes\": 2000000}]}", "longer than the allowed" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fake f;
        struct err e = { 0 };
        AUTO(http_response_clear_auto) struct http_response rs = { 0 };
        fake_start_program(&f, "fake_h2.py", rows[i].script);
        AUTO(http_close_auto) struct http *h = open_2(&f, 0, &e);
        struct http_request rq = { .method = "GET", .url = fake_urls(&f, 0, "/x"), .max_body = MIB };
        assert_false(http_run(h, &rq, &rs, NULL, &e));
        if (e.code != ERR_NET || strstr(e.msg, rows[i].part) == NULL)
            fail_msg("%zu: %s: %s", i, err_name(e.code), e.msg);
        fake_stop(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_comes_whole_and_the_connection_is_used_again),
        cmocka_unit_test(a_limited_body_comes_whole),
        cmocka_unit_test(who_does_not_ask_for_it_gets_none),
        cmocka_unit_test(floods_and_endings_are_errors_that_may_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
