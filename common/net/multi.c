/* Many transfers on one thread. Each is a state machine of its owner; here is only the loop that sends what they ask for,
 * hands them the answers, and lets them wait. */
#include "base/mem.h"
#include "net/exchange.h"
#include "sys/clock.h"

#include "base/banned.h"

enum {
    POLL_MS = 250,      /* how long a signal may go unnoticed */
};

struct slot {
    struct http_transfer *transfer;
    enum { SLOT_NEW, SLOT_SENDING, SLOT_WAITING, SLOT_OVER } state;
    struct exchange *exchange;
    struct http_request rq;
    struct http_response rs;
    uint64_t wake_ms;
    struct err err;
};

struct pool {
    struct http *http;
    struct slot *slots;
    size_t n;
    size_t n_started;
    size_t n_active;
    bool has_failed;
};

static void end_slot(struct pool *p, struct slot *s)
{
    s->state = SLOT_OVER;
    p->n_active--;
    p->has_failed = p->has_failed || s->err.code != ERR_NONE;
}

static void step(struct pool *p, struct slot *s, const struct http_response *rs, const struct http_failure *failure)
{
    struct http_request rq = { 0 };
    unsigned wait_ms = 0;
    enum http_step what = s->transfer->next(s->transfer, rs, failure, &rq, &wait_ms, &s->err);
    exchange_free(TAKE(s->exchange));
    http_response_clear(&s->rs);
    switch (what) {
    case HTTP_SEND:
        s->rq = rq;
        s->exchange = exchange_new(p->http, &s->rq, &s->rs, &s->err);
        s->state = SLOT_SENDING;
        if (s->exchange == NULL)
            end_slot(p, s);
        break;
    case HTTP_WAIT:
        s->wake_ms = clock_monotonic_ms() + wait_ms;
        s->state = SLOT_WAITING;
        break;
    case HTTP_FAILED:
        BUG_IF(s->err.code == ERR_NONE);
        end_slot(p, s);
        break;
    case HTTP_DONE:
        end_slot(p, s);
        break;
    }
}

static struct slot *slot_of(struct pool *p, const CURL *easy)
{
    for (size_t i = 0; i < p->n_started; i++)
        if (p->slots[i].exchange != NULL && p->slots[i].exchange->easy == easy)
            return &p->slots[i];
    return NULL;
}

static void hand_out_answers(struct pool *p)
{
    CURLMsg *message;
    int n_left;
    while ((message = curl_multi_info_read(p->http->multi, &n_left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        struct slot *s = slot_of(p, message->easy_handle);
        BUG_IF(s == NULL);
        struct http_failure failure = { 0 };
        if (exchange_verdict(s->exchange, message->data.result, &failure))
            step(p, s, &s->rs, NULL);
        else
            step(p, s, NULL, &failure);
    }
}

/* Wakes those whose time has come; tells how many are on the wire, and how long to wait for one of the others at most. */
static size_t wake(struct pool *p, unsigned *wait_ms)
{
    size_t n_sending = 0;
    uint64_t now = clock_monotonic_ms(), first = now + POLL_MS;
    for (size_t i = 0; i < p->n_started; i++) {
        struct slot *s = &p->slots[i];
        if (s->state == SLOT_WAITING && s->wake_ms <= now)
            step(p, s, NULL, NULL);
        if (s->state == SLOT_WAITING && s->wake_ms < first)
            first = s->wake_ms;
        n_sending += s->state == SLOT_SENDING;
    }
    now = clock_monotonic_ms();
    *wait_ms = first > now ? (unsigned)(first - now) : 0;
    return n_sending;
}

static void start_more(struct pool *p, unsigned max_parallel)
{
    while (p->n_started < p->n && p->n_active < max_parallel && !p->has_failed) {
        struct slot *s = &p->slots[p->n_started++];
        p->n_active++;
        step(p, s, NULL, NULL);
    }
}

static bool run(struct pool *p, unsigned max_parallel, struct err *e)
{
    for (;;) {
        start_more(p, max_parallel);
        if (p->has_failed || p->n_active == 0)
            return true;
        unsigned wait_ms = 0;
        size_t n_sending = wake(p, &wait_ms);
        if (!exchange_drive(p->http, wait_ms, e))
            return false;
        if (n_sending == 0)
            clock_sleep_ms(wait_ms); /* nothing on the wire: libcurl did not wait */
        hand_out_answers(p);
    }
}

static bool first_error(const struct pool *p, struct err *e)
{
    for (size_t i = 0; i < p->n_started; i++)
        if (p->slots[i].err.code != ERR_NONE) {
            if (e->code == ERR_NONE)
                *e = p->slots[i].err;
            return false;
        }
    return true;
}

bool http_run_all(struct http *h, struct http_transfer **transfers, size_t n, unsigned max_parallel, struct err *e)
{
    BUG_IF(max_parallel == 0);
    struct pool p = { .http = h, .n = n, .slots = mem_new_array(n > 0 ? n : 1, sizeof *p.slots) };
    for (size_t i = 0; i < n; i++)
        p.slots[i].transfer = transfers[i];
    bool is_good = run(&p, max_parallel, e) && first_error(&p, e);
    for (size_t i = 0; i < n; i++) {
        exchange_free(p.slots[i].exchange);
        http_response_clear(&p.slots[i].rs);
    }
    mem_free(p.slots);
    return is_good;
}
