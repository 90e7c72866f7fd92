/* The certificate and key that services present: what a browser would refuse is refused here, before anything starts. */
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "certs/ca.h"
#include "certs/ca_inside.h"
#include "certs/crypto.h"
#include "certs/pem.h"
#include "certs/x509.h"
#include "sys/file.h"

#include "base/banned.h"

enum {
    MAX_CHAIN = 10,    /* certificates in a server's file */
    SECURITY_LEVEL = 2 /* the library's own floor for a whole chain: 112 bits */
};

/* ---- the certificate ---- */

static bool check_leaf(X509 *leaf, const struct ca_server_question *q, const char *what, struct err *e)
{
    uint32_t flags = X509_get_extension_flags(leaf);
    if ((flags & EXFLAG_INVALID) != 0)
        return err_set(e, ERR_CONFIG, "%s: has extensions that cannot be read", what);
    if ((flags & EXFLAG_CA) != 0)
        return err_set(e, ERR_CONFIG, "%s: is a CA certificate, expected the one of a server first in the file", what);
    if ((flags & EXFLAG_XKUSAGE) != 0 && (X509_get_extended_key_usage(leaf) & XKU_SSL_SERVER) == 0)
        return err_set(e, ERR_CONFIG, "%s: is not for TLS servers (extended key usage)", what);
    return x509_check_dates(leaf, q->now, what, e) && x509_check_strength(leaf, what, e);
}

static void add_name(struct buf *out, const GENERAL_NAME *name)
{
    const unsigned char *p = NULL;
    int n = 0;
    if (name->type == GEN_DNS) {
        p = ASN1_STRING_get0_data(name->d.dNSName);
        n = ASN1_STRING_length(name->d.dNSName);
    } else if (name->type == GEN_IPADD) {
        p = ASN1_STRING_get0_data(name->d.iPAddress);
        n = ASN1_STRING_length(name->d.iPAddress);
    }
    if (p == NULL || n <= 0)
        return;
    buf_adds(out, out->len > 0 ? ", " : "");
    if (name->type == GEN_DNS)
        buf_adds(out, SHOWN_N((const char *)p, (size_t)n));
    else if (n == 4)
        buf_addf(out, "%d.%d.%d.%d", p[0], p[1], p[2], p[3]);
    else
        for (int i = 0; i + 1 < n; i += 2)
            buf_addf(out, "%s%x", i > 0 ? ":" : "", (unsigned)p[i] << 8 | p[i + 1]);
}

/* The alternative names as one text; what does not fit is left out. */
static char *names_of(X509 *leaf)
{
    struct buf out = BUF_LIMIT(8192);
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; names != NULL && i < sk_GENERAL_NAME_num(names); i++)
        add_name(&out, sk_GENERAL_NAME_value(names, i));
    GENERAL_NAMES_free(names);
    return buf_take(&out);
}

static bool covers(X509 *leaf, const char *host)
{
    /* An address counts only as an address, a name only as an alternative name: the common name is no place for either. */
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(host);
    bool is_address = address != NULL;
    ASN1_OCTET_STRING_free(address);
    ERR_clear_error();
    if (is_address)
        return X509_check_ip_asc(leaf, host, 0) == 1;
    return X509_check_host(leaf, host, strlen(host), X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
}

static bool check_names(X509 *leaf, const struct ca_server_question *q, const char *what, struct err *e)
{
    AUTO(mem_auto) char *names = names_of(leaf);
    if (names[0] == '\0')
        return err_set(e, ERR_CONFIG, "%s: has no subject alternative names; clients ignore the common name", what);
    for (size_t i = 0; i < q->n_hosts; i++)
        if (!covers(leaf, q->hosts[i]))
            return err_set(e, ERR_CONFIG, "%s: is for %.200s, expected %s too", what, names, SHOWN(q->hosts[i]));
    return true;
}

/* ---- the chain ---- */

static void store_auto(X509_STORE **s)
{
    X509_STORE_free(*s);
}

static void store_ctx_auto(X509_STORE_CTX **c)
{
    X509_STORE_CTX_free(*c);
}

static void stack_auto(STACK_OF(X509) **s)
{
    sk_X509_free(*s);
}

static bool fill_store(X509_STORE *store, const struct ca_server_question *q, struct err *e)
{
    AUTO(x509_list_clear) struct x509_list roots = { 0 };
    if (q->public_roots != NULL && !ca_roots_read(&roots, q->public_roots, e))
        return false;
    bool is_added = true;
    for (size_t i = 0; i < roots.n; i++)
        is_added = is_added && X509_STORE_add_cert(store, roots.items[i]) == 1;
    for (size_t i = 0; q->ca != NULL && i < ca_bundle_certs(q->ca)->n; i++)
        is_added = is_added && X509_STORE_add_cert(store, ca_bundle_certs(q->ca)->items[i]) == 1;
    return is_added || crypto_fail(e, ERR_INTERNAL, "trusted certificates");
}

static bool run_check(X509_STORE *store, const struct x509_list *chain, STACK_OF(X509) *others, int64_t now, const char *what,
                      struct err *e)
{
    AUTO(store_ctx_auto) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    if (ctx == NULL || X509_STORE_CTX_init(ctx, store, chain->items[0], others) != 1)
        return crypto_fail(e, ERR_INTERNAL, what);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_time(param, (time_t)now);
    X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
    X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
    if (X509_verify_cert(ctx) == 1)
        return true;
    int number = X509_STORE_CTX_get_error(ctx);
    X509 *at = X509_STORE_CTX_get_current_cert(ctx);
    AUTO(mem_auto) char *subject = at == NULL ? mem_text("the certificate") : x509_subject(at);
    ERR_clear_error();
    err_set(e, ERR_CONFIG, "%s: does not lead to the given CA or a public root: %s (at %s)", what,
            X509_verify_cert_error_string(number), subject);
    return err_hint(e, "put the intermediate certificates behind the server's, and give the root with --ca");
}

static bool check_chain(const struct x509_list *chain, const struct ca_server_question *q, const char *what, struct err *e)
{
    AUTO(store_auto) X509_STORE *store = X509_STORE_new();
    AUTO(stack_auto) STACK_OF(X509) *others = sk_X509_new_null();
    if (store == NULL || others == NULL)
        return crypto_fail(e, ERR_INTERNAL, what);
    for (size_t i = 1; i < chain->n; i++)
        if (sk_X509_push(others, chain->items[i]) == 0)
            return crypto_fail(e, ERR_INTERNAL, what);
    return fill_store(store, q, e) && run_check(store, chain, others, q->now, what, e);
}

/* ---- the key ---- */

static void pkey_auto(EVP_PKEY **k)
{
    EVP_PKEY_free(*k);
}

static int note_encrypted(char *to, int size, int for_writing, void *ctx)
{
    (void)to;
    (void)size;
    (void)for_writing;
    *(bool *)ctx = true;
    return -1;
}

static bool check_key_of(X509 *leaf, const char *text, size_t n, const struct ca_server_question *q, struct err *e)
{
    bool is_encrypted = false;
    AUTO(bio_auto) BIO *in = BIO_new_mem_buf(text, (int)n);
    AUTO(pkey_auto) EVP_PKEY *key = in == NULL ? NULL : PEM_read_bio_PrivateKey(in, NULL, note_encrypted, &is_encrypted);
    ERR_clear_error();
    if (is_encrypted) {
        err_set(e, ERR_CONFIG, "key %s: is encrypted, and services start without somebody to ask", q->key_path);
        return err_hint(e, "openssl pkey -in %s -out NEW && chmod 600 NEW", q->key_path);
    }
    if (key == NULL)
        return err_set(e, ERR_CONFIG, "key %s: no private key in it, expected PEM text", q->key_path);
    bool is_pair = X509_check_private_key(leaf, key) == 1;
    ERR_clear_error();
    return is_pair || err_set(e, ERR_CONFIG, "key %s: does not belong to the certificate %s", q->key_path, q->cert_path);
}

static bool read_key(struct ca_server *s, X509 *leaf, const struct ca_server_question *q, struct err *e)
{
    AUTO(buf_wipe_auto) struct buf text = BUF_LIMIT(LIMIT_KEY_FILE_BYTES);
    buf_reserve(&text, LIMIT_KEY_FILE_BYTES);
    if (!file_read(q->key_path, FILE_PRIVATE, LIMIT_KEY_FILE_BYTES, &text, e))
        return err_as(e, ERR_CONFIG) || err_in(e, "key");
    if (!check_key_of(leaf, buf_text(&text), text.len, q, e))
        return false;
    s->key_pem = secret_of(buf_text(&text), text.len);
    return true;
}

/* ---- the whole ---- */

static void fill(struct ca_server *s, const struct x509_list *chain)
{
    struct buf pem = BUF_LIMIT(2 * LIMIT_CA_FILE_BYTES);
    for (size_t i = 0; i < chain->n; i++)
        x509_encode(&pem, chain->items[i]);
    s->chain_pem = buf_take(&pem);
    s->subject = x509_subject(chain->items[0]);
    s->names = names_of(chain->items[0]);
    s->not_after = x509_not_after(chain->items[0]);
}

static bool read_chain(struct x509_list *chain, const struct ca_server_question *q, const char *what, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_CA_FILE_BYTES);
    if (!file_read(q->cert_path, FILE_TRUSTED, LIMIT_CA_FILE_BYTES, &text, e))
        return err_as(e, ERR_CONFIG) || err_in(e, "certificate");
    return x509_list_parse(chain, buf_text(&text), text.len, MAX_CHAIN, what, e);
}

struct ca_server *ca_server_load(const struct ca_server_question *q, struct err *e)
{
    AUTO(ca_server_free_auto) struct ca_server *s = mem_new(sizeof *s);
    AUTO(x509_list_clear) struct x509_list chain = { 0 };
    AUTO(mem_auto) char *what = mem_format("certificate %s", q->cert_path);
    if (!read_chain(&chain, q, what, e) || !check_leaf(chain.items[0], q, what, e) || !check_names(chain.items[0], q, what, e) ||
        !check_chain(&chain, q, what, e) || !read_key(s, chain.items[0], q, e))
        return NULL;
    fill(s, &chain);
    return TAKE(s);
}

void ca_server_free(struct ca_server *s)
{
    if (s == NULL)
        return;
    mem_free(s->chain_pem);
    mem_free(s->subject);
    mem_free(s->names);
    secret_clear(&s->key_pem);
    mem_free(s);
}
