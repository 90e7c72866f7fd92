/* Keys of image signers. Elliptic curves are read and used by the code for our own keys; RSA, which that code refuses, is here. */
#include "certs/image_key.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/mem.h"
#include "base/text.h"
#include "certs/crypto.h"
#include "certs/pem.h"
#include "sys/file.h"

#include "base/banned.h"

enum { MAX_DER_BYTES = 4096, RSA_MIN_BITS = 2048, RSA_MAX_BITS = 8192 }; /* verifying with larger ones takes long, and nobody makes them */

struct image_key {
    struct key_public *curve; /* or null */
    EVP_PKEY *rsa;            /* or null */
    struct digest id;
};

/* ---- RSA ---- */

/* An outer sequence with a length of one or two bytes, then rsaEncryption without parameters. */
static bool is_rsa(const uint8_t *der, size_t n)
{
    static const uint8_t algorithm[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00 };
    enum { LONGEST_HEAD = 4 };
    if (n <= LONGEST_HEAD + sizeof algorithm || der[0] != 0x30 || (der[1] != 0x81 && der[1] != 0x82))
        return false;
    return memcmp(der + 2 + (der[1] & 0x7f), algorithm, sizeof algorithm) == 0;
}

/* One key has one text: what the library would write must be what is there. */
static bool is_canonical(EVP_PKEY *pkey, const uint8_t *der, size_t n)
{
    uint8_t *again = NULL;
    int again_n = i2d_PUBKEY(pkey, &again);
    bool is_same = again_n > 0 && (size_t)again_n == n && memcmp(again, der, n) == 0;
    OPENSSL_free(again);
    return is_same;
}

static bool check_rsa(EVP_PKEY *pkey, const uint8_t *der, size_t n, const char *what, struct err *e)
{
    int bits = EVP_PKEY_get_bits(pkey);
    if (bits < RSA_MIN_BITS || bits > RSA_MAX_BITS)
        return err_set(e, ERR_CONFIG, "%s: an RSA key of %d bits, expected %d to %d", what, bits, RSA_MIN_BITS, RSA_MAX_BITS);
    if (!is_canonical(pkey, der, n))
        return err_set(e, ERR_CONFIG, "%s: an RSA key in another form than openssl writes", what);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    bool is_sound = ctx != NULL && EVP_PKEY_public_check(ctx) == 1; /* odd modulus and exponent, no small factors */
    EVP_PKEY_CTX_free(ctx);
    return is_sound || crypto_fail(e, ERR_CONFIG, what);
}

static bool read_rsa(struct image_key *k, const uint8_t *der, size_t n, const char *what, struct err *e)
{
    const uint8_t *at = der;
    k->rsa = d2i_PUBKEY(NULL, &at, (long)n);
    return k->rsa != NULL ? check_rsa(k->rsa, der, n, what, e) : crypto_fail(e, ERR_CONFIG, what);
}

/* ---- elliptic curves ---- */

static bool read_curve(struct image_key *k, const uint8_t *der, size_t n, const char *what, struct err *e)
{
    enum key_type type = KEY_ECDSA_P384;
    bool is_known = key_type_of_der(der, n, &type);
    if (type == KEY_ECDSA_P384)
        return err_set(e, ERR_CONFIG, "%s: holds %s, expected ECDSA P-256, RSA or Ed25519", what,
                       is_known ? "an ECDSA P-384 key" : key_name_of_other(der, n));
    k->curve = key_public_of_der(der, n, what, e);
    return k->curve != NULL;
}

/* ---- both ---- */

/* The two files of cosign are mistaken for each other, and its private key is encrypted in a form of its own. */
static void add_hint(const char *text, size_t n, const char *what, struct err *e)
{
    char label[64];
    pem_first_label(text, n, label);
    if (strcmp(label, "CERTIFICATE") == 0)
        err_hint(e, "its key alone: openssl x509 -in %s -noout -pubkey", what);
    else if (text_ends(label, "PRIVATE KEY"))
        err_hint(e, "a private key stays with who signs; what is wanted here is cosign.pub: cosign public-key --key %s", what);
}

struct image_key *image_key_parse(const char *text, size_t n, const char *what, struct err *e)
{
    uint8_t der[MAX_DER_BYTES];
    size_t der_n;
    if (!pem_decode_one(text, n, "PUBLIC KEY", der, sizeof der, &der_n, what, e)) {
        add_hint(text, n, what, e);
        return NULL;
    }
    AUTO(image_key_free_auto) struct image_key *k = mem_new(sizeof *k);
    if (!(is_rsa(der, der_n) ? read_rsa(k, der, der_n, what, e) : read_curve(k, der, der_n, what, e)))
        return NULL;
    sha256_of(&k->id, der, der_n);
    return TAKE(k);
}

struct image_key *image_key_load(const char *path, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_KEY_FILE_BYTES);
    if (!file_read(path, FILE_NO_LINK | FILE_TRUSTED, LIMIT_KEY_FILE_BYTES, &text, e)) {
        err_as(e, ERR_CONFIG);
        return NULL;
    }
    return image_key_parse(buf_text(&text), text.len, path, e);
}

void image_key_free(struct image_key *k)
{
    if (k == NULL)
        return;
    EVP_PKEY_free(k->rsa);
    key_public_free(k->curve);
    mem_free(k);
}

const struct digest *image_key_id(const struct image_key *k)
{
    return &k->id;
}

static void ctx_auto(EVP_MD_CTX **ctx)
{
    EVP_MD_CTX_free(*ctx);
}

bool image_key_verify(const struct image_key *k, const void *bytes, size_t n, const void *signature, size_t signature_n,
                      enum signature_verdict *out, struct err *e)
{
    *out = SIGNATURE_BAD;
    if (k->curve != NULL)
        return signature_verify(k->curve, bytes, n, signature, signature_n, out, e);
    if (signature_n != (size_t)EVP_PKEY_get_size(k->rsa))
        return true;
    AUTO(ctx_auto) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (ctx == NULL || EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, k->rsa) != 1)
        return crypto_fail(e, ERR_INTERNAL, "RSA");
    if (EVP_DigestVerify(ctx, signature, signature_n, bytes, n) == 1)
        *out = SIGNATURE_GOOD;
    return true;
}
