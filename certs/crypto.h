/* What the files of this folder share about the crypto library; no other folder includes it. Its types are named here
 * without its headers. */
#ifndef CERTS_CRYPTO_H
#define CERTS_CRYPTO_H

#include "certs/key.h"

struct bio_st;
struct evp_pkey_st;

/* For AUTO() on the library's streams. */
void bio_auto(struct bio_st **b);

/* "<what>: <the library's own words>", then forgets the library's list of errors. Returns false always. */
bool crypto_fail(struct err *e, enum err_code code, const char *what);

/* The library's key object of a public key. Borrows. */
struct evp_pkey_st *key_public_pkey(const struct key_public *k);
struct evp_pkey_st *key_private_pkey(const struct key_private *k);

/* A public key from exactly its SubjectPublicKeyInfo DER. what names the place. */
MUST_CHECK struct key_public *key_public_of_der(const uint8_t *der, size_t n, const char *what, struct err *e);

/* The type of a key by the form of its DER, or false: then key_name_of_other names it ("an RSA key"). */
bool key_type_of_der(const uint8_t *der, size_t n, enum key_type *out);
const char *key_name_of_other(const uint8_t *der, size_t n);

#endif
