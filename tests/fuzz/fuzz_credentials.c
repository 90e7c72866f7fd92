/* Credentials files. No program that one names is run. */
#include "base/mem.h"
#include "registry/auth_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct err e = { 0 };
    AUTO(auth_file_free_auto) struct auth_file *f = auth_file_read((const char *)bytes, n, "config.json", &e);
    if (f == NULL) {
        BUG_IF(e.code != ERR_CONFIG);
        return 0;
    }
    struct auth_found found = auth_file_find(f, "docker.io", "library/nginx");
    BUG_IF(found.credential != NULL && (found.helper != NULL || found.credential->kind == CREDENTIAL_NONE));
    if (found.credential != NULL && found.credential->kind == CREDENTIAL_PASSWORD) {
        AUTO(secret_clear_auto) struct secret basic = credential_basic(found.credential);
        BUG_IF(basic.n < 6);
    }
    return 0;
}
