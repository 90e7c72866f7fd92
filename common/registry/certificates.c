/* Folders by the registry's name, as it is in references. */
#include "registry/certificates.h"

#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

enum { FILES_MAX = 64 };

struct found {
    char **authorities;
    size_t n, cap;
    char *cert, *key;
};

static void found_clear(struct found *f)
{
    for (size_t i = 0; i < f->n; i++)
        mem_free(f->authorities[i]);
    mem_free(f->authorities);
    mem_free(f->cert);
    mem_free(f->key);
}

/* The first pair counts. Docker's daemon is root and this program need not be: a key that it cannot read is not for it. */
static void take_pair(struct found *f, const char *cert)
{
    AUTO(mem_auto) char *stem = mem_text_n(cert, strlen(cert) - strlen(".cert"));
    AUTO(mem_auto) char *key = mem_format("%s.key", stem);
    if (f->cert != NULL)
        return;
    if (access(key, R_OK) != 0) {
        log_warn("%s: not used, as its key %s cannot be read: %s", cert, key, strerror(errno));
        return;
    }
    f->cert = mem_text(cert);
    f->key = TAKE(key);
}

static bool look_in(struct found *f, const char *folder, struct err *e)
{
    bool is_there = false;
    struct path_names names = { 0 };
    if (!file_exists(folder, &is_there, e))
        return false;
    bool ok = !is_there || path_list(folder, FILES_MAX, &names, e);
    for (size_t i = 0; ok && i < names.n; i++) {
        char *path = path_join(folder, names.text[i]);
        if (text_ends(path, ".cert"))
            take_pair(f, path);
        if (text_ends(path, ".crt"))
            MEM_PUSH(f->authorities, f->n, f->cap) = TAKE(path);
        mem_free(path);
    }
    path_names_clear(&names);
    return ok;
}

static bool look_for(struct found *f, const struct registry_options *o, const char *host, struct err *e)
{
    bool is_plain_name = host[0] != '.' && strchr(host, '/') == NULL; /* a host is no way to another folder */
    if (o->client_cert != NULL) {
        f->cert = mem_text(o->client_cert);
        f->key = mem_text(o->client_key);
    }
    for (size_t i = 0; is_plain_name && o->certs_folders != NULL && o->certs_folders[i] != NULL; i++) {
        AUTO(mem_auto) char *folder = path_join(o->certs_folders[i], host);
        if (!look_in(f, folder, e))
            return err_as(e, ERR_CONFIG);
    }
    return true;
}

bool certificates_open(const struct http *h, const struct registry_options *o, const char *host, struct http_identity **out, struct err *e)
{
    struct found f = { 0 };
    *out = NULL;
    bool ok = look_for(&f, o, host, e);
    if (ok && (f.n > 0 || f.cert != NULL)) {
        struct http_identity_files files = {
            .ca_files = (const char *const *)f.authorities, .n_ca_files = f.n, .cert_file = f.cert, .key_file = f.key
        };
        *out = http_identity_open(h, &files, e);
        ok = *out != NULL;
    }
    found_clear(&f);
    return ok;
}
