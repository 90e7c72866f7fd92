/* Public keys of who signs container images: what `cosign generate-key-pair`, `cosign public-key` and key services write. They never sign
 * bundles, and bundle keys (key.h) cannot be RSA; so this is a type of its own. ECDSA P-256 and RSA (PKCS #1 v1.5, 2048 to 8192 bits) over
 * SHA-256, Ed25519.
 *
 *     AUTO(image_key_free_auto) struct image_key *k = image_key_load("cosign.pub", e);
 *     image_key_verify(k, payload, n, signature, signature_n, &verdict, e) */
#ifndef CERTS_IMAGE_KEY_H
#define CERTS_IMAGE_KEY_H

#include "certs/signature.h"

struct image_key;

/* n bytes of PEM text, one PUBLIC KEY block; what names the place. Fails with ERR_CONFIG. */
MUST_CHECK struct image_key *image_key_parse(const char *text, size_t n, const char *what, struct err *e);
/* A regular file, no link, that nobody but its owner (the caller or root) can change. */
MUST_CHECK struct image_key *image_key_load(const char *path, struct err *e);
void image_key_free(struct image_key *k);
AUTO_FREE(struct image_key, image_key_free)

/* SHA-256 of the SubjectPublicKeyInfo DER. Borrows. */
const struct digest *image_key_id(const struct image_key *k);

/* Any length and content of the signature gives a verdict. Fails (ERR_INTERNAL, *out is SIGNATURE_BAD) only when the crypto library cannot
 * do its work. */
MUST_CHECK bool image_key_verify(const struct image_key *k, const void *bytes, size_t n, const void *signature, size_t signature_n,
                                 enum signature_verdict *out, struct err *e);

#endif
