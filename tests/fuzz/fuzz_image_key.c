/* Public keys of image signers. What is accepted verifies no arbitrary signature and has one text. */
#include <stdint.h>
#include <stdlib.h>

#include "certs/image_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct err e = { 0 };
    AUTO(image_key_free_auto) struct image_key *k = image_key_parse((const char *)bytes, n, "input", &e);
    if ((k == NULL) != (e.code != ERR_NONE))
        abort();
    enum signature_verdict v = SIGNATURE_BAD;
    if (k != NULL && (!image_key_verify(k, "x", 1, bytes, n, &v, &e) || v != SIGNATURE_BAD))
        abort();
    return 0;
}
