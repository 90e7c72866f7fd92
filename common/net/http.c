/* The client: its options, and one request from start to end. */
#include "net/http.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/exchange.h"
#include "sys/file.h"

#include "base/banned.h"

enum {
    CONNECT_TIMEOUT_MS = 30000,
    STALL_TIMEOUT_MS = 60000,
    POLL_MS = 250, /* how long a signal may go unnoticed */
};

/* Where Debian and its relatives keep the public roots, for a libcurl that was built without a default. */
static const char system_roots[] = "/etc/ssl/certs/ca-certificates.crt";

bool http_add_system_roots(struct buf *ca, struct err *e)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    const char *path = info->cainfo != NULL ? info->cainfo : system_roots;
    bool is_there = false;
    if (!file_exists(path, &is_there, e))
        return false;
    buf_addc(ca, '\n');
    return !is_there || file_read(path, FILE_PLAIN, LIMIT_CA_FILE_BYTES, ca, e);
}

static bool read_ca(struct http *h, const struct http_options *o, struct err *e)
{
    h->ca.max = 2 * LIMIT_CA_FILE_BYTES + 1;
    if (o->ca_file == NULL)
        return true;
    h->has_ca = true;
    bool is_read = file_read(o->ca_file, FILE_PLAIN, LIMIT_CA_FILE_BYTES, &h->ca, e);
    if (is_read && strstr(buf_text(&h->ca), "-----BEGIN CERTIFICATE-----") == NULL)
        return err_set(e, ERR_CONFIG, "%s: holds no PEM certificate", o->ca_file);
    if (!is_read || (o->ca_adds_to_system && !http_add_system_roots(&h->ca, e))) {
        err_in(e, "certificate authorities");
        return err_as(e, ERR_CONFIG);
    }
    return true;
}

static char *from_environment(const char *lower, const char *upper)
{
    const char *value = getenv(lower);
    if (value == NULL || value[0] == '\0')
        value = getenv(upper);
    return value != NULL && value[0] != '\0' ? mem_text(value) : NULL;
}

static void read_proxies(struct http *h)
{
    h->proxy_for_http = from_environment("http_proxy", "HTTP_PROXY");
    h->proxy_for_https = from_environment("https_proxy", "HTTPS_PROXY");
    h->no_proxy = from_environment("no_proxy", "NO_PROXY");
}

struct http *http_open(const struct http_options *o, struct err *e)
{
    BUG_IF(curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK);
    AUTO(http_close_auto) struct http *h = mem_new(sizeof *h);
    h->multi = curl_multi_init();
    BUG_IF(h->multi == NULL);
    h->unix_socket = mem_text(o->unix_socket);
    if (o->connect_address != NULL) {
        AUTO(mem_auto) char *rule = mem_format("::%s:", o->connect_address); /* any host, any port: this address, the same port */
        h->connect_to = curl_slist_append(NULL, rule);
        BUG_IF(h->connect_to == NULL);
    }
    h->tls_hint = mem_text(o->tls_hint);
    h->user_agent = mem_text(o->user_agent != NULL ? o->user_agent : "archon/" ARCHON_VERSION);
    h->connect_timeout_ms = o->connect_timeout_ms > 0 ? o->connect_timeout_ms : CONNECT_TIMEOUT_MS;
    h->stall_timeout_ms = o->stall_timeout_ms > 0 ? o->stall_timeout_ms : STALL_TIMEOUT_MS;
    h->least_bytes_per_s = o->least_bytes_per_s;
    h->pace.bytes_per_s = o->limit_bytes_per_s;
    h->works_after_signal = o->works_after_signal;
    h->speaks_http2 = o->speaks_http2 && (curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2) != 0;
    /* One request at a time on each connection, also with HTTP/2: several downloads on one TCP connection share its window, and one lost packet stops all. */
    curl_multi_setopt(h->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, 1L);
    if (o->use_proxy_env)
        read_proxies(h);
    return read_ca(h, o, e) ? TAKE(h) : NULL;
}

void http_close(struct http *h)
{
    if (h == NULL)
        return;
    curl_multi_cleanup(h->multi);
    curl_slist_free_all(h->connect_to);
    buf_clear(&h->ca);
    char *texts[] = { h->unix_socket, h->tls_hint, h->user_agent, h->proxy_for_http,
                      h->proxy_for_https, h->no_proxy };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        mem_free(texts[i]);
    mem_free(h);
    curl_global_cleanup();
}

const char *http_response_get(const struct http_response *r, const char *lower_case_name)
{
    for (size_t i = 0; i < r->n_headers; i++)
        if (text_is(r->headers[i].name, lower_case_name))
            return r->headers[i].value;
    return NULL;
}

void http_response_clear(struct http_response *r)
{
    for (size_t i = 0; i < r->n_headers; i++) {
        mem_free(r->headers[i].name);
        mem_free(r->headers[i].value);
    }
    mem_free(r->headers);
    buf_clear(&r->text);
    *r = (struct http_response){ 0 };
}

void http_response_clear_auto(struct http_response *r)
{
    http_response_clear(r);
}

bool http_run(struct http *h, const struct http_request *rq, struct http_response *rs, bool *sent_all, struct err *e)
{
    AUTO(exchange_free_auto) struct exchange *x = exchange_new(h, rq, rs, e);
    if (x == NULL)
        return false;
    CURLMsg *message = NULL;
    int n_left;
    x->may_hold = true;
    while ((message = curl_multi_info_read(h->multi, &n_left)) == NULL || message->msg != CURLMSG_DONE) {
        if (!exchange_drive(h, POLL_MS, e))
            return false;
        exchange_resume(x);
    }
    BUG_IF(message->easy_handle != x->easy);
    struct http_failure failure = { 0 };
    bool is_good = exchange_verdict(x, message->data.result, &failure);
    if (!is_good && e->code == ERR_NONE)
        *e = failure.err;
    if (sent_all != NULL)
        *sent_all = x->is_body_sent;
    return is_good;
}
