/* The site's certificates: given once, kept over releases, a new folder for new content. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "loader/site_tls.h"
#include "tests/support/scratch.h"
#include "tests/unit/certs/make_cert.h"

#define HOST "shop.example"

/* A site with a CA, a certificate, and two releases' directories. */
struct pki {
    struct scratch *scratch;
    char *ca, *certificate, *key;         /* paths */
    char *other_certificate, *other_key;  /* renewed by the same CA */
    char *first, *second;                 /* releases */
};

static char *put(struct scratch *s, const char *name, char *text, mode_t mode)
{
    char *path = mem_text(scratch_text(s, name, text, mode));
    mem_free(text);
    return path;
}

static void make_server(struct pki *p, const struct made *ca, const char *name, char **certificate, char **key)
{
    struct made m = made_cert((struct wish){ .name = HOST, .constraints = "critical,CA:FALSE", .key_usage = "critical,digitalSignature",
                                             .extended = "serverAuth", .names = "DNS:" HOST, .issuer = ca });
    AUTO(mem_auto) char *certificate_name = mem_format("%s.crt", name);
    AUTO(mem_auto) char *key_name = mem_format("%s.key", name);
    *certificate = put(p->scratch, certificate_name, made_pem(&m), 0644);
    *key = put(p->scratch, key_name, made_key_pem(m.key), 0600);
    made_free(&m);
}

static int pki_make(void **state)
{
    struct pki *p = mem_new(sizeof *p);
    void *scratch = NULL;
    int code = scratch_make(&scratch);
    p->scratch = scratch;
    struct made ca = made_ca("Site CA");
    p->ca = put(p->scratch, "ca.pem", made_pem(&ca), 0644);
    make_server(p, &ca, "a", &p->certificate, &p->key);
    make_server(p, &ca, "b", &p->other_certificate, &p->other_key);
    made_free(&ca);
    p->first = mem_text(scratch_at(p->scratch, "1.0.0"));
    p->second = mem_text(scratch_at(p->scratch, "1.1.0"));
    *state = p;
    return code != 0 || mkdir(p->first, 0700) != 0 || mkdir(p->second, 0700) != 0;
}

static int pki_drop(void **state)
{
    struct pki *p = *state;
    void *scratch = p->scratch;
    char *all[] = { p->ca, p->certificate, p->key, p->other_certificate, p->other_key, p->first, p->second };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        mem_free(all[i]);
    mem_free(p);
    return scratch_drop(&scratch);
}

static struct site_tls *read_tls(const struct site_tls_options *o, const char *kept, struct err *e)
{
    return site_tls_read(o, &kept, 1, HOST, MADE_NOW, e);
}

static struct site_tls *good(const struct site_tls_options *o, const char *kept)
{
    struct err e = { 0 };
    struct site_tls *t = read_tls(o, kept, &e);
    if (t == NULL)
        fail_msg("%s", e.msg);
    return t;
}

static void write_good(const struct site_tls *t, const char *dir)
{
    struct err e = { 0 };
    if (!site_tls_write(t, dir, &e))
        fail_msg("%s", e.msg);
}

static bool is_written(const struct site_tls *t, const char *dir)
{
    struct err e = { 0 };
    bool yes = false;
    assert_true(site_tls_is_written(t, dir, &yes, &e));
    return yes;
}

static struct site_tls_options all_of(const struct pki *p)
{
    return (struct site_tls_options){ .ca = p->ca, .certificate = p->certificate, .key = p->key };
}

static char *found(const char *dir, const char *file)
{
    struct err e = { 0 };
    char *path = NULL;
    assert_true(site_tls_find(dir, file, &path, &e));
    return path;
}

static void what_is_given_is_kept_for_the_next_release(void **state)
{
    struct pki *p = *state;
    struct site_tls_options o = all_of(p), none = { 0 };
    AUTO(site_tls_free_auto) struct site_tls *t = good(&o, NULL);
    assert_false(is_written(t, p->first));
    write_good(t, p->first);
    assert_true(is_written(t, p->first));
    AUTO(site_tls_free_auto) struct site_tls *again = good(&none, p->first);
    assert_string_equal(again->folder, t->folder);
    assert_string_equal(again->ca_pem, t->ca_pem);
    assert_string_equal(again->chain_pem, t->chain_pem);
    assert_true(secret_equal(&again->key_pem, &t->key_pem));
    assert_int_equal(again->not_after, MADE_NOW + 365 * MADE_DAY);
    int64_t end = 0;
    struct err e = { 0 };
    assert_true(site_tls_end(p->first, &end, &e));
    assert_int_equal(end, MADE_NOW + 365 * MADE_DAY);
    assert_false(is_written(again, p->second));
}

static void nothing_given_and_nothing_kept_is_nothing(void **state)
{
    struct pki *p = *state;
    struct site_tls_options none = { 0 };
    AUTO(site_tls_free_auto) struct site_tls *t = good(&none, p->first);
    assert_null(t->ca_pem);
    assert_null(t->chain_pem);
    assert_null(site_tls_path(t, p->first, SITE_TLS_CA));
    assert_null(site_tls_path(t, p->first, SITE_TLS_KEY));
    write_good(t, p->first);
    assert_true(is_written(t, p->first));
    assert_null(found(p->first, SITE_TLS_CA));
    assert_null(found(p->first, SITE_TLS_CERTIFICATE));
}

/* A new certificate is a new mount, so that compose restarts what shows it. */
static void the_folder_follows_the_content(void **state)
{
    struct pki *p = *state;
    struct site_tls_options o = all_of(p);
    AUTO(site_tls_free_auto) struct site_tls *t = good(&o, NULL);
    write_good(t, p->first);
    o = (struct site_tls_options){ .certificate = p->other_certificate, .key = p->other_key };
    AUTO(site_tls_free_auto) struct site_tls *renewed = good(&o, p->first);
    assert_string_not_equal(renewed->folder, t->folder);
    assert_string_equal(renewed->ca_pem, t->ca_pem); /* kept */
    assert_false(is_written(renewed, p->first));
    write_good(renewed, p->first);
    assert_true(is_written(renewed, p->first));
    assert_false(is_written(t, p->first));
    AUTO(mem_auto) char *old = mem_format("%s/%s/" SITE_TLS_KEY, p->first, t->folder);
    assert_int_equal(access(old, F_OK), 0); /* containers still mount it */
}

static void the_authority_alone_is_enough(void **state)
{
    struct pki *p = *state;
    struct site_tls_options o = { .ca = p->ca }, none = { 0 };
    AUTO(site_tls_free_auto) struct site_tls *t = good(&o, NULL);
    write_good(t, p->first);
    AUTO(mem_auto) char *ca = found(p->first, SITE_TLS_CA);
    assert_non_null(ca);
    assert_null(found(p->first, SITE_TLS_CERTIFICATE));
    AUTO(site_tls_free_auto) struct site_tls *again = good(&none, p->first);
    assert_string_equal(again->folder, t->folder);
    assert_null(again->chain_pem);
}

static void the_first_release_that_has_it_counts(void **state)
{
    struct pki *p = *state;
    struct site_tls_options o = { .ca = p->ca }, both = all_of(p), none = { 0 };
    struct err e = { 0 };
    AUTO(site_tls_free_auto) struct site_tls *ca_only = good(&o, NULL);
    AUTO(site_tls_free_auto) struct site_tls *whole = good(&both, NULL);
    write_good(ca_only, p->first);
    write_good(whole, p->second);
    const char *kept[] = { NULL, p->first, p->second };
    AUTO(site_tls_free_auto) struct site_tls *t = site_tls_read(&none, kept, ARRAY_LEN(kept), HOST, MADE_NOW, &e);
    assert_non_null(t);
    assert_string_equal(t->folder, whole->folder);
}

static void a_key_is_private_and_a_certificate_is_not(void **state)
{
    struct pki *p = *state;
    struct site_tls_options o = all_of(p);
    struct stat st;
    AUTO(site_tls_free_auto) struct site_tls *t = good(&o, NULL);
    write_good(t, p->first);
    static const struct {
        const char *file;
        mode_t mode;
    } rows[] = { { SITE_TLS_CA, 0644 }, { SITE_TLS_SITE_CA, 0644 }, { SITE_TLS_CERTIFICATE, 0644 }, { SITE_TLS_KEY, 0600 } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem_auto) char *path = site_tls_path(t, p->first, rows[i].file);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, rows[i].mode);
    }
    AUTO(mem_auto) char *folder = mem_format("%s/%s", p->first, t->folder);
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
}

static void a_file_that_is_lost_or_changed_is_written_again(void **state)
{
    struct pki *p = *state;
    struct site_tls_options o = all_of(p);
    AUTO(site_tls_free_auto) struct site_tls *t = good(&o, NULL);
    static const char *const files[] = { SITE_TLS_CA, SITE_TLS_SITE_CA, SITE_TLS_CERTIFICATE, SITE_TLS_KEY };
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        AUTO(mem_auto) char *path = site_tls_path(t, p->first, files[i]);
        write_good(t, p->first);
        assert_int_equal(truncate(path, 10), 0);
        assert_false(is_written(t, p->first));
        write_good(t, p->first);
        assert_int_equal(unlink(path), 0);
        assert_false(is_written(t, p->first));
    }
}

static void refused(const struct site_tls_options *o, const char *kept, int64_t now, const char *words)
{
    struct err e = { 0 };
    assert_null(site_tls_read(o, &kept, 1, HOST, now, &e));
    assert_int_equal(e.code, ERR_CONFIG);
    if (strstr(e.msg, words) == NULL)
        fail_msg("\"%s\" has no \"%s\"", e.msg, words);
}

/* Losing them must not make the next run go on without TLS. */
static void kept_certificates_that_are_lost_are_an_error(void **state)
{
    struct pki *p = *state;
    struct site_tls_options o = all_of(p), none = { 0 };
    AUTO(site_tls_free_auto) struct site_tls *t = good(&o, NULL);
    static const char *const files[] = { SITE_TLS_SITE_CA, SITE_TLS_CERTIFICATE, SITE_TLS_KEY };
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        AUTO(mem_auto) char *path = site_tls_path(t, p->first, files[i]);
        write_good(t, p->first);
        assert_int_equal(unlink(path), 0);
        refused(&none, p->first, MADE_NOW, files[i]);
    }
}

static void kept_certificates_are_checked_again(void **state)
{
    struct pki *p = *state;
    struct site_tls_options o = all_of(p), none = { 0 };
    struct err e = { 0 };
    AUTO(site_tls_free_auto) struct site_tls *t = good(&o, NULL);
    write_good(t, p->first);
    refused(&none, p->first, MADE_NOW + 366 * MADE_DAY, "");
    const char *kept[] = { p->first };
    assert_null(site_tls_read(&none, kept, 1, "other.example", MADE_NOW, &e));
    assert_non_null(strstr(e.msg, "other.example"));
}

static void a_marker_that_is_not_ours_is_refused(void **state)
{
    struct pki *p = *state;
    struct site_tls_options none = { 0 };
    static const char *const bad[] = { "", "tls-", "tls-0123456789a", "tls-0123456789aB", "tls-0123456789ab/..", "tls-0123456789ab certificate ca",
                                       "../../../../etc", "tls-0123456789ab\n", "tls-0123456789ab ca certificate", "tls-0123456789ab certificate -1",
                                       "tls-0123456789ab certificate 99999999999999", "tls-0123456789ab ca certificate 1 more" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        scratch_text(p->scratch, "1.0.0/tls", bad[i], 0600);
        refused(&none, p->first, MADE_NOW, "was not written by archon-load");
    }
    scratch_text(p->scratch, "1.0.0/tls", "tls-0123456789ab", 0666);
    refused(&none, p->first, MADE_NOW, "others could change it");
    scratch_file(p->scratch, "1.0.0/tls", (char[200]){ 0 }, 200, 0600);
    refused(&none, p->first, MADE_NOW, "bytes, at most");
}

static void a_certificate_without_its_key_is_misuse(void **state)
{
    struct pki *p = *state;
    struct site_tls_options o = { .certificate = p->certificate }, k = { .key = p->key };
    struct err e = { 0 };
    assert_null(read_tls(&o, NULL, &e));
    assert_int_equal(e.code, ERR_USAGE);
    e = (struct err){ 0 };
    assert_null(read_tls(&k, NULL, &e));
    assert_int_equal(e.code, ERR_USAGE);
}

#define PKI_TEST(f) cmocka_unit_test_setup_teardown(f, pki_make, pki_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PKI_TEST(what_is_given_is_kept_for_the_next_release),
        PKI_TEST(nothing_given_and_nothing_kept_is_nothing),
        PKI_TEST(the_folder_follows_the_content),
        PKI_TEST(the_authority_alone_is_enough),
        PKI_TEST(the_first_release_that_has_it_counts),
        PKI_TEST(a_key_is_private_and_a_certificate_is_not),
        PKI_TEST(a_file_that_is_lost_or_changed_is_written_again),
        PKI_TEST(kept_certificates_that_are_lost_are_an_error),
        PKI_TEST(kept_certificates_are_checked_again),
        PKI_TEST(a_marker_that_is_not_ours_is_refused),
        PKI_TEST(a_certificate_without_its_key_is_misuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
