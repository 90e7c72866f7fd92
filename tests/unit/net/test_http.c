/* One request, against servers that behave and servers that do not. */
#include <limits.h>
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
#include "net/http.h"
#include "tests/support/fake.h"

#include "base/banned.h"

static struct http *open_plain(void)
{
    struct err e = { 0 };
    struct http_options o = { .stall_timeout_ms = 2000, .connect_timeout_ms = 2000, .tls_hint = "use --registry-ca FILE" };
    struct http *h = http_open(&o, &e);
    assert_non_null(h);
    return h;
}

static bool get(const char *url, struct http_response *rs, struct err *e)
{
    AUTO(http_close_auto) struct http *h = open_plain();
    struct http_request rq = { .method = "GET", .url = url, .max_body = MIB };
    return http_run(h, &rq, rs, NULL, e);
}

static void status_headers_and_body_arrive(void **state)
{
    (void)state;
    struct fake f;
    fake_start(&f, "{\"rules\": [{\"path\": \"/x\", \"body\": \"hello\", \"headers\": [[\"X-Kind\", \"  a b \"], [\"Empty\", \"\"]]},"
                   "{\"path\": \"/missing\", \"status\": 404, \"body\": \"no such thing\"}]}");
    struct err e = { 0 };
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    assert_true(get(fake_url(&f, 0, "/x"), &rs, &e));
    assert_int_equal(rs.status, 200);
    assert_string_equal(buf_text(&rs.text), "hello");
    assert_int_equal(rs.body_bytes, 5);
    assert_string_equal(http_response_get(&rs, "x-kind"), "a b");
    assert_string_equal(http_response_get(&rs, "empty"), "");
    assert_null(http_response_get(&rs, "X-Kind"));
    assert_true(get(fake_url(&f, 0, "/missing"), &rs, &e)); /* a status is an answer, not an error */
    assert_int_equal(rs.status, 404);
    assert_string_equal(buf_text(&rs.text), "no such thing");
    fake_stop(&f);
}

static void nothing_is_sent_that_was_not_asked_for(void **state)
{
    (void)state;
    struct fake f;
    fake_start(&f, "{\"rules\": [{\"headers\": [[\"Set-Cookie\", \"a=b\"]]}]}");
    AUTO(http_close_auto) struct http *h = open_plain();
    for (int i = 0; i < 2; i++) {
        struct err e = { 0 };
        AUTO(http_response_clear_auto) struct http_response rs = { 0 };
        struct http_request rq = { .method = i == 0 ? "GET" : "POST", .url = fake_url(&f, 0, "/x") };
        assert_true(http_run(h, &rq, &rs, NULL, &e));
    }
    const char *log = fake_log(&f);
    static const char *const never[] = { "Cookie", "Authorization", "Accept-Encoding", "Expect", "Content-Type", "Referer" };
    for (size_t i = 0; i < ARRAY_LEN(never); i++)
        assert_null(strstr(log, never[i]));
    assert_non_null(strstr(log, "[\"Content-Length\", \"0\"]"));
    fake_stop(&f);
}

static void authorization_is_sent_and_header_injection_is_not(void **state)
{
    (void)state;
    struct fake f;
    fake_start(&f, "{\"rules\": [{}]}");
    AUTO(http_close_auto) struct http *h = open_plain();
    AUTO(secret_clear_auto) struct secret good = secret_of("Bearer abc", 10);
    AUTO(secret_clear_auto) struct secret bad = secret_of("Bearer abc\r\nX-Evil: 1", 21);
    struct http_header headers[] = { { "Accept", "application/json" } };
    struct http_request rq = { .method = "GET", .url = fake_url(&f, 0, "/x"), .authorization = &good, .headers = headers, .n_headers = 1 };
    struct err e = { 0 };
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    assert_true(http_run(h, &rq, &rs, NULL, &e));
    assert_non_null(strstr(fake_log(&f), "[\"Authorization\", \"Bearer abc\"]"));
    assert_non_null(strstr(fake_log(&f), "[\"Accept\", \"application/json\"]"));
    rq.authorization = &bad;
    assert_false(http_run(h, &rq, &rs, NULL, &e));
    assert_non_null(strstr(e.msg, "control characters in the header Authorization"));
    assert_null(strstr(e.msg, "abc"));
    assert_int_equal(fake_count(&f, "\"method\""), 1);
    fake_stop(&f);
}

static void redirects_are_not_followed(void **state)
{
    (void)state;
    struct fake f;
    fake_start(&f, "{\"rules\": [{\"status\": 307, \"headers\": [[\"Location\", \"http://127.0.0.1:{port0}/y\"]]}]}");
    struct err e = { 0 };
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    assert_true(get(fake_url(&f, 0, "/x"), &rs, &e));
    assert_int_equal(rs.status, 307);
    assert_non_null(strstr(http_response_get(&rs, "location"), "/y"));
    assert_int_equal(fake_count(&f, "\"method\""), 1);
    fake_stop(&f);
}

static void bodies_over_the_limit_are_stopped(void **state)
{
    (void)state;
    struct fake f;
    fake_start(&f, "{\"rules\": [{\"path\": \"/told\", \"body_fill\": [\"x\", 101]},"
                   "{\"path\": \"/untold\", \"body_fill\": [\"x\", 101], \"length\": null},"
                   "{\"path\": \"/exact\", \"body_fill\": [\"x\", 100]},"
                   "{\"path\": \"/error\", \"status\": 500, \"body_fill\": [\"x\", 9000000], \"length\": null}]}");
    AUTO(http_close_auto) struct http *h = open_plain();
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    static const char *const paths[] = { "/told", "/untold" };
    for (int with_sink = 0; with_sink < 2; with_sink++)
        for (size_t i = 0; i < 2; i++) {
            struct err e = { 0 };
            uint64_t n = 0;
            AUTO(sink_drop_auto) struct sink *out = sink_measure(NULL, &n, sink_null());
            struct http_request rq = { .method = "GET", .url = fake_url(&f, 0, paths[i]), .max_body = 100, .out = with_sink ? out : NULL };
            assert_false(http_run(h, &rq, &rs, NULL, &e));
            assert_int_equal(e.code, ERR_NET);
            assert_non_null(strstr(e.msg, "longer than the allowed 100 bytes"));
        }
    struct err e = { 0 };
    struct http_request exact = { .method = "GET", .url = fake_url(&f, 0, "/exact"), .max_body = 100 };
    assert_true(http_run(h, &exact, &rs, NULL, &e));
    struct http_request error = { .method = "GET", .url = fake_url(&f, 0, "/error"), .max_body = 100 };
    assert_true(http_run(h, &error, &rs, NULL, &e)); /* the text of an error is cut, not refused */
    assert_int_equal(rs.status, 500);
    assert_int_equal(rs.text.len, 65536);
    fake_stop(&f);
}

static void bodies_that_end_early_are_errors(void **state)
{
    (void)state;
    struct fake f;
    fake_start(&f, "{\"rules\": [{\"path\": \"/short\", \"body\": \"hello\", \"length\": 10},"
                   "{\"path\": \"/chunked\", \"raw\": \"HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n5\\r\\nhello\\r\\n\"},"
                   "{\"path\": \"/nothing\", \"drop\": true},"
                   "{\"path\": \"/rubbish\", \"raw\": \"SSH-2.0-x\\r\\n\\r\\n\"}]}");
    static const char *const paths[] = { "/short", "/chunked", "/nothing", "/rubbish" };
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct err e = { 0 };
        AUTO(http_response_clear_auto) struct http_response rs = { 0 };
        assert_false(get(fake_url(&f, 0, paths[i]), &rs, &e));
        assert_int_equal(e.code, ERR_NET);
        assert_memory_equal(e.msg, "http://127.0.0.1:", 17);
    }
    fake_stop(&f);
}

static void floods_of_headers_and_interim_answers_end(void **state)
{
    (void)state;
    struct fake f;
    AUTO(buf_clear_auto) struct buf script = BUF_LIMIT(4 * MIB);
    buf_adds(&script, "{\"rules\": [{\"path\": \"/many\", \"raw\": \"HTTP/1.1 200 OK\\r\\n");
    for (int i = 0; i < 10000; i++)
        buf_addf(&script, "H%d: x\\r\\n", i);
    buf_adds(&script, "\\r\\n\"}, {\"path\": \"/long\", \"raw\": \"HTTP/1.1 200 OK\\r\\n");
    for (int i = 0; i < 20; i++)
        buf_addf(&script, "H%d: %04000d\\r\\n", i, i);
    buf_adds(&script, "\\r\\n\"}, {\"path\": \"/interim\", \"raw\": \"");
    for (int i = 0; i < 5000; i++)
        buf_adds(&script, "HTTP/1.1 103 Early Hints\\r\\n\\r\\n");
    buf_adds(&script, "HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n\"},"
                      "{\"path\": \"/one-interim\", \"raw\": \"HTTP/1.1 103 Early\\r\\nA: 1\\r\\n\\r\\nHTTP/1.1 200 OK\\r\\nB: 2\\r\\nContent-Length: 2\\r\\n\\r\\nok\"}]}");
    fake_start(&f, buf_text(&script));
    static const char *const paths[] = { "/many", "/long", "/interim" };
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct err e = { 0 };
        AUTO(http_response_clear_auto) struct http_response rs = { 0 };
        assert_false(get(fake_url(&f, 0, paths[i]), &rs, &e));
        assert_int_equal(e.code, ERR_NET);
        assert_non_null(strstr(e.msg, "headers"));
    }
    struct err e = { 0 };
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    assert_true(get(fake_url(&f, 0, "/one-interim"), &rs, &e));
    assert_string_equal(buf_text(&rs.text), "ok");
    assert_null(http_response_get(&rs, "a"));
    assert_non_null(http_response_get(&rs, "b"));
    fake_stop(&f);
}

static void a_server_that_falls_silent_is_left(void **state)
{
    (void)state;
    struct fake f;
    fake_start(&f, "{\"rules\": [{\"delay\": 30}]}");
    struct err e = { 0 };
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    assert_false(get(fake_url(&f, 0, "/x"), &rs, &e));
    assert_int_equal(e.code, ERR_NET);
    AUTO(http_close_auto) struct http *h = open_plain();
    struct err e2 = { 0 };
    struct http_request rq = { .method = "GET", .url = fake_url(&f, 0, "/x"), .deadline_ms = 300 };
    assert_false(http_run(h, &rq, &rs, NULL, &e2));
    assert_int_equal(e2.code, ERR_NET);
    fake_stop(&f);
}

static bool refuse_text(void *ctx, const struct http_response *head, struct err *e)
{
    ++*(int *)ctx;
    const char *type = http_response_get(head, "content-type");
    return type == NULL || strcmp(type, "text/plain") != 0 || err_set(e, ERR_REGISTRY, "text");
}

static void the_head_is_judged_before_the_body(void **state)
{
    (void)state;
    struct fake f;
    fake_start(&f, "{\"rules\": [{\"path\": \"/text\", \"headers\": [[\"Content-Type\", \"text/plain\"]], \"body\": \"x\"}, {\"body\": \"y\"}]}");
    AUTO(http_close_auto) struct http *h = open_plain();
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    AUTO(buf_clear_auto) struct buf got = BUF_LIMIT(100);
    AUTO(sink_drop_auto) struct sink *out = sink_buf(&got, "body");
    int n_calls = 0;
    struct err e = { 0 };
    struct http_request rq = { .method = "GET", .url = fake_url(&f, 0, "/text"), .out = out, .max_body = 100, .on_head = refuse_text, .on_head_ctx = &n_calls };
    assert_false(http_run(h, &rq, &rs, NULL, &e));
    assert_int_equal(e.code, ERR_REGISTRY);
    assert_string_equal(e.msg, "text");
    assert_int_equal(got.len, 0);
    struct err e2 = { 0 };
    rq.url = fake_url(&f, 0, "/other");
    assert_true(http_run(h, &rq, &rs, NULL, &e2));
    assert_string_equal(buf_text(&got), "y");
    assert_int_equal(n_calls, 2);
    fake_stop(&f);
}

static void a_failing_sink_explains_itself(void **state)
{
    (void)state;
    struct fake f;
    fake_start(&f, "{\"rules\": [{\"body\": \"hello\"}]}");
    AUTO(http_close_auto) struct http *h = open_plain();
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    AUTO(sink_drop_auto) struct sink *out = sink_limit(3, SINK_EXACT, "blob", sink_null());
    struct http_request rq = { .method = "GET", .url = fake_url(&f, 0, "/x"), .out = out, .max_body = 100 };
    struct err e = { 0 };
    assert_false(http_run(h, &rq, &rs, NULL, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
    assert_string_equal(e.msg, "blob: longer than the expected 3 bytes");
    fake_stop(&f);
}

static void bodies_are_sent_with_and_without_length(void **state)
{
    (void)state;
    struct fake f;
    fake_start(&f, "{\"rules\": [{\"status\": 201}]}");
    AUTO(http_close_auto) struct http *h = open_plain();
    static const uint64_t lengths[] = { 11, HTTP_CHUNKED };
    for (size_t i = 0; i < 2; i++) {
        AUTO(source_free_auto) struct source *body = source_memory("hello world", 11);
        struct http_header headers[] = { { "Content-Type", "application/json" } };
        struct http_request rq = { .method = i == 0 ? "POST" : "PUT", .url = fake_url(&f, 0, "/x"), .body = body, .body_bytes = lengths[i],
                                   .headers = headers, .n_headers = 1 };
        struct err e = { 0 };
        bool sent_all = false;
        AUTO(http_response_clear_auto) struct http_response rs = { 0 };
        assert_true(http_run(h, &rq, &rs, &sent_all, &e));
        assert_int_equal(rs.status, 201);
        assert_true(sent_all);
    }
    assert_int_equal(fake_count(&f, "\"body\": \"hello world\""), 2);
    assert_int_equal(fake_count(&f, "[\"Transfer-Encoding\", \"chunked\"]"), 1);
    assert_int_equal(fake_count(&f, "\"method\": \"PUT\""), 1);
    assert_int_equal(fake_count(&f, "Expect"), 0);
    assert_int_equal(fake_count(&f, "application/json"), 2);
    fake_stop(&f);
}

struct endless {
    struct source source;
    uint64_t given;
};

static bool endless_read(struct source *s, void *to, size_t n, size_t *got, struct err *e)
{
    struct endless *x = (struct endless *)s;
    memset(to, 'x', n);
    *got = n;
    x->given += n;
    return x->given < 64 * MIB || err_set(e, ERR_INTERNAL, "nobody stopped us");
}

static void an_answer_that_comes_during_the_upload_is_heard(void **state)
{
    (void)state;
    struct fake f;
    fake_start(&f, "{\"unix\": \"s\", \"rules\": [{\"early\": true, \"status\": 500, \"body\": \"disk full\", \"headers\": [[\"Connection\", \"close\"]]}]}");
    static const struct source_ops ops = { endless_read, NULL };
    for (int is_unix = 0; is_unix < 2; is_unix++) {
        struct http_options o = { .unix_socket = is_unix ? fake_path(&f, "s") : NULL };
        struct err e = { 0 };
        AUTO(http_close_auto) struct http *h = http_open(&o, &e);
        struct endless body = { .source = { &ops } };
        struct http_request rq = { .method = "POST", .url = fake_url(&f, 0, "/load"), .body = &body.source, .body_bytes = HTTP_CHUNKED };
        bool sent_all = true;
        AUTO(http_response_clear_auto) struct http_response rs = { 0 };
        if (!http_run(h, &rq, &rs, &sent_all, &e))
            fail_msg("%s", e.msg);
        assert_int_equal(rs.status, 500);
        assert_string_equal(buf_text(&rs.text), "disk full");
        assert_false(sent_all);
    }
    fake_stop(&f);
}

static void a_source_that_fails_stops_the_upload(void **state)
{
    (void)state;
    struct fake f;
    fake_start(&f, "{\"rules\": [{}]}");
    AUTO(http_close_auto) struct http *h = open_plain();
    static const struct source_ops ops = { endless_read, NULL };
    struct endless body = { .source = { &ops }, .given = 64 * MIB };
    struct http_request rq = { .method = "POST", .url = fake_url(&f, 0, "/load"), .body = &body.source, .body_bytes = HTTP_CHUNKED };
    struct err e = { 0 };
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    assert_false(http_run(h, &rq, &rs, NULL, &e));
    assert_int_equal(e.code, ERR_INTERNAL);
    assert_string_equal(e.msg, "nobody stopped us");
    fake_stop(&f);
}

static void unix_sockets_are_named_in_errors(void **state)
{
    (void)state;
    struct fake f;
    fake_start(&f, "{\"unix\": \"s\", \"rules\": [{\"path\": \"/v1.41/_ping\", \"body\": \"OK\"}]}");
    struct err e = { 0 };
    struct http_options o = { .unix_socket = fake_path(&f, "s") };
    AUTO(http_close_auto) struct http *h = http_open(&o, &e);
    struct http_request rq = { .method = "GET", .url = "http://docker/v1.41/_ping" };
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    assert_true(http_run(h, &rq, &rs, NULL, &e));
    assert_string_equal(buf_text(&rs.text), "OK");
    struct http_options missing = { .unix_socket = "/nonexistent/docker.sock" };
    AUTO(http_close_auto) struct http *none = http_open(&missing, &e);
    assert_false(http_run(none, &rq, &rs, NULL, &e));
    assert_string_equal(e.msg, "/nonexistent/docker.sock: No such file or directory");
    fake_stop(&f);
}

static void only_the_given_authority_is_believed(void **state)
{
    (void)state;
    struct fake f;
    fake_start(&f, "{\"tls\": [0], \"rules\": [{\"body\": \"secret\"}]}");
    struct err e = { 0 };
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    assert_false(get(fake_urls(&f, 0, "/x"), &rs, &e));
    assert_int_equal(e.code, ERR_NET);
    assert_non_null(strstr(e.msg, "certificate"));
    assert_string_equal(e.hint, "use --registry-ca FILE");
    for (int adds = 0; adds < 2; adds++) {
        struct err e2 = { 0 };
        struct http_options o = { .ca_file = fake_path(&f, "ca.pem"), .ca_adds_to_system = adds == 1 };
        AUTO(http_close_auto) struct http *h = http_open(&o, &e2);
        struct http_request rq = { .method = "GET", .url = fake_urls(&f, 0, "/x") };
        if (!http_run(h, &rq, &rs, NULL, &e2))
            fail_msg("%s", e2.msg);
        assert_string_equal(buf_text(&rs.text), "secret");
    }
    struct err e3 = { 0 };
    struct http_options missing = { .ca_file = "/nonexistent.pem" };
    assert_null(http_open(&missing, &e3));
    assert_int_equal(e3.code, ERR_CONFIG);
    for (int adds = 0; adds < 2; adds++) {
        struct err e4 = { 0 };
        struct http_options wrong = { .ca_file = fake_path(&f, "leaf.key"), .ca_adds_to_system = adds == 1 };
        assert_null(http_open(&wrong, &e4));
        assert_non_null(strstr(e4.msg, "holds no PEM certificate"));
    }
    fake_stop(&f);
}

static void the_environment_does_not_change_where_we_connect(void **state)
{
    (void)state;
    struct fake f;
    fake_start(&f, "{\"ports\": 2, \"rules\": [{\"port\": 0, \"body\": \"direct\"}, {\"port\": 1, \"body\": \"proxy\"}]}");
    char proxy[64];
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%u", f.ports[1]);
    setenv("http_proxy", proxy, 1);
    setenv("ALL_PROXY", proxy, 1);
    struct err e = { 0 };
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    assert_true(get(fake_url(&f, 0, "/x"), &rs, &e));
    assert_string_equal(buf_text(&rs.text), "direct");
    /* Asked to, we use a proxy, but never for this host itself. */
    struct http_options o = { .use_proxy_env = true };
    AUTO(http_close_auto) struct http *h = http_open(&o, &e);
    struct http_request rq = { .method = "GET", .url = fake_url(&f, 0, "/x") };
    assert_true(http_run(h, &rq, &rs, NULL, &e));
    assert_string_equal(buf_text(&rs.text), "direct");
    rq.url = "http://registry.example/x";
    assert_true(http_run(h, &rq, &rs, NULL, &e));
    assert_string_equal(buf_text(&rs.text), "proxy");
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
    fake_stop(&f);
}

static void hosts_that_are_not_there_are_named(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    assert_false(get("https://registry.invalid:5000/v2/", &rs, &e));
    assert_int_equal(e.code, ERR_NET);
    assert_memory_equal(e.msg, "https://registry.invalid:5000: ", 31);
    struct err e2 = { 0 };
    assert_false(get("http://127.0.0.1:1/", &rs, &e2));
    assert_memory_equal(e2.msg, "http://127.0.0.1:1: ", 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_headers_and_body_arrive),
        cmocka_unit_test(nothing_is_sent_that_was_not_asked_for),
        cmocka_unit_test(authorization_is_sent_and_header_injection_is_not),
        cmocka_unit_test(redirects_are_not_followed),
        cmocka_unit_test(bodies_over_the_limit_are_stopped),
        cmocka_unit_test(bodies_that_end_early_are_errors),
        cmocka_unit_test(floods_of_headers_and_interim_answers_end),
        cmocka_unit_test(a_server_that_falls_silent_is_left),
        cmocka_unit_test(the_head_is_judged_before_the_body),
        cmocka_unit_test(a_failing_sink_explains_itself),
        cmocka_unit_test(bodies_are_sent_with_and_without_length),
        cmocka_unit_test(an_answer_that_comes_during_the_upload_is_heard),
        cmocka_unit_test(a_source_that_fails_stops_the_upload),
        cmocka_unit_test(unix_sockets_are_named_in_errors),
        cmocka_unit_test(only_the_given_authority_is_believed),
        cmocka_unit_test(the_environment_does_not_change_where_we_connect),
        cmocka_unit_test(hosts_that_are_not_there_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
