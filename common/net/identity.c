/* Files into memory, so that libcurl opens nothing by itself, and never asks anybody for a passphrase. */
#include "net/identity.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "net/exchange.h"
#include "sys/file.h"

#include "base/banned.h"

static bool has(const struct buf *pem, const char *word)
{
    return strstr(buf_text(pem), word) != NULL;
}

static bool read_authorities(struct http_identity *i, const struct http *h, const struct http_identity_files *f, struct err *e)
{
    if (f->n_ca_files == 0)
        return true;
    i->ca.max = LIMIT_PUBLIC_ROOTS_BYTES;
    buf_add(&i->ca, h->ca.data, h->ca.len);
    if (!h->has_ca && !http_add_system_roots(&i->ca, e))
        return false;
    for (size_t k = 0; k < f->n_ca_files; k++) {
        size_t at = i->ca.len;
        buf_addc(&i->ca, '\n');
        if (!file_read(f->ca_files[k], FILE_TRUSTED, LIMIT_CA_FILE_BYTES, &i->ca, e))
            return false;
        if (strstr(buf_text(&i->ca) + at, "-----BEGIN CERTIFICATE-----") == NULL)
            return err_set(e, ERR_CONFIG, "%s: holds no PEM certificate", f->ca_files[k]);
    }
    return true;
}

static bool read_pair(struct http_identity *i, const struct http_identity_files *f, struct err *e)
{
    if (f->cert_file == NULL)
        return true;
    i->cert.max = LIMIT_CA_FILE_BYTES;
    i->key.max = LIMIT_KEY_FILE_BYTES;
    char *room = buf_reserve(&i->key, i->key.max); /* growing would leave copies behind */
    BUG_IF(room == NULL);
    if (!file_read(f->cert_file, FILE_TRUSTED, i->cert.max, &i->cert, e) || !file_read(f->key_file, FILE_PRIVATE, i->key.max, &i->key, e))
        return false;
    if (!has(&i->cert, "-----BEGIN CERTIFICATE-----"))
        return err_set(e, ERR_CONFIG, "%s: holds no PEM certificate", f->cert_file);
    if (!has(&i->key, "PRIVATE KEY-----"))
        return err_set(e, ERR_CONFIG, "%s: holds no PEM private key", f->key_file);
    if (!has(&i->key, "ENCRYPTED"))
        return true;
    err_set(e, ERR_CONFIG, "%s: the key is encrypted, and nobody is asked for its passphrase", f->key_file);
    return err_hint(e, "decrypt it into a file with mode 0600: umask 077; openssl pkey -in %s -out FILE", f->key_file);
}

struct http_identity *http_identity_open(const struct http *h, const struct http_identity_files *f, struct err *e)
{
    AUTO(http_identity_free_auto) struct http_identity *i = mem_new(sizeof *i);
    if (read_authorities(i, h, f, e) && read_pair(i, f, e))
        return TAKE(i);
    err_as(e, ERR_CONFIG);
    return NULL;
}

void http_identity_free(struct http_identity *i)
{
    if (i == NULL)
        return;
    buf_clear(&i->ca);
    buf_clear(&i->cert);
    buf_wipe_auto(&i->key);
    mem_free(i);
}
