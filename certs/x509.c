/* Certificates: reading PEM files, and the questions that are asked of each certificate. */
#include "certs/x509.h"

#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "certs/crypto.h"
#include "certs/pem.h"
#include "format/date.h"

#include "base/banned.h"

enum { MIN_RSA_BITS = 2048, MIN_CURVE_BITS = 256, MAX_CERT_BYTES = 64 * 1024, MAX_SUBJECT_BYTES = 1000 };

void x509_list_clear(struct x509_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        X509_free(list->items[i]);
    mem_free(list->items);
    *list = (struct x509_list){ 0 };
}

/* ---- reading ---- */

/* One block as the library found it. */
struct block {
    char *label;
    char *header;
    unsigned char *der;
    long n;
};

static void block_clear(struct block *b)
{
    OPENSSL_free(b->label);
    OPENSSL_free(b->header);
    if (b->der != NULL)
        OPENSSL_clear_free(b->der, (size_t)b->n); /* it may have been a key */
    *b = (struct block){ 0 };
}

static bool refuse_block(const char *label, const char *what, struct err *e)
{
    if (text_ends(label, "PRIVATE KEY")) {
        err_set(e, ERR_CONFIG, "%s: has a private key in it, expected certificates only", what);
        return err_hint(e, "take the key out of the file, and treat it as seen by everybody who could read the file");
    }
    return err_set(e, ERR_CONFIG, "%s: has a %s in it, expected CERTIFICATE blocks only", what, SHOWN(label));
}

static bool add_block(struct x509_list *out, const struct block *b, size_t max, const char *what, struct err *e)
{
    const unsigned char *p = b->der;
    if (!text_is(b->label, "CERTIFICATE") || b->header[0] != '\0')
        return refuse_block(b->label, what, e);
    if (out->n >= max)
        return err_set(e, ERR_CONFIG, "%s: more than %zu certificates", what, max);
    if (b->n > MAX_CERT_BYTES)
        return err_set(e, ERR_CONFIG, "%s: certificate %zu: %ld bytes, at most %d", what, out->n + 1, b->n, MAX_CERT_BYTES);
    X509 *cert = d2i_X509(NULL, &p, b->n);
    if (cert == NULL || p != b->der + b->n) {
        X509_free(cert);
        ERR_clear_error();
        return err_set(e, ERR_CONFIG, "%s: certificate %zu: not a certificate inside", what, out->n + 1);
    }
    MEM_PUSH(out->items, out->n, out->cap) = cert;
    return true;
}

/* The library skips what looks almost like a block; counting the beginnings notices. */
static size_t count_blocks(const char *text, size_t n)
{
    static const char begin[] = "-----BEGIN";
    size_t count = 0;
    const char *end = text + n;
    for (const char *p = text; (p = memmem(p, (size_t)(end - p), begin, sizeof begin - 1)) != NULL; p += sizeof begin - 1)
        count++;
    return count;
}

static bool read_blocks(struct x509_list *out, BIO *in, size_t max, const char *what, struct err *e)
{
    for (;;) {
        AUTO(block_clear) struct block b = { 0 };
        if (PEM_read_bio(in, &b.label, &b.header, &b.der, &b.n) == 1) {
            if (!add_block(out, &b, max, what, e))
                return false;
            continue;
        }
        bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
        ERR_clear_error();
        return is_end || err_set(e, ERR_CONFIG, "%s: block %zu is damaged", what, out->n + 1);
    }
}

bool x509_list_parse(struct x509_list *out, const char *text, size_t n, size_t max, const char *what, struct err *e)
{
    if (count_blocks(text, n) == 0) {
        bool is_der = n > 4 && (uint8_t)text[0] == 0x30 && ((uint8_t)text[1] & 0x80) != 0;
        err_set(e, ERR_CONFIG, "%s: no certificate in it, expected PEM text%s", what, is_der ? " and not DER" : "");
        return is_der ? err_hint(e, "openssl x509 -inform DER -in %s", what) : false;
    }
    ERR_clear_error();
    AUTO(bio_auto) BIO *in = BIO_new_mem_buf(text, (int)n);
    if (in == NULL)
        return crypto_fail(e, ERR_INTERNAL, what);
    if (!read_blocks(out, in, max, what, e))
        return false;
    return out->n == count_blocks(text, n) ||
           err_set(e, ERR_CONFIG, "%s: %zu blocks begin, only %zu are certificates", what, count_blocks(text, n), out->n);
}

/* ---- questions ---- */

void x509_encode(struct buf *out, const struct x509_st *cert)
{
    unsigned char *der = NULL;
    int n = i2d_X509(cert, &der);
    BUG_IF(n <= 0);
    pem_encode(out, "CERTIFICATE", der, (size_t)n);
    OPENSSL_free(der);
}

void x509_id(struct digest *out, const struct x509_st *cert)
{
    unsigned char *der = NULL;
    int n = i2d_X509(cert, &der);
    BUG_IF(n <= 0);
    sha256_of(out, der, (size_t)n);
    OPENSSL_free(der);
}

char *x509_subject(const struct x509_st *cert)
{
    char *text = NULL;
    AUTO(bio_auto) BIO *out = BIO_new(BIO_s_mem());
    if (out == NULL || X509_NAME_print_ex(out, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) < 0)
        return mem_text("(no subject)");
    long n = BIO_get_mem_data(out, &text);
    return n <= 0 ? mem_text("(no subject)") : mem_text(SHOWN_N(text, (size_t)(n < MAX_SUBJECT_BYTES ? n : MAX_SUBJECT_BYTES)));
}

static bool unix_time(int64_t *out, const ASN1_TIME *t)
{
    struct tm utc;
    if (t == NULL || ASN1_TIME_to_tm(t, &utc) != 1)
        return false;
    *out = (int64_t)timegm(&utc);
    return true;
}

int64_t x509_not_after(const struct x509_st *cert)
{
    int64_t t = 0;
    return unix_time(&t, X509_get0_notAfter(cert)) ? t : 0;
}

bool x509_check_dates(const struct x509_st *cert, int64_t now, const char *what, struct err *e)
{
    int64_t from;
    int64_t until;
    char limit[DATE_TEXT_BYTES];
    char today[DATE_TEXT_BYTES];
    if (!unix_time(&from, X509_get0_notBefore(cert)) || !unix_time(&until, X509_get0_notAfter(cert)))
        return err_set(e, ERR_CONFIG, "%s: has a date that cannot be read", what);
    date_format(today, now);
    date_format(limit, now < from ? from : until);
    if (now < from)
        return err_set(e, ERR_CONFIG, "%s: is not valid before %s, and it is %s now", what, limit, today) ||
               err_hint(e, "check the clock of this machine");
    return now <= until || err_set(e, ERR_CONFIG, "%s: expired on %s, and it is %s now", what, limit, today);
}

static bool check_key(EVP_PKEY *key, const char *what, struct err *e)
{
    int bits = key == NULL ? 0 : EVP_PKEY_get_bits(key);
    if (key != NULL && (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS")))
        return bits >= MIN_RSA_BITS || err_set(e, ERR_CONFIG, "%s: RSA key of %d bits, at least %d", what, bits, MIN_RSA_BITS);
    if (key != NULL && EVP_PKEY_is_a(key, "EC"))
        return bits >= MIN_CURVE_BITS || err_set(e, ERR_CONFIG, "%s: curve of %d bits, at least %d", what, bits, MIN_CURVE_BITS);
    if (key != NULL && (EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448")))
        return true;
    return err_set(e, ERR_CONFIG, "%s: key of an unknown or outdated kind, expected RSA, EC or EdDSA", what);
}

bool x509_check_strength(struct x509_st *cert, const char *what, struct err *e)
{
    int digest = NID_undef;
    if (!check_key(X509_get0_pubkey(cert), what, e))
        return false;
    if (X509_get_signature_info(cert, &digest, NULL, NULL, NULL) != 1) {
        ERR_clear_error();
        return err_set(e, ERR_CONFIG, "%s: signed in an unknown way", what);
    }
    if (digest == NID_md5 || digest == NID_sha1 || digest == NID_md4 || digest == NID_md2 || digest == NID_md5_sha1)
        return err_set(e, ERR_CONFIG, "%s: signed with %s, which can be forged; expected SHA-256 or better", what,
                       OBJ_nid2sn(digest));
    return true;
}
