/* What token servers answer. */
#include "base/err.h"
#include "registry/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct err e = { 0 };
    AUTO(secret_clear_auto) struct secret token = { 0 };
    uint64_t lifetime_s = 0;
    bool is_good = token_read((const char *)bytes, n, 1800000000, &token, &lifetime_s, &e);
    BUG_IF(is_good ? token.n == 0 || lifetime_s < 60 : token.bytes != NULL || e.code != ERR_AUTH);
    return 0;
}
