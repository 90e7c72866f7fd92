/* bundle.yaml */
#include <stdint.h>

#include "app/definition.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    AUTO(findings_clear_auto) struct findings f = { 0 };
    AUTO(definition_clear_auto) struct definition d = { 0 };
    struct err e = { 0 };
    bool ok = definition_parse(&d, (const char *)bytes, n, "fuzz", &f, &e) && findings_done(&f, &e);
    BUG_IF(ok && (d.name == NULL || (d.compose.n == 0 && d.images.n == 0)));
    BUG_IF(!ok && e.code == ERR_NONE);
    return 0;
}
