/* The body that is sent, as libcurl asks for it. */
#include <poll.h>
#include <string.h>

#include "net/exchange.h"

#include "base/banned.h"

enum { HOLDS_MAX = 1000 };

/* A server that answers early soon goes away; sending then fails, and libcurl reads no more. So an answer that came while the source was busy is heard
 * before more is sent. On unix sockets, where engines do that. */
static bool has_answer(const struct exchange *x)
{
    if (!x->may_hold || x->n_holds == HOLDS_MAX || x->http->unix_socket == NULL)
        return false;
    struct pollfd p = { .fd = x->socket, .events = POLLIN };
    return poll(&p, 1, 0) > 0;
}

int exchange_on_socket(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
    (void)purpose;
    struct exchange *x = ctx;
    x->socket = fd;
    return CURL_SOCKOPT_OK;
}

static size_t give(struct exchange *x, size_t got)
{
    x->sent_bytes += got;
    /* With a known length libcurl stops asking there; without one, nothing more is what ends the body. */
    x->is_body_sent = got == 0 || x->sent_bytes >= x->rq->body_bytes;
    if (x->is_body_sent && x->rq->silence_ms > 0)
        curl_easy_setopt(x->easy, CURLOPT_LOW_SPEED_TIME, exchange_seconds(x->rq->silence_ms));
    return got;
}

static size_t give_held(struct exchange *x, char *to, size_t room)
{
    size_t got = x->held.len;
    BUG_IF(got > room); /* libcurl's buffer is as large as before */
    memcpy(to, x->held.data, got);
    buf_reset(&x->held);
    return give(x, got);
}

size_t exchange_on_send(char *to, size_t one, size_t n, void *ctx)
{
    struct exchange *x = ctx;
    size_t got = 0;
    if (x->held.len > 0)
        return give_held(x, to, n * one);
    if (!source_read(x->rq->body, to, n * one, &got, &x->err))
        return CURL_READFUNC_ABORT;
    if (got == 0 || !has_answer(x))
        return give(x, got);
    x->held.max = n * one;
    buf_add(&x->held, to, got);
    x->n_holds++;
    return CURL_READFUNC_PAUSE;
}

void exchange_resume(struct exchange *x)
{
    if (x->held.len > 0)
        curl_easy_pause(x->easy, CURLPAUSE_CONT);
}
