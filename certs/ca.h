/* The site's certificate authority for services, and the certificate that services present. Files are read once, checked
 * whole, and what was checked is handed over: nothing reads them again. Every refusal is ERR_CONFIG and names file, fact
 * and expectation.
 *
 *     AUTO(ca_bundle_free_auto) struct ca_bundle *ca = ca_bundle_load(path, clock_unix(), e);
 *     AUTO(mem_auto) char *pem = ca == NULL ? NULL : ca_combine(ca_public_roots(), ca, e);
 */
#ifndef CERTS_CA_H
#define CERTS_CA_H

#include "base/secret.h"
#include "format/digest.h"

/* ---- --ca FILE ---- */

struct ca_bundle;

struct ca_info {
    char *subject;   /* printable */
    int64_t not_after;
    struct digest id; /* SHA-256 of the certificate */
};

/* PEM with 1..LIMIT_CA_CERTS CA certificates (CA:TRUE, valid at now, RSA >= 2048 or a curve >= 256 bits, not signed with MD5 or
 * SHA-1) and no key. A regular file, no link, that only its owner (root or the caller) can change, in a directory where
 * others cannot replace it. Text between the certificates is left out, duplicates too. */
MUST_CHECK struct ca_bundle *ca_bundle_load(const char *path, int64_t now, struct err *e);
MUST_CHECK struct ca_bundle *ca_bundle_parse(const char *text, size_t n, const char *what, int64_t now, struct err *e);
void ca_bundle_free(struct ca_bundle *b);
AUTO_FREE(struct ca_bundle, ca_bundle_free)

const char *ca_bundle_pem(const struct ca_bundle *b); /* normalised. Borrows */
size_t ca_bundle_count(const struct ca_bundle *b);
const struct ca_info *ca_bundle_at(const struct ca_bundle *b, size_t i);

/* The file of public roots of this machine, or null when it has none. */
const char *ca_public_roots(void);

/* One PEM text (mem_free): the site's CA first, then the public roots of that file (null: none), each once. */
MUST_CHECK char *ca_combine(const char *public_roots_path, const struct ca_bundle *ca, struct err *e);

/* ---- --ssl-cert FILE --ssl-key FILE ---- */

struct ca_server {
    char *chain_pem;       /* the certificate, then what follows it in the file; normalised */
    struct secret key_pem; /* as in the file */
    char *subject;
    char *names; /* "shop.example, *.shop.example, 10.0.0.1" */
    int64_t not_after;
};

struct ca_server_question {
    const char *cert_path;
    const char *key_path;
    const struct ca_bundle *ca; /* null: only public roots */
    const char *public_roots;   /* a file, usually ca_public_roots(); null: none */
    const char *const *hosts;   /* DNS names or addresses that must be covered by the subject alternative names */
    size_t n_hosts;
    int64_t now;
};

/* The certificate is for a TLS server, not a CA, valid at now, leads to the CA or a public root, covers every host, and the
 * key (private, not encrypted) belongs to it. */
MUST_CHECK struct ca_server *ca_server_load(const struct ca_server_question *q, struct err *e);
void ca_server_free(struct ca_server *s);
AUTO_FREE(struct ca_server, ca_server_free)

#endif
