/* The inside of a keyring, shared by the files that fill it (trust_store.c) and judge with it (trust.c). */
#ifndef CERTS_KEYRING_H
#define CERTS_KEYRING_H

#include "certs/trust.h"

struct keyring_key {
    struct trust_entry entry;
    struct key_public *key;
};

/* What must be met for a bundle to count as signed. Roles with thresholds of their own are read from policy.json one day;
 * until then any one key of any role but root is enough. */
struct keyring_policy {
    size_t threshold; /* distinct keys, at least 1 */
};

struct keyring {
    struct keyring_key *keys;
    size_t n;
    size_t cap;
    struct trust_entry *revoked;
    size_t n_revoked;
    size_t revoked_cap;
    struct keyring_policy policy;
};

struct keyring *keyring_new(void);
/* Takes the key over. ERR_CONFIG beyond LIMIT_TRUSTED_KEYS, or when the same key has another role already. */
MUST_CHECK bool keyring_add(struct keyring *k, const char *role, const char *name, struct key_public *key, struct err *e);
/* "vendor/release-2026 (0123456789abcdef)" for messages. */
const char *keyring_shown(char out[TRUST_ROLE_BYTES + TRUST_NAME_BYTES + 24], const struct trust_entry *entry);
bool keyring_may_sign_bundles(const struct trust_entry *entry);

#endif
