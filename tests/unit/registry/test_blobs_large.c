/* Large blobs over several connections: closed ranges, lines that break, runs that are killed, servers that refuse, and how little is fetched twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "registry/blob_part.h"
#include "registry/blobs.h"
#include "tests/support/fake.h"

#include "base/banned.h"

enum { N = 18 * BLOB_UNIT_BYTES + 12345, PATTERN = 1021, CONNECTIONS = 5 }; /* a prime: no two units are alike */
#define GOOD "\"body_fill\": [\"%s\", 18886713]"

struct setting {
    struct fake f;
    char pattern[PATTERN + 1];
    uint8_t *bytes;
    struct digest digest;
    char host[64];
    const char *plain[1];
    struct registry *r;
    int fd;
    unsigned tries; /* 0: 3 */
};

static int make_bytes(void **state)
{
    struct setting *s = mem_new(sizeof *s);
    for (size_t i = 0; i < PATTERN; i++)
        s->pattern[i] = (char)('a' + i * i % 23);
    s->bytes = mem_new(N);
    for (size_t i = 0; i < N; i++)
        s->bytes[i] = (uint8_t)s->pattern[i % PATTERN];
    sha256_of(&s->digest, s->bytes, N);
    *state = s;
    return N == 18886713 ? 0 : -1;
}

static int drop_bytes(void **state)
{
    struct setting *s = *state;
    mem_free(s->bytes);
    mem_free(s);
    return 0;
}

/* rules: JSON with %s for the pattern, at most four times. */
static void begin(struct setting *s, const char *rules)
{
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf script = BUF_LIMIT(100000);
    buf_adds(&script, "{\"ports\": 2, \"rules\": [");
    for (const char *at = rules, *next; *at != '\0'; at = next) {
        next = strstr(at, "%s");
        buf_add(&script, at, next != NULL ? (size_t)(next - at) : strlen(at));
        buf_adds(&script, next != NULL ? s->pattern : "");
        next = next != NULL ? next + 2 : at + strlen(at);
    }
    buf_adds(&script, "]}");
    fake_start(&s->f, buf_text(&script));
    char name[] = "/tmp/test_blobs_large.XXXXXX";
    s->fd = mkstemp(name);
    assert_true(s->fd >= 0);
    unlink(name);
    snprintf(s->host, sizeof s->host, "127.0.0.1:%u", s->f.ports[0]);
    s->plain[0] = s->host;
    struct registry_options o = { .plain_http = s->plain, .n_plain_http = 1, .tries = s->tries > 0 ? s->tries : 3, .first_wait_ms = 5, .stall_timeout_ms = 5000, .large_blob_bytes = N };
    s->r = registry_open(&o, &e);
    assert_non_null(s->r);
}

static void end(struct setting *s)
{
    registry_free(s->r);
    fake_stop(&s->f);
    close(s->fd);
}

/* A connection that helps whenever it is wanted. */
struct helper {
    struct http_transfer transfer, *inner;
    struct blob *blob;
};

static enum http_step help(struct http_transfer *t, const struct http_response *rs, const struct http_failure *failure, struct http_request *rq,
                           unsigned *wait_ms, struct err *e)
{
    struct helper *h = (struct helper *)t;
    h->inner = h->inner != NULL ? h->inner : blob_help(h->blob);
    *wait_ms = 1;
    if (h->inner == NULL)
        return blob_is_complete(h->blob) ? HTTP_DONE : HTTP_WAIT;
    enum http_step how = h->inner->next(h->inner, rs, failure, rq, wait_ms, e);
    if (how != HTTP_DONE)
        return how;
    h->inner = NULL;
    *wait_ms = 1;
    return HTTP_WAIT;
}

struct result {
    uint64_t fetched, resumed;
};

static bool fetch(struct setting *s, struct result *r, const struct progress *progress, struct err *e)
{
    struct blob_request q = { .host = s->host, .repository = "a", .digest = s->digest, .size = N, .fd = s->fd, .progress = progress };
    AUTO(blob_free_auto) struct blob *b = blob_new(s->r, &q);
    struct helper helpers[CONNECTIONS] = { 0 };
    struct http_transfer *all[CONNECTIONS];
    for (size_t i = 0; i < CONNECTIONS; i++) {
        helpers[i] = (struct helper){ .transfer = { help }, .blob = b };
        all[i] = &helpers[i].transfer;
    }
    helpers[0].inner = blob_transfer(b);
    bool is_good = http_run_all(registry_http(s->r), all, CONNECTIONS, CONNECTIONS, e);
    *r = (struct result){ blob_bytes_fetched(b), blob_bytes_resumed(b) };
    assert_true(!is_good || blob_is_complete(b));
    return is_good;
}

static void expect_right(struct setting *s, struct result *r)
{
    struct err e = { 0 };
    if (!fetch(s, r, NULL, &e))
        fail_msg("%s", e.msg);
    AUTO(mem_auto) uint8_t *back = mem_new(N + 1);
    assert_int_equal(pread(s->fd, back, N + 1, 0), N); /* nothing behind it */
    assert_memory_equal(back, s->bytes, N);
}

static void closed_ranges_come_over_several_connections(void **state)
{
    struct setting *s = *state;
    struct result r;
    begin(s, "{\"range\": true, \"drip\": [1048576, 0.02], " GOOD "}"); /* one connection alone is not done before another begins */
    expect_right(s, &r);
    assert_int_equal(r.fetched, N);
    assert_true(fake_count(&s->f, "[\"Range\", \"bytes=") >= 5);
    assert_int_equal(fake_count(&s->f, "\"connection\": 2,") > 0, 1);
    assert_int_equal(fake_count(&s->f, "-\"]"), 0); /* none is open */
    assert_int_equal(fake_count(&s->f, "\"method\""), fake_count(&s->f, "[\"Range\""));
    end(s);
}

static void a_line_that_drops_all_the_time_costs_nothing_twice(void **state)
{
    struct setting *s = *state;
    struct result r;
    s->tries = 10; /* the drops may all fall on one connection */
    begin(s, "{\"range\": true, \"cut\": 700000, \"times\": 15, " GOOD "}, {\"drop\": true, \"times\": 3}, {\"range\": true, \"cut\": 1000001, " GOOD "}");
    expect_right(s, &r);
    assert_int_equal(r.fetched, N);
    assert_true(fake_count(&s->f, "\"method\"") > 20);
    s->tries = 0;
    end(s);
}

static bool die_when_enough(void *ctx, const struct progress_fact *fact)
{
    uint64_t *shared = ctx;
    shared[1] = fact->done;
    if (fact->done >= shared[0])
        kill(getpid(), SIGKILL);
    return true;
}

static void a_killed_run_loses_less_than_a_unit_on_each_connection(void **state)
{
    struct setting *s = *state;
    struct result r;
    uint64_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), before = 0;
    assert_true(shared != MAP_FAILED);
    begin(s, "{\"range\": true, " GOOD "}");
    for (shared[0] = 5000000; shared[0] < N; shared[0] += 4567890) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            struct err e = { 0 };
            struct progress progress = { die_when_enough, shared };
            (void)fetch(s, &r, &progress, &e);
            _exit(1);
        }
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        before = shared[1];
    }
    expect_right(s, &r);
    assert_int_equal(r.fetched + r.resumed, N);
    assert_true(r.resumed + (uint64_t)CONNECTIONS * BLOB_UNIT_BYTES > before);
    munmap(shared, 4096);
    end(s);
}

static void a_server_without_ranges_gives_one_stream(void **state)
{
    struct setting *s = *state;
    struct result r;
    begin(s, "{" GOOD "}");
    expect_right(s, &r);
    assert_int_equal(r.fetched, N);
    assert_int_equal(fake_count(&s->f, "\"method\""), 1);
    end(s);
    begin(s, "{\"lacks\": \"Range\", " GOOD "}, {\"status\": 416}");
    expect_right(s, &r);
    assert_int_equal(fake_count(&s->f, "\"method\""), 2);
    end(s);
    /* Ranges that stop in the middle of it: what is there stays. */
    begin(s, "{\"range\": true, \"times\": 3, " GOOD "}, {" GOOD "}");
    expect_right(s, &r);
    end(s);
}

static void ranges_that_are_not_ours_are_not_used(void **state)
{
    struct setting *s = *state;
    struct result r;
    enum { LOOKS_LIKE_OURS = 6 };
    static const char *const answers[] = {
        "\"headers\": [[\"Content-Range\", \"bytes 1-4/18886713\"]], \"body\": \"evil\"",
        "\"headers\": [[\"Content-Range\", \"bytes 0-3/18886712\"]], \"body\": \"evil\"",
        "\"headers\": [[\"Content-Range\", \"bytes 0-4/18886713\"]], \"body\": \"evil\"",
        "\"headers\": [[\"Content-Range\", \"bytes 0-18886712/18886713\"]], \"length\": null, \"body\": \"evil\"",
        "\"headers\": [[\"Content-Range\", \"bytes 3-0/18886713\"]], \"body\": \"evil\"",
        "\"headers\": [[\"Content-Range\", \"bytes */18886713\"]], \"body\": \"evil\"",
        [LOOKS_LIKE_OURS] = "\"headers\": [[\"Content-Range\", \"bytes 0-2/18886713\"]], \"length\": null, \"body\": \"evil\"",
        "\"body\": \"evil\"",
    };
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        AUTO(mem_auto) char *rules = mem_format("{\"times\": 1, \"status\": 206, %s}, {\"lacks\": \"Range\", " GOOD "}, {\"range\": true, " GOOD "}", answers[i], "%s", "%s");
        begin(s, rules);
        expect_right(s, &r);
        /* A first answer that looks like ours lets other connections begin, and what they bring comes again with the whole. */
        uint64_t most = i == LOOKS_LIKE_OURS ? 2 * (uint64_t)N : N + 4;
        if (r.fetched > most)
            fail_msg("%s: %llu bytes fetched twice", answers[i], (unsigned long long)(r.fetched - N));
        end(s);
    }
}

static void a_shorter_range_than_asked_for_is_gone_on_from(void **state)
{
    struct setting *s = *state;
    struct result r;
    AUTO(mem_auto) char *rules = mem_format("{\"times\": 1, \"status\": 206, \"headers\": [[\"Content-Range\", \"bytes 0-3/*\"]], \"body\": \"%.4s\"}, {\"range\": true, " GOOD "}",
                                            s->pattern, "%s");
    begin(s, rules);
    expect_right(s, &r);
    assert_int_equal(r.fetched, N);
    assert_int_equal(fake_count(&s->f, "[\"Range\", \"bytes=4-"), 1);
    end(s);
}

static void another_version_begins_anew_and_only_once(void **state)
{
    struct setting *s = *state;
    struct result r;
    begin(s, "{\"range\": true, \"cut\": 2000000, \"times\": 1, \"headers\": [[\"ETag\", \"\\\"one\\\"\"]], \"body_fill\": [\"old\", 18886713]},"
             "{\"range\": true, \"headers\": [[\"ETag\", \"\\\"two\\\"\"]], " GOOD "}");
    expect_right(s, &r);
    assert_true(r.fetched >= N); /* how much of the old came is up to the others, who find out */
    assert_true(fake_count(&s->f, "[\"Range\", \"bytes=0-") >= 2);
    end(s);
    /* Servers that cannot agree about the version are not listened to. */
    begin(s, "{\"range\": true, \"times\": 2, \"headers\": [[\"ETag\", \"\\\"one\\\"\"]], " GOOD "}, {\"range\": true, \"times\": 2, \"headers\": [[\"ETag\", \"\\\"two\\\"\"]], " GOOD "},"
             "{\"range\": true, \"times\": 2, \"headers\": [[\"ETag\", \"\\\"one\\\"\"]], " GOOD "}, {\"range\": true, \"headers\": [[\"ETag\", \"\\\"two\\\"\"]], " GOOD "}");
    expect_right(s, &r);
    assert_true(r.fetched < 2 * (uint64_t)N);
    end(s);
}

static void who_is_refused_asks_less(void **state)
{
    struct setting *s = *state;
    struct result r;
    begin(s, "{\"range\": true, \"times\": 1, " GOOD "}, {\"status\": 429, \"times\": 4}, {\"range\": true, " GOOD "}");
    expect_right(s, &r);
    assert_int_equal(r.fetched, N);
    end(s);
}

static void wrong_bytes_end_with_an_error_and_nothing_left(void **state)
{
    struct setting *s = *state;
    struct result r;
    struct err e = { 0 };
    begin(s, "{\"range\": true, \"body_fill\": [\"other\", 18886713]}");
    assert_false(fetch(s, &r, NULL, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
    assert_non_null(strstr(e.msg, "digest is sha256:"));
    assert_int_equal(r.fetched, N);
    struct err e2 = { 0 };
    assert_false(fetch(s, &r, NULL, &e2));
    assert_int_equal(r.resumed, 0);
    end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_ranges_come_over_several_connections),
        cmocka_unit_test(a_line_that_drops_all_the_time_costs_nothing_twice),
        cmocka_unit_test(a_killed_run_loses_less_than_a_unit_on_each_connection),
        cmocka_unit_test(a_server_without_ranges_gives_one_stream),
        cmocka_unit_test(ranges_that_are_not_ours_are_not_used),
        cmocka_unit_test(a_shorter_range_than_asked_for_is_gone_on_from),
        cmocka_unit_test(another_version_begins_anew_and_only_once),
        cmocka_unit_test(who_is_refused_asks_less),
        cmocka_unit_test(wrong_bytes_end_with_an_error_and_nothing_left),
    };
    return cmocka_run_group_tests(tests, make_bytes, drop_bytes);
}
