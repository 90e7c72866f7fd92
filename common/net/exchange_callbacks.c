/* What libcurl hands us while a request runs: head and body. Sizes are counted here. */
#include "net/exchange.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "sys/clock.h"

#include "base/banned.h"

enum {
    HEAD_MAX_BYTES = 64 * 1024,
    TEXT_MAX_BYTES = 64 * 1024, /* of an answer that is only shown or read as a short document */
};

static bool is_success(const struct exchange *x)
{
    return x->rs->status >= 200 && x->rs->status < 300;
}

static uint64_t max_body(const struct exchange *x)
{
    return x->rq->max_body > 0 ? x->rq->max_body : TEXT_MAX_BYTES;
}

static bool too_long(struct exchange *x)
{
    return err_set(&x->err, ERR_NET, "%s: answer is longer than the allowed %" PRIu64 " bytes", URL_ORIGIN(&x->url), max_body(x));
}

/* The head */

static void forget_head(struct http_response *rs)
{
    for (size_t i = 0; i < rs->n_headers; i++) {
        mem_free(rs->headers[i].name);
        mem_free(rs->headers[i].value);
    }
    rs->n_headers = 0;
}

static void keep_header(struct http_response *rs, const char *line, size_t n)
{
    const char *colon = memchr(line, ':', n);
    if (colon == NULL || colon == line || line[0] == ' ' || line[0] == '\t')
        return; /* a status line, or a folded line, which nobody may send any more */
    const char *value = colon + 1, *end = line + n;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && strchr(" \t\r\n", end[-1]) != NULL)
        end--;
    struct http_header_line *h = &rs->headers[rs->n_headers++];
    h->name = mem_text_n(line, (size_t)(colon - line));
    h->value = mem_text_n(value, (size_t)(end - value));
    for (char *c = h->name; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
}

/* The head is complete: judge what it promises, then ask the caller. */
static bool end_head(struct exchange *x)
{
    x->is_head_done = true;
    x->window = (struct pace_window){ .since_ms = clock_monotonic_ms() };
    const char *length = http_response_get(x->rs, "content-length");
    uint64_t promised = 0;
    bool has_body = length != NULL && !text_is(x->rq->method, "HEAD");
    if (has_body && is_success(x) && (!num_parse(&promised, length, strlen(length), UINT64_MAX) || promised > max_body(x)))
        return too_long(x);
    x->rs->text.max = is_success(x) ? (size_t)max_body(x) : TEXT_MAX_BYTES;
    return x->rq->on_head == NULL || x->rq->on_head(x->rq->on_head_ctx, x->rs, &x->err);
}

size_t exchange_on_header(char *line, size_t one, size_t n, void *ctx)
{
    struct exchange *x = ctx;
    n *= one;
    if (x->is_head_done)
        return n; /* trailers */
    x->head_bytes += n;
    if (x->head_bytes > HEAD_MAX_BYTES || ++x->n_head_lines > EXCHANGE_HEAD_LINES) {
        err_set(&x->err, ERR_NET, "%s: answer has more than %d headers or %d bytes of them", URL_ORIGIN(&x->url), EXCHANGE_HEAD_LINES,
                HEAD_MAX_BYTES);
        return 0;
    }
    long status = 0;
    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    x->rs->status = (unsigned)status;
    if (n >= 5 && memcmp(line, "HTTP/", 5) == 0)
        forget_head(x->rs);
    bool is_last = n > 0 && (line[0] == '\r' || line[0] == '\n');
    if (!is_last)
        keep_header(x->rs, line, n);
    else if (status >= 200 || status == 101)
        return end_head(x) ? n : 0;
    return n;
}

/* The body */

static size_t keep_text(struct exchange *x, const char *bytes, size_t n)
{
    struct buf *text = &x->rs->text;
    size_t room = text->max - text->len;
    if (n <= room) {
        buf_add(text, bytes, n);
        return n;
    }
    if (is_success(x)) {
        too_long(x);
        return 0;
    }
    buf_add(text, bytes, room);
    x->is_cut = true;
    return 0;
}

size_t exchange_on_body(char *bytes, size_t one, size_t n, void *ctx)
{
    struct exchange *x = ctx;
    n *= one;
    if (n == 0)
        return 0;
    if (!pace_take(&x->http->pace, n)) {
        x->is_paused = true;
        x->turn = ++x->http->n_turns;
        return CURL_WRITEFUNC_PAUSE;
    }
    x->window.bytes += n;
    if (!is_success(x) || x->rq->out == NULL) {
        size_t kept = keep_text(x, bytes, n);
        x->rs->body_bytes += kept;
        return kept;
    }
    if (n > max_body(x) - x->rs->body_bytes) {
        too_long(x);
        return 0;
    }
    x->rs->body_bytes += n;
    return sink_write(x->rq->out, bytes, n, &x->err) ? n : 0;
}

/* Slowness */

enum { HEAD_WINDOWS = 2 }; /* a head may take so many times the stall timeout: connecting, and the server's work before it answers */

int exchange_on_progress(void *ctx, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
    (void)total, (void)now, (void)up_total, (void)up_now;
    struct exchange *x = ctx;
    const struct http *h = x->http;
    uint64_t now_ms = clock_monotonic_ms();
    if (x->is_paused)
        x->window = (struct pace_window){ .since_ms = now_ms };
    else if (!x->is_head_done && now_ms - x->window.since_ms >= HEAD_WINDOWS * (uint64_t)h->stall_timeout_ms)
        return !err_set(&x->err, ERR_NET, "%s: no complete answer in %ld s", URL_ORIGIN(&x->url), HEAD_WINDOWS * exchange_seconds(h->stall_timeout_ms));
    else if (x->is_head_done && !pace_is_enough(&x->window, now_ms, h->stall_timeout_ms, h->least_bytes_per_s))
        return !err_set(&x->err, ERR_NET, "%s: too slow, less than %" PRIu64 " bytes/s in %ld s", URL_ORIGIN(&x->url), h->least_bytes_per_s,
                        exchange_seconds(h->stall_timeout_ms));
    return 0;
}
