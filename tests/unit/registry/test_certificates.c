/* Client certificates and authorities of one registry: who is shown what. The server notes the name of the certificate it was given. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/text.h"
#include "registry/manifests.h"
#include "sys/proc.h"
#include "tests/support/fake.h"
#include "tests/support/scratch.h"

#include "base/banned.h"

#define MANIFEST "{\\\"schemaVersion\\\":2,\\\"mediaType\\\":\\\"application/vnd.oci.image.index.v1+json\\\",\\\"manifests\\\":[]}"
#define OK "\"headers\": [[\"Content-Type\", \"application/vnd.oci.image.index.v1+json\"]], \"body\": \"" MANIFEST "\""

/* The pair as files of the mode that keys must have. */
struct pair {
    char cert[300], key[300], ca[300];
};

static struct pair take_pair(struct fake *f)
{
    struct pair p;
    snprintf(p.cert, sizeof p.cert, "%s", fake_path(f, "client.pem"));
    snprintf(p.key, sizeof p.key, "%s", fake_path(f, "client.key"));
    snprintf(p.ca, sizeof p.ca, "%s", fake_path(f, "ca.pem"));
    assert_int_equal(chmod(p.key, 0600), 0);
    assert_int_equal(chmod(p.cert, 0644), 0);
    assert_int_equal(chmod(p.ca, 0644), 0);
    return p;
}

static bool fetch(const struct registry_options *options, struct fake *f, int port, struct err *e)
{
    struct registry_options o = *options;
    o.tries = UINT_MAX;
    AUTO(registry_free_auto) struct registry *r = registry_open(&o, e);
    struct ref ref = { .repository = "app", .tag = "1" };
    snprintf(ref.host, sizeof ref.host, "127.0.0.1:%u", f->ports[port]);
    AUTO(registry_document_clear_auto) struct registry_document d = { 0 };
    return r != NULL && registry_manifest(r, &ref, NULL, &d, e);
}

static void expect_good(const struct registry_options *o, struct fake *f, int port)
{
    struct err e = { 0 };
    if (!fetch(o, f, port, &e))
        fail_msg("%s\n%s", e.msg, fake_log(f));
}

static int requests_shown_a_certificate(struct fake *f, int port)
{
    char text[64];
    snprintf(text, sizeof text, "\"port\": %d, \"client\": \"builder\"", port);
    return fake_count(f, text);
}

static int requests(struct fake *f, int port)
{
    char text[64];
    snprintf(text, sizeof text, "\"port\": %d,", port);
    return fake_count(f, text);
}

static void the_registry_sees_the_certificate_and_where_it_redirects_does_not(void **state)
{
    (void)state;
    struct fake f;
    fake_start(&f, "{\"ports\": 2, \"tls\": [0, 1], \"ask_client\": true, \"rules\": [{\"port\": 0, \"path\": \"/v2/app/manifests/1\", \"status\": 307,"
                   "\"headers\": [[\"Location\", \"https://127.0.0.1:{port1}/x\"]]}, {\"port\": 1, " OK "}, {\"path\": \"/v2/\"}]}");
    struct pair p = take_pair(&f);
    struct registry_options o = { .ca_file = p.ca, .client_cert = p.cert, .client_key = p.key };
    expect_good(&o, &f, 0);
    assert_int_equal(requests(&f, 1), 1);
    assert_int_equal(requests_shown_a_certificate(&f, 1), 0);
    assert_true(requests(&f, 0) > 0);
    assert_int_equal(requests_shown_a_certificate(&f, 0), requests(&f, 0));
    fake_stop(&f);
}

static void a_token_server_sees_it_only_on_the_registrys_own_origin(void **state)
{
    (void)state;
    static const char script[] =
        "{\"ports\": 2, \"tls\": [0, 1], \"ask_client\": true, \"rules\": [{\"path\": \"/v2/\"}, {\"has\": \"Authorization: Bearer t1\", " OK "},"
        "{\"path\": \"/t?scope=repository%%3Aapp%%3Apull\", \"body\": \"{\\\"token\\\": \\\"t1\\\"}\"},"
        "{\"port\": 0, \"status\": 401, \"headers\": [[\"WWW-Authenticate\", \"Bearer realm=\\\"https://127.0.0.1:{port%d}/t\\\"\"]]}]}";
    for (int port = 0; port < 2; port++) {
        struct fake f;
        AUTO(mem_auto) char *text = mem_format(script, port);
        fake_start(&f, text);
        struct pair p = take_pair(&f);
        struct registry_options o = { .ca_file = p.ca, .client_cert = p.cert, .client_key = p.key };
        expect_good(&o, &f, 0);
        assert_int_equal(requests(&f, 1), port);
        assert_int_equal(requests_shown_a_certificate(&f, 1), 0);
        assert_int_equal(requests_shown_a_certificate(&f, 0), requests(&f, 0));
        fake_stop(&f);
    }
}

static void copy_into(struct scratch *s, const char *from, const char *folder, const char *name, mode_t mode)
{
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf bytes = BUF_LIMIT(LIMIT_CA_FILE_BYTES);
    AUTO(mem_auto) char *to = mem_format("%s/%s", folder, name);
    assert_true(path_make_dirs(scratch_at(s, folder), 0755, &e));
    assert_true(file_read(from, FILE_PLAIN, LIMIT_CA_FILE_BYTES, &bytes, &e));
    scratch_file(s, to, bytes.data, bytes.len, mode);
}

static void folders_of_docker_and_podman_count_for_their_registry_only(void **state)
{
    struct scratch *s = *state;
    struct fake f;
    fake_start(&f, "{\"ports\": 2, \"tls\": [0, 1], \"ask_client\": true, \"rules\": [{" OK "}]}");
    struct pair p = take_pair(&f);
    char folder[64];
    const char *folders[] = { "/nonexistent/certs.d", s->dir, NULL };
    struct registry_options o = { .certs_folders = folders };
    snprintf(folder, sizeof folder, "127.0.0.1:%u", f.ports[0]);
    struct err e = { 0 };
    assert_false(fetch(&o, &f, 0, &e));
    assert_int_equal(e.code, ERR_NET);
    copy_into(s, p.ca, folder, "company.crt", 0644);
    expect_good(&o, &f, 0);
    assert_int_equal(requests_shown_a_certificate(&f, 0), 0);
    copy_into(s, p.cert, folder, "client.cert", 0644);
    expect_good(&o, &f, 0); /* its key is not there: not used */
    assert_int_equal(requests_shown_a_certificate(&f, 0), 0);
    copy_into(s, p.key, folder, "client.key", 0600);
    expect_good(&o, &f, 0);
    assert_true(requests_shown_a_certificate(&f, 0) > 0);
    struct err other = { 0 };
    assert_false(fetch(&o, &f, 1, &other)); /* another port is another registry */
    assert_int_equal(other.code, ERR_NET);
    assert_int_equal(requests(&f, 1), 0);
    fake_stop(&f);
}

static void refuses(const struct registry_options *o, struct fake *f, const char *part)
{
    struct err e = { 0 };
    assert_false(fetch(o, f, 0, &e));
    if (e.code != ERR_CONFIG || strstr(e.msg, part) == NULL)
        fail_msg("%s: %s, expected %s", err_name(e.code), e.msg, part);
}

static void openssl(const char *a, const char *b, const char *c, const char *d, const char *e, const char *f, const char *g)
{
    const char *argv[] = { "openssl", a, b, c, d, e, f, g, NULL };
    struct proc_spec spec = { .argv = argv };
    struct proc_result result;
    struct err err = { 0 };
    assert_true(proc_run(&spec, &result, &err) && result.status == 0);
}

static void keys_that_others_may_read_or_that_do_not_fit_are_refused(void **state)
{
    struct scratch *s = *state;
    struct fake f;
    fake_start(&f, "{\"ports\": 1, \"tls\": [0], \"ask_client\": true, \"rules\": [{" OK "}]}");
    struct pair p = take_pair(&f);
    struct registry_options o = { .ca_file = p.ca, .client_cert = p.cert, .client_key = p.key };
    assert_int_equal(chmod(p.key, 0640), 0);
    refuses(&o, &f, "client.key");
    assert_int_equal(chmod(p.key, 0600), 0);
    o.client_key = p.cert;
    assert_int_equal(chmod(p.cert, 0600), 0);
    refuses(&o, &f, "holds no PEM private key");
    o.client_key = p.key;
    o.client_cert = p.key;
    refuses(&o, &f, "holds no PEM certificate");
    o.client_cert = p.cert;
    o.client_key = "/nonexistent/client.key";
    refuses(&o, &f, "/nonexistent/client.key");
    AUTO(mem_auto) char *other_key = mem_text(scratch_at(s, "other.key"));
    AUTO(mem_auto) char *locked_key = mem_text(scratch_at(s, "locked.key"));
    openssl("genpkey", "-algorithm", "ed25519", "-out", other_key, NULL, NULL);
    openssl("pkey", "-aes256", "--passout=pass:x", "-in", p.key, "-out", locked_key);
    assert_int_equal(chmod(other_key, 0600) | chmod(locked_key, 0600), 0);
    o.client_key = locked_key;
    refuses(&o, &f, "the key is encrypted");
    o.client_key = other_key;
    refuses(&o, &f, "127.0.0.1");
    assert_int_equal(requests(&f, 0), 0);
    fake_stop(&f);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_registry_sees_the_certificate_and_where_it_redirects_does_not),
        TEST(a_token_server_sees_it_only_on_the_registrys_own_origin),
        TEST(folders_of_docker_and_podman_count_for_their_registry_only),
        TEST(keys_that_others_may_read_or_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
