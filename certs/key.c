/* Public keys. The DER text of each accepted type begins with fixed bytes and has a fixed length, so a key is compared
 * with a table before the crypto library sees it; what is refused is named by its algorithm's OID. */
#include "certs/key.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "certs/crypto.h"
#include "certs/pem.h"
#include "sys/file.h"

#include "base/banned.h"

enum { MAX_DER_BYTES = 4096, ED25519_BYTES = 32 };

struct key_public {
    enum key_type type;
    struct digest id;
    EVP_PKEY *pkey;
    char *pem;
};

static const struct {
    const char *name;
    size_t der_bytes;
    size_t head_bytes;
    uint8_t head[32]; /* SubjectPublicKeyInfo up to the key itself; for curves with the 04 of an uncompressed point */
} types[N_KEY_TYPES] = {
    [KEY_ED25519] = { "ed25519", 44, 12, { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 } },
    [KEY_ECDSA_P256] = { "ecdsa-p256", 91, 27,
                         { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                           0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04 } },
    [KEY_ECDSA_P384] = { "ecdsa-p384", 120, 24,
                         { 0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
                           0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04 } },
};

/* Algorithms that people have keys of. Each is the DER of an OID. */
static const struct {
    const char *name;
    size_t n;
    uint8_t oid[12];
} others[] = {
    { "an RSA key", 11, { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 } },
    { "an RSA-PSS key", 11, { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a } },
    { "an X25519 key", 5, { 0x06, 0x03, 0x2b, 0x65, 0x6e } },
    { "an X448 key", 5, { 0x06, 0x03, 0x2b, 0x65, 0x6f } },
    { "an Ed448 key", 5, { 0x06, 0x03, 0x2b, 0x65, 0x71 } },
    { "a DSA key", 9, { 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01 } },
    { "an elliptic curve key of another curve or form", 9, { 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 } },
};

/* y coordinates of the points of order 1, 2, 4 and 8: a signature by such a "key" can be made by anybody. */
static const uint8_t small_order[][ED25519_BYTES] = {
    { 0 },
    { 1 },
    { 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
      0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05 },
    { 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
      0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a },
    { 0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
};

const char *key_type_name(enum key_type type)
{
    return types[type].name;
}

bool key_type_parse(enum key_type *out, const char *text, struct err *e)
{
    for (unsigned i = 0; i < N_KEY_TYPES; i++)
        if (text_is(text, types[i].name)) {
            *out = (enum key_type)i;
            return true;
        }
    return err_set(e, ERR_USAGE, "key type %s: expected ed25519, ecdsa-p256 or ecdsa-p384", SHOWN(text));
}

/* ---- what is refused ---- */

bool key_type_of_der(const uint8_t *der, size_t n, enum key_type *out)
{
    for (unsigned i = 0; i < N_KEY_TYPES; i++)
        if (n == types[i].der_bytes && memcmp(der, types[i].head, types[i].head_bytes) == 0) {
            *out = (enum key_type)i;
            return true;
        }
    return false;
}

const char *key_name_of_other(const uint8_t *der, size_t n)
{
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (memmem(der, n < 40 ? n : 40, others[i].oid, others[i].n) != NULL)
            return others[i].name;
    return "a key of an unknown kind";
}

static bool refuse_type(const uint8_t *der, size_t n, const char *what, struct err *e)
{
    err_set(e, ERR_CONFIG, "%s: holds %s, expected Ed25519, ECDSA P-256 or ECDSA P-384", what, key_name_of_other(der, n));
    return err_hint(e, "archon-bundle keygen NAME makes a pair of keys");
}

/* True when the 255 bits of y are p = 2^255 - 19 or more: a second text of a point that has one already. */
static bool is_over_the_field(const uint8_t y[ED25519_BYTES])
{
    for (size_t i = 1; i < ED25519_BYTES - 1; i++)
        if (y[i] != 0xff)
            return false;
    return y[ED25519_BYTES - 1] == 0x7f && y[0] >= 0xed;
}

static bool check_ed25519(const uint8_t *point, const char *what, struct err *e)
{
    uint8_t y[ED25519_BYTES];
    memcpy(y, point, sizeof y);
    y[ED25519_BYTES - 1] &= 0x7f; /* the top bit is the sign of x */
    bool is_weak = is_over_the_field(y);
    for (size_t i = 0; i < ARRAY_LEN(small_order); i++)
        is_weak = is_weak || memcmp(y, small_order[i], sizeof y) == 0;
    return !is_weak || err_set(e, ERR_CONFIG, "%s: not a usable Ed25519 key: the point has a small order or a second form", what);
}

/* Curve points must be on their curve; Ed25519 ones that are not can never verify anything. */
static bool check_point(EVP_PKEY *pkey, const char *what, struct err *e)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    bool is_on_curve = ctx != NULL && EVP_PKEY_public_check(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    return is_on_curve || crypto_fail(e, ERR_CONFIG, what);
}

/* ---- making ---- */

static EVP_PKEY *pkey_of(enum key_type type, const uint8_t *der, size_t n)
{
    if (type == KEY_ED25519)
        return EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, der + types[type].head_bytes, ED25519_BYTES);
    return d2i_PUBKEY(NULL, &der, (long)n);
}

struct key_public *key_public_of_der(const uint8_t *der, size_t n, const char *what, struct err *e)
{
    enum key_type type;
    if (!key_type_of_der(der, n, &type)) {
        refuse_type(der, n, what, e);
        return NULL;
    }
    if (type == KEY_ED25519 && !check_ed25519(der + types[type].head_bytes, what, e))
        return NULL;
    AUTO(key_public_free_auto) struct key_public *k = mem_new(sizeof *k);
    k->type = type;
    k->pkey = pkey_of(type, der, n);
    if (k->pkey == NULL) {
        crypto_fail(e, ERR_CONFIG, what);
        return NULL;
    }
    if (!check_point(k->pkey, what, e))
        return NULL;
    sha256_of(&k->id, der, n);
    struct buf pem = BUF_LIMIT(MAX_DER_BYTES);
    pem_encode(&pem, "PUBLIC KEY", der, n);
    k->pem = buf_take(&pem);
    return TAKE(k);
}

/* A wrong file of a known kind deserves more than "expected a PUBLIC KEY block". */
static void add_hint(const char *text, size_t n, const char *what, struct err *e)
{
    char label[64];
    pem_first_label(text, n, label);
    if (strcmp(label, "CERTIFICATE") == 0)
        err_hint(e, "openssl x509 -in %s -noout -pubkey", what);
    else if (text_ends(label, "PRIVATE KEY"))
        err_hint(e, "a private key stays with who signs; its public part: openssl pkey -in %s -pubout", what);
}

struct key_public *key_public_parse(const char *text, size_t n, const char *what, struct err *e)
{
    uint8_t der[MAX_DER_BYTES];
    size_t der_n;
    if (!pem_decode_one(text, n, "PUBLIC KEY", der, sizeof der, &der_n, what, e)) {
        add_hint(text, n, what, e);
        return NULL;
    }
    return key_public_of_der(der, der_n, what, e);
}

struct key_public *key_public_load(const char *path, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_KEY_FILE_BYTES);
    if (!file_read(path, FILE_NO_LINK | FILE_TRUSTED, LIMIT_KEY_FILE_BYTES, &text, e)) {
        err_as(e, ERR_CONFIG);
        return NULL;
    }
    return key_public_parse(buf_text(&text), text.len, path, e);
}

void key_public_free(struct key_public *k)
{
    if (k == NULL)
        return;
    EVP_PKEY_free(k->pkey);
    mem_free(k->pem);
    mem_free(k);
}

const struct digest *key_public_id(const struct key_public *k)
{
    return &k->id;
}

enum key_type key_public_type(const struct key_public *k)
{
    return k->type;
}

const char *key_public_pem(const struct key_public *k)
{
    return k->pem;
}

struct evp_pkey_st *key_public_pkey(const struct key_public *k)
{
    return k->pkey;
}
