/* Private keys: loaded from files that only their owner can read, made, and written. */
#include <string.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "certs/crypto.h"
#include "certs/key.h"
#include "certs/pem.h"
#include "sys/file.h"
#include "sys/term.h"

#include "base/banned.h"

enum { KDF_ROUNDS = 600000 }; /* PBKDF2-HMAC-SHA256, as OWASP asks for */

struct key_private {
    EVP_PKEY *pkey;
    struct key_public *public;
};

/* ---- passphrases ---- */

bool key_passphrase(void *ctx, const char *path, struct secret *out, struct err *e)
{
    const char *file = ctx;
    if (file == NULL) {
        AUTO(mem_auto) char *prompt = mem_format("passphrase of %s", path);
        return term_ask_secret(prompt, out, e) || err_hint(e, "--key-passphrase-file FILE");
    }
    AUTO(buf_wipe_auto) struct buf text = BUF_LIMIT(LIMIT_SECRET_BYTES);
    buf_reserve(&text, LIMIT_SECRET_BYTES); /* once, so that growing leaves no copies behind */
    if (!file_read(file, FILE_PRIVATE, LIMIT_SECRET_BYTES, &text, e))
        return err_as(e, ERR_CONFIG);
    *out = secret_of(buf_text(&text), strcspn(buf_text(&text), "\r\n"));
    return secret_is_set(out) || err_set(e, ERR_CONFIG, "%s: is empty, expected a passphrase", file);
}

/* What the library's callback needs; it can report a failure but no reason. */
struct asking {
    const char *path;
    key_passphrase_fn ask;
    void *ctx;
    struct err *e;
    bool is_asked;
};

static int give_passphrase(char *to, int size, int for_writing, void *ctx)
{
    struct asking *a = ctx;
    (void)for_writing;
    a->is_asked = true;
    if (a->ask == NULL) {
        err_set(a->e, ERR_CONFIG, "%s: is encrypted, and no passphrase was given", a->path);
        err_hint(a->e, "--key-passphrase-file FILE");
        return -1;
    }
    AUTO(secret_clear_auto) struct secret s = { 0 };
    if (!a->ask(a->ctx, a->path, &s, a->e))
        return -1;
    if (s.n > (size_t)size) {
        err_set(a->e, ERR_CONFIG, "%s: the passphrase is longer than %d bytes", a->path, size);
        return -1;
    }
    memcpy(to, s.bytes, s.n);
    return (int)s.n;
}

/* ---- loading ---- */

static struct key_private *private_of(EVP_PKEY *pkey, const char *what, struct err *e)
{
    AUTO(key_private_free_auto) struct key_private *k = mem_new(sizeof *k);
    k->pkey = pkey;
    uint8_t *der = NULL;
    int n = i2d_PUBKEY(pkey, &der);
    if (n <= 0) {
        crypto_fail(e, ERR_CONFIG, what);
        return NULL;
    }
    k->public = key_public_of_der(der, (size_t)n, what, e);
    OPENSSL_free(der);
    return k->public == NULL ? NULL : TAKE(k);
}

static bool check_label(const char *text, size_t n, const char *path, struct err *e)
{
    char label[64];
    bool is_more = pem_first_label(text, n, label);
    if (label[0] == '\0')
        return err_set(e, ERR_CONFIG, "%s: no PEM text, expected a private key", path);
    if (is_more)
        return err_set(e, ERR_CONFIG, "%s: has more than one PEM block, expected one private key", path) ||
               err_hint(e, "openssl pkey -in %s -out NEW", path);
    if (!text_ends(label, "PRIVATE KEY"))
        return err_set(e, ERR_CONFIG, "%s: is a %s, expected a private key", path, SHOWN(label));
    return true;
}

static struct key_private *parse_private(const char *text, size_t n, struct asking *asking, struct err *e)
{
    if (!check_label(text, n, asking->path, e))
        return NULL;
    AUTO(bio_auto) BIO *in = BIO_new_mem_buf(text, (int)n);
    EVP_PKEY *pkey = in == NULL ? NULL : PEM_read_bio_PrivateKey(in, NULL, give_passphrase, asking);
    if (pkey != NULL)
        return private_of(pkey, asking->path, e);
    if (asking->is_asked)
        err_set(e, ERR_CONFIG, "%s: the passphrase is wrong", asking->path);
    crypto_fail(e, ERR_CONFIG, asking->path);
    return NULL;
}

struct key_private *key_private_load(const char *path, key_passphrase_fn ask, void *ctx, struct err *e)
{
    AUTO(buf_wipe_auto) struct buf text = BUF_LIMIT(LIMIT_KEY_FILE_BYTES);
    if (text_ends(path, ".pub")) { /* to ask for mode 0600 would be no help */
        err_set(e, ERR_CONFIG, "%s: is named as a public key, which goes to the hosts", SHOWN(path));
        err_hint(e, "the private half signs: the file beside it that ends in .key");
        return NULL;
    }
    buf_reserve(&text, LIMIT_KEY_FILE_BYTES);
    if (!file_read(path, FILE_PRIVATE, LIMIT_KEY_FILE_BYTES, &text, e)) {
        err_as(e, ERR_CONFIG);
        return NULL;
    }
    struct asking asking = { path, ask, ctx, e, false };
    return parse_private(buf_text(&text), text.len, &asking, e);
}

struct key_private *key_private_generate(enum key_type type, struct err *e)
{
    EVP_PKEY *pkey = type == KEY_ED25519      ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                     : type == KEY_ECDSA_P256 ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256")
                                              : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
    if (pkey == NULL) {
        crypto_fail(e, ERR_INTERNAL, key_type_name(type));
        return NULL;
    }
    return private_of(pkey, "the new key", e);
}

void key_private_free(struct key_private *k)
{
    if (k == NULL)
        return;
    EVP_PKEY_free(k->pkey);
    key_public_free(k->public);
    mem_free(k);
}

const struct key_public *key_private_public(const struct key_private *k)
{
    return k->public;
}

struct evp_pkey_st *key_private_pkey(const struct key_private *k)
{
    return k->pkey;
}

/* ---- writing ---- */

static bool encode_encrypted(BIO *out, EVP_PKEY *pkey, const struct secret *passphrase)
{
    PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(pkey);
    /* -1: PBES2; the null salt is made at random. */
    X509_SIG *sealed = plain == NULL ? NULL
                                     : PKCS8_encrypt(-1, EVP_aes_256_cbc(), passphrase->bytes, (int)passphrase->n, NULL, 0,
                                                     KDF_ROUNDS, plain);
    bool is_written = sealed != NULL && PEM_write_bio_PKCS8(out, sealed) == 1;
    PKCS8_PRIV_KEY_INFO_free(plain);
    X509_SIG_free(sealed);
    return is_written;
}

static bool encode_private(BIO *out, const struct key_private *k, const struct secret *passphrase, struct err *e)
{
    bool is_written = passphrase != NULL ? encode_encrypted(out, k->pkey, passphrase)
                                         : PEM_write_bio_PKCS8PrivateKey(out, k->pkey, NULL, NULL, 0, NULL, NULL) == 1;
    return is_written || crypto_fail(e, ERR_INTERNAL, "the new key");
}

static bool publish_new(const char *path, const char *text, size_t n, mode_t mode, struct err *e)
{
    AUTO(publish_drop_auto) struct publish *p = publish_open(path, mode, e);
    return p != NULL && fd_write_all(publish_fd(p), text, n, path, e) && publish_commit(p, PUBLISH_NEW, e);
}

static bool refuse_existing(const char *path, struct err *e)
{
    bool is_there;
    if (!file_exists(path, &is_there, e))
        return false;
    if (!is_there)
        return true;
    err_set(e, ERR_CONFIG, "%s: exists already, and keys are never replaced", path);
    return err_hint(e, "choose another name, or move the old pair away");
}

static bool write_both(const struct key_private *k, const char *key_path, const char *pub_path, BIO *text, struct err *e)
{
    char *bytes = NULL;
    long n = BIO_get_mem_data(text, &bytes);
    if (n <= 0)
        return err_set(e, ERR_INTERNAL, "the new key has no text");
    if (!publish_new(key_path, bytes, (size_t)n, 0600, e))
        return false;
    const char *pem = key_public_pem(k->public);
    if (publish_new(pub_path, pem, strlen(pem), 0644, e))
        return true;
    struct err cleanup = { 0 };
    if (!file_remove(key_path, &cleanup))
        log_warn("%s", cleanup.msg);
    return false;
}

bool key_private_write_pair(const struct key_private *k, const char *name, const struct secret *passphrase, struct err *e)
{
    AUTO(mem_auto) char *key_path = mem_format("%s.key", name);
    AUTO(mem_auto) char *pub_path = mem_format("%s.pub", name);
    if (passphrase != NULL && !secret_is_set(passphrase))
        return err_set(e, ERR_USAGE, "%s: the passphrase is empty", key_path);
    if (!refuse_existing(key_path, e) || !refuse_existing(pub_path, e))
        return false;
    AUTO(bio_auto) BIO *text = BIO_new(BIO_s_secmem()); /* wiped when it is freed */
    if (text == NULL)
        return crypto_fail(e, ERR_INTERNAL, "the new key");
    return encode_private(text, k, passphrase, e) && write_both(k, key_path, pub_path, text, e);
}
