/* bundle.json: strict, and what was read is written back as the same values. */
#include <stdlib.h>

#include "bundle/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct err e = { 0 };
    AUTO(manifest_clear_auto) struct manifest m = { 0 };
    if (!manifest_read(&m, bytes, n, &e))
        return 0;
    struct err e2 = { 0 };
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(2 * LIMIT_MANIFEST_BYTES);
    AUTO(manifest_clear_auto) struct manifest again = { 0 };
    if (!manifest_write(&m, &text, &e2))
        return 0; /* pretty form over 4 MiB */
    if (!manifest_read(&again, text.data, text.len, &e2) || again.n_members != m.n_members || again.total_len != m.total_len)
        abort();
    return 0;
}
