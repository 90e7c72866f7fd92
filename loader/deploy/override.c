/* The site's CA reaches every service, its certificate those that show one, and nothing is ever pulled; all of it by a
 * compose file of our own, so images and the author's files stay as they were signed. */
#include "loader/deploy/override.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "loader/deploy/render.h"

#include "base/banned.h"

/* Where the runtimes look for CA certificates: each names one PEM file. */
static const char *const ca_variables[] = {
    "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "PGSSLROOTCERT", "GIT_SSL_CAINFO",
};

void override_add_scalar(struct buf *out, const char *text)
{
    buf_addc(out, '"');
    for (const char *p = text; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\')
            buf_addc(out, '\\');
        else if (c == '$')
            buf_addc(out, '$');
        if (c < 0x20 || c == 0x7F)
            buf_addf(out, "\\x%02x", c);
        else
            buf_addc(out, *p);
    }
    buf_addc(out, '"');
}

static void add_mount(struct buf *out, const char *source, const char *target)
{
    buf_adds(out, "      - type: bind\n        source: ");
    override_add_scalar(out, source);
    buf_adds(out, "\n        target: ");
    override_add_scalar(out, target);
    buf_adds(out, "\n        read_only: true\n");
}

static void add_ca_variables(struct buf *out, const struct release_service *s, const char *target)
{
    size_t n = s->has_ca_variables ? s->ca_variables.n : ARRAY_LEN(ca_variables);
    if (n == 0)
        return;
    buf_adds(out, "    environment:\n");
    for (size_t i = 0; i < n; i++) {
        buf_addf(out, "      %s: ", s->has_ca_variables ? s->ca_variables.items[i] : ca_variables[i]);
        override_add_scalar(out, target);
        buf_addc(out, '\n');
    }
}

static bool needs_certificate(const struct release_service *s)
{
    return s->tls_certificate != NULL && s->health != NULL && text_starts(s->health, "https://");
}

static bool check_certificate(const struct render_input *in, const struct release_service *s, struct err *e)
{
    if (in->tls_certificate != NULL || !needs_certificate(s))
        return true;
    err_set(e, ERR_CONFIG, "service %s answers with TLS and this site gave no certificate", s->name);
    return err_hint(e, "give the host's certificate: --ssl-cert FILE --ssl-key FILE");
}

/* Every service gets an entry, so that no compose takes the file for one of the oldest form; the label stays the same from release to
 * release, because another one would restart services that did not change. */
static void add_service(struct buf *out, const struct render_input *in, const struct release_service *s)
{
    bool has_ca = in->ca_pem != NULL;
    bool has_tls = in->tls_certificate != NULL && s->tls_certificate != NULL;
    const char *ca_target = s->ca_file != NULL ? s->ca_file : RENDER_CA_DEFAULT;
    buf_adds(out, "  ");
    override_add_scalar(out, s->name);
    buf_adds(out, ":\n    labels:\n      " RENDER_LABEL ": ");
    override_add_scalar(out, in->release->name);
    buf_addc(out, '\n');
    if (in->compose->major >= 2) /* compose 1 does not look at it */
        buf_adds(out, "    pull_policy: never\n");
    if (has_ca)
        add_ca_variables(out, s, ca_target);
    if (has_ca || has_tls)
        buf_adds(out, "    volumes:\n");
    if (has_ca)
        add_mount(out, in->ca_pem, ca_target);
    if (has_tls) {
        add_mount(out, in->tls_certificate, s->tls_certificate);
        add_mount(out, in->tls_key, s->tls_key);
    }
}

bool render_override(struct buf *out, const struct render_input *in, struct err *e)
{
    const struct release *r = in->release;
    buf_adds(out, "# Written by archon-load for this site; changes are lost.\n");
    if (r->compose_version != NULL && in->compose->major < 2) { /* compose 1 wants the same one in all files, compose 2 none */
        buf_adds(out, "version: ");
        override_add_scalar(out, r->compose_version);
        buf_addc(out, '\n');
    }
    buf_adds(out, r->n_services > 0 ? "services:\n" : "services: {}\n");
    for (size_t i = 0; i < r->n_services; i++) {
        if (!check_certificate(in, &r->services[i], e))
            return false;
        add_service(out, in, &r->services[i]);
    }
    return buf_done(out, RENDER_OVERRIDE, e);
}
