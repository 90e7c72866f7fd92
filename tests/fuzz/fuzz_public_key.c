/* Public key files. What is accepted has one text: the canonical one reads back as the same key. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certs/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct err e = { 0 };
    AUTO(key_public_free_auto) struct key_public *k = key_public_parse((const char *)bytes, n, "input", &e);
    if ((k == NULL) != (e.code != ERR_NONE))
        abort();
    if (k == NULL)
        return 0;
    const char *pem = key_public_pem(k);
    size_t pem_n = strlen(pem);
    if ((n != pem_n && n + 1 != pem_n) || memcmp(pem, bytes, n) != 0)
        abort();
    return 0;
}
