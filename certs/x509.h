/* Certificates in PEM files, shared by the files of this folder; no other folder includes it. */
#ifndef CERTS_X509_H
#define CERTS_X509_H

#include "base/buf.h"
#include "format/digest.h"

struct x509_st;

struct x509_list {
    struct x509_st **items;
    size_t n;
    size_t cap;
};
void x509_list_clear(struct x509_list *list);

/* Every certificate of a PEM text in order, at most max. Text between blocks is skipped; any other block, a damaged block
 * and a text without certificates are ERR_CONFIG. */
MUST_CHECK bool x509_list_parse(struct x509_list *out, const char *text, size_t n, size_t max, const char *what, struct err *e);

/* Appends the certificate as a PEM block. */
void x509_encode(struct buf *out, const struct x509_st *cert);

void x509_id(struct digest *out, const struct x509_st *cert);
/* The subject as printable text, RFC 2253 order (mem_free). */
char *x509_subject(const struct x509_st *cert);
int64_t x509_not_after(const struct x509_st *cert);

/* Valid at now; key and signature of today's strength. what names the certificate. ERR_CONFIG. */
MUST_CHECK bool x509_check_dates(const struct x509_st *cert, int64_t now, const char *what, struct err *e);
MUST_CHECK bool x509_check_strength(struct x509_st *cert, const char *what, struct err *e);

#endif
