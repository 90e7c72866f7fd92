/* Certificates of the site. The marker file "tls" in the release's directory names the folder in use. */
#include "loader/site_tls.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "certs/ca.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

#define MARKER "tls"
#define FOLDER "tls-"
enum { FOLDER_DIGITS = 12 };

void site_tls_free(struct site_tls *t)
{
    mem_free(t->ca_pem);
    mem_free(t->site_ca_pem);
    mem_free(t->chain_pem);
    secret_clear(&t->key_pem);
    mem_free(t->names);
    mem_free(t);
}

static bool is_of_ca(const char *file)
{
    return text_is(file, SITE_TLS_CA) || text_is(file, SITE_TLS_SITE_CA);
}

char *site_tls_path(const struct site_tls *t, const char *release_dir, const char *file)
{
    if ((is_of_ca(file) ? t->ca_pem : t->chain_pem) == NULL)
        return NULL;
    return mem_format("%s/%s/%s", release_dir, t->folder, file);
}

/* --- found again -------------------------------------------------------------------------------------------------- */

/* The marker: "tls-<12 hex>", then "ca" if there is one in that folder, and "certificate" with its end in unix seconds. */
#define WORD_CA " ca"
#define WORD_CERTIFICATE " certificate "
#define NOT_AFTER_MAX (UINT64_C(1) << 40)

struct marker {
    char *folder; /* path; null: the release has none */
    bool has_ca;
    bool has_certificate;
    uint64_t not_after;
};

static void marker_clear(struct marker *m)
{
    mem_free(m->folder);
}

static bool take_word(const char **at, const char *word)
{
    if (!text_starts(*at, word))
        return false;
    *at += strlen(word);
    return true;
}

static bool parse_marker(struct marker *m, const char *text, const char *release_dir)
{
    const char *at = text + sizeof FOLDER - 1 + FOLDER_DIGITS;
    uint8_t bytes[FOLDER_DIGITS / 2];
    if (!text_starts(text, FOLDER) || strlen(text) < sizeof FOLDER - 1 + FOLDER_DIGITS ||
        !text_unhex(bytes, sizeof bytes, text + sizeof FOLDER - 1, FOLDER_DIGITS))
        return false;
    AUTO(mem_auto) char *name = mem_text_n(text, (size_t)(at - text));
    m->has_ca = take_word(&at, WORD_CA);
    m->has_certificate = take_word(&at, WORD_CERTIFICATE);
    m->folder = path_join(release_dir, name);
    return m->has_certificate ? num_parse(&m->not_after, at, strlen(at), NOT_AFTER_MAX) : *at == '\0';
}

static bool read_marker(struct marker *m, const char *release_dir, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(64);
    AUTO(mem_auto) char *path = path_join(release_dir, MARKER);
    bool exists = false;
    *m = (struct marker){ 0 };
    if (!file_exists(path, &exists, e) || !exists)
        return e->code == ERR_NONE;
    if (!file_read(path, FILE_NO_LINK | FILE_TRUSTED, text.max, &text, e))
        return err_as(e, ERR_CONFIG);
    if (parse_marker(m, buf_text(&text), release_dir))
        return true;
    err_set(e, ERR_CONFIG, "%s: was not written by archon-load", path);
    return err_hint(e, "remove it, and give --ca, --ssl-cert and --ssl-key again");
}

bool site_tls_find(const char *release_dir, const char *file, char **path, struct err *e)
{
    struct marker m;
    *path = NULL;
    bool ok = read_marker(&m, release_dir, e);
    if (ok && m.folder != NULL && (is_of_ca(file) ? m.has_ca : m.has_certificate))
        *path = path_join(m.folder, file);
    marker_clear(&m);
    return ok;
}

bool site_tls_end(const char *release_dir, int64_t *not_after, struct err *e)
{
    struct marker m;
    bool ok = read_marker(&m, release_dir, e);
    *not_after = (int64_t)m.not_after;
    marker_clear(&m);
    return ok;
}

/* The option, else the first release that has such a file. */
static bool choose(char **out, const char *option, const char *const *kept, size_t n_kept, const char *file, struct err *e)
{
    *out = mem_text(option);
    for (size_t i = 0; i < n_kept && *out == NULL; i++)
        if (kept[i] != NULL && !site_tls_find(kept[i], file, out, e))
            return false;
    return true;
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
    snprintf(t->folder, sizeof t->folder, FOLDER "%.*s", FOLDER_DIGITS, DIGEST_HEX(&d));
}

static bool read_chosen(struct site_tls *t, const struct site_tls_options *o, const char *const *kept, size_t n_kept, const char *host, int64_t now,
                        struct err *e)
{
    AUTO(mem_auto) char *ca = NULL;
    AUTO(mem_auto) char *certificate = NULL;
    AUTO(mem_auto) char *key = NULL;
    return choose(&ca, o->ca, kept, n_kept, SITE_TLS_SITE_CA, e) && choose(&certificate, o->certificate, kept, n_kept, SITE_TLS_CERTIFICATE, e) &&
           choose(&key, o->key, kept, n_kept, SITE_TLS_KEY, e) && read_files(t, ca, certificate, key, host, now, e);
}

struct site_tls *site_tls_read(const struct site_tls_options *o, const char *const *kept, size_t n_kept, const char *host, int64_t now,
                               struct err *e)
{
    AUTO(site_tls_free_auto) struct site_tls *t = mem_new(sizeof *t);
    if ((o->certificate == NULL) != (o->key == NULL)) {
        err_set(e, ERR_USAGE, "--ssl-cert and --ssl-key go together");
        return NULL;
    }
    if (!read_chosen(t, o, kept, n_kept, host, now, e))
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

static char *marker_text(const struct site_tls *t)
{
    const char *ca = t->ca_pem != NULL ? WORD_CA : "";
    if (t->chain_pem == NULL)
        return mem_format("%s%s", t->folder, ca);
    return mem_format("%s%s" WORD_CERTIFICATE "%llu", t->folder, ca, (unsigned long long)t->not_after);
}

bool site_tls_write(const struct site_tls *t, const char *release_dir, struct err *e)
{
    struct kept_file files[4];
    size_t n = files_of(t, files);
    AUTO(mem_auto) char *dir = path_join(release_dir, t->folder);
    AUTO(mem_auto) char *marker = path_join(release_dir, MARKER);
    AUTO(mem_auto) char *text = marker_text(t);
    if (!path_make_dirs(dir, 0700, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        AUTO(mem_auto) char *path = path_join(dir, files[i].name);
        if (!file_publish(path, files[i].text, files[i].n, files[i].mode, e))
            return false;
    }
    return file_publish(marker, text, strlen(text), 0600, e);
}

static bool has_text(const char *path, const char *text, size_t n, bool *yes, struct err *e)
{
    AUTO(buf_wipe_auto) struct buf found = BUF_LIMIT(LIMIT_PUBLIC_ROOTS_BYTES + LIMIT_CONFIG_FILE_BYTES);
    if (!file_exists(path, yes, e) || (*yes && !file_read(path, FILE_NO_LINK, found.max, &found, e)))
        return false;
    *yes = *yes && found.len == n && memcmp(buf_text(&found), text, n) == 0;
    return true;
}

bool site_tls_is_written(const struct site_tls *t, const char *release_dir, bool *yes, struct err *e)
{
    struct kept_file files[4];
    size_t n = files_of(t, files);
    AUTO(mem_auto) char *marker = path_join(release_dir, MARKER);
    AUTO(mem_auto) char *text = marker_text(t);
    if (!has_text(marker, text, strlen(text), yes, e))
        return false;
    for (size_t i = 0; i < n && *yes; i++) {
        AUTO(mem_auto) char *path = mem_format("%s/%s/%s", release_dir, t->folder, files[i].name);
        if (!has_text(path, files[i].text, files[i].n, yes, e))
            return false;
    }
    return true;
}
