/* Layers into files: resumed, redirected, cut, wrong. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "registry/blobs.h"
#include "sys/clock.h"
#include "tests/support/fake.h"

#include "base/banned.h"

enum { N = 3000000 };
#define FILL "\"body_fill\": [\"0123456789abcdef\", 3000000]"

struct setting {
    struct fake f;
    char host[64];
    const char *plain[1];
    struct registry *r;
    struct credentials *logins;
    int fd;
    struct digest digest;
    uint8_t *bytes;
};

static void begin(struct setting *s, const char *script)
{
    struct err e = { 0 };
    memset(s, 0, sizeof *s);
    s->bytes = mem_new(N);
    for (size_t i = 0; i < N; i++)
        s->bytes[i] = (uint8_t)"0123456789abcdef"[i % 16];
    sha256_of(&s->digest, s->bytes, N);
    char name[] = "/tmp/test_blobs.XXXXXX";
    s->fd = mkstemp(name);
    assert_true(s->fd >= 0);
    unlink(name);
    fake_start(&s->f, script);
    snprintf(s->host, sizeof s->host, "127.0.0.1:%u", s->f.ports[0]);
    s->plain[0] = s->host;
    AUTO(mem_auto) char *text = mem_format("{\"auths\": {\"%s\": {\"auth\": \"dTpw\"}}}", s->host);
    s->logins = credentials_read(text, strlen(text), "x", &e);
    struct registry_options o = { .plain_http = s->plain, .n_plain_http = 1, .credentials = s->logins, .tries = 2, .first_wait_ms = 10,
                                  .stall_timeout_ms = 5000 };
    s->r = registry_open(&o, &e);
    assert_non_null(s->r);
}

static void end(struct setting *s)
{
    registry_free(s->r);
    credentials_free(s->logins);
    fake_stop(&s->f);
    close(s->fd);
    mem_free(s->bytes);
}

static bool fetch_with(struct setting *s, uint64_t size, const struct progress *progress, uint64_t *fetched, struct err *e)
{
    struct blob_request q = { .host = s->host, .repository = "a", .digest = s->digest, .size = size, .fd = s->fd, .progress = progress };
    AUTO(blob_free_auto) struct blob *b = blob_new(s->r, &q);
    struct http_transfer *all[] = { blob_transfer(b) };
    bool is_good = http_run_all(registry_http(s->r), all, 1, 1, e);
    *fetched = blob_bytes_fetched(b);
    return is_good;
}

static void expect_good(struct setting *s, uint64_t expected_bytes)
{
    struct err e = { 0 };
    uint64_t fetched = 0;
    if (!fetch_with(s, N, NULL, &fetched, &e))
        fail_msg("%s", e.msg);
    AUTO(mem_auto) uint8_t *back = mem_new(N + 1);
    assert_int_equal(pread(s->fd, back, N + 1, 0), N);
    assert_memory_equal(back, s->bytes, N);
    assert_int_equal(fetched, expected_bytes);
}

static void expect_refusal(struct setting *s, uint64_t size, enum err_code code, const char *part)
{
    struct err e = { 0 };
    uint64_t fetched = 0;
    assert_false(fetch_with(s, size, NULL, &fetched, &e));
    if (e.code != code || strstr(e.msg, part) == NULL)
        fail_msg("%s: %s (expected %s: %s)", err_name(e.code), e.msg, err_name(code), part);
}

static void a_blob_arrives_whole(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, "{\"rules\": [{" FILL "}]}");
    expect_good(&s, N);
    expect_good(&s, 0); /* it is there: nothing is asked */
    assert_int_equal(fake_count(&s.f, "\"method\""), 1);
    end(&s);
}

static void broken_connections_are_taken_up_where_they_broke(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, "{\"rules\": [{\"times\": 1, \"cut\": 1000000, " FILL "}, {\"times\": 1, \"drop\": true}, {\"range\": true, " FILL "}]}");
    expect_good(&s, N);
    assert_int_equal(fake_count(&s.f, "[\"Range\", \"bytes=1000000-2999999\"]"), 2);
    end(&s);
}

static void as_long_as_bytes_arrive_breaks_are_forgiven(void **state)
{
    (void)state;
    struct setting s;
    /* More breaks than tries: each after another 1.2 MB or so. */
    begin(&s, "{\"rules\": [{\"times\": 1, \"cut\": 1200000, " FILL "}, {\"times\": 1, \"drop\": true}, {\"times\": 1, \"range\": true, \"cut\": 1200000, " FILL "},"
              "{\"times\": 1, \"drop\": true}, {\"range\": true, " FILL "}]}");
    expect_good(&s, N);
    end(&s);
    begin(&s, "{\"rules\": [{\"range\": true, \"cut\": 10, " FILL "}]}");
    expect_refusal(&s, N, ERR_NET, "blob sha256:");
    assert_int_equal(fake_count(&s.f, "\"method\""), 3);
    end(&s);
}

static void what_an_earlier_run_left_is_hashed_again_and_used(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, "{\"rules\": [{\"range\": true, " FILL "}]}");
    assert_int_equal(pwrite(s.fd, s.bytes, 1234567, 0), 1234567);
    expect_good(&s, N - 1234567);
    assert_int_equal(fake_count(&s.f, "bytes=1234567-"), 1);
    end(&s);
}

static void leftovers_of_something_else_are_thrown_away(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, "{\"rules\": [{\"range\": true, " FILL "}]}");
    assert_int_equal(pwrite(s.fd, "rubbish", 7, 0), 7);
    expect_good(&s, N - 7 + N); /* the digest says so at the end, then all of it */
    assert_int_equal(ftruncate(s.fd, 0), 0);
    AUTO(mem_auto) uint8_t *big = mem_new(N + 1);
    assert_int_equal(pwrite(s.fd, big, N + 1, 0), N + 1);
    expect_good(&s, N);
    assert_int_equal(pwrite(s.fd, "x", 1, 5), 1); /* complete, but wrong */
    expect_good(&s, N);
    end(&s);
}

static void servers_without_ranges_start_again(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, "{\"rules\": [{\"times\": 1, \"cut\": 1000000, " FILL "}, {" FILL "}]}");
    expect_good(&s, N + 1000000);
    end(&s);
    begin(&s, "{\"rules\": [{\"times\": 1, \"cut\": 1000000, " FILL "}, {\"has\": \"Range: bytes=1000000-2999999\", \"status\": 416}, {" FILL "}]}");
    expect_good(&s, N + 1000000);
    end(&s);
}

static void a_byte_at_a_time_is_not_gone_on_with(void **state)
{
    (void)state;
    struct setting s;
    AUTO(buf_clear_auto) struct buf script = BUF_LIMIT(100000);
    buf_adds(&script, "{\"rules\": [{\"times\": 1, \"cut\": 1, " FILL "}");
    for (int i = 1; i < 100; i++)
        buf_addf(&script, ", {\"has\": \"Range: bytes=%d-2999999\", \"status\": 206, \"headers\": [[\"Content-Range\", \"bytes %d-%d/3000000\"]], \"body\": \"%c\"}", i, i, i,
                 "0123456789abcdef"[i % 16]);
    buf_adds(&script, ", {\"lacks\": \"Range\", " FILL "}]}");
    begin(&s, buf_text(&script));
    expect_good(&s, N + 10);
    assert_int_equal(fake_count(&s.f, "\"method\""), 11);
    end(&s);
}

static void another_range_than_asked_for_is_not_used(void **state)
{
    (void)state;
    static const char *const ranges[] = { "bytes 0-2999999/3000000", "bytes 1000001-2999999/3000000", "bytes 1000000-2999998/3000000",
                                          "bytes 1000000-2999999/3000001", "bytes */3000000", "rubbish" };
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        struct setting s;
        AUTO(mem_auto) char *script = mem_format("{\"rules\": [{\"times\": 1, \"cut\": 1000000, " FILL "}, {\"times\": 1, \"status\": 206, \"headers\": [[\"Content-Range\", \"%s\"]], \"body\": \"evil\"},"
                                                 "{\"lacks\": \"Range\", " FILL "}]}", ranges[i]);
        begin(&s, script);
        expect_good(&s, N + 1000000);
        end(&s);
    }
}

static void another_length_is_refused(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, "{\"rules\": [{" FILL "}]}");
    expect_refusal(&s, N - 1, ERR_INTEGRITY, "3000000 bytes are announced, expected 2999999");
    assert_int_equal(fake_count(&s.f, "\"method\""), 1);
    end(&s);
    begin(&s, "{\"rules\": [{\"length\": null, " FILL "}]}");
    expect_refusal(&s, N - 1, ERR_INTEGRITY, "longer than the expected 2999999 bytes");
    assert_int_equal(lseek(s.fd, 0, SEEK_END) <= N - 1, 1);
    end(&s);
    begin(&s, "{\"rules\": [{\"range\": true, " FILL "}]}");
    expect_refusal(&s, N + 1, ERR_INTEGRITY, "3000000 bytes, expected 3000001");
    assert_int_equal(fake_count(&s.f, "\"method\""), 3); /* starting over is not progress */
    end(&s);
    begin(&s, "{\"rules\": [{" FILL "}]}");
    expect_refusal(&s, N + 1, ERR_INTEGRITY, "3000000 bytes, expected 3000001");
    end(&s);
}

static void the_right_length_with_other_bytes_is_refused_and_forgotten(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, "{\"rules\": [{\"body_fill\": [\"0123456789abcdeF\", 3000000]}]}");
    expect_refusal(&s, N, ERR_INTEGRITY, "digest is sha256:");
    assert_int_equal(lseek(s.fd, 0, SEEK_END), 0);
    assert_int_equal(fake_count(&s.f, "\"method\""), 1);
    end(&s);
}

static void the_login_stays_with_the_registry(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, "{\"ports\": 2, \"rules\": [{\"port\": 1, \"lacks\": \"Authorization\", " FILL "},"
              "{\"port\": 0, \"has\": \"Authorization: Basic dTpw\", \"status\": 307, \"headers\": [[\"Location\", \"http://127.0.0.1:{port1}/store?sig=x%2Fy\"]]},"
              "{\"port\": 0, \"status\": 401, \"headers\": [[\"WWW-Authenticate\", \"Basic realm=x\"]]}]}");
    expect_good(&s, N);
    assert_non_null(strstr(fake_log(&s.f), "\"path\": \"/store?sig=x%2Fy\""));
    assert_int_equal(fake_count(&s.f, "Basic dTpw"), 1);
    end(&s);
    begin(&s, "{\"ports\": 2, \"rules\": [{\"port\": 1, \"status\": 401, \"headers\": [[\"WWW-Authenticate\", \"Basic realm=x\"]]},"
              "{\"status\": 302, \"headers\": [[\"Location\", \"http://127.0.0.1:{port1}/store\"]]}]}");
    expect_refusal(&s, N, ERR_AUTH, "asks for a login after a redirect");
    assert_int_equal(fake_count(&s.f, "Authorization\""), 0);
    end(&s);
}

static void redirects_end_and_lead_nowhere_strange(void **state)
{
    (void)state;
    static const struct {
        const char *location, *part;
    } rows[] = {
        { "/v2/a/again", "more than 5 redirects" }, { "", "redirect" },           { "file:///etc/passwd", "redirect" },
        { "gopher://127.0.0.1/", "redirect" },       { "http://u:p@127.0.0.1/", "redirect" }, { "http://127.0.0.1:0/", "redirect" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct setting s;
        AUTO(mem_auto) char *script = mem_format("{\"rules\": [{\"status\": 307, \"headers\": [[\"Location\", \"%s\"]]}]}", rows[i].location);
        begin(&s, script);
        expect_refusal(&s, N, ERR_NET, rows[i].part);
        assert_int_equal(fake_count(&s.f, "\"method\""), i == 0 ? 6 : 1);
        end(&s);
    }
}

static void https_is_not_left(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, "{\"ports\": 2, \"tls\": [0], \"rules\": [{\"port\": 0, \"path\": \"/v2/\"}, {\"port\": 0, \"status\": 307,"
              "\"headers\": [[\"Location\", \"http://127.0.0.1:{port1}/x\"]]}]}");
    struct err e = { 0 };
    registry_free(s.r);
    struct registry_options o = { .ca_file = fake_path(&s.f, "ca.pem"), .tries = UINT_MAX };
    s.r = registry_open(&o, &e);
    expect_refusal(&s, N, ERR_NET, "redirect from https to http://127.0.0.1");
    assert_int_equal(fake_count(&s.f, "\"port\": 1"), 0);
    end(&s);
}

static bool stop_soon(void *ctx, const struct progress_fact *fact)
{
    *(uint64_t *)ctx = fact->done;
    return fact->done < 1000000;
}

static void progress_is_told_and_may_stop(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, "{\"rules\": [{" FILL "}]}");
    uint64_t last = 0, fetched = 0;
    struct progress progress = { stop_soon, &last };
    struct err e = { 0 };
    assert_false(fetch_with(&s, N, &progress, &fetched, &e));
    assert_int_equal(e.code, ERR_INTERRUPTED);
    assert_true(last >= 1000000 && fetched == last);
    end(&s);
}

static void redirects_may_be_relative_and_fragments_stay_here(void **state)
{
    (void)state;
    static const char *const locations[] = { "/store/x?sig=1", "../../../store/x?sig=1", "//127.0.0.1:{port0}/store/x?sig=1", "http://127.0.0.1:{port0}/store/x?sig=1#/evil" };
    for (size_t i = 0; i < ARRAY_LEN(locations); i++) {
        struct setting s;
        AUTO(mem_auto) char *script = mem_format("{\"rules\": [{\"path\": \"/store/x?sig=1\", " FILL "}, {\"status\": 307, \"headers\": [[\"Location\", \"%s\"]]}]}", locations[i]);
        begin(&s, script);
        expect_good(&s, N);
        assert_int_equal(fake_count(&s.f, "\"method\""), 2);
        assert_int_equal(fake_count(&s.f, "evil"), 0);
        end(&s);
    }
}

static void a_location_without_end_is_refused(void **state)
{
    (void)state;
    struct setting s;
    AUTO(mem_auto) char *longest = mem_new(9001), *head = mem_new(65601);
    memset(longest, 'a', 9000);
    memset(head, 'a', 65600);
    const char *const locations[] = { longest, head };
    for (size_t i = 0; i < ARRAY_LEN(locations); i++) {
        AUTO(mem_auto) char *script = mem_format("{\"rules\": [{\"status\": 307, \"headers\": [[\"Location\", \"/%s\"]]}]}", locations[i]);
        begin(&s, script);
        expect_refusal(&s, N, ERR_NET, i == 0 ? "redirect" : "65536 bytes");
        assert_int_equal(fake_count(&s.f, "aaaa"), 0); /* nobody went there */
        end(&s);
    }
}

static void what_a_server_asks_for_is_waited_for_within_reason(void **state)
{
    (void)state;
    static const char *const asked[] = { "0", "-5", "soon", "Sun, 22 Nov 1998 05:00:00 GMT" };
    static const unsigned statuses[] = { 429, 503 };
    for (size_t i = 0; i < 2 * ARRAY_LEN(asked); i++) {
        struct setting s;
        AUTO(mem_auto) char *script = mem_format("{\"rules\": [{\"times\": 2, \"status\": %u, \"headers\": [[\"Retry-After\", \"%s\"]]}, {" FILL "}]}", statuses[i % 2],
                                                 asked[i / 2]);
        begin(&s, script);
        expect_good(&s, N);
        assert_int_equal(fake_count(&s.f, "\"method\""), 3);
        end(&s);
    }
    struct setting s;
    begin(&s, "{\"rules\": [{\"times\": 1, \"status\": 429, \"headers\": [[\"Retry-After\", \"1\"]]}, {" FILL "}]}");
    uint64_t started = clock_monotonic_ms();
    expect_good(&s, N);
    assert_true(clock_monotonic_ms() - started >= 1000);
    end(&s);
    begin(&s, "{\"rules\": [{\"status\": 429, \"headers\": [[\"Retry-After\", \"0\"]]}]}");
    expect_refusal(&s, N, ERR_NET, "answered 429: too many requests, tried 3 times, asks to come back after 0");
    assert_int_equal(fake_count(&s.f, "\"method\""), 3);
    end(&s);
}

static void answers_that_will_not_pass_are_not_asked_for_again(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        enum err_code code;
        const char *part, *hint;
    } rows[] = {
        { 403, ERR_AUTH, "answered 403: access denied (DENIED: no)", "archon-bundle login" },
        { 404, ERR_REGISTRY, "answered 404: the registry has no such thing (DENIED: no)", "check the name" },
        { 416, ERR_REGISTRY, "answered 416: the range was refused", "" },
        { 451, ERR_REGISTRY, "not available for legal reasons", "" },
        { 418, ERR_REGISTRY, "answered 418 (DENIED: no)", "" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct setting s;
        struct err e = { 0 };
        uint64_t fetched = 0;
        AUTO(mem_auto) char *script = mem_format("{\"rules\": [{\"status\": %u, \"body\": \"{\\\"errors\\\": [{\\\"code\\\": \\\"DENIED\\\", \\\"message\\\": \\\"no\\\"}]}\"}]}", rows[i].status);
        begin(&s, script);
        assert_false(fetch_with(&s, N, NULL, &fetched, &e));
        if (e.code != rows[i].code || strstr(e.msg, rows[i].part) == NULL || strstr(e.hint, rows[i].hint) == NULL)
            fail_msg("%s: %s; %s", err_name(e.code), e.msg, e.hint);
        assert_non_null(strstr(e.msg, "/a: blob sha256:")); /* registry, repository, what was asked for */
        assert_int_equal(fake_count(&s.f, "\"method\""), 1);
        end(&s);
    }
}

static void a_tls_connection_that_breaks_in_the_middle_is_taken_up(void **state)
{
    (void)state;
    struct setting s;
    struct err e = { 0 };
    begin(&s, "{\"tls\": [0], \"rules\": [{\"path\": \"/v2/\"}, {\"times\": 1, \"cut\": 1000000, \"alert\": true, " FILL "}, {\"times\": 1, \"range\": true, \"cut\": 1000000, " FILL "},"
              "{\"range\": true, " FILL "}]}");
    registry_free(s.r);
    struct registry_options o = { .ca_file = fake_path(&s.f, "ca.pem"), .first_wait_ms = 10 };
    s.r = registry_open(&o, &e);
    uint64_t fetched = 0;
    if (!fetch_with(&s, N, NULL, &fetched, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(fetched, N);
    end(&s);
}

static void a_certificate_that_is_not_good_is_not_tried_again(void **state)
{
    (void)state;
    struct setting s;
    struct err e = { 0 };
    uint64_t fetched = 0;
    begin(&s, "{\"ports\": 2, \"tls\": [1], \"certificate\": {\"days\": -1}, \"rules\": [{\"port\": 0, \"status\": 307, \"headers\": [[\"Location\", \"https://127.0.0.1:{port1}/x\"]]}]}");
    registry_free(s.r);
    struct registry_options o = { .plain_http = s.plain, .n_plain_http = 1, .ca_file = fake_path(&s.f, "ca.pem"), .first_wait_ms = 10 };
    s.r = registry_open(&o, &e);
    assert_false(fetch_with(&s, N, NULL, &fetched, &e));
    assert_non_null(strstr(e.msg, "certificate has expired"));
    assert_non_null(strstr(e.hint, "renewal"));
    assert_int_equal(fake_count(&s.f, "\"method\""), 1);
    end(&s);
}

static void the_limit_of_the_rate_holds(void **state)
{
    (void)state;
    struct setting s;
    struct err e = { 0 };
    begin(&s, "{\"rules\": [{" FILL "}]}");
    registry_free(s.r);
    struct registry_options o = { .plain_http = s.plain, .n_plain_http = 1, .limit_bytes_per_s = 4000000 };
    s.r = registry_open(&o, &e);
    uint64_t started = clock_monotonic_ms();
    expect_good(&s, N);
    assert_true(clock_monotonic_ms() - started >= 500); /* 3 MB, of which a piece and a tenth of a second come at once */
    end(&s);
}

/* Sinks */

struct collected {
    uint8_t *bytes;
    size_t n;
};

static bool collect(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct collected *c = ctx;
    if (c->n + n > N)
        return err_set(e, ERR_IO, "too many");
    memcpy(c->bytes + c->n, bytes, n);
    c->n += n;
    return true;
}

static bool fetch_into(struct setting *s, struct collected *c, struct err *e)
{
    *c = (struct collected){ .bytes = mem_new(N) };
    AUTO(sink_drop_auto) struct sink *sink = sink_call(collect, c);
    struct blob_request q = { .host = s->host, .repository = "a", .digest = s->digest, .size = N, .sink = sink };
    AUTO(blob_free_auto) struct blob *b = blob_new(s->r, &q);
    struct http_transfer *all[] = { blob_transfer(b) };
    return http_run_all(registry_http(s->r), all, 1, 1, e);
}

static void a_sink_gets_each_byte_once_and_in_order_whatever_breaks(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "{\"rules\": [{" FILL "}]}",
        "{\"rules\": [{\"times\": 1, \"cut\": 1000000, " FILL "}, {\"times\": 1, \"drop\": true}, {\"range\": true, " FILL "}]}",
        "{\"rules\": [{\"times\": 1, \"cut\": 1000000, " FILL "}, {\"times\": 1, \"cut\": 500000, " FILL "}, {" FILL "}]}", /* no ranges: skipped */
        "{\"rules\": [{\"times\": 1, \"cut\": 1000000, " FILL "}, {\"has\": \"Range: bytes=1000000-2999999\", \"status\": 416}, {" FILL "}]}",
        "{\"rules\": [{\"times\": 1, \"cut\": 1000000, " FILL "}, {\"times\": 1, \"status\": 206, \"headers\": [[\"Content-Range\", \"bytes 7-9/10\"]], \"body\": \"evil\"},"
        "{\"lacks\": \"Range\", " FILL "}]}",
    };
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        struct setting s;
        struct collected c;
        struct err e = { 0 };
        begin(&s, scripts[i]);
        if (!fetch_into(&s, &c, &e))
            fail_msg("%zu: %s", i, e.msg);
        assert_int_equal(c.n, N);
        assert_memory_equal(c.bytes, s.bytes, N);
        mem_free(c.bytes);
        end(&s);
    }
}

static void wrong_bytes_in_a_sink_are_told_at_the_end(void **state)
{
    (void)state;
    static const struct {
        const char *script, *part;
    } rows[] = {
        { "{\"rules\": [{\"body_fill\": [\"0123456789abcdeF\", 3000000]}]}", "digest is sha256:" },
        { "{\"rules\": [{\"body_fill\": [\"0123456789abcdef\", 3000001]}]}", "3000001 bytes are announced" },
        { "{\"rules\": [{\"length\": null, \"body_fill\": [\"0123456789abcdef\", 3000001]}]}", "longer than the expected" },
        { "{\"rules\": [{\"body\": \"short\"}]}", "5 bytes, expected 3000000" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct setting s;
        struct collected c;
        struct err e = { 0 };
        begin(&s, rows[i].script);
        assert_false(fetch_into(&s, &c, &e));
        if (e.code != ERR_INTEGRITY || strstr(e.msg, rows[i].part) == NULL)
            fail_msg("%s", e.msg);
        mem_free(c.bytes);
        end(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_blob_arrives_whole),
        cmocka_unit_test(broken_connections_are_taken_up_where_they_broke),
        cmocka_unit_test(as_long_as_bytes_arrive_breaks_are_forgiven),
        cmocka_unit_test(what_an_earlier_run_left_is_hashed_again_and_used),
        cmocka_unit_test(leftovers_of_something_else_are_thrown_away),
        cmocka_unit_test(servers_without_ranges_start_again),
        cmocka_unit_test(another_range_than_asked_for_is_not_used),
        cmocka_unit_test(another_length_is_refused),
        cmocka_unit_test(the_right_length_with_other_bytes_is_refused_and_forgotten),
        cmocka_unit_test(the_login_stays_with_the_registry),
        cmocka_unit_test(redirects_end_and_lead_nowhere_strange),
        cmocka_unit_test(https_is_not_left),
        cmocka_unit_test(a_byte_at_a_time_is_not_gone_on_with),
        cmocka_unit_test(progress_is_told_and_may_stop),
        cmocka_unit_test(redirects_may_be_relative_and_fragments_stay_here),
        cmocka_unit_test(a_location_without_end_is_refused),
        cmocka_unit_test(what_a_server_asks_for_is_waited_for_within_reason),
        cmocka_unit_test(answers_that_will_not_pass_are_not_asked_for_again),
        cmocka_unit_test(a_tls_connection_that_breaks_in_the_middle_is_taken_up),
        cmocka_unit_test(a_certificate_that_is_not_good_is_not_tried_again),
        cmocka_unit_test(the_limit_of_the_rate_holds),
        cmocka_unit_test(a_sink_gets_each_byte_once_and_in_order_whatever_breaks),
        cmocka_unit_test(wrong_bytes_in_a_sink_are_told_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
