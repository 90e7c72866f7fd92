/* Credentials files. */
#include "base/mem.h"
#include "registry/credentials.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct err e = { 0 };
    AUTO(credentials_free_auto) struct credentials *c = credentials_read((const char *)bytes, n, "config.json", &e);
    if (c == NULL) {
        BUG_IF(e.code != ERR_CONFIG);
        return 0;
    }
    AUTO(credential_clear_auto) struct credential found = { 0 };
    credentials_find(c, "docker.io", "library/nginx", &found);
    if (found.kind == CREDENTIAL_PASSWORD) {
        AUTO(secret_clear_auto) struct secret basic = credential_basic(&found);
        BUG_IF(basic.n < 6);
    }
    return 0;
}
