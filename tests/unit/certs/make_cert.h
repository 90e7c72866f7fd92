/* Certificates for tests, good and bad, made through the crypto library so that every field can be wrong by itself. */
#ifndef TESTS_MAKE_CERT_H
#define TESTS_MAKE_CERT_H

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tests/support/scratch.h"

struct made {
    X509 *cert;
    EVP_PKEY *key;
};

struct wish {
    const char *name;             /* common name */
    const char *kind;             /* "P-256", "ED25519", "RSA1024", "RSA2048"; null: P-256 */
    const char *digest;           /* null: SHA256 */
    const char *constraints;      /* "critical,CA:TRUE"; null: none */
    const char *key_usage;        /* null: none */
    const char *extended;         /* extended key usage; null: none */
    const char *names;            /* subject alternative names; null: none */
    int64_t from;                 /* 0: a day before MADE_NOW */
    int64_t until;                /* 0: a year after */
    const struct made *issuer;    /* null: signs itself */
};

#define MADE_NOW 1800000000LL
#define MADE_DAY 86400LL

static inline EVP_PKEY *made_key(const char *kind)
{
    if (kind == NULL || strcmp(kind, "P-256") == 0)
        return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    if (strncmp(kind, "P-", 2) == 0 || strncmp(kind, "sec", 3) == 0)
        return EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind);
    if (strncmp(kind, "RSA", 3) == 0)
        return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)strtoul(kind + 3, NULL, 10));
    return EVP_PKEY_Q_keygen(NULL, NULL, kind);
}

static inline void made_extension(X509 *cert, int nid, const char *value)
{
    if (value == NULL)
        return;
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    if (x == NULL)
        abort();
    X509_add_ext(cert, x, -1);
    X509_EXTENSION_free(x);
}

static inline struct made made_cert(struct wish w)
{
    static long serial = 1;
    struct made m = { X509_new(), made_key(w.kind) };
    X509_NAME *subject = X509_get_subject_name(m.cert);
    X509_set_version(m.cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(m.cert), serial++);
    ASN1_TIME_set(X509_getm_notBefore(m.cert), (time_t)(w.from != 0 ? w.from : MADE_NOW - MADE_DAY));
    ASN1_TIME_set(X509_getm_notAfter(m.cert), (time_t)(w.until != 0 ? w.until : MADE_NOW + 365 * MADE_DAY));
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)w.name, -1, -1, 0);
    X509_set_issuer_name(m.cert, w.issuer != NULL ? X509_get_subject_name(w.issuer->cert) : subject);
    X509_set_pubkey(m.cert, m.key);
    made_extension(m.cert, NID_basic_constraints, w.constraints);
    made_extension(m.cert, NID_key_usage, w.key_usage);
    made_extension(m.cert, NID_ext_key_usage, w.extended);
    made_extension(m.cert, NID_subject_alt_name, w.names);
    EVP_PKEY *signer = w.issuer != NULL ? w.issuer->key : m.key;
    const EVP_MD *digest = EVP_PKEY_is_a(signer, "ED25519") ? NULL : EVP_get_digestbyname(w.digest != NULL ? w.digest : "SHA256");
    if (X509_sign(m.cert, signer, digest) == 0)
        abort();
    return m;
}

static inline struct made made_ca(const char *name)
{
    return made_cert((struct wish){ .name = name, .constraints = "critical,CA:TRUE", .key_usage = "critical,keyCertSign,cRLSign" });
}

static inline void made_free(struct made *m)
{
    X509_free(m->cert);
    EVP_PKEY_free(m->key);
}

static inline char *made_taken(BIO *out)
{
    char *p = NULL;
    long n = BIO_get_mem_data(out, &p);
    char *text = mem_text_n(p, (size_t)n);
    BIO_free(out);
    return text;
}

static inline char *made_pem(const struct made *m)
{
    BIO *out = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(out, m->cert);
    return made_taken(out);
}

static inline char *made_key_pem(EVP_PKEY *key)
{
    BIO *out = BIO_new(BIO_s_mem());
    PEM_write_bio_PKCS8PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
    return made_taken(out);
}

static inline char *made_public_pem(EVP_PKEY *key)
{
    BIO *out = BIO_new(BIO_s_mem());
    PEM_write_bio_PUBKEY(out, key);
    return made_taken(out);
}

#endif
