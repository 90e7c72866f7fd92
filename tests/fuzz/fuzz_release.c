/* release.json: what is read can be written, and reads the same. */
#include <stdint.h>
#include <string.h>

#include "app/release.h"
#include "base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    AUTO(release_clear_auto) struct release r = { 0 };
    AUTO(release_clear_auto) struct release back = { 0 };
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_RELEASE_BYTES);
    AUTO(buf_clear_auto) struct buf again = BUF_LIMIT(LIMIT_RELEASE_BYTES);
    struct err e = { 0 };
    if (!release_read(&r, (const char *)bytes, n, &e)) {
        BUG_IF(e.code != ERR_FORMAT && e.code != ERR_POLICY);
        return 0;
    }
    BUG_IF(!release_write(&r, &text, &e));
    BUG_IF(!release_read(&back, buf_text(&text), text.len, &e));
    BUG_IF(!release_write(&back, &again, &e));
    BUG_IF(text.len != again.len || memcmp(buf_text(&text), buf_text(&again), text.len) != 0);
    return 0;
}
