/* Signatures: made, verified, broken in every way, and compared with the openssl program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "certs/signature.h"
#include "sys/proc.h"
#include "tests/support/scratch.h"

static const char DOC[] = "{\"archon_bundle\":1,\"name\":\"shop\"}";
enum { DOC_N = sizeof DOC - 1 };

static struct key_private *new_key(unsigned type)
{
    struct err e = { 0 };
    struct key_private *k = key_private_generate((enum key_type)type, &e);
    assert_non_null(k);
    return k;
}

static struct signature sign(const struct key_private *k, const char *text, size_t n)
{
    struct err e = { 0 };
    struct signature s;
    if (!signature_make(k, SIGNATURE_MANIFEST, text, n, &s, &e))
        fail_msg("%s", e.msg);
    return s;
}

static bool is_good(const struct key_private *k, const void *text, size_t n, const void *sig, size_t sig_n)
{
    struct err e = { 0 };
    enum signature_verdict v = SIGNATURE_GOOD;
    assert_true(signature_verify(key_private_public(k), text, n, sig, sig_n, &v, &e));
    return v == SIGNATURE_GOOD;
}

static void what_is_signed_verifies(void **state)
{
    (void)state;
    for (unsigned type = 0; type < N_KEY_TYPES; type++) {
        AUTO(key_private_free_auto) struct key_private *k = new_key(type);
        AUTO(key_private_free_auto) struct key_private *other = new_key(type);
        struct signature s = sign(k, DOC, DOC_N);
        assert_true(s.n > 0 && s.n <= LIMIT_SIGNATURE_BYTES);
        assert_true(is_good(k, DOC, DOC_N, s.bytes, s.n));
        assert_false(is_good(other, DOC, DOC_N, s.bytes, s.n));
    }
}

static void no_flipped_bit_verifies(void **state)
{
    (void)state;
    for (unsigned type = 0; type < N_KEY_TYPES; type++) {
        AUTO(key_private_free_auto) struct key_private *k = new_key(type);
        struct signature s = sign(k, DOC, DOC_N);
        for (size_t bit = 0; bit < s.n * 8; bit++) {
            struct signature bad = s;
            bad.bytes[bit / 8] = (uint8_t)(bad.bytes[bit / 8] ^ 1u << bit % 8);
            assert_false(is_good(k, DOC, DOC_N, bad.bytes, bad.n));
        }
        for (size_t at = 0; at < DOC_N; at++) {
            char doc[DOC_N];
            memcpy(doc, DOC, DOC_N);
            doc[at] ^= 1;
            assert_false(is_good(k, doc, DOC_N, s.bytes, s.n));
        }
        assert_false(is_good(k, DOC, DOC_N - 1, s.bytes, s.n));
    }
}

static void no_other_length_verifies(void **state)
{
    (void)state;
    for (unsigned type = 0; type < N_KEY_TYPES; type++) {
        AUTO(key_private_free_auto) struct key_private *k = new_key(type);
        struct signature s = sign(k, DOC, DOC_N);
        AUTO(mem_auto) uint8_t *big = mem_new(4096);
        memcpy(big, s.bytes, s.n);
        for (size_t n = 0; n < 200; n++)
            assert_int_equal(is_good(k, DOC, DOC_N, big, n), n == s.n);
        assert_false(is_good(k, DOC, DOC_N, big, 4096));
        memset(big, 0, 4096);
        assert_false(is_good(k, DOC, DOC_N, big, s.n));
        memset(big, 0xff, 4096);
        assert_false(is_good(k, DOC, DOC_N, big, s.n));
    }
}

static void a_key_signs_only_documents_of_its_kind(void **state)
{
    (void)state;
    static const char *const docs[N_SIGNATURE_DOMAINS] = { DOC, "{\"archon_trust\":1,\"version\":1}", "{\"archon_receipt\":1,\"x\":1}" };
    AUTO(key_private_free_auto) struct key_private *k = new_key(KEY_ED25519);
    for (unsigned domain = 0; domain < N_SIGNATURE_DOMAINS; domain++)
        for (unsigned doc = 0; doc < N_SIGNATURE_DOMAINS; doc++) {
            struct err e = { 0 };
            struct signature s;
            bool is_made = signature_make(k, (enum signature_domain)domain, docs[doc], strlen(docs[doc]), &s, &e);
            assert_int_equal(is_made, domain == doc);
            if (domain != doc) {
                assert_int_equal(e.code, ERR_TRUST);
                assert_non_null(strstr(e.msg, "wrong document type"));
                assert_int_equal(s.n, 0);
            }
        }
    static const char *const strange[] = { "", "{", "{\"archon_bundle\":1", "{\"archon_bundle\":2,", " {\"archon_bundle\":1,",
                                           "{ \"archon_bundle\":1,", "{\"archon_bundle\" :1," };
    for (size_t i = 0; i < ARRAY_LEN(strange); i++) {
        struct err e = { 0 };
        assert_false(signature_domain_check(SIGNATURE_MANIFEST, strange[i], strlen(strange[i]), &e));
        assert_int_equal(e.code, ERR_FORMAT);
    }
}

static void a_document_that_is_too_large_is_not_signed(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct signature s;
    size_t n = LIMIT_MANIFEST_BYTES + 1;
    AUTO(mem_auto) char *big = mem_new(n);
    memcpy(big, DOC, DOC_N);
    AUTO(key_private_free_auto) struct key_private *k = new_key(KEY_ED25519);
    assert_false(signature_make(k, SIGNATURE_MANIFEST, big, n, &s, &e));
    assert_int_equal(e.code, ERR_FORMAT);
    e = (struct err){ 0 };
    assert_false(signature_make(k, SIGNATURE_MANIFEST, DOC, (size_t)UINT32_MAX + 2, &s, &e)); /* refused before it is read */
    assert_int_equal(e.code, ERR_FORMAT);
}

/* The commands of the manual. */
static bool openssl_accepts(struct scratch *s, unsigned type)
{
    AUTO(mem_auto) char *script =
        type == KEY_ED25519
            ? mem_format("cd %s && openssl pkeyutl -verify -pubin -inkey k.pub -rawin -in doc -sigfile sig", s->dir)
            : mem_format("cd %s && openssl dgst -%s -verify k.pub -signature sig doc", s->dir, type == KEY_ECDSA_P256 ? "sha256" : "sha384");
    const char *const argv[] = { "sh", "-c", script, NULL };
    struct proc_result r;
    struct err e = { 0 };
    assert_true(proc_run(&(struct proc_spec){ .argv = argv }, &r, &e));
    return r.status == 0;
}

static void the_openssl_program_agrees(void **state)
{
    struct scratch *s = *state;
    for (unsigned type = 0; type < N_KEY_TYPES; type++) {
        AUTO(key_private_free_auto) struct key_private *k = new_key(type);
        struct signature sig = sign(k, DOC, DOC_N);
        scratch_text(s, "k.pub", key_public_pem(key_private_public(k)), 0644);
        scratch_text(s, "doc", DOC, 0644);
        scratch_file(s, "sig", sig.bytes, sig.n, 0644);
        assert_true(openssl_accepts(s, type));
        sig.bytes[sig.n - 1] ^= 1;
        scratch_file(s, "sig", sig.bytes, sig.n, 0644);
        assert_false(openssl_accepts(s, type));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_signed_verifies),
        cmocka_unit_test(no_flipped_bit_verifies),
        cmocka_unit_test(no_other_length_verifies),
        cmocka_unit_test(a_key_signs_only_documents_of_its_kind),
        cmocka_unit_test(a_document_that_is_too_large_is_not_signed),
        SCRATCH_TEST(the_openssl_program_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
