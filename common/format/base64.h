/* Base64 (RFC 4648, with padding), of credentials and signatures. Results are wiped: they may be secrets. */
#ifndef FORMAT_BASE64_H
#define FORMAT_BASE64_H

#include "base/secret.h"

/* Reads text of n characters; false when it is not canonical base64. Padding may be missing, as some writers leave it out. */
MUST_CHECK bool base64_read(struct secret *out, const char *text, size_t n);
struct secret base64_of(const char *bytes, size_t n);

#endif
