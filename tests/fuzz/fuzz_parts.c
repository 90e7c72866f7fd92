/* Names and sizes of parts, as a disc may have them. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "bundle/part_layout.h"
#include "bundle/part_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    uint64_t sizes[16];
    size_t n_sizes = 0;
    size_t len = 0;
    struct err e = { 0 };
    struct part_layout x;
    char *path = mem_text_n((const char *)bytes, n);
    size_t number = part_name_number(path, &len);
    if (number > LIMIT_PARTS || (number > 0 && len + 4 != strlen(path)))
        abort();
    mem_free(path);
    if (n < 16)
        return 0;
    uint64_t total = num_le64(bytes) >> 12;
    for (size_t at = 8; at + 8 <= n && n_sizes < 16; at += 8)
        sizes[n_sizes++] = num_le64(bytes + at) >> 12;
    if (total > 0 && part_layout_of(sizes, n_sizes, total, &x, &e)) {
        uint64_t sum = 0;
        for (size_t i = 0; i < x.n; i++)
            sum += part_layout_bytes(&x, i, total);
        if (sum != total || x.n == 0 || x.n > LIMIT_PARTS)
            abort();
        if (part_layout_check(&x, sizes, n_sizes, total, false, &e))
            for (size_t i = 0; i < n_sizes; i++)
                if (sizes[i] != (i < x.n ? part_layout_bytes(&x, i, total) : 0))
                    abort();
    }
    return 0;
}
