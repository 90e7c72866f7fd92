/* Journals: whatever the bytes, what is read is whole and terminated. */
#include <stdint.h>
#include <string.h>

#include "loader/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct journal_last last;
    struct err e = { 0 };
    bool ok = journal_parse(&last, n == 0 ? "" : (const char *)bytes, n, "fuzz", &e);
    BUG_IF(ok != (e.code == ERR_NONE) || (!ok && e.code != ERR_CONFIG));
    BUG_IF(strnlen(last.release, sizeof last.release) == sizeof last.release || strnlen(last.version, sizeof last.version) == sizeof last.version ||
           strnlen(last.step, sizeof last.step) == sizeof last.step);
    BUG_IF(last.sequence == 0 && last.is_unfinished);
    return 0;
}
