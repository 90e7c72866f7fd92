/* One request on libcurl. Everything libcurl might do on its own is off: redirects, decompression, cookies, .netrc,
 * authentication by its own choice, proxies from the environment. HTTP/1.1, and HTTP/2 for downloads where the client asks for it and the server offers it. */
#include "net/exchange.h"

#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "sys/clock.h"
#include "sys/start.h"

#include "base/banned.h"

enum {
    RECEIVE_BYTES = 256 * 1024,
    SEND_BYTES = 256 * 1024,
};

/* Setting up */

static void add_header(struct exchange *x, const char *line)
{
    struct curl_slist *more = curl_slist_append(x->headers, line);
    BUG_IF(more == NULL);
    x->headers = more;
}

static bool is_header_text(const char *s)
{
    for (; *s != '\0'; s++)
        if ((unsigned char)*s < ' ' || *s == 0x7F)
            return false;
    return true;
}

static bool add_named_header(struct exchange *x, const char *name, const char *value, struct err *e)
{
    if (!is_header_text(value))
        return err_set(e, ERR_NET, "%s: control characters in the header %s", URL_ORIGIN(&x->url), name);
    /* "Name;" is how libcurl is told of a header without a value. */
    char *line = value[0] != '\0' ? mem_format("%s: %s", name, value) : mem_format("%s;", name);
    add_header(x, line);
    secret_wipe(line, strlen(line));
    mem_free(line);
    return true;
}

static bool set_headers(struct exchange *x, struct err *e)
{
    add_header(x, "Expect:"); /* a round trip for nothing: everyone answers 100 */
    add_header(x, "Accept-Encoding:");
    bool has_type = false;
    for (size_t i = 0; i < x->rq->n_headers; i++) {
        has_type = has_type || strcasecmp(x->rq->headers[i].name, "Content-Type") == 0;
        if (!add_named_header(x, x->rq->headers[i].name, x->rq->headers[i].value, e))
            return false;
    }
    if (!has_type)
        add_header(x, "Content-Type:"); /* libcurl's own guess would be a form */
    if (x->rq->authorization != NULL && secret_is_set(x->rq->authorization) &&
        !add_named_header(x, "Authorization", x->rq->authorization->bytes, e))
        return false;
    curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
    return true;
}

static void set_method(struct exchange *x)
{
    const struct http_request *rq = x->rq;
    if (rq->body != NULL) {
        curl_easy_setopt(x->easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(x->easy, CURLOPT_READFUNCTION, exchange_on_send);
        curl_easy_setopt(x->easy, CURLOPT_READDATA, x);
        curl_easy_setopt(x->easy, CURLOPT_INFILESIZE_LARGE, rq->body_bytes == HTTP_CHUNKED ? (curl_off_t)-1 : (curl_off_t)rq->body_bytes);
        /* On a connection that turns out to be dead libcurl would want to send the body again, which a source cannot. */
        curl_easy_setopt(x->easy, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(x->easy, CURLOPT_SOCKOPTFUNCTION, exchange_on_socket);
        curl_easy_setopt(x->easy, CURLOPT_SOCKOPTDATA, x);
    } else if (text_is(rq->method, "HEAD")) {
        curl_easy_setopt(x->easy, CURLOPT_NOBODY, 1L);
    } else if (!text_is(rq->method, "GET")) {
        curl_easy_setopt(x->easy, CURLOPT_POSTFIELDS, "");
        curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE, 0L);
    }
    curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST, rq->method);
}

static void set_timeouts(struct exchange *x)
{
    const struct http *h = x->http;
    curl_easy_setopt(x->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)h->connect_timeout_ms);
    if (x->rq->deadline_ms > 0)
        curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, (long)x->rq->deadline_ms);
    if (h->stall_timeout_ms == UINT_MAX)
        return;
    if (h->least_bytes_per_s > 0 && x->rq->body == NULL) {
        curl_easy_setopt(x->easy, CURLOPT_XFERINFOFUNCTION, exchange_on_progress);
        curl_easy_setopt(x->easy, CURLOPT_XFERINFODATA, x);
        curl_easy_setopt(x->easy, CURLOPT_NOPROGRESS, 0L);
    }
    curl_easy_setopt(x->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(x->easy, CURLOPT_LOW_SPEED_TIME, exchange_seconds(h->stall_timeout_ms));
}

static void set_route(struct exchange *x)
{
    struct http *h = x->http;
    const char *proxy = x->url.is_https ? h->proxy_for_https : h->proxy_for_http;
    bool is_direct = h->unix_socket != NULL || h->connect_to != NULL || proxy == NULL || url_host_is_loopback(x->url.host);
    curl_easy_setopt(x->easy, CURLOPT_PROXY, is_direct ? "" : proxy); /* "": and do not look into the environment */
    curl_easy_setopt(x->easy, CURLOPT_NOPROXY, h->no_proxy != NULL ? h->no_proxy : "");
    curl_easy_setopt(x->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (h->unix_socket != NULL)
        curl_easy_setopt(x->easy, CURLOPT_UNIX_SOCKET_PATH, h->unix_socket);
    if (h->connect_to != NULL)
        curl_easy_setopt(x->easy, CURLOPT_CONNECT_TO, h->connect_to);
}

static void set_blob(struct exchange *x, CURLoption option, const struct buf *pem)
{
    struct curl_blob blob = { .data = pem->data, .len = pem->len, .flags = CURL_BLOB_NOCOPY };
    curl_easy_setopt(x->easy, option, &blob);
}

static void set_tls(struct exchange *x)
{
    const struct http *h = x->http;
    curl_easy_setopt(x->easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(x->easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(x->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (x->url.is_https) {
        curl_easy_setopt(x->easy, CURLOPT_CERTINFO, 1L);
        curl_easy_setopt(x->easy, CURLOPT_PREREQFUNCTION, exchange_on_ready);
        curl_easy_setopt(x->easy, CURLOPT_PREREQDATA, x);
    }
    const struct http_identity *i = x->rq->identity;
    const struct buf *ca = i != NULL && i->ca.len > 0 ? &i->ca : &h->ca;
    if (ca->len > 0) {
        set_blob(x, CURLOPT_CAINFO_BLOB, ca);
        curl_easy_setopt(x->easy, CURLOPT_CAINFO, NULL);
        curl_easy_setopt(x->easy, CURLOPT_CAPATH, NULL);
    }
    if (i != NULL && i->cert.len > 0) {
        set_blob(x, CURLOPT_SSLCERT_BLOB, &i->cert);
        set_blob(x, CURLOPT_SSLKEY_BLOB, &i->key);
        curl_easy_setopt(x->easy, CURLOPT_KEYPASSWD, ""); /* nobody is asked on a terminal */
    }
}

static bool set_up(struct exchange *x, struct err *e)
{
    curl_easy_setopt(x->easy, CURLOPT_URL, x->url.text);
    curl_easy_setopt(x->easy, CURLOPT_PROTOCOLS_STR, x->url.is_https ? "https" : "http");
    curl_easy_setopt(x->easy, CURLOPT_REDIR_PROTOCOLS_STR, "https");
    curl_easy_setopt(x->easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(x->easy, CURLOPT_PATH_AS_IS, 1L); /* a signed URL stays what it is */
    curl_easy_setopt(x->easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(x->easy, CURLOPT_UNRESTRICTED_AUTH, 0L);
    bool may_be_2 = x->http->speaks_http2 && x->url.is_https && x->rq->body == NULL; /* both sides say so in the TLS handshake, or it is 1.1 */
    curl_easy_setopt(x->easy, CURLOPT_HTTP_VERSION, (long)(may_be_2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(x->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(x->easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(x->easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES);
    curl_easy_setopt(x->easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)SEND_BYTES);
    curl_easy_setopt(x->easy, CURLOPT_USERAGENT, x->http->user_agent);
    curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->curl_text);
    curl_easy_setopt(x->easy, CURLOPT_HEADERFUNCTION, exchange_on_header);
    curl_easy_setopt(x->easy, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, exchange_on_body);
    curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(x->easy, CURLOPT_PRIVATE, x);
    set_method(x);
    set_timeouts(x);
    set_route(x);
    set_tls(x);
    return set_headers(x, e);
}

struct exchange *exchange_new(struct http *h, const struct http_request *rq, struct http_response *rs, struct err *e)
{
    AUTO(exchange_free_auto) struct exchange *x = mem_new(sizeof *x);
    x->http = h;
    x->rq = rq;
    x->rs = rs;
    x->is_body_sent = rq->body == NULL;
    x->socket = CURL_SOCKET_BAD; /* poll skips it */
    http_response_clear(rs);
    if (rs->headers == NULL)
        rs->headers = mem_new_array(EXCHANGE_HEAD_LINES, sizeof *rs->headers);
    if (!url_parse(&x->url, rq->url, "URL", e))
        return NULL;
    x->easy = curl_easy_init();
    BUG_IF(x->easy == NULL);
    if (!set_up(x, e))
        return NULL;
    BUG_IF(curl_multi_add_handle(h->multi, x->easy) != CURLM_OK);
    x->window.since_ms = clock_monotonic_ms();
    x->next = h->exchanges;
    h->exchanges = x;
    return TAKE(x);
}

static void unlink_exchange(struct exchange *x)
{
    for (struct exchange **at = &x->http->exchanges; *at != NULL; at = &(*at)->next)
        if (*at == x) {
            *at = x->next;
            return;
        }
}

void exchange_free(struct exchange *x)
{
    if (x == NULL)
        return;
    unlink_exchange(x);
    if (x->easy != NULL) {
        curl_multi_remove_handle(x->http->multi, x->easy);
        curl_easy_cleanup(x->easy);
    }
    for (struct curl_slist *h = x->headers; h != NULL; h = h->next)
        secret_wipe(h->data, strlen(h->data));
    curl_slist_free_all(x->headers);
    buf_clear(&x->held);
    mem_free(x);
}

/* Driving */

/* Those that are paused go on while there is allowance, who waited longest first. */
static void resume_paused(struct http *h)
{
    pace_fill(&h->pace, clock_monotonic_ms());
    while (pace_wait_ms(&h->pace) == 0) {
        struct exchange *first = NULL;
        for (struct exchange *x = h->exchanges; x != NULL; x = x->next)
            if (x->is_paused && (first == NULL || x->turn < first->turn))
                first = x;
        if (first == NULL)
            return;
        first->is_paused = false;
        curl_easy_pause(first->easy, CURLPAUSE_CONT); /* hands over what it held */
    }
}

void http_stop(struct http *h)
{
    atomic_store(&h->is_stopped, true);
    curl_multi_wakeup(h->multi);
}

bool exchange_drive(struct http *h, unsigned wait_ms, struct err *e)
{
    int n_running = 0;
    if (!h->works_after_signal && !start_check(e))
        return false;
    if (atomic_load(&h->is_stopped))
        return err_set(e, ERR_INTERRUPTED, "stopped");
    resume_paused(h);
    unsigned pause_ms = pace_wait_ms(&h->pace);
    if (pause_ms > 0 && pause_ms < wait_ms)
        wait_ms = pause_ms;
    CURLMcode r = curl_multi_perform(h->multi, &n_running);
    if (r == CURLM_OK && n_running > 0)
        r = curl_multi_poll(h->multi, NULL, 0, (int)wait_ms, NULL);
    return r == CURLM_OK || err_set(e, ERR_NET, "libcurl: %s", curl_multi_strerror(r));
}
