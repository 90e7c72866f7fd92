/* The site's CA file and the server's certificate: each row of the hostile table once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "certs/ca.h"
#include "tests/support/scratch.h"
#include "tests/unit/certs/make_cert.h"

/* ---- the CA file ---- */

static void expect_ca_refused(const char *path, const char *words)
{
    struct err e = { 0 };
    struct ca_bundle *b = ca_bundle_load(path, MADE_NOW, &e);
    if (b != NULL)
        fail_msg("accepted %s, expected \"%s\"", path, words);
    assert_int_equal(e.code, ERR_CONFIG);
    if (strncmp(e.msg, "CA file", 7) != 0 || strstr(e.msg, words) == NULL)
        fail_msg("\"%s\" has no \"%s\"", e.msg, words);
}

static void expect_ca_text_refused(struct scratch *s, const char *text, const char *words)
{
    expect_ca_refused(scratch_text(s, "ca.pem", text, 0644), words);
}

static void expect_ca_cert_refused(struct scratch *s, struct wish w, const char *words)
{
    struct made m = made_cert(w);
    AUTO(mem_auto) char *pem = made_pem(&m);
    made_free(&m);
    expect_ca_text_refused(s, pem, words);
}

static void a_good_file_is_normalised(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    struct made a = made_ca("Site CA");
    struct made b = made_cert((struct wish){ .name = "Ed CA", .kind = "ED25519", .constraints = "CA:TRUE" });
    AUTO(mem_auto) char *a_pem = made_pem(&a);
    AUTO(mem_auto) char *b_pem = made_pem(&b);
    made_free(&a);
    made_free(&b);
    AUTO(mem_auto) char *text = mem_format("# our root\r\n%s\nsubject=x\n%s%s", a_pem, b_pem, a_pem);
    AUTO(mem_auto) char *expected = mem_format("%s%s", a_pem, b_pem);
    AUTO(ca_bundle_free_auto) struct ca_bundle *ca = ca_bundle_load(scratch_text(s, "ca.pem", text, 0644), MADE_NOW, &e);
    assert_non_null(ca);
    assert_string_equal(ca_bundle_pem(ca), expected);
    assert_int_equal(ca_bundle_count(ca), 2);
    assert_string_equal(ca_bundle_at(ca, 0)->subject, "CN=Site CA");
    assert_int_equal(ca_bundle_at(ca, 0)->not_after, MADE_NOW + 365 * MADE_DAY);
}

static void windows_line_ends_are_accepted(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct made a = made_ca("Site CA");
    AUTO(mem_auto) char *pem = made_pem(&a);
    made_free(&a);
    struct buf text = BUF_LIMIT(10000);
    for (const char *p = pem; *p != '\0'; p++)
        buf_add(&text, *p == '\n' ? "\r\n" : p, *p == '\n' ? 2 : 1);
    AUTO(ca_bundle_free_auto) struct ca_bundle *ca = ca_bundle_parse(buf_text(&text), text.len, "ca", MADE_NOW, &e);
    buf_clear(&text);
    assert_non_null(ca);
    assert_string_equal(ca_bundle_pem(ca), pem);
}

static void refuses_what_is_no_file_without_hanging(void **state)
{
    struct scratch *s = *state;
    expect_ca_refused(scratch_at(s, "none"), "No such file");
    expect_ca_refused("/dev/null", "is a device");
    expect_ca_refused(s->dir, "is a directory");
    assert_int_equal(mkfifo(scratch_at(s, "fifo"), 0600), 0);
    expect_ca_refused(s->path, "is a pipe");
    expect_ca_text_refused(s, "", "no certificate in it");
    int fd = open(scratch_at(s, "big"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(fd, 100 << 20), 0);
    close(fd);
    expect_ca_refused(s->path, "at most 1048576");
}

static void refuses_what_holds_no_ca(void **state)
{
    struct scratch *s = *state;
    struct made ca = made_ca("x");
    unsigned char *der = NULL;
    int der_n = i2d_X509(ca.cert, &der);
    expect_ca_refused(scratch_file(s, "ca.der", der, (size_t)der_n, 0644), "not DER");
    OPENSSL_free(der);
    AUTO(mem_auto) char *pem = made_pem(&ca);
    AUTO(mem_auto) char *key = made_key_pem(ca.key);
    made_free(&ca);
    AUTO(mem_auto) char *with_key = mem_format("%s%s", pem, key);
    AUTO(mem_auto) char *cut = mem_text_n(pem, strlen(pem) - 40);
    AUTO(mem_auto) char *almost = mem_format("%s-----BEGIN CERTIFICATE----\nAAAA\n-----END CERTIFICATE-----\n", pem);
    expect_ca_text_refused(s, with_key, "has a private key in it");
    expect_ca_text_refused(s, "just text\n", "no certificate in it");
    expect_ca_text_refused(s, cut, "damaged");
    expect_ca_text_refused(s, almost, "ca.pem");
    expect_ca_text_refused(s, "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "not a certificate inside");
    expect_ca_text_refused(s, "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n", "has a X509 CRL");
    expect_ca_cert_refused(s, (struct wish){ .name = "leaf", .names = "DNS:x" }, "CA:TRUE is missing");
    expect_ca_cert_refused(s, (struct wish){ .name = "leaf", .constraints = "CA:FALSE" }, "CA:TRUE is missing");
    expect_ca_cert_refused(s, (struct wish){ .name = "x", .constraints = "CA:TRUE", .key_usage = "digitalSignature" }, "key usage");
}

static void refuses_dates_and_weak_keys(void **state)
{
    struct scratch *s = *state;
    expect_ca_cert_refused(s, (struct wish){ .name = "x", .constraints = "CA:TRUE", .until = MADE_NOW - 1 }, "expired on 2027-");
    expect_ca_cert_refused(s, (struct wish){ .name = "x", .constraints = "CA:TRUE", .from = MADE_NOW + 1 }, "is not valid before");
    expect_ca_cert_refused(s, (struct wish){ .name = "x", .kind = "RSA2048", .constraints = "CA:TRUE", .digest = "MD5" }, "signed with MD5");
    expect_ca_cert_refused(s, (struct wish){ .name = "x", .constraints = "CA:TRUE", .digest = "SHA1" }, "signed with SHA1");
    expect_ca_cert_refused(s, (struct wish){ .name = "x", .constraints = "CA:TRUE", .kind = "RSA1024" }, "RSA key of 1024 bits");
    expect_ca_cert_refused(s, (struct wish){ .name = "x", .constraints = "CA:TRUE", .kind = "secp224r1" }, "curve of 224 bits");
}

static void one_bad_certificate_spoils_the_file(void **state)
{
    struct scratch *s = *state;
    struct made good = made_ca("good");
    struct made leaf = made_cert((struct wish){ .name = "leaf" });
    AUTO(mem_auto) char *good_pem = made_pem(&good);
    AUTO(mem_auto) char *leaf_pem = made_pem(&leaf);
    made_free(&good);
    made_free(&leaf);
    AUTO(mem_auto) char *text = mem_format("%s%s", good_pem, leaf_pem);
    expect_ca_text_refused(s, text, "certificate 2 (CN=leaf)");
}

static void names_in_certificates_cannot_paint_the_terminal(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    struct made leaf = made_cert((struct wish){ .name = "\x1b[2Jevil" });
    AUTO(mem_auto) char *pem = made_pem(&leaf);
    made_free(&leaf);
    assert_null(ca_bundle_load(scratch_text(s, "ca.pem", pem, 0644), MADE_NOW, &e));
    assert_null(strchr(e.msg, '\x1b'));
    assert_non_null(strstr(e.msg, "evil"));
}

static void refuses_files_that_others_could_have_placed(void **state)
{
    struct scratch *s = *state;
    struct made ca = made_ca("x");
    AUTO(mem_auto) char *pem = made_pem(&ca);
    made_free(&ca);
    expect_ca_refused(scratch_text(s, "ca.pem", pem, 0646), "others could change it");
    AUTO(mem_auto) char *target = mem_text(scratch_text(s, "good.pem", pem, 0644));
    assert_int_equal(symlink(target, scratch_at(s, "link.pem")), 0);
    expect_ca_refused(s->path, "symbolic link");
    assert_int_equal(mkdir(scratch_at(s, "open"), 0700), 0);
    assert_int_equal(chmod(s->path, 0777), 0);
    expect_ca_refused(scratch_text(s, "open/ca.pem", pem, 0644), "everybody can write to its directory");
    if (geteuid() == 0) {
        scratch_text(s, "ca.pem", pem, 0644);
        assert_int_equal(chown(s->path, 1000, 1000), 0);
        expect_ca_refused(s->path, "belongs to user 1000");
    }
}

static void counts_are_bounded(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct made ca = made_ca("x");
    AUTO(mem_auto) char *pem = made_pem(&ca);
    made_free(&ca);
    struct buf many = BUF_LIMIT(1 << 20);
    for (int i = 0; i < 500; i++)
        buf_adds(&many, pem);
    AUTO(ca_bundle_free_auto) struct ca_bundle *all = ca_bundle_parse(buf_text(&many), many.len, "ca", MADE_NOW, &e);
    assert_non_null(all);
    assert_int_equal(ca_bundle_count(all), 1);
    buf_adds(&many, pem);
    assert_null(ca_bundle_parse(buf_text(&many), many.len, "ca", MADE_NOW, &e));
    assert_non_null(strstr(e.msg, "more than 500"));
    buf_clear(&many);
}

static void roots_are_combined_each_once(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    struct made site = made_ca("site");
    struct made public_root = made_ca("public");
    AUTO(mem_auto) char *site_pem = made_pem(&site);
    AUTO(mem_auto) char *public_pem = made_pem(&public_root);
    made_free(&site);
    made_free(&public_root);
    AUTO(mem_auto) char *roots = mem_format("%s%s%s", public_pem, site_pem, public_pem);
    AUTO(ca_bundle_free_auto) struct ca_bundle *ca = ca_bundle_parse(site_pem, strlen(site_pem), "ca", MADE_NOW, &e);
    AUTO(mem_auto) char *combined = ca_combine(scratch_text(s, "roots.crt", roots, 0644), ca, &e);
    AUTO(mem_auto) char *expected = mem_format("%s%s", site_pem, public_pem);
    assert_string_equal(combined, expected);
    AUTO(mem_auto) char *alone = ca_combine(NULL, ca, &e);
    assert_string_equal(alone, site_pem);
}

static void the_public_roots_of_this_machine_can_be_read(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct made site = made_ca("site");
    AUTO(mem_auto) char *site_pem = made_pem(&site);
    made_free(&site);
    AUTO(ca_bundle_free_auto) struct ca_bundle *ca = ca_bundle_parse(site_pem, strlen(site_pem), "ca", MADE_NOW, &e);
    AUTO(mem_auto) char *combined = ca_combine(ca_public_roots(), ca, &e);
    assert_non_null(combined);
    assert_true(strncmp(combined, site_pem, strlen(site_pem)) == 0);
}

/* ---- the server's certificate ---- */

struct site {
    struct made ca;
    struct made leaf;
    struct ca_bundle *trusted;
    char cert_path[4096];
    char key_path[4096];
};

static void site_free(struct site *site)
{
    made_free(&site->ca);
    made_free(&site->leaf);
    ca_bundle_free(site->trusted);
}

static const struct wish good_leaf = { .name = "ignored", .extended = "serverAuth", .constraints = "CA:FALSE",
                                       .names = "DNS:shop.example,DNS:*.shop.example,IP:10.0.0.1,IP:fd00::1" };

static void site_make(struct site *site, struct scratch *s, struct wish leaf)
{
    struct err e = { 0 };
    site->ca = made_ca("Site CA");
    leaf.issuer = &site->ca;
    site->leaf = made_cert(leaf);
    AUTO(mem_auto) char *ca = made_pem(&site->ca);
    AUTO(mem_auto) char *cert = made_pem(&site->leaf);
    AUTO(mem_auto) char *key = made_key_pem(site->leaf.key);
    site->trusted = ca_bundle_parse(ca, strlen(ca), "ca", MADE_NOW, &e);
    snprintf(site->cert_path, sizeof site->cert_path, "%s", scratch_text(s, "site.crt", cert, 0644));
    snprintf(site->key_path, sizeof site->key_path, "%s", scratch_text(s, "site.key", key, 0600));
}

static struct ca_server_question question(const struct site *site, const char *const *hosts, size_t n)
{
    return (struct ca_server_question){ .cert_path = site->cert_path, .key_path = site->key_path, .ca = site->trusted,
                                        .hosts = hosts, .n_hosts = n, .now = MADE_NOW };
}

static void expect_server_refused(const struct ca_server_question *q, const char *words)
{
    struct err e = { 0 };
    struct ca_server *server = ca_server_load(q, &e);
    if (server != NULL)
        fail_msg("accepted, expected \"%s\"", words);
    assert_int_equal(e.code, ERR_CONFIG);
    if (strstr(e.msg, words) == NULL)
        fail_msg("\"%s\" has no \"%s\"", e.msg, words);
}

static void expect_leaf_refused(struct scratch *s, struct wish leaf, const char *words)
{
    static const char *const hosts[] = { "shop.example" };
    AUTO(site_free) struct site site = { 0 };
    site_make(&site, s, leaf);
    struct ca_server_question q = question(&site, hosts, 1);
    expect_server_refused(&q, words);
}

static void a_good_certificate_is_handed_over(void **state)
{
    struct scratch *s = *state;
    static const char *const hosts[] = { "shop.example", "www.shop.example", "10.0.0.1", "fd00::1" };
    struct err e = { 0 };
    AUTO(site_free) struct site site = { 0 };
    site_make(&site, s, good_leaf);
    struct ca_server_question q = question(&site, hosts, ARRAY_LEN(hosts));
    AUTO(ca_server_free_auto) struct ca_server *server = ca_server_load(&q, &e);
    if (server == NULL)
        fail_msg("%s", e.msg);
    AUTO(mem_auto) char *cert = scratch_content(s, "site.crt");
    assert_string_equal(server->chain_pem, cert);
    assert_string_equal(server->names, "shop.example, *.shop.example, 10.0.0.1, fd00:0:0:0:0:0:0:1");
    assert_non_null(strstr(server->key_pem.bytes, "PRIVATE KEY"));
    assert_int_equal(server->not_after, MADE_NOW + 365 * MADE_DAY);
}

static void every_host_must_be_an_alternative_name(void **state)
{
    struct scratch *s = *state;
    static const char *const wrong[] = { "other.example", "a.b.shop.example", "10.0.0.2", "ignored", "fd00::2", "shop.example.evil" };
    AUTO(site_free) struct site site = { 0 };
    site_make(&site, s, good_leaf);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        const char *const hosts[] = { "shop.example", wrong[i] };
        struct ca_server_question q = question(&site, hosts, 2);
        AUTO(mem_auto) char *words = mem_format("expected %s too", wrong[i]);
        expect_server_refused(&q, words);
    }
    struct wish only_cn = good_leaf;
    only_cn.names = NULL;
    only_cn.name = "shop.example";
    expect_leaf_refused(s, only_cn, "no subject alternative names");
    only_cn.names = "IP:10.0.0.1";
    expect_leaf_refused(s, only_cn, "expected shop.example too");
    struct wish ip_as_name = good_leaf;
    ip_as_name.names = "DNS:10.0.0.1";
    AUTO(site_free) struct site other = { 0 };
    site_make(&other, s, ip_as_name);
    static const char *const address[] = { "10.0.0.1" };
    struct ca_server_question q = question(&other, address, 1);
    expect_server_refused(&q, "expected 10.0.0.1 too");
}

static void refuses_certificates_that_clients_would(void **state)
{
    struct scratch *s = *state;
    struct wish w = good_leaf;
    w.until = MADE_NOW - 10;
    expect_leaf_refused(s, w, "expired on");
    w = good_leaf;
    w.from = MADE_NOW + 10;
    expect_leaf_refused(s, w, "not valid before");
    w = good_leaf;
    w.constraints = "CA:TRUE";
    expect_leaf_refused(s, w, "is a CA certificate");
    w = good_leaf;
    w.extended = "clientAuth";
    expect_leaf_refused(s, w, "not for TLS servers");
    w = good_leaf;
    w.digest = "SHA1";
    expect_leaf_refused(s, w, "signed with SHA1");
    w = good_leaf;
    w.kind = "RSA1024";
    expect_leaf_refused(s, w, "RSA key of 1024 bits");
}

static void the_chain_must_lead_to_a_trusted_root(void **state)
{
    struct scratch *s = *state;
    static const char *const hosts[] = { "shop.example" };
    struct err e = { 0 };
    AUTO(site_free) struct site site = { 0 };
    AUTO(site_free) struct site stranger = { 0 };
    site_make(&stranger, s, good_leaf);
    site_make(&site, s, good_leaf);
    struct ca_server_question q = question(&site, hosts, 1);
    q.ca = stranger.trusted; /* the same name, another key */
    expect_server_refused(&q, "does not lead to the given CA or a public root");
    q.ca = NULL;
    expect_server_refused(&q, "does not lead to");
    q.public_roots = ca_public_roots();
    expect_server_refused(&q, "does not lead to");
    AUTO(mem_auto) char *root = made_pem(&site.ca);
    q.public_roots = scratch_text(s, "roots.crt", root, 0644);
    AUTO(ca_server_free_auto) struct ca_server *server = ca_server_load(&q, &e);
    assert_non_null(server);
}

static void intermediates_are_taken_from_the_file(void **state)
{
    struct scratch *s = *state;
    static const char *const hosts[] = { "shop.example" };
    struct err e = { 0 };
    AUTO(site_free) struct site site = { 0 };
    site_make(&site, s, good_leaf);
    struct made middle = made_cert((struct wish){ .name = "Middle", .constraints = "critical,CA:TRUE", .issuer = &site.ca });
    struct wish w = good_leaf;
    w.issuer = &middle;
    struct made leaf = made_cert(w);
    AUTO(mem_auto) char *leaf_pem = made_pem(&leaf);
    AUTO(mem_auto) char *middle_pem = made_pem(&middle);
    AUTO(mem_auto) char *key = made_key_pem(leaf.key);
    AUTO(mem_auto) char *both = mem_format("%s%s", leaf_pem, middle_pem);
    AUTO(mem_auto) char *swapped = mem_format("%s%s", middle_pem, leaf_pem);
    made_free(&leaf);
    made_free(&middle);
    scratch_text(s, "site.key", key, 0600);
    struct ca_server_question q = question(&site, hosts, 1);
    scratch_text(s, "site.crt", leaf_pem, 0644);
    expect_server_refused(&q, "does not lead to");
    scratch_text(s, "site.crt", swapped, 0644);
    expect_server_refused(&q, "is a CA certificate");
    scratch_text(s, "site.crt", both, 0644);
    AUTO(ca_server_free_auto) struct ca_server *server = ca_server_load(&q, &e);
    if (server == NULL)
        fail_msg("%s", e.msg);
    assert_string_equal(server->chain_pem, both);
}

static void the_whole_chain_must_be_strong(void **state)
{
    struct scratch *s = *state;
    static const char *const hosts[] = { "shop.example" };
    AUTO(site_free) struct site site = { 0 };
    site_make(&site, s, good_leaf);
    struct made middle = made_cert((struct wish){ .name = "Middle", .constraints = "critical,CA:TRUE", .digest = "SHA1", .issuer = &site.ca });
    struct wish w = good_leaf;
    w.issuer = &middle;
    struct made leaf = made_cert(w);
    AUTO(mem_auto) char *leaf_pem = made_pem(&leaf);
    AUTO(mem_auto) char *middle_pem = made_pem(&middle);
    AUTO(mem_auto) char *both = mem_format("%s%s", leaf_pem, middle_pem);
    made_free(&leaf);
    made_free(&middle);
    scratch_text(s, "site.crt", both, 0644);
    struct ca_server_question q = question(&site, hosts, 1);
    expect_server_refused(&q, "too weak");
}

static void the_key_must_be_private_and_belong_to_the_certificate(void **state)
{
    struct scratch *s = *state;
    static const char *const hosts[] = { "shop.example" };
    AUTO(site_free) struct site site = { 0 };
    site_make(&site, s, good_leaf);
    struct ca_server_question q = question(&site, hosts, 1);
    assert_int_equal(chmod(site.key_path, 0644), 0);
    expect_server_refused(&q, "others could read it");
    assert_int_equal(chmod(site.key_path, 0600), 0);
    assert_int_equal(chmod(site.cert_path, 0666), 0);
    expect_server_refused(&q, "others could change it");
    assert_int_equal(chmod(site.cert_path, 0644), 0);
    AUTO(mem_auto) char *wrong = made_key_pem(site.ca.key);
    scratch_text(s, "site.key", wrong, 0600);
    expect_server_refused(&q, "does not belong to the certificate");
    scratch_text(s, "site.key", "text", 0600);
    expect_server_refused(&q, "no private key in it");
    BIO *out = BIO_new(BIO_s_mem());
    PEM_write_bio_PKCS8PrivateKey(out, site.leaf.key, EVP_aes_256_cbc(), "x", 1, NULL, NULL);
    AUTO(mem_auto) char *sealed = made_taken(out);
    scratch_text(s, "site.key", sealed, 0600);
    expect_server_refused(&q, "is encrypted");
    unlink(site.key_path);
    expect_server_refused(&q, "No such file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_good_file_is_normalised),
        cmocka_unit_test(windows_line_ends_are_accepted),
        SCRATCH_TEST(refuses_what_is_no_file_without_hanging),
        SCRATCH_TEST(refuses_what_holds_no_ca),
        SCRATCH_TEST(refuses_dates_and_weak_keys),
        SCRATCH_TEST(one_bad_certificate_spoils_the_file),
        SCRATCH_TEST(names_in_certificates_cannot_paint_the_terminal),
        SCRATCH_TEST(refuses_files_that_others_could_have_placed),
        cmocka_unit_test(counts_are_bounded),
        SCRATCH_TEST(roots_are_combined_each_once),
        cmocka_unit_test(the_public_roots_of_this_machine_can_be_read),
        SCRATCH_TEST(a_good_certificate_is_handed_over),
        SCRATCH_TEST(every_host_must_be_an_alternative_name),
        SCRATCH_TEST(refuses_certificates_that_clients_would),
        SCRATCH_TEST(the_chain_must_lead_to_a_trusted_root),
        SCRATCH_TEST(intermediates_are_taken_from_the_file),
        SCRATCH_TEST(the_whole_chain_must_be_strong),
        SCRATCH_TEST(the_key_must_be_private_and_belong_to_the_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
