/* The inside of a keyring and of the host's store, shared by the files that fill it (trust_store.c), judge with it (trust.c) and keep the host's own key beside it (host_key.c). */
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

/* Where the store lies below a root (null or "/": the machine itself), and things in it: trust_store_path(root, TRUST_STORE_DIR "/x"), mem_free. */
#define TRUST_STORE_DIR "/etc/archon"
char *trust_store_path(const char *root, const char *path);
/* A directory that only its owner, who is root or the caller, can change. False in *is_there when there is none. ERR_CONFIG. */
MUST_CHECK bool trust_store_check_dir(const char *path, bool *is_there, struct err *e);

#endif
