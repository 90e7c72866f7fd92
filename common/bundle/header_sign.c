/* A key's signature over bundle.json. */
#include <stdio.h>

#include "bundle/header.h"
#include "certs/signature.h"

#include "base/banned.h"

bool header_sign(struct header *h, const struct key_private *key, const void *manifest, size_t n, struct err *e)
{
    struct signature s;
    char name[LAYOUT_SIGNATURE_NAME];
    snprintf(name, sizeof name, FOLDER_SIGNATURES "%.16s.sig", DIGEST_HEX(key_public_id(key_private_public(key))));
    return signature_make(key, SIGNATURE_MANIFEST, manifest, n, &s, e) && header_add_signature(h, name, s.bytes, s.n, e);
}
