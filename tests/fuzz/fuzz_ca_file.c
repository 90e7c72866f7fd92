/* CA files. What is accepted is normalised, and the normal form is accepted as it is. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certs/ca.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const int64_t now = 1800000000;
    struct err e = { 0 };
    AUTO(ca_bundle_free_auto) struct ca_bundle *b = ca_bundle_parse((const char *)bytes, n, "input", now, &e);
    if ((b == NULL) != (e.code != ERR_NONE))
        abort();
    if (b == NULL)
        return 0;
    const char *pem = ca_bundle_pem(b);
    AUTO(ca_bundle_free_auto) struct ca_bundle *again = ca_bundle_parse(pem, strlen(pem), "normal form", now, &e);
    if (again == NULL || strcmp(pem, ca_bundle_pem(again)) != 0)
        abort();
    return 0;
}
