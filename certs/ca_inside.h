/* What ca.c and ca_server.c share. */
#ifndef CERTS_CA_INSIDE_H
#define CERTS_CA_INSIDE_H

#include "certs/ca.h"
#include "certs/x509.h"

enum { CA_MAX_ROOTS = 2000 }; /* Debian's file has 150 */

/* A set of certificate ids. Adding says whether it was new. */
struct ca_ids {
    struct digest *items;
    size_t n;
    size_t cap;
};
bool ca_ids_add(struct ca_ids *ids, const struct digest *id);
void ca_ids_clear(struct ca_ids *ids);

/* Borrows. */
const struct x509_list *ca_bundle_certs(const struct ca_bundle *b);

/* The certificates of the machine's own file of roots, as they are: old roots in it are not for us to judge. */
MUST_CHECK bool ca_roots_read(struct x509_list *out, const char *path, struct err *e);

#endif
