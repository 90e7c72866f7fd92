/* Attached documents of arbitrary bytes: looked at without complaint. */
#include "gates/statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    enum reports_sbom_kind kind;
    (void)statement_is_sbom(n > 0 ? (const char *)bytes : "", n, &kind);
    return 0;
}
