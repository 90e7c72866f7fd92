/* Signatures, made and verified through EVP with the message in one piece: manifests are small by design. */
#include "certs/signature.h"

#include <string.h>

#include <openssl/evp.h>

#include "certs/crypto.h"

#include "base/banned.h"

enum { ED25519_SIGNATURE_BYTES = 64 };

static const struct {
    const char *prefix;
    const char *name;
} domains[N_SIGNATURE_DOMAINS] = {
    [SIGNATURE_MANIFEST] = { "{\"archon_bundle\":1,", "a bundle manifest" },
    [SIGNATURE_TRUST_UPDATE] = { "{\"archon_trust\":1,", "a trust update" },
    [SIGNATURE_RECEIPT] = { "{\"archon_receipt\":1,", "a receipt" },
};

static bool begins_like(unsigned domain, const void *bytes, size_t n)
{
    size_t prefix_n = strlen(domains[domain].prefix);
    return n >= prefix_n && memcmp(bytes, domains[domain].prefix, prefix_n) == 0;
}

bool signature_domain_check(enum signature_domain domain, const void *bytes, size_t n, struct err *e)
{
    if (n > LIMIT_MANIFEST_BYTES)
        return err_set(e, ERR_FORMAT, "%s: %zu bytes, at most %llu", domains[domain].name, n,
                       (unsigned long long)LIMIT_MANIFEST_BYTES);
    if (begins_like(domain, bytes, n))
        return true;
    for (unsigned i = 0; i < N_SIGNATURE_DOMAINS; i++)
        if (begins_like(i, bytes, n))
            return err_set(e, ERR_TRUST, "wrong document type: is %s, expected %s", domains[i].name, domains[domain].name);
    return err_set(e, ERR_FORMAT, "wrong document type: does not begin like %s", domains[domain].name);
}

static const EVP_MD *digest_of(enum key_type type)
{
    return type == KEY_ED25519 ? NULL : type == KEY_ECDSA_P256 ? EVP_sha256() : EVP_sha384();
}

static void ctx_auto(EVP_MD_CTX **ctx)
{
    EVP_MD_CTX_free(*ctx);
}

bool signature_verify(const struct key_public *k, const void *bytes, size_t n, const void *signature, size_t signature_n,
                      enum signature_verdict *out, struct err *e)
{
    *out = SIGNATURE_BAD;
    enum key_type type = key_public_type(k);
    if (signature_n == 0 || signature_n > LIMIT_SIGNATURE_BYTES)
        return true;
    if (type == KEY_ED25519 && signature_n != ED25519_SIGNATURE_BYTES)
        return true;
    AUTO(ctx_auto) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (ctx == NULL || EVP_DigestVerifyInit(ctx, NULL, digest_of(type), NULL, key_public_pkey(k)) != 1)
        return crypto_fail(e, ERR_INTERNAL, key_type_name(type));
    /* 0 is a wrong signature, below 0 a malformed one or trouble: only 1 is good. */
    if (EVP_DigestVerify(ctx, signature, signature_n, bytes, n) == 1)
        *out = SIGNATURE_GOOD;
    return true;
}

static bool sign(const struct key_private *k, const void *bytes, size_t n, struct signature *out, struct err *e)
{
    enum key_type type = key_public_type(key_private_public(k));
    AUTO(ctx_auto) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    out->n = sizeof out->bytes;
    if (ctx == NULL || EVP_DigestSignInit(ctx, NULL, digest_of(type), NULL, key_private_pkey(k)) != 1 ||
        EVP_DigestSign(ctx, out->bytes, &out->n, bytes, n) != 1)
        return crypto_fail(e, ERR_INTERNAL, key_type_name(type));
    return true;
}

bool signature_make(const struct key_private *k, enum signature_domain domain, const void *bytes, size_t n,
                    struct signature *out, struct err *e)
{
    enum signature_verdict verdict = SIGNATURE_BAD;
    *out = (struct signature){ .n = 0 };
    if (!signature_domain_check(domain, bytes, n, e) || !sign(k, bytes, n, out, e) ||
        !signature_verify(key_private_public(k), bytes, n, out->bytes, out->n, &verdict, e))
        return false;
    return verdict == SIGNATURE_GOOD || err_set(e, ERR_INTERNAL, "the new signature does not verify");
}
