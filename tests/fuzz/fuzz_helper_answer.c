/* What credential helpers answer. */
#include <string.h>

#include "registry/credential_helper.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct err e = { 0 };
    AUTO(credential_clear_auto) struct credential c = { 0 };
    bool is_good = helper_read((const char *)bytes, n, "docker-credential-x", &c, &e);
    BUG_IF(!is_good && (e.code != ERR_CONFIG || c.secret.bytes != NULL));
    BUG_IF(is_good && c.kind != CREDENTIAL_NONE && (c.secret.n == 0 || strchr(c.user, ':') != NULL));
    BUG_IF(is_good && c.kind == CREDENTIAL_NONE && c.secret.bytes != NULL);
    return 0;
}
