/* Keys of image signers: made, and signed with, by the openssl program, as cosign and key services make them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "certs/image_key.h"
#include "certs/pem.h"
#include "sys/proc.h"
#include "tests/support/scratch.h"

static const char DOC[] = "{\"critical\":{\"identity\":{\"docker-reference\":\"registry.example/shop/web\"}}}";
enum { DOC_N = sizeof DOC - 1, SIGNATURE_MAX = 1100 };

static void sh(struct scratch *s, const char *command)
{
    AUTO(mem_auto) char *script = mem_format("set -e; cd %s; %s", s->dir, command);
    const char *const argv[] = { "sh", "-c", script, NULL };
    struct proc_result r;
    struct err e = { 0 };
    assert_true(proc_run(&(struct proc_spec){ .argv = argv }, &r, &e));
    if (r.status != 0)
        fail_msg("%s: status %d", command, r.status);
}

static const struct {
    const char *name, *make, *sign;
} kinds[] = {
    { "p256", "openssl ecparam -name prime256v1 -genkey -noout -out k", "openssl dgst -sha256 -sign k -out sig doc" },
    { "rsa2048", "openssl genrsa -out k 2048", "openssl dgst -sha256 -sign k -out sig doc" },
    { "rsa3072", "openssl genrsa -out k 3072", "openssl dgst -sha256 -sign k -out sig doc" },
    { "ed25519", "openssl genpkey -algorithm ed25519 -out k", "openssl pkeyutl -sign -inkey k -rawin -in doc -out sig" },
};

static struct image_key *load(struct scratch *s, const char *name)
{
    struct err e = { 0 };
    struct image_key *k = image_key_load(scratch_at(s, name), &e);
    if (k == NULL)
        fail_msg("%s", e.msg);
    return k;
}

static bool is_good(const struct image_key *k, const void *text, size_t n, const void *sig, size_t sig_n)
{
    struct err e = { 0 };
    enum signature_verdict v = SIGNATURE_GOOD;
    assert_true(image_key_verify(k, text, n, sig, sig_n, &v, &e));
    return v == SIGNATURE_GOOD;
}

static size_t read_signature(struct scratch *s, uint8_t out[SIGNATURE_MAX])
{
    FILE *f = fopen(scratch_at(s, "sig"), "rb");
    assert_non_null(f);
    size_t n = fread(out, 1, SIGNATURE_MAX, f);
    fclose(f);
    return n;
}

static void make(struct scratch *s, size_t kind)
{
    scratch_text(s, "doc", DOC, 0644);
    sh(s, kinds[kind].make);
    sh(s, "openssl pkey -in k -pubout -out k.pub");
    sh(s, kinds[kind].sign);
}

static void what_openssl_signed_verifies_and_nothing_else(void **state)
{
    struct scratch *s = *state;
    for (size_t kind = 0; kind < ARRAY_LEN(kinds); kind++) {
        uint8_t sig[SIGNATURE_MAX];
        make(s, kind);
        size_t n = read_signature(s, sig);
        AUTO(image_key_free_auto) struct image_key *k = load(s, "k.pub");
        if (!is_good(k, DOC, DOC_N, sig, n))
            fail_msg("%s: a good signature is refused", kinds[kind].name);
        assert_false(is_good(k, DOC, DOC_N - 1, sig, n));
        assert_false(is_good(k, DOC, DOC_N, sig, n - 1));
        assert_false(is_good(k, DOC, DOC_N, sig, n + 1));
        assert_false(is_good(k, DOC, DOC_N, sig, 0));
        sh(s, kinds[kind].make);
        sh(s, "openssl pkey -in k -pubout -out other.pub");
        AUTO(image_key_free_auto) struct image_key *other = load(s, "other.pub");
        assert_false(is_good(other, DOC, DOC_N, sig, n));
        assert_false(digest_equal(image_key_id(k), image_key_id(other)));
    }
}

static void no_flipped_bit_verifies(void **state)
{
    struct scratch *s = *state;
    for (size_t kind = 0; kind < ARRAY_LEN(kinds); kind++) {
        uint8_t sig[SIGNATURE_MAX];
        make(s, kind);
        size_t n = read_signature(s, sig);
        AUTO(image_key_free_auto) struct image_key *k = load(s, "k.pub");
        for (size_t bit = 0; bit < n * 8; bit += 3) {
            sig[bit / 8] = (uint8_t)(sig[bit / 8] ^ 1u << bit % 8);
            assert_false(is_good(k, DOC, DOC_N, sig, n));
            sig[bit / 8] = (uint8_t)(sig[bit / 8] ^ 1u << bit % 8);
        }
        assert_true(is_good(k, DOC, DOC_N, sig, n));
    }
}

/* RSA: another padding or another hash is another scheme. */
static void other_schemes_of_rsa_do_not_verify(void **state)
{
    static const char *const others[] = { "openssl dgst -sha512 -sign k -out sig doc", "openssl dgst -sha1 -sign k -out sig doc",
                                          "openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sign k -out sig doc" };
    struct scratch *s = *state;
    uint8_t sig[SIGNATURE_MAX];
    make(s, 1);
    AUTO(image_key_free_auto) struct image_key *k = load(s, "k.pub");
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        sh(s, others[i]);
        size_t n = read_signature(s, sig);
        assert_false(is_good(k, DOC, DOC_N, sig, n));
    }
}

static void garbage_is_a_bad_signature_and_no_error(void **state)
{
    struct scratch *s = *state;
    uint8_t junk[SIGNATURE_MAX];
    for (size_t kind = 0; kind < ARRAY_LEN(kinds); kind++) {
        make(s, kind);
        AUTO(image_key_free_auto) struct image_key *k = load(s, "k.pub");
        for (size_t n = 0; n < sizeof junk; n += 7) {
            memset(junk, (int)n, sizeof junk);
            junk[0] = 0x30; /* looks like DER */
            junk[1] = (uint8_t)n;
            assert_false(is_good(k, DOC, DOC_N, junk, n));
        }
    }
}

static void refuses(struct scratch *s, const char *name, const char *part, const char *hint)
{
    struct err e = { 0 };
    assert_null(image_key_load(scratch_at(s, name), &e));
    if (e.code != ERR_CONFIG || strstr(e.msg, part) == NULL || strstr(e.hint, hint) == NULL)
        fail_msg("%s: %s / %s (expected %s / %s)", err_name(e.code), e.msg, e.hint, part, hint);
}

static void keys_that_are_weak_or_of_another_kind_are_refused_by_name(void **state)
{
    static const struct {
        const char *make, *part;
    } cases[] = {
        { "openssl genrsa -out k 1024; openssl pkey -in k -pubout -out bad.pub", "an RSA key of 1024 bits, expected 2048 to 8192" },
        { "openssl ecparam -name secp384r1 -genkey -noout -out k; openssl pkey -in k -pubout -out bad.pub", "an ECDSA P-384 key, expected ECDSA P-256, RSA or Ed25519" },
        { "openssl ecparam -name secp256k1 -genkey -noout -out k; openssl pkey -in k -pubout -out bad.pub", "an elliptic curve key of another curve" },
        { "openssl genpkey -algorithm ed448 -out k; openssl pkey -in k -pubout -out bad.pub", "an Ed448 key" },
        { "openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out k; openssl pkey -in k -pubout -out bad.pub", "an RSA-PSS key" },
    };
    struct scratch *s = *state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        sh(s, cases[i].make);
        refuses(s, "bad.pub", cases[i].part, "");
    }
}

static void files_that_are_mistaken_for_the_key_are_named(void **state)
{
    struct scratch *s = *state;
    make(s, 0);
    sh(s, "openssl ec -in k -out private 2>/dev/null; openssl req -x509 -new -key k -subj /CN=x -out cert; cat k.pub k.pub >two; : >empty");
    sh(s, "printf '%s\\n' '-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----' eyJrZGYi '-----END ENCRYPTED SIGSTORE PRIVATE KEY-----' >cosign.key; chmod 600 *");
    refuses(s, "private", "EC PRIVATE KEY", "a private key stays with who signs");
    refuses(s, "cosign.key", "ENCRYPTED SIGSTORE PRIVATE KEY", "cosign public-key --key");
    refuses(s, "cert", "CERTIFICATE", "openssl x509");
    refuses(s, "two", "more than one block", "");
    refuses(s, "empty", "no PEM text", "");
    refuses(s, "missing", "missing", "");
    sh(s, "chmod 666 k.pub");
    refuses(s, "k.pub", "k.pub", "");
}

/* SubjectPublicKeyInfo of an RSA key with a modulus of n bytes, all of them fill but the last. */
static size_t rsa_der(uint8_t *out, size_t n, uint8_t fill, uint8_t last)
{
    static const uint8_t algorithm[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00 };
    static const uint8_t exponent[] = { 0x02, 0x03, 0x01, 0x00, 0x01 };
    const size_t number = n + 1, inner = 4 + number + sizeof exponent, bits = 1 + 4 + inner, all = sizeof algorithm + 4 + bits;
    const struct {
        uint8_t tag;
        size_t length;
    } heads[] = { { 0x30, all }, { 0x03, bits }, { 0x30, inner }, { 0x02, number } };
    size_t at = 0;
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        const uint8_t head[] = { heads[i].tag, 0x82, (uint8_t)(heads[i].length >> 8), (uint8_t)heads[i].length };
        memcpy(out + at, head, sizeof head);
        at += sizeof head;
        if (i == 0) {
            memcpy(out + at, algorithm, sizeof algorithm);
            at += sizeof algorithm;
        }
        if (i == 1 || i == 3)
            out[at++] = 0;
    }
    memset(out + at, fill, n);
    out[at + n - 1] = last;
    memcpy(out + at + n, exponent, sizeof exponent);
    return at + n + sizeof exponent;
}

static void refuses_der(const uint8_t *der, size_t n, const char *part)
{
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf pem = BUF_LIMIT(16384);
    pem_encode(&pem, "PUBLIC KEY", der, n);
    assert_null(image_key_parse(buf_text(&pem), pem.len, "k", &e));
    if (e.code != ERR_CONFIG || strstr(e.msg, part) == NULL)
        fail_msg("%s: %s (expected %s)", err_name(e.code), e.msg, part);
}

static void moduli_that_cost_time_or_are_no_moduli_are_refused(void **state)
{
    uint8_t der[4096];
    (void)state;
    refuses_der(der, rsa_der(der, 2048, 0xff, 0xff), "an RSA key of 16384 bits");
    refuses_der(der, rsa_der(der, 256, 0xff, 0xfe), "k: "); /* even */
    size_t n = rsa_der(der, 256, 0xff, 0xff);
    der[n] = 0;
    refuses_der(der, n + 1, "another form"); /* something after the key */
    refuses_der(der, n - 9, "k: ");
    refuses_der(der, 20, "k: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(what_openssl_signed_verifies_and_nothing_else),
        SCRATCH_TEST(no_flipped_bit_verifies),
        SCRATCH_TEST(other_schemes_of_rsa_do_not_verify),
        SCRATCH_TEST(garbage_is_a_bad_signature_and_no_error),
        SCRATCH_TEST(keys_that_are_weak_or_of_another_kind_are_refused_by_name),
        SCRATCH_TEST(files_that_are_mistaken_for_the_key_are_named),
        cmocka_unit_test(moduli_that_cost_time_or_are_no_moduli_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
