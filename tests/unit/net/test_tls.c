/* Certificates and protocols that are not good: each with its own reason, and nothing is sent. */
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
#include "net/identity.h"
#include "tests/support/fake.h"

#include "base/banned.h"

struct heard {
    struct http_transfer transfer;
    const char *url;
    struct secret login;
    const struct http_identity *client;
    struct http_failure failure;
    unsigned status;
};

static enum http_step next(struct http_transfer *t, const struct http_response *rs, const struct http_failure *failure,
                           struct http_request *rq, unsigned *wait_ms, struct err *e)
{
    struct heard *h = (struct heard *)t;
    (void)wait_ms, (void)e;
    if (failure != NULL)
        h->failure = *failure;
    if (rs != NULL)
        h->status = rs->status;
    if (failure != NULL || rs != NULL)
        return HTTP_DONE;
    *rq = (struct http_request){ .method = "GET", .url = h->url, .authorization = &h->login, .identity = h->client };
    return HTTP_SEND;
}

struct asked {
    const char *certificate; /* what fake_http.py makes, and what follows it there */
    const char *host;        /* null: 127.0.0.1 */
    bool knows_ca;           /* its authority is believed */
    bool shows_certificate;  /* client.pem of fake_http.py */
};

static struct http_identity *client_of(struct fake *f, const struct http *h)
{
    struct err e = { 0 };
    AUTO(mem_auto) char *cert = mem_text(fake_path(f, "client.pem"));
    struct http_identity_files files = { .cert_file = cert, .key_file = fake_path(f, "client.key") };
    struct http_identity *i = http_identity_open(h, &files, &e);
    assert_non_null(i);
    return i;
}

static void ask(const struct asked *a, struct heard *heard)
{
    struct fake f;
    struct err e = { 0 };
    char url[100];
    AUTO(mem_auto) char *script = mem_format("{\"tls\": [0], \"certificate\": {%s}, \"rules\": [{\"body\": \"secret\"}]}", a->certificate);
    fake_start(&f, script);
    snprintf(url, sizeof url, "https://%s:%u/x", a->host != NULL ? a->host : "127.0.0.1", f.ports[0]);
    struct http_options o = { .ca_file = a->knows_ca ? fake_path(&f, "ca.pem") : NULL,
                              .stall_timeout_ms = 5000,
                              .tls_hint = "name the authority" };
    AUTO(http_close_auto) struct http *h = http_open(&o, &e);
    AUTO(http_identity_free_auto) struct http_identity *client = a->shows_certificate ? client_of(&f, h) : NULL;
    *heard = (struct heard){ .transfer = { next }, .url = url, .login = secret_of("Basic dTpw", 10), .client = client };
    struct http_transfer *all[] = { &heard->transfer };
    assert_true(http_run_all(h, all, 1, 1, &e));
    secret_clear(&heard->login);
    if (heard->status != 200)
        assert_int_equal(fake_count(&f, "\"method\""), 0); /* not even a request, so no login */
    fake_stop(&f);
}

/* ERR_NET, with this in its message and this in its hint ("": it has none). */
static void expect_failure(size_t i, const struct http_failure *f, const char *message, const char *hint, bool is_lasting)
{
    const struct err *e = &f->err;
    bool is_hint = hint[0] == '\0' ? e->hint[0] == '\0' : strstr(e->hint, hint) != NULL;
    if (e->code != ERR_NET || strstr(e->msg, message) == NULL || !is_hint || f->is_lasting != is_lasting)
        fail_msg("%zu: %s: %s; hint: %s; lasting: %d", i, err_name(e->code), e->msg, e->hint, f->is_lasting);
}

static void each_reason_is_told_with_its_own_hint(void **state)
{
    (void)state;
    static const struct {
        const char *certificate, *message, *hint;
        bool knows_ca;
    } rows[] = {
        { "\"names\": \"DNS:other.example,IP:10.1.2.3\"", "no alternative certificate subject name matches",
          "the certificate is for other names", true },
        { "\"names\": \"DNS:*.0.0.1\"", "no alternative certificate subject name matches", "the certificate is for other names", true },
        { "\"names\": \"DNS:127.0.0.1\"", "no alternative certificate subject name matches", "the certificate is for other names",
          true }, /* an address is no name */
        { "\"days\": -1", "certificate has expired", "the certificate needs renewal, or the clock", true },
        { "", "unable to get local issuer certificate", "name the authority", false },
        { "\"self_signed\": true", "self-signed certificate", "name the authority", true },
        { "\"names\": \"\", \"subject\": \"/CN=127.0.0.1\"", "no subject alternative names",
          "have a certificate made for it with subjectAltName", true },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct heard h;
        ask(&(struct asked){ .certificate = rows[i].certificate, .knows_ca = rows[i].knows_ca }, &h);
        expect_failure(i, &h.failure, rows[i].message, rows[i].hint, true);
        assert_memory_equal(h.failure.err.msg, "https://127.0.0.1:", 18);
    }
}

#define ASKS(HOW) "}, \"ask_client\": " HOW ", \"x\": {"

static void a_server_that_wants_a_client_certificate_is_understood(void **state)
{
    (void)state;
    static const struct {
        const char *script, *message, *hint;
        bool is_lasting, shows_certificate;
    } rows[] = {
        { ASKS("\"must\""), "certificate required", "wants a client certificate", true, false },
        { "\"tls_1_2\": true" ASKS("\"must\""), "handshake failure", "or it wants a client certificate", false, false },
        { "\"first_words\": 42", "bad certificate", "wants a client certificate", true, false }, /* what servers in Go say */
        { "\"first_words\": 48", "unknown ca", "", false, false }, /* not about us, who have shown nothing */
        { "\"first_words\": 80" ASKS("true"), "internal error", "", false, true },
        { ASKS("\"reset\""), "", "may want a client certificate", false, false },
        { ASKS("\"others\""), "unknown ca", "does not take this client certificate", true, true },
        { "\"first_words\": \"reset\"" ASKS("true"), "", "may not take this client certificate", false, true },
        { "\"first_words\": \"reset\"", "", "", false, false }, /* before anything is known of certificates: no guess */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct heard h;
        ask(&(struct asked){ .certificate = rows[i].script, .knows_ca = true, .shows_certificate = rows[i].shows_certificate }, &h);
        expect_failure(i, &h.failure, rows[i].message, rows[i].hint, rows[i].is_lasting);
    }
}

static void a_proxy_that_lets_nobody_through_is_not_the_server(void **state)
{
    (void)state;
    static const char *const answers[] = { "\"status\": 503", "\"status\": 502, \"body\": \"no way\"", "\"drop\": true" };
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct fake f;
        struct err e = { 0 };
        AUTO(mem_auto) char *script = mem_format("{\"rules\": [{\"method\": \"CONNECT\", %s}]}", answers[i]);
        fake_start(&f, script);
        setenv("HTTPS_PROXY", fake_url(&f, 0, ""), 1);
        struct http_options o = { .stall_timeout_ms = 5000, .use_proxy_env = true };
        AUTO(http_close_auto) struct http *h = http_open(&o, &e);
        unsetenv("HTTPS_PROXY");
        struct heard heard = { .transfer = { next }, .url = "https://registry.example/v2/" };
        struct http_transfer *all[] = { &heard.transfer };
        assert_true(http_run_all(h, all, 1, 1, &e));
        expect_failure(i, &heard.failure, "", "check that the proxy is up", false);
        assert_int_equal(fake_count(&f, "\"CONNECT\""), 1);
        fake_stop(&f);
    }
}

static void protocols_before_tls_1_2_are_not_spoken(void **state)
{
    (void)state;
    struct heard h;
    ask(&(struct asked){ .certificate = "\"old_tls\": true", .knows_ca = true }, &h);
    assert_int_equal(h.failure.err.code, ERR_NET);
    assert_true(h.failure.is_lasting);
    assert_non_null(strstr(h.failure.err.hint, "no TLS 1.2 or newer"));
}

static void a_server_without_tls_is_told_so(void **state)
{
    (void)state;
    struct fake f;
    struct err e = { 0 };
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    fake_start(&f, "{\"rules\": [{\"raw\": \"HTTP/1.1 400 no\\r\\n\\r\\n\"}]}");
    struct http_options o = { .stall_timeout_ms = 3000 };
    AUTO(http_close_auto) struct http *h = http_open(&o, &e);
    struct http_request rq = { .method = "GET", .url = fake_urls(&f, 0, "/") };
    assert_false(http_run(h, &rq, &rs, NULL, &e));
    assert_int_equal(e.code, ERR_NET);
    fake_stop(&f);
}

static void addresses_and_names_are_found_in_the_certificate(void **state)
{
    (void)state;
    struct heard h;
    ask(&(struct asked){ .certificate = "", .knows_ca = true }, &h);
    assert_int_equal(h.status, 200);
    ask(&(struct asked){ .certificate = "", .host = "localhost", .knows_ca = true }, &h);
    assert_int_equal(h.status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reason_is_told_with_its_own_hint),
        cmocka_unit_test(a_server_that_wants_a_client_certificate_is_understood),
        cmocka_unit_test(a_proxy_that_lets_nobody_through_is_not_the_server),
        cmocka_unit_test(protocols_before_tls_1_2_are_not_spoken),
        cmocka_unit_test(a_server_without_tls_is_told_so),
        cmocka_unit_test(addresses_and_names_are_found_in_the_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
