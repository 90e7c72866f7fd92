/* Scan reports over arbitrary bytes. What is accepted must add up. */
#include <stdlib.h>
#include <string.h>

#include "gates/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct err e = { 0 };
    struct scan s;
    if (!scan_read(&s, n > 0 ? (const char *)bytes : "", n, "fuzz", &e)) {
        must(e.code == ERR_CONFIG && s.targets == NULL);
        return 0;
    }
    uint64_t sum = 0;
    uint64_t n_fixable = 0;
    for (size_t i = 0; i < s.n_targets; i++) {
        sum += severity_sum(&s.targets[i].counts);
        n_fixable += s.targets[i].n_fixable;
    }
    must(sum == severity_sum(&s.counts) && n_fixable == s.n_fixable && n_fixable <= sum);
    must(s.n_worst == (sum < SCAN_WORST ? sum : SCAN_WORST));
    for (size_t i = 1; i < s.n_worst; i++)
        must(s.worst[i].severity <= s.worst[i - 1].severity);
    must(s.tool != NULL && s.artifact != NULL && s.ids.n <= LIMIT_SCAN_IDENTITIES);
    scan_clear(&s);
    return 0;
}
