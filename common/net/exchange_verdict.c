/* What libcurl's result means: an answer, or a failure with the reason, and what may help. */
#include <string.h>

#include "base/text.h"
#include "net/exchange.h"

#include "base/banned.h"

/* OpenSSL's X509_V_ERR_*, as libcurl passes them on. */
enum { VERIFY_NOT_YET_VALID = 9, VERIFY_EXPIRED = 10, VERIFY_SELF_SIGNED_LEAF = 18, VERIFY_NO_FIRST_CERTIFICATE = 21 };

static const char clock_hint[] = "the certificate needs renewal, or the clock of this machine is wrong";

static const char proxy_hint[] =
    "HTTPS_PROXY or HTTP_PROXY is set: check that the proxy is up, or name the host in NO_PROXY where it is reached without";

/* Whether the environment names a proxy for this address; NO_PROXY may still have sent it directly. */
static bool has_proxy(const struct exchange *x)
{
    return (x->url.is_https ? x->http->proxy_for_https : x->http->proxy_for_http) != NULL && !url_host_is_loopback(x->url.host);
}

static const char *certificate_hint(const struct exchange *x)
{
    long r = 0;
    curl_easy_getinfo(x->easy, CURLINFO_SSL_VERIFYRESULT, &r);
    if (r >= VERIFY_SELF_SIGNED_LEAF && r <= VERIFY_NO_FIRST_CERTIFICATE)
        return x->http->tls_hint;
    if (r == VERIFY_NOT_YET_VALID || r == VERIFY_EXPIRED)
        return clock_hint;
    return NULL;
}

static const char wants_certificate[] = "the server wants a client certificate: --client-cert and --client-key, or certs.d";
static const char refuses_certificate[] = "the server does not take this client certificate: have it checked there, with its authority and its dates";
static const char may_want_certificate[] =
    "the server closed the connection before it answered: it may want a client certificate (--client-cert, certs.d), or the line is bad: run it again";
static const char may_refuse_certificate[] =
    "the server closed the connection before it answered: it may not take this client certificate, or the line is bad: run it again";

/* What a server says of a client's certificate, in OpenSSL's words. With TLS 1.3 it says so after the handshake, so libcurl's result may be any of several. */
static const struct alert {
    const char *text;
    bool is_for_none; /* also where none was shown; else the words of somebody between, about the other side */
} certificate_alerts[] = {
    { "alert certificate required", true },
    { "alert bad certificate", true }, /* from servers in Go */
    { "alert access denied", true },
    { "alert unsupported certificate", false },
    { "alert certificate revoked", false },
    { "alert certificate expired", false },
    { "alert certificate unknown", false },
    { "alert unknown ca", false },
};

static bool has_identity(const struct exchange *x)
{
    return x->rq->identity != NULL && x->rq->identity->cert.len > 0;
}

static bool is_certificate_alert(const struct exchange *x, const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(certificate_alerts); i++)
        if (strstr(text, certificate_alerts[i].text) != NULL)
            return certificate_alerts[i].is_for_none || has_identity(x);
    return false;
}

/* A handshake in this exchange: not on a connection that has answered before, and not with a proxy that lets nobody through. */
static bool is_greeted(const struct exchange *x)
{
    curl_off_t us = 0;
    curl_easy_getinfo(x->easy, CURLINFO_APPCONNECT_TIME_T, &us);
    return us > 0;
}

/* A server that does not take the certificate closes at once: who still sends then, or is late to read, is reset and never hears the alert. With a certificate to send this may happen
 * within the handshake, with HTTP/2 before libcurl calls it done. */
static bool is_closed_unanswered(const struct exchange *x, CURLcode result, const char *text)
{
    bool is_reset = strstr(text, "reset by peer") != NULL || strstr(text, "Broken pipe") != NULL;
    bool is_over = is_reset || strstr(text, "unexpected eof") != NULL || text_is(text, curl_easy_strerror(result));
    if (!x->url.is_https || x->head_bytes > 0)
        return false;
    if (result == CURLE_HTTP2)
        return is_reset;
    if (result == CURLE_SSL_CONNECT_ERROR)
        return is_reset && has_identity(x);
    return is_greeted(x) && (result == CURLE_GOT_NOTHING || (is_over && (result == CURLE_SEND_ERROR || result == CURLE_RECV_ERROR)));
}

/* Where text is given, it must occur in libcurl's own words; hint null: certificate_hint. */
static const struct meaning {
    CURLcode result;
    const char *text;
    bool is_lasting;
    const char *hint;
} meanings[] = {
    { CURLE_PEER_FAILED_VERIFICATION, "subject name", true,
      "the certificate is for other names: use one of those, or have it made for this one" },
    { CURLE_PEER_FAILED_VERIFICATION, "", true, NULL },
    { CURLE_SSL_CONNECT_ERROR, "unsupported protocol", true, "the server speaks no TLS 1.2 or newer, and nothing older is used" },
    { CURLE_SSL_CONNECT_ERROR, "protocol version", true, "the server speaks no TLS 1.2 or newer, and nothing older is used" },
    { CURLE_SSL_CONNECT_ERROR, "wrong version number", true, "the server does not speak TLS at this port" },
    { CURLE_SSL_CONNECT_ERROR, "alert handshake failure", false, "the server has no cipher in common with this program, or it wants a client certificate" },
    { CURLE_SSL_CERTPROBLEM, "", true, "check the files of the client certificate" },
    { CURLE_RECV_ERROR, "response 401", true, "the proxy wants a login: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT" }, /* as some say it */
    { CURLE_RECV_ERROR, "response 407", true, "the proxy wants a login: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT" },
    { CURLE_RECV_ERROR, "response 403", true, "the proxy does not allow this host: ask whoever runs it, or name the host in NO_PROXY" },
    { CURLE_RECV_ERROR, "CONNECT", false, proxy_hint }, /* any other answer of its, or none */
    { CURLE_URL_MALFORMAT, "", true, "" },
    { CURLE_UNSUPPORTED_PROTOCOL, "", true, "" },
    { CURLE_COULDNT_RESOLVE_HOST, "", false, "check the name of the host; where only a proxy leads outside, set HTTPS_PROXY" },
    { CURLE_COULDNT_RESOLVE_PROXY, "", false, "check HTTPS_PROXY and HTTP_PROXY" },
    { CURLE_COULDNT_CONNECT, "", false,
      "check that the host is up and that no firewall is between; where only a proxy leads outside, set HTTPS_PROXY" },
};

static const struct meaning *meaning_of(CURLcode result, const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
        if (meanings[i].result == result && strstr(text, meanings[i].text) != NULL)
            return &meanings[i];
    return NULL;
}

/* libcurl's first complaint is kept, and on a connection that was closed at once that is one about a name for its log. */
static const char *words_of(const struct exchange *x, CURLcode result)
{
    bool is_of_use = x->curl_text[0] != '\0' && !text_starts(x->curl_text, "getpeername()");
    return is_of_use ? x->curl_text : curl_easy_strerror(result);
}

/* What may help, or null; *is_lasting: trying again does not. */
static const char *advice(const struct exchange *x, CURLcode result, const char *text, bool *is_lasting)
{
    if (is_certificate_alert(x, text)) {
        *is_lasting = true;
        return has_identity(x) ? refuses_certificate : wants_certificate;
    }
    const struct meaning *m = meaning_of(result, text);
    if (m == NULL && is_closed_unanswered(x, result, text))
        return has_identity(x) ? may_refuse_certificate : may_want_certificate;
    if (m == NULL)
        return NULL;
    *is_lasting = m->is_lasting;
    if (result == CURLE_COULDNT_CONNECT && has_proxy(x))
        return proxy_hint;
    return m->hint != NULL ? m->hint : certificate_hint(x);
}

static bool explain(const struct exchange *x, CURLcode result, struct http_failure *f)
{
    const char *text = words_of(x, result);
    const char *hint = advice(x, result, text, &f->is_lasting);
    long number = 0;
    curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &number);
    if (x->http->unix_socket != NULL)
        return err_set(&f->err, ERR_NET, "%s: %s", x->http->unix_socket,
                       result == CURLE_COULDNT_CONNECT && number != 0 ? strerror((int)number) : SHOWN(text));
    err_set(&f->err, result == CURLE_SSL_CERTPROBLEM ? ERR_CONFIG : ERR_NET, "%s: %s", URL_ORIGIN(&x->url), SHOWN(text));
    return hint == NULL || hint[0] == '\0' ? false : err_hint(&f->err, "%s", hint);
}

bool exchange_verdict(struct exchange *x, CURLcode result, struct http_failure *f)
{
    if (x->err.code != ERR_NONE) {
        f->err = x->err;
        f->is_lasting = x->is_lasting;
        return false;
    }
    if (result != CURLE_OK && !(x->is_cut && result == CURLE_WRITE_ERROR))
        return explain(x, result, f);
    return x->is_head_done || err_set(&f->err, ERR_NET, "%s: no HTTP answer", URL_ORIGIN(&x->url));
}
