/* One request and its answer on one libcurl handle. Private to this folder: http.c runs one, multi.c many.
 *
 *     struct exchange *x = exchange_new(h, &rq, &rs, e);      adds itself to h->multi
 *     ... curl_multi_perform until a CURLMSG_DONE for x->easy ...
 *     ok = exchange_verdict(x, result, e);                    fills rs
 *     exchange_free(x);                                       also stops one that still runs */
#ifndef NET_EXCHANGE_H
#define NET_EXCHANGE_H

#include <stdatomic.h>

#include <curl/curl.h>

#include "net/http.h"
#include "net/pace.h"
#include "net/url.h"

struct http {
    CURLM *multi;
    char *unix_socket;
    struct curl_slist *connect_to; /* of connect_address; null: where the URL says */
    struct buf ca; /* PEM to believe; empty: libcurl's own default */
    bool has_ca;
    char *tls_hint;
    char *user_agent;
    char *proxy_for_http, *proxy_for_https, *no_proxy;
    unsigned connect_timeout_ms;
    unsigned stall_timeout_ms;
    uint64_t least_bytes_per_s; /* 0: any */
    bool speaks_http2;
    struct pace pace;
    struct exchange *exchanges; /* all that run */
    uint64_t n_turns;
    atomic_bool is_stopped;
    bool works_after_signal;
};

/* Appends where the system keeps the public roots. */
MUST_CHECK bool http_add_system_roots(struct buf *ca, struct err *e);

/* PEM texts; empty: nothing particular. */
struct http_identity {
    struct buf ca; /* all to believe */
    struct buf cert, key;
};

enum { EXCHANGE_HEAD_LINES = 100 }; /* of all heads of an answer together */

struct exchange {
    struct http *http;
    const struct http_request *rq; /* borrowed until the verdict */
    struct http_response *rs;
    CURL *easy;
    struct curl_slist *headers;
    struct url url;
    char curl_text[CURL_ERROR_SIZE];
    bool is_lasting;       /* err does not pass by trying again */
    struct err err;        /* of a sink, a source or on_head: explains libcurl's failure */
    size_t n_head_lines;   /* of all heads, also 1xx: a flood of them ends too */
    size_t head_bytes;
    uint64_t sent_bytes;
    bool is_head_done;
    bool is_body_sent;
    curl_socket_t socket;  /* of a request with a body */
    struct buf held;       /* of the body: read from its source, not yet given to libcurl, which is paused */
    unsigned n_holds;
    bool may_hold;         /* somebody calls exchange_resume */
    struct pace_window window; /* of the head, then of the body */
    bool is_paused;        /* the limit of the client's pace is reached */
    uint64_t turn;         /* when that was */
    struct exchange *next; /* of the client */
    bool is_cut;           /* a text body was longer than what is kept: stopped by us, and fine */
};

MUST_CHECK struct exchange *exchange_new(struct http *h, const struct http_request *rq, struct http_response *rs, struct err *e);
MUST_CHECK bool exchange_verdict(struct exchange *x, CURLcode result, struct http_failure *f);
void exchange_free(struct exchange *x);
AUTO_FREE(struct exchange, exchange_free)

/* libcurl counts stalls in whole seconds. */
static inline long exchange_seconds(unsigned ms)
{
    return (long)(ms / 1000 + (ms % 1000 != 0));
}

/* libcurl's callbacks (exchange_callbacks.c, exchange_send.c, exchange_names.c); ctx is the exchange. */
size_t exchange_on_header(char *line, size_t one, size_t n, void *ctx);
size_t exchange_on_body(char *bytes, size_t one, size_t n, void *ctx);
size_t exchange_on_send(char *to, size_t one, size_t n, void *ctx);
int exchange_on_ready(void *ctx, char *to_ip, char *from_ip, int to_port, int from_port); /* exchange_names.c */
int exchange_on_progress(void *ctx, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now);
int exchange_on_socket(void *ctx, curl_socket_t fd, curlsocktype purpose);

/* After each exchange_drive, when may_hold was set: goes on with a body that was held back to hear the answer first. */
void exchange_resume(struct exchange *x);

/* Lets libcurl work for at most wait_ms; checks for signals. */
MUST_CHECK bool exchange_drive(struct http *h, unsigned wait_ms, struct err *e);

#endif
