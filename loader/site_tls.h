/* The certificates of the site for services: checked once, before anything changes, and kept in the directory of the release under a name that
 * depends on their content, so that a new certificate is a new mount and compose restarts what shows it. */
#ifndef LOADER_SITE_TLS_H
#define LOADER_SITE_TLS_H

#include "app/release.h"

struct site_tls_options {
    const char *ca;          /* --ca */
    const char *certificate; /* --ssl-cert */
    const char *key;         /* --ssl-key */
};

struct site_tls {
    char *ca_pem;      /* public roots and the site's CA in one, for services; null: none given */
    char *site_ca_pem; /* the site's CA alone */
    char *chain_pem;   /* the certificate that services show; null: none given */
    struct secret key_pem;
    char *names;       /* it covers */
    int64_t not_after;
    char folder[32];   /* "tls-<12 hex>" below the release's directory */
};

/* From the options; those not given from the first of the kept releases (directories; null ones are passed over) that has them. host: must be
 * covered by the certificate. ERR_CONFIG. */
MUST_CHECK struct site_tls *site_tls_read(const struct site_tls_options *o, const char *const *kept, size_t n_kept, const char *host, int64_t now,
                                          struct err *e);
void site_tls_free(struct site_tls *t);
AUTO_FREE(struct site_tls, site_tls_free)

/* Writes the files below the directory of a release; are they there? */
MUST_CHECK bool site_tls_write(const struct site_tls *t, const char *release_dir, struct err *e);
MUST_CHECK bool site_tls_is_written(const struct site_tls *t, const char *release_dir, bool *yes, struct err *e);

/* Paths of the files in a release's directory (mem_free); null when there is none. */
char *site_tls_path(const struct site_tls *t, const char *release_dir, const char *file);
#define SITE_TLS_CA "ca.pem"           /* for services */
#define SITE_TLS_SITE_CA "site-ca.pem"
#define SITE_TLS_CERTIFICATE "server.crt"
#define SITE_TLS_KEY "server.key"

/* The path of such a file in the directory of a kept release (mem_free); null when the release has none. ERR_CONFIG when that cannot be told. */
MUST_CHECK bool site_tls_find(const char *release_dir, const char *file, char **path, struct err *e);

/* When the certificate of a kept release ends; 0: it has none. */
MUST_CHECK bool site_tls_end(const char *release_dir, int64_t *not_after, struct err *e);

#endif
