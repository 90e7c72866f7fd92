/* What is particular to one server: whom we believe there in addition, and the certificate that it may ask us for. A request to any other
 * server must not carry it: that is for the caller to decide, by origin.
 *
 *     struct http_identity_files f = { .cert_file = "client.pem", .key_file = "client.key" };
 *     AUTO(http_identity_free_auto) struct http_identity *i = http_identity_open(h, &f, e);
 *     struct http_request rq = { ..., .identity = i };                                                                            */
#ifndef NET_IDENTITY_H
#define NET_IDENTITY_H

#include "net/http.h"

struct http_identity_files {
    const char *const *ca_files; /* PEM, in addition to what h believes */
    size_t n_ca_files;
    const char *cert_file; /* PEM, with the certificates between it and the authority; or null */
    const char *key_file;  /* PEM, not encrypted, readable by its owner only */
};
/* Reads the files. ERR_CONFIG. The result must outlive requests with it. */
MUST_CHECK struct http_identity *http_identity_open(const struct http *h, const struct http_identity_files *f, struct err *e);
void http_identity_free(struct http_identity *i);
AUTO_FREE(struct http_identity, http_identity_free)

#endif
