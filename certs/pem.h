/* PEM text in its one strict form: one block, lines of 64 characters, newlines only, nothing before or after. */
#ifndef CERTS_PEM_H
#define CERTS_PEM_H

#include "base/buf.h"

/* Decodes the one block of that label into der (at most der_max bytes; *der_n tells). The newline at the end may be
 * missing. ERR_CONFIG with what it is instead. */
MUST_CHECK bool pem_decode_one(const char *text, size_t n, const char *label, uint8_t *der, size_t der_max, size_t *der_n,
                               const char *what, struct err *e);

/* Appends a block. */
void pem_encode(struct buf *out, const char *label, const uint8_t *der, size_t n);

/* The label of the first block ("CERTIFICATE") in out, or an empty string; true when there is a second block. */
bool pem_first_label(const char *text, size_t n, char out[64]);

#endif
