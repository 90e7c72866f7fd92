/* Certificates of the site. The marker file "tls" in the release's directory names the folder in use. */
#include "loader/site_tls.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "certs/ca.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

#define MARKER "tls"

void site_tls_free(struct site_tls *t)
{
    mem_free(t->ca_pem);
    mem_free(t->site_ca_pem);
    mem_free(t->chain_pem);
    secret_clear(&t->key_pem);
    mem_free(t->names);
    mem_free(t);
}

char *site_tls_path(const struct site_tls *t, const char *release_dir, const char *file)
{
    bool is_ca = text_is(file, SITE_TLS_CA) || text_is(file, SITE_TLS_SITE_CA);
    if ((is_ca ? t->ca_pem : t->chain_pem) == NULL)
        return NULL;
    return mem_format("%s/%s/%s", release_dir, t->folder, file);
}

char *site_tls_kept_folder(const char *release_dir)
{
    struct err ignored = { 0 };
    AUTO(buf_clear_auto) struct buf name = BUF_LIMIT(64);
    AUTO(mem_auto) char *marker = path_join(release_dir, MARKER);
    if (!file_read(marker, FILE_NO_LINK | FILE_TRUSTED, 64, &name, &ignored) || !text_starts(buf_text(&name), "tls-"))
        return NULL;
    return path_join(release_dir, buf_text(&name));
}

char *site_tls_kept_file(const char *release_dir, const char *file)
{
    struct err ignored = { 0 };
    bool exists = false;
    AUTO(mem_auto) char *folder = site_tls_kept_folder(release_dir);
    AUTO(mem_auto) char *path = folder == NULL ? NULL : path_join(folder, file);
    return path != NULL && file_exists(path, &exists, &ignored) && exists ? TAKE(path) : NULL;
}

/* A file of the kept release as an option's value, when the option was not given. */
static char *or_kept(const char *option, const char *kept, const char *file)
{
    return option != NULL ? mem_text(option) : kept == NULL ? NULL : site_tls_kept_file(kept, file);
}

static bool read_server(struct site_tls *t, const char *certificate, const char *key, const struct ca_bundle *ca, const char *host, int64_t now,
                        struct err *e)
{
    const char *hosts[] = { host };
    struct ca_server_question q = { .cert_path = certificate, .key_path = key, .ca = ca, .public_roots = ca_public_roots(), .hosts = hosts,
                                    .n_hosts = host != NULL ? 1 : 0, .now = now };
    AUTO(ca_server_free_auto) struct ca_server *s = ca_server_load(&q, e);
    if (s == NULL)
        return false;
    t->chain_pem = mem_text(s->chain_pem);
    t->key_pem = secret_of(s->key_pem.bytes, s->key_pem.n);
    t->names = mem_text(s->names);
    t->not_after = s->not_after;
    return true;
}

static bool read_files(struct site_tls *t, const char *ca_path, const char *certificate, const char *key, const char *host, int64_t now,
                       struct err *e)
{
    AUTO(ca_bundle_free_auto) struct ca_bundle *ca = ca_path == NULL ? NULL : ca_bundle_load(ca_path, now, e);
    if (ca_path != NULL && ca == NULL)
        return false;
    if (ca != NULL) {
        t->site_ca_pem = mem_text(ca_bundle_pem(ca));
        t->ca_pem = ca_combine(ca_public_roots(), ca, e);
        if (t->ca_pem == NULL)
            return false;
    }
    return certificate == NULL || read_server(t, certificate, key, ca, host, now, e);
}

static void name_folder(struct site_tls *t)
{
    struct digest d;
    AUTO(sha256_free_auto) struct sha256 *h = sha256_new();
    if (t->ca_pem != NULL)
        sha256_add(h, t->ca_pem, strlen(t->ca_pem));
    if (t->chain_pem != NULL)
        sha256_add(h, t->chain_pem, strlen(t->chain_pem));
    sha256_add(h, t->key_pem.bytes == NULL ? "" : t->key_pem.bytes, t->key_pem.n);
    sha256_end(h, &d);
    snprintf(t->folder, sizeof t->folder, "tls-%.12s", DIGEST_HEX(&d));
}

struct site_tls *site_tls_read(const struct site_tls_options *o, const char *kept, const char *host, int64_t now, struct err *e)
{
    AUTO(site_tls_free_auto) struct site_tls *t = mem_new(sizeof *t);
    if ((o->certificate == NULL) != (o->key == NULL)) {
        err_set(e, ERR_USAGE, "--ssl-cert and --ssl-key go together");
        return NULL;
    }
    AUTO(mem_auto) char *ca = or_kept(o->ca, kept, SITE_TLS_SITE_CA);
    AUTO(mem_auto) char *certificate = or_kept(o->certificate, kept, SITE_TLS_CERTIFICATE);
    AUTO(mem_auto) char *key = or_kept(o->key, kept, SITE_TLS_KEY);
    if (!read_files(t, ca, certificate, key, host, now, e))
        return NULL;
    name_folder(t);
    return TAKE(t);
}

/* --- kept --------------------------------------------------------------------------------------------------------- */

struct kept_file {
    const char *name;
    const char *text;
    size_t n;
    mode_t mode;
};

static size_t files_of(const struct site_tls *t, struct kept_file out[4])
{
    size_t n = 0;
    if (t->ca_pem != NULL) {
        out[n++] = (struct kept_file){ SITE_TLS_CA, t->ca_pem, strlen(t->ca_pem), 0644 };
        out[n++] = (struct kept_file){ SITE_TLS_SITE_CA, t->site_ca_pem, strlen(t->site_ca_pem), 0644 };
    }
    if (t->chain_pem != NULL) {
        out[n++] = (struct kept_file){ SITE_TLS_CERTIFICATE, t->chain_pem, strlen(t->chain_pem), 0644 };
        out[n++] = (struct kept_file){ SITE_TLS_KEY, t->key_pem.bytes, t->key_pem.n, 0600 };
    }
    return n;
}

bool site_tls_write(const struct site_tls *t, const char *release_dir, struct err *e)
{
    struct kept_file files[4];
    size_t n = files_of(t, files);
    AUTO(mem_auto) char *dir = path_join(release_dir, t->folder);
    AUTO(mem_auto) char *marker = path_join(release_dir, MARKER);
    if (!path_make_dirs(dir, 0700, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        AUTO(mem_auto) char *path = path_join(dir, files[i].name);
        if (!file_publish(path, files[i].text, files[i].n, files[i].mode, e))
            return false;
    }
    return file_publish(marker, t->folder, strlen(t->folder), 0600, e);
}

bool site_tls_is_written(const struct site_tls *t, const char *release_dir, bool *yes, struct err *e)
{
    struct kept_file files[4];
    size_t n = files_of(t, files);
    AUTO(mem_auto) char *in_use = site_tls_kept_folder(release_dir);
    *yes = in_use != NULL && text_is(path_base(in_use), t->folder);
    for (size_t i = 0; i < n && *yes; i++) {
        AUTO(mem_auto) char *path = mem_format("%s/%s/%s", release_dir, t->folder, files[i].name);
        if (!file_exists(path, yes, e))
            return false;
    }
    return true;
}
