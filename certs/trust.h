/* Who may sign bundles: the set of trusted keys, the host's store that holds them, and the one verdict. CONTRACT (common/bundle codes against it; add functions freely)
 *
 * Signatures are unsigned by nature; nothing but the verdict reads them. docs/FORMAT.md section 5. */
#ifndef CERTS_TRUST_H
#define CERTS_TRUST_H

#include "base/err.h"

enum { TRUST_KEY_ID_TEXT = 65, TRUST_NAME_BYTES = 128, TRUST_VERIFIED_MAX = 16 };

struct keyring; /* trusted and revoked public keys */
void keyring_free(struct keyring *k);
AUTO_FREE(struct keyring, keyring_free)

struct trust_signature {
    const char *name;     /* member name: signatures/<16 hex>.sig or signatures/<n>.p7s */
    const uint8_t *bytes; /* borrowed */
    size_t n;
};

struct verdict { /* the keys whose signatures verified, and what else was there */
    size_t n;
    struct verdict_key {
        char id[TRUST_KEY_ID_TEXT];  /* 64 hex digits */
        char name[TRUST_NAME_BYTES]; /* of the file, printable */
        char role[TRUST_NAME_BYTES];
    } keys[TRUST_VERIFIED_MAX];
    size_t n_unknown; /* signatures of keys that are not in the ring: a note */
};

/* The verdict on a document by its signatures. Starts as "refuse" and becomes "accept" at one place. Fails with ERR_TRUST (not signed; signed by unknown
 * keys only; signature by X is invalid; key revoked), ERR_FORMAT (the document does not begin as a bundle manifest does). */
MUST_CHECK bool keyring_judge(const struct keyring *k, const void *bytes, size_t n, const struct trust_signature *signatures, size_t n_signatures,
                              struct verdict *out, struct err *e);

#endif
