/* Many transfers on one thread: order, limits, waiting, failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "net/http.h"
#include "tests/support/fake.h"

#include "base/banned.h"

struct simple {
    struct http_transfer transfer;
    const char *url;
    unsigned retries;      /* how often a failure is tried again, after a wait */
    unsigned n_calls;
    bool was_failure;
    unsigned last_status;
    struct buf text;
    int *n_active, *n_most;
};

static enum http_step send_it(struct simple *s, struct http_request *rq)
{
    rq->method = "GET";
    rq->url = s->url;
    if (++*s->n_active > *s->n_most)
        *s->n_most = *s->n_active;
    return HTTP_SEND;
}

static enum http_step simple_next(struct http_transfer *t, const struct http_response *rs, const struct http_failure *failure,
                                  struct http_request *rq, unsigned *wait_ms, struct err *e)
{
    struct simple *s = (struct simple *)t;
    s->n_calls++;
    if (rs == NULL && failure == NULL)
        return send_it(s, rq);
    --*s->n_active;
    s->was_failure = failure != NULL;
    if (rs != NULL) {
        s->last_status = rs->status;
        buf_adds(&s->text, buf_text(&rs->text));
        if (rs->status == 307) {
            s->url = NULL;
            const char *to = http_response_get(rs, "location");
            s->url = mem_text(to);
            return send_it(s, rq);
        }
        if (rs->status < 400)
            return HTTP_DONE;
    }
    if (s->retries-- > 0) {
        *wait_ms = 30;
        return HTTP_WAIT;
    }
    err_set(e, ERR_NET, "%s: gave up", strrchr(s->url, '/'));
    return HTTP_FAILED;
}

struct many {
    struct simple items[40];
    struct http_transfer *transfers[40];
    int n_active, n_most;
};

static void prepare(struct many *m, size_t n)
{
    memset(m, 0, sizeof *m);
    for (size_t i = 0; i < n; i++) {
        m->items[i] = (struct simple){ .transfer = { simple_next }, .text = BUF_LIMIT(100), .n_active = &m->n_active, .n_most = &m->n_most };
        m->transfers[i] = &m->items[i].transfer;
    }
}

static void clear(struct many *m, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_clear(&m->items[i].text);
}

static struct http *open_plain(void)
{
    struct err e = { 0 };
    struct http_options o = { .stall_timeout_ms = 5000 };
    struct http *h = http_open(&o, &e);
    assert_non_null(h);
    return h;
}

static void all_run_and_no_more_than_allowed_at_once(void **state)
{
    (void)state;
    struct fake f;
    fake_start(&f, "{\"rules\": [{\"body\": \"ok\", \"delay\": 0.02}]}");
    AUTO(http_close_auto) struct http *h = open_plain();
    struct many m;
    char urls[40][64];
    prepare(&m, 40);
    for (int i = 0; i < 40; i++) {
        snprintf(urls[i], sizeof urls[i], "http://127.0.0.1:%u/%d", f.ports[0], i);
        m.items[i].url = urls[i];
    }
    struct err e = { 0 };
    assert_true(http_run_all(h, m.transfers, 40, 4, &e));
    for (int i = 0; i < 40; i++)
        assert_string_equal(buf_text(&m.items[i].text), "ok");
    assert_int_equal(m.n_most, 4);
    assert_int_equal(fake_count(&f, "\"method\""), 40);
    clear(&m, 40);
    fake_stop(&f);
}

static void nothing_to_do_is_done(void **state)
{
    (void)state;
    AUTO(http_close_auto) struct http *h = open_plain();
    struct err e = { 0 };
    assert_true(http_run_all(h, NULL, 0, 4, &e));
}

static void a_transfer_may_wait_and_try_again_and_change_its_place(void **state)
{
    (void)state;
    struct fake f;
    fake_start(&f, "{\"rules\": [{\"path\": \"/busy\", \"times\": 2, \"status\": 503}, {\"path\": \"/busy\", \"body\": \"at last\"},"
                   "{\"path\": \"/cut\", \"times\": 1, \"drop\": true}, {\"path\": \"/cut\", \"body\": \"again\"},"
                   "{\"path\": \"/moved\", \"status\": 307, \"headers\": [[\"Location\", \"http://127.0.0.1:{port0}/here\"]]}, {\"path\": \"/here\", \"body\": \"found\"}]}");
    AUTO(http_close_auto) struct http *h = open_plain();
    struct many m;
    prepare(&m, 3);
    m.items[0].url = fake_url(&f, 0, "/busy");
    m.items[0].retries = 2;
    m.items[1].url = fake_url(&f, 0, "/cut");
    m.items[1].retries = 1;
    m.items[2].url = fake_url(&f, 0, "/moved");
    struct err e = { 0 };
    if (!http_run_all(h, m.transfers, 3, 3, &e))
        fail_msg("%s", e.msg);
    assert_string_equal(buf_text(&m.items[0].text), "at last");
    assert_string_equal(buf_text(&m.items[1].text), "again");
    assert_string_equal(buf_text(&m.items[2].text), "found");
    assert_int_equal(m.items[0].n_calls, 6); /* first, 503, wait, 503, wait, 200 */
    mem_free((char *)(uintptr_t)m.items[2].url); /* made by simple_next */
    clear(&m, 3);
    fake_stop(&f);
}

static void a_failure_stops_the_rest_and_the_lowest_is_told(void **state)
{
    (void)state;
    struct fake f;
    fake_start(&f, "{\"rules\": [{\"path\": \"/bad\", \"status\": 500}, {\"path\": \"/slow\", \"delay\": 60}]}");
    AUTO(http_close_auto) struct http *h = open_plain();
    struct many m;
    prepare(&m, 4);
    m.items[0].url = fake_url(&f, 0, "/slow");
    m.items[1].url = fake_url(&f, 0, "/bad");
    m.items[2].url = fake_url(&f, 0, "/slow");
    m.items[3].url = fake_url(&f, 0, "/never");
    struct err e = { 0 };
    assert_false(http_run_all(h, m.transfers, 4, 3, &e));
    assert_string_equal(e.msg, "/bad: gave up");
    assert_int_equal(m.items[3].n_calls, 0);
    clear(&m, 4);
    fake_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_run_and_no_more_than_allowed_at_once),
        cmocka_unit_test(nothing_to_do_is_done),
        cmocka_unit_test(a_transfer_may_wait_and_try_again_and_change_its_place),
        cmocka_unit_test(a_failure_stops_the_rest_and_the_lowest_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
