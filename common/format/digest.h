/* SHA-256 and digests: `sha256:` + 64 lower-case hex digits (OCI image-spec, descriptor.md). sha512 and others are refused
 * by name. Never compared as text. */
#ifndef FORMAT_DIGEST_H
#define FORMAT_DIGEST_H

#include "base/err.h"

enum { DIGEST_BYTES = 32, DIGEST_TEXT_BYTES = 7 + 64 + 1 };

struct digest {
    uint8_t bytes[DIGEST_BYTES];
};

/* Exactly "sha256:<64 hex>". what names the place in the message ("manifest.layers[3].digest"). ERR_FORMAT. */
MUST_CHECK bool digest_parse(struct digest *out, const char *text, const char *what, struct err *e);
/* Exactly 64 hex digits. */
MUST_CHECK bool digest_parse_hex(struct digest *out, const char *text, const char *what, struct err *e);

struct digest_text {
    char text[DIGEST_TEXT_BYTES];
};
const char *digest_format(struct digest_text *out, const struct digest *d); /* sha256:... */
const char *digest_format_hex(struct digest_text *out, const struct digest *d);
#define DIGEST_SHOWN(d) digest_format(&(struct digest_text){ { 0 } }, (d))
#define DIGEST_HEX(d) digest_format_hex(&(struct digest_text){ { 0 } }, (d))


bool digest_equal(const struct digest *a, const struct digest *b);
int digest_compare(const struct digest *a, const struct digest *b);

/* Streaming SHA-256 (OpenSSL EVP behind it). Thread: each object belongs to one. A failing libcrypto is a bug, not an error:
 * SHA-256 is in every provider. */
struct sha256;
struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *h, const void *bytes, size_t n);
/* The digest of what was added; h is then ready for the next message. */
void sha256_end(struct sha256 *h, struct digest *out);
void sha256_free(struct sha256 *h);
AUTO_FREE(struct sha256, sha256_free)
/* One call; the fastest path for small inputs: 0.15 us beside the hash, which for 4 KiB takes 2 us. Thread: any. */
void sha256_of(struct digest *out, const void *bytes, size_t n);

#endif
