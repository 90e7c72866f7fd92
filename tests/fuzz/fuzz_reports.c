/* reports/summary.json over arbitrary bytes: what is accepted is written again and read again as the same. */
#include <stdlib.h>
#include <string.h>

#include "gates/reports.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct err e = { 0 };
    struct reports r;
    struct reports again;
    AUTO(buf_clear_auto) struct buf first = BUF_LIMIT(LIMIT_REPORTS_BYTES);
    AUTO(buf_clear_auto) struct buf second = BUF_LIMIT(LIMIT_REPORTS_BYTES);
    if (!reports_read(&r, n > 0 ? (const char *)bytes : "", n, &e)) {
        must(e.code == ERR_FORMAT && r.scans == NULL && r.packages == NULL);
        return 0;
    }
    must(reports_write(&r, &first, &e) && reports_read(&again, buf_text(&first), first.len, &e) && reports_write(&again, &second, &e));
    must(first.len == second.len && memcmp(buf_text(&first), buf_text(&second), first.len) == 0);
    reports_clear(&r);
    reports_clear(&again);
    return 0;
}
