/* Keys that sign documents: Ed25519, ECDSA P-256 and P-384. A public key file is one PEM `PUBLIC KEY` block and nothing
 * else, in the one encoding that `openssl pkey -pubout` writes; everything else is refused by name.
 *
 *     AUTO(key_private_free_auto) struct key_private *key = key_private_load("release.key", key_passphrase, NULL, e);
 *     if (key == NULL || !signature_make(key, SIGNATURE_MANIFEST, bytes, n, &signature, e))
 *         return false;
 */
#ifndef CERTS_KEY_H
#define CERTS_KEY_H

#include "base/buf.h"
#include "base/secret.h"
#include "format/digest.h"

enum key_type { KEY_ED25519, KEY_ECDSA_P256, KEY_ECDSA_P384, N_KEY_TYPES };

const char *key_type_name(enum key_type type); /* "ed25519", "ecdsa-p256", "ecdsa-p384": as after --type */
/* ERR_USAGE with the names that there are. */
MUST_CHECK bool key_type_parse(enum key_type *out, const char *text, struct err *e);

/* ---- public keys ---- */

struct key_public;

/* n bytes of PEM text; what names the place. Fails with ERR_CONFIG. */
MUST_CHECK struct key_public *key_public_parse(const char *text, size_t n, const char *what, struct err *e);
/* A regular file, no link, that nobody but its owner (the caller or root) can change. */
MUST_CHECK struct key_public *key_public_load(const char *path, struct err *e);
void key_public_free(struct key_public *k);
AUTO_FREE(struct key_public, key_public_free)

/* SHA-256 of the SubjectPublicKeyInfo DER; shown as DIGEST_HEX(). Borrows. */
const struct digest *key_public_id(const struct key_public *k);
enum key_type key_public_type(const struct key_public *k);
/* The canonical PEM text. Borrows. */
const char *key_public_pem(const struct key_public *k);

/* ---- private keys ---- */

struct key_private;

/* Gives the passphrase of an encrypted key; called once, and only for one that is encrypted. */
typedef bool (*key_passphrase_fn)(void *ctx, const char *path, struct secret *out, struct err *e);
/* The usual one: ctx is the path of a private file whose first line is the passphrase, or null: asks on the terminal. */
bool key_passphrase(void *ctx, const char *path, struct secret *out, struct err *e);

/* A file that only its owner can read, with one PEM private key (PKCS#8, encrypted or not, or EC). ask may be null: an
 * encrypted key is then refused. Fails with ERR_CONFIG. */
MUST_CHECK struct key_private *key_private_load(const char *path, key_passphrase_fn ask, void *ctx, struct err *e);
MUST_CHECK struct key_private *key_private_generate(enum key_type type, struct err *e);
void key_private_free(struct key_private *k);
AUTO_FREE(struct key_private, key_private_free)

/* Borrows. */
const struct key_public *key_private_public(const struct key_private *k);

/* Writes NAME.key (0600, AES-256 when passphrase is not null) and NAME.pub (0644). Never replaces a file; after a failure
 * neither exists. */
MUST_CHECK bool key_private_write_pair(const struct key_private *k, const char *name, const struct secret *passphrase,
                                       struct err *e);

#endif
