/* The site's CA file: read, checked, normalised, combined with the public roots. */
#include "certs/ca.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/x509v3.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "certs/ca_inside.h"
#include "certs/x509.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

struct ca_bundle {
    struct x509_list certs; /* each once */
    struct ca_info *infos;
    char *pem;
};

/* ---- checks ---- */

static bool check_is_ca(X509 *cert, const char *what, struct err *e)
{
    uint32_t flags = X509_get_extension_flags(cert);
    if ((flags & EXFLAG_INVALID) != 0)
        return err_set(e, ERR_CONFIG, "%s: has extensions that cannot be read", what);
    if ((flags & EXFLAG_CA) == 0 || (flags & EXFLAG_BCONS) == 0) {
        err_set(e, ERR_CONFIG, "%s: is not a CA certificate (CA:TRUE is missing)", what);
        return err_hint(e, "give the certificate of the authority, not the one of a server");
    }
    if ((flags & EXFLAG_KUSAGE) != 0 && (X509_get_key_usage(cert) & KU_KEY_CERT_SIGN) == 0)
        return err_set(e, ERR_CONFIG, "%s: is not allowed to sign certificates (key usage)", what);
    return (flags & EXFLAG_CRITICAL) == 0 || err_set(e, ERR_CONFIG, "%s: has a critical extension that is not known here", what);
}

static bool check_cert(X509 *cert, size_t number, const char *file, int64_t now, struct err *e)
{
    AUTO(mem_auto) char *subject = x509_subject(cert);
    AUTO(mem_auto) char *what = mem_format("%s: certificate %zu (%s)", file, number, subject);
    return check_is_ca(cert, what, e) && x509_check_dates(cert, now, what, e) && x509_check_strength(cert, what, e);
}

/* Who can write to the directory can put another file in place of this one. */
static bool check_parent(const char *path, struct err *e)
{
    struct stat st;
    AUTO(mem_auto) char *dir = path_dir(path);
    if (stat(dir, &st) != 0 || (st.st_mode & 0002) == 0 || (st.st_mode & S_ISVTX) != 0)
        return true;
    err_set(e, ERR_CONFIG, "%s: everybody can write to its directory", path);
    return err_hint(e, "chmod o-w %s", dir);
}

/* ---- certificates, each once ---- */

static int compare_ids(const void *a, const void *b)
{
    return digest_compare(a, b);
}

bool ca_ids_add(struct ca_ids *ids, const struct digest *id)
{
    for (size_t i = 0; i < ids->n; i++)
        if (compare_ids(&ids->items[i], id) == 0)
            return false;
    MEM_PUSH(ids->items, ids->n, ids->cap) = *id;
    return true;
}

void ca_ids_clear(struct ca_ids *ids)
{
    mem_free(ids->items);
    *ids = (struct ca_ids){ 0 };
}

/* Closes the gaps of certificates that were there before. */
static void drop_duplicates(struct x509_list *list)
{
    AUTO(ca_ids_clear) struct ca_ids seen = { 0 };
    size_t kept = 0;
    for (size_t i = 0; i < list->n; i++) {
        struct digest id;
        x509_id(&id, list->items[i]);
        if (ca_ids_add(&seen, &id))
            list->items[kept++] = list->items[i];
        else
            X509_free(list->items[i]);
    }
    list->n = kept;
}

/* ---- the file ---- */

static void fill_infos(struct ca_bundle *b)
{
    struct buf pem = BUF_LIMIT(2 * LIMIT_CA_FILE_BYTES);
    b->infos = mem_new_array(b->certs.n, sizeof *b->infos);
    for (size_t i = 0; i < b->certs.n; i++) {
        b->infos[i].subject = x509_subject(b->certs.items[i]);
        b->infos[i].not_after = x509_not_after(b->certs.items[i]);
        x509_id(&b->infos[i].id, b->certs.items[i]);
        x509_encode(&pem, b->certs.items[i]);
    }
    BUG_IF(pem.over); /* the text was made of a file of half that size */
    b->pem = buf_take(&pem);
}

struct ca_bundle *ca_bundle_parse(const char *text, size_t n, const char *what, int64_t now, struct err *e)
{
    AUTO(ca_bundle_free_auto) struct ca_bundle *b = mem_new(sizeof *b);
    if (n > LIMIT_CA_FILE_BYTES) {
        err_set(e, ERR_CONFIG, "%s: %zu bytes, at most %llu", what, n, (unsigned long long)LIMIT_CA_FILE_BYTES);
        return NULL;
    }
    if (!x509_list_parse(&b->certs, text, n, LIMIT_CA_CERTS, what, e))
        return NULL;
    for (size_t i = 0; i < b->certs.n; i++)
        if (!check_cert(b->certs.items[i], i + 1, what, now, e))
            return NULL;
    drop_duplicates(&b->certs);
    fill_infos(b);
    return TAKE(b);
}

struct ca_bundle *ca_bundle_load(const char *path, int64_t now, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_CA_FILE_BYTES);
    if (!file_read(path, FILE_NO_LINK | FILE_TRUSTED, LIMIT_CA_FILE_BYTES, &text, e) || !check_parent(path, e)) {
        err_as(e, ERR_CONFIG);
        err_in(e, "CA file");
        return NULL;
    }
    AUTO(mem_auto) char *what = mem_format("CA file %s", path);
    return ca_bundle_parse(buf_text(&text), text.len, what, now, e);
}

void ca_bundle_free(struct ca_bundle *b)
{
    if (b == NULL)
        return;
    for (size_t i = 0; b->infos != NULL && i < b->certs.n; i++)
        mem_free(b->infos[i].subject);
    mem_free(b->infos);
    mem_free(b->pem);
    x509_list_clear(&b->certs);
    mem_free(b);
}

const char *ca_bundle_pem(const struct ca_bundle *b)
{
    return b->pem;
}

size_t ca_bundle_count(const struct ca_bundle *b)
{
    return b->certs.n;
}

const struct ca_info *ca_bundle_at(const struct ca_bundle *b, size_t i)
{
    BUG_IF(i >= b->certs.n);
    return &b->infos[i];
}

const struct x509_list *ca_bundle_certs(const struct ca_bundle *b)
{
    return &b->certs;
}

/* ---- public roots ---- */

const char *ca_public_roots(void)
{
    static const char *const places[] = { "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                          "/etc/ssl/ca-bundle.pem" };
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        if (access(places[i], R_OK) == 0)
            return places[i];
    return NULL;
}

bool ca_roots_read(struct x509_list *out, const char *path, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_PUBLIC_ROOTS_BYTES);
    if (!file_read(path, FILE_PLAIN, LIMIT_PUBLIC_ROOTS_BYTES, &text, e))
        return err_as(e, ERR_CONFIG) || err_in(e, "public roots");
    return x509_list_parse(out, buf_text(&text), text.len, CA_MAX_ROOTS, path, e);
}

static void append_new(struct buf *pem, struct ca_ids *seen, const struct x509_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        struct digest id;
        x509_id(&id, list->items[i]);
        if (ca_ids_add(seen, &id))
            x509_encode(pem, list->items[i]);
    }
}

char *ca_combine(const char *public_roots_path, const struct ca_bundle *ca, struct err *e)
{
    AUTO(x509_list_clear) struct x509_list roots = { 0 };
    AUTO(ca_ids_clear) struct ca_ids seen = { 0 };
    AUTO(buf_clear_auto) struct buf pem = BUF_LIMIT(2 * LIMIT_PUBLIC_ROOTS_BYTES);
    if (public_roots_path != NULL && !ca_roots_read(&roots, public_roots_path, e))
        return NULL;
    append_new(&pem, &seen, &ca->certs);
    append_new(&pem, &seen, &roots);
    return buf_done(&pem, "combined CA file", e) ? buf_take(&pem) : NULL;
}
