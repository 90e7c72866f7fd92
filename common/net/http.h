/* HTTP(S) over TCP or a unix socket, with libcurl's multi interface behind it. No redirects are followed, nothing is decompressed, no cookies,
 * no netrc, no environment but (when asked) the proxy variables. The client of a registry decides about redirects and credentials.
 *
 *     struct http_options o = { .ca_file = "/etc/site/ca.pem", .use_proxy_env = true };
 *     AUTO(http_close_auto) struct http *h = http_open(&o, e);
 *     struct http_request rq = { .method = "GET", .url = url, .out = sink, .max_body = LIMIT_OCI_MANIFEST_BYTES };
 *     AUTO(http_response_clear_auto) struct http_response rs = { 0 };
 *     if (!http_run(h, &rq, &rs, e)) ...      // ERR_NET; an HTTP status of any kind is a response, not an error
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "base/secret.h"
#include "stream/sink.h"

struct http;
struct http_options {
    const char *unix_socket;    /* talk to this socket instead of the URL's host */
    const char *connect_address; /* connect to this address whatever the URL's host is; the certificate must still be for that host */
    const char *ca_file;        /* PEM; null: the system's store */
    bool ca_adds_to_system;     /* ca_file in addition to the system's store, not in its place */
    const char *tls_hint;       /* what to do about a certificate of an unknown authority, or null */
    bool use_proxy_env;         /* HTTPS_PROXY, HTTP_PROXY, NO_PROXY (and lower case) */
    unsigned connect_timeout_ms; /* 0: 30 000 */
    unsigned stall_timeout_ms;   /* no byte either way for so long: ERR_NET; 0: 60 000; UINT_MAX: never */
    uint64_t least_bytes_per_s;  /* a server that gives less on average for stall_timeout_ms is ERR_NET; 0: any that is not silent */
    uint64_t limit_bytes_per_s;  /* of all bodies that come, over all connections; 0: none */
    bool speaks_http2;           /* over TLS, with servers that offer it */
    bool works_after_signal;     /* requests go on although a signal asked for a stop */
    const char *user_agent;
};
MUST_CHECK struct http *http_open(const struct http_options *o, struct err *e);
void http_close(struct http *h);
AUTO_FREE(struct http, http_close)

struct http_response;
struct http_identity;
struct http_header {
    const char *name, *value;
};
struct http_request {
    const char *method;               /* GET, HEAD, POST, PUT, DELETE, PATCH */
    const char *url;
    const struct http_header *headers; /* plain headers */
    size_t n_headers;
    const struct http_identity *identity; /* whom we believe and who we are, at this server only (identity.h); or null */
    const struct secret *authorization; /* value of Authorization, or null; never logged */
    struct source *body;              /* or null; chunked when body_bytes is HTTP_CHUNKED */
    uint64_t body_bytes;
    struct sink *out;                 /* body of any 2xx response; null: kept in response.text. Not finished by us */
    uint64_t max_body;                /* more is ERR_NET; 0: 64 KiB. Bodies of other statuses than 2xx are cut at 64 KiB */
    unsigned deadline_ms;             /* for the whole request; 0: none, only the stall timeout */
    unsigned silence_ms;              /* once the body was sent, the stall timeout is this: the server works on it; 0: as before */
    /* Called once when the status and headers of the final response are known, before its body; false stops with *e. May be null. */
    bool (*on_head)(void *ctx, const struct http_response *head, struct err *e);
    void *on_head_ctx;
};
#define HTTP_CHUNKED UINT64_MAX
struct http_response {
    unsigned status;
    size_t n_headers;
    struct http_header_line {
        char *name, *value; /* name in lower case */
    } *headers;             /* all together at most 64 KiB, 100 lines */
    struct buf text;        /* the body when there was no sink, or of a status that is not 2xx */
    uint64_t body_bytes;
};
const char *http_response_get(const struct http_response *r, const char *lower_case_name); /* first one, or null */
void http_response_clear(struct http_response *r);
void http_response_clear_auto(struct http_response *r);

/* One request, start to end. Also ends when a signal asks to stop (ERR_INTERRUPTED). While a body is being sent the response is read
 * at the same time (an engine may answer early); when the server answers before the body was sent, this returns true and *sent_all (if not null) false. */
MUST_CHECK bool http_run(struct http *h, const struct http_request *rq, struct http_response *rs, bool *sent_all, struct err *e);

/* Many transfers at once on one thread. A transfer is a small state machine of the caller: `next` fills the request to send (first time, and after each
 * response: a redirect, a token, a retry, a range), or says that it is over. The pool runs at most max_parallel. */
struct http_failure {
    struct err err;
    bool is_lasting; /* a certificate that is not good, a protocol that is not spoken: trying again changes nothing */
};
enum http_step { HTTP_SEND, HTTP_DONE, HTTP_FAILED, HTTP_WAIT };
struct http_transfer {
    /* HTTP_SEND: rq is filled (zeroed before; its pointers stay valid until next is called again). HTTP_WAIT: call again after *wait_ms.
     * HTTP_DONE. HTTP_FAILED: e is set. rs/failure describe the last answer: both null at the first call and after a wait; failure is set
     * when there was no complete response, or when the sink or on_head of the request failed (its error is passed as it is). */
    enum http_step (*next)(struct http_transfer *t, const struct http_response *rs, const struct http_failure *failure, struct http_request *rq,
                           unsigned *wait_ms, struct err *e);
};
/* Runs until all are done or one failed (the others are stopped). Reports the error of the lowest index. Thread: one call at a time per http. */
MUST_CHECK bool http_run_all(struct http *h, struct http_transfer **transfers, size_t n, unsigned max_parallel, struct err *e);

/* From another thread: what runs on h ends soon, with ERR_INTERRUPTED; so does what is run on it later. */
void http_stop(struct http *h);

#endif
