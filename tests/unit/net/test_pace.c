/* Not faster than asked, over all connections; and not slower than what is worth waiting for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/http.h"
#include "net/pace.h"
#include "sys/clock.h"
#include "tests/support/fake.h"

#include "base/banned.h"

static void a_bucket_fills_with_time_and_holds_a_tenth_of_a_second(void **state)
{
    (void)state;
    struct pace p = { .bytes_per_s = 1000000 };
    pace_fill(&p, 5000);
    assert_true(pace_take(&p, 50000)); /* a piece that is under way is taken whole, */
    assert_false(pace_take(&p, 1));    /* and paid for */
    assert_int_equal(pace_wait_ms(&p), 51);
    pace_fill(&p, 5040);
    assert_false(pace_take(&p, 1));
    pace_fill(&p, 5051);
    assert_int_equal(pace_wait_ms(&p), 0);
    pace_fill(&p, 3600000); /* an hour later: no flood */
    assert_true(pace_take(&p, 100002));
    assert_false(pace_take(&p, 1));
    struct pace slow = { .bytes_per_s = 10 };
    pace_fill(&slow, 1000);
    assert_true(pace_take(&slow, 1));
    for (uint64_t t = 1001; t <= 1100; t++)
        pace_fill(&slow, t); /* less than a byte each time is a byte in the end */
    assert_true(pace_take(&slow, 1));
    struct pace none = { 0 };
    for (int i = 0; i < 1000; i++)
        assert_true(pace_take(&none, SIZE_MAX / 2));
    assert_int_equal(pace_wait_ms(&none), 0);
}

static void a_window_tells_who_is_too_slow(void **state)
{
    (void)state;
    struct pace_window w = { .since_ms = 1000 };
    assert_true(pace_is_enough(&w, 60999, 60000, 100));
    assert_false(pace_is_enough(&w, 61000, 60000, 100));
    w = (struct pace_window){ .since_ms = 1000, .bytes = 5999 };
    assert_false(pace_is_enough(&w, 61000, 60000, 100));
    w = (struct pace_window){ .since_ms = 1000, .bytes = 6000 };
    assert_true(pace_is_enough(&w, 61000, 60000, 100));
    assert_int_equal(w.bytes, 0); /* what came then does not help now */
    assert_false(pace_is_enough(&w, 121000, 60000, 100));
}

/* Several requests at once. */
struct one {
    struct http_transfer transfer;
    const char *url;
    struct sink *out;
    bool was_sent;
};

static enum http_step next(struct http_transfer *t, const struct http_response *rs, const struct http_failure *failure, struct http_request *rq,
                           unsigned *wait_ms, struct err *e)
{
    struct one *o = (struct one *)t;
    (void)wait_ms;
    if (failure != NULL) {
        *e = failure->err;
        return HTTP_FAILED;
    }
    if (rs != NULL)
        return HTTP_DONE;
    *rq = (struct http_request){ .method = "GET", .url = o->url, .out = o->out, .max_body = 10000000 };
    return HTTP_SEND;
}

static bool count(void *ctx, const void *bytes, size_t n, struct err *e)
{
    (void)bytes, (void)e;
    *(uint64_t *)ctx += n;
    return true;
}

static void the_limit_is_that_of_all_connections_together(void **state)
{
    (void)state;
    struct fake f;
    struct err e = { 0 };
    fake_start(&f, "{\"rules\": [{\"body_fill\": [\"0123456789\", 400000]}]}");
    struct http_options o = { .limit_bytes_per_s = 2000000, .stall_timeout_ms = 1000, .least_bytes_per_s = 10 };
    AUTO(http_close_auto) struct http *h = http_open(&o, &e);
    struct one ones[4];
    struct http_transfer *all[4];
    uint64_t bytes = 0, started = clock_monotonic_ms();
    for (int i = 0; i < 4; i++) {
        ones[i] = (struct one){ { next }, fake_url(&f, 0, "/x"), sink_call(count, &bytes), false };
        all[i] = &ones[i].transfer;
    }
    if (!http_run_all(h, all, 4, 4, &e))
        fail_msg("%s", e.msg);
    /* 1.6 MB at 2 MB/s: all but a piece of each connection must have been waited for. */
    assert_true(clock_monotonic_ms() - started >= 250);
    assert_int_equal(bytes, 1600000);
    for (int i = 0; i < 4; i++)
        sink_drop(ones[i].out);
    fake_stop(&f);
}

static bool get(struct fake *f, const char *path, struct http_response *rs, struct err *e)
{
    struct http_options o = { .stall_timeout_ms = 1000, .least_bytes_per_s = 1000 };
    AUTO(http_close_auto) struct http *h = http_open(&o, e);
    struct http_request rq = { .method = "GET", .url = fake_url(f, 0, path) };
    return http_run(h, &rq, rs, NULL, e);
}

static void a_server_that_drips_is_left(void **state)
{
    (void)state;
    struct fake f;
    struct err e = { 0 }, e2 = { 0 };
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    fake_start(&f, "{\"rules\": [{\"path\": \"/drip\", \"body_fill\": [\"x\", 60000], \"drip\": [20, 0.2]}, {\"path\": \"/slow\", \"body_fill\": [\"x\", 6000], \"drip\": [1000, 0.3]}]}");
    assert_false(get(&f, "/drip", &rs, &e));
    assert_int_equal(e.code, ERR_NET);
    if (strstr(e.msg, "too slow, less than 1000 bytes/s in 1 s") == NULL)
        fail_msg("%s", e.msg);
    if (!get(&f, "/slow", &rs, &e2)) /* slow, but not too slow */
        fail_msg("%s", e2.msg);
    assert_int_equal(rs.body_bytes, 6000);
    fake_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_fills_with_time_and_holds_a_tenth_of_a_second),
        cmocka_unit_test(a_window_tells_who_is_too_slow),
        cmocka_unit_test(the_limit_is_that_of_all_connections_together),
        cmocka_unit_test(a_server_that_drips_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
