/* Who may sign bundles. A keyring is the set of keys that are trusted now, from files named on the command line or from
 * the host's store; keyring_judge is the one place where a document becomes trusted.
 *
 *     AUTO(keyring_free_auto) struct keyring *trusted = keyring_from_store(root, e);
 *     struct verdict verdict;
 *     if (trusted == NULL || !keyring_judge(trusted, bytes, n, signatures, n_signatures, &verdict, e))
 *         return false;
 *
 * The store is ROOT/etc/archon/trust.d/<role>/<name>.pub and ROOT/etc/archon/revoked.d/<key id> (its text is the reason).
 * Everything in it is checked; what is odd is an error, not a skip. */
#ifndef CERTS_TRUST_H
#define CERTS_TRUST_H

#include "base/limits.h"
#include "certs/key.h"

enum { TRUST_ROLE_BYTES = 33, TRUST_NAME_BYTES = 65, TRUST_REASON_BYTES = 101 };

#define TRUST_ROLE_RELEASE "release" /* when nobody says otherwise */
#define TRUST_ROLE_ROOT "root"       /* signs trust updates, never bundles */

/* One key of a keyring, for lists. */
struct trust_entry {
    char role[TRUST_ROLE_BYTES];
    char name[TRUST_NAME_BYTES];
    enum key_type type;
    struct digest id;
    bool is_revoked;
    char reason[TRUST_REASON_BYTES]; /* of the revocation; may be empty */
};

struct keyring;

/* Keys of --trust FILE..., all in role "release". ERR_CONFIG for a file that is not a good key. */
MUST_CHECK struct keyring *keyring_from_files(const char *const *paths, size_t n, struct err *e);
/* The same, and keys that the caller has: the public halves of those that it signs with. Borrows own. ERR_TRUST without any key. */
MUST_CHECK struct keyring *keyring_from_keys(const struct key_public *const *own, size_t n_own, const char *const *paths, size_t n, struct err *e);
/* The host's store below root ("/" or null: the machine). ERR_CONFIG when anything in it is odd, ERR_TRUST with a hint when
 * no key may sign bundles. */
MUST_CHECK struct keyring *keyring_from_store(const char *root, struct err *e);
/* The same, but an empty or missing store is an empty keyring: for lists, and to ask whether there is a store. */
MUST_CHECK struct keyring *keyring_read_store(const char *root, struct err *e);
void keyring_free(struct keyring *k);
AUTO_FREE(struct keyring, keyring_free)

/* Entries sorted by role and name. Borrows. */
size_t keyring_count(const struct keyring *k);
const struct trust_entry *keyring_at(const struct keyring *k, size_t i);
/* Every revoked key id, also those whose key is not in the store (role and name are then empty). Borrows. */
size_t keyring_revoked_count(const struct keyring *k);
const struct trust_entry *keyring_revoked_at(const struct keyring *k, size_t i);

/* Adds the key of a file to the store: ROOT/etc/archon/trust.d/<role>/<name>.pub. role null: "release"; name null: the file's
 * name without ".pub". The same key under the same name again is fine. ERR_TRUST when it is revoked. *id may be null. */
MUST_CHECK bool trust_store_add(const char *root, const char *role, const char *name, const char *pub_path, struct digest *id,
                                struct err *e);

/* ---- the verdict ---- */

/* A detached signature as found: name is its member name ("signatures/<16 digits>.sig"), whose digits are only a hint. */
struct signature_found {
    const char *name;
    const void *bytes;
    size_t n;
};

struct verdict_key {
    char role[TRUST_ROLE_BYTES];
    char name[TRUST_NAME_BYTES];
    struct digest id;
};

struct verdict {
    struct verdict_key keys[LIMIT_SIGNATURES]; /* distinct keys that verified and count */
    size_t n_keys;
    char unknown[LIMIT_SIGNATURES][17]; /* hints of signatures by keys that are not trusted here: worth a note */
    size_t n_unknown;
};

/* Whether these bytes are a bundle manifest that a trusted key has signed. True only then.
 * ERR_TRUST: no signature; only unknown keys; a known key whose signature is invalid, even if another is good; a revoked key
 * among the signers; fewer keys than needed. The message names the key. */
MUST_CHECK bool keyring_judge(const struct keyring *k, const void *bytes, size_t n, const struct signature_found *signatures,
                              size_t n_signatures, struct verdict *out, struct err *e);

#endif
