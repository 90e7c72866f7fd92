/* Detached signatures over the exact bytes of a document. Ed25519 signatures are 64 bytes, ECDSA ones DER. The first bytes
 * of a document say which kind it is, and are looked at before anything else: a key that signed a receipt has not signed
 * a bundle. */
#ifndef CERTS_SIGNATURE_H
#define CERTS_SIGNATURE_H

#include "base/limits.h"
#include "certs/key.h"

enum signature_domain { SIGNATURE_MANIFEST, SIGNATURE_TRUST_UPDATE, SIGNATURE_RECEIPT, N_SIGNATURE_DOMAINS };

/* The bytes are at most LIMIT_MANIFEST_BYTES and begin like a document of that kind. ERR_TRUST when they are one of
 * another kind, ERR_FORMAT when they are of none. */
MUST_CHECK bool signature_domain_check(enum signature_domain domain, const void *bytes, size_t n, struct err *e);

struct signature {
    uint8_t bytes[LIMIT_SIGNATURE_BYTES];
    size_t n;
};

/* Signs, and verifies what was made before saying yes. */
MUST_CHECK bool signature_make(const struct key_private *k, enum signature_domain domain, const void *bytes, size_t n,
                               struct signature *out, struct err *e);

enum signature_verdict { SIGNATURE_BAD, SIGNATURE_GOOD };

/* Any length and content of the signature gives a verdict. Fails (ERR_INTERNAL, *out is SIGNATURE_BAD) only when the
 * crypto library cannot do its work. Checks no domain: keyring_judge does. */
MUST_CHECK bool signature_verify(const struct key_public *k, const void *bytes, size_t n, const void *signature,
                                 size_t signature_n, enum signature_verdict *out, struct err *e);

#endif
