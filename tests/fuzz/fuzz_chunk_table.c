/* The chunk table, which nobody has looked at when its manifest is trusted: the first byte chooses what the manifest says, the rest is chunks.bin.
 * A table that is accepted has chunks that follow each other without a gap, and every offset is found in the chunk that holds it. */
#include <stdlib.h>

#include "base/num.h"
#include "bundle/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* What the entries add up to, so that a table can be right. */
static struct manifest sums(const uint8_t *bytes, size_t n)
{
    struct manifest m = { .header_len = 65536, .total_len = 65536 };
    for (; m.n_chunks < n / LAYOUT_TABLE_ENTRY; m.n_chunks++) {
        m.total_len += num_le32(bytes + m.n_chunks * LAYOUT_TABLE_ENTRY);
        m.raw_len += num_le32(bytes + m.n_chunks * LAYOUT_TABLE_ENTRY + 4);
    }
    return m;
}

static void check_chunks(const struct table *t, const struct manifest *m)
{
    uint64_t file = m->header_len;
    uint64_t raw = 0;
    for (size_t i = 0; i < t->n; i++) {
        struct table_chunk c = table_get(t, i);
        if (c.file_offset != file || c.raw_offset != raw || c.packed_len == 0 || c.raw_len == 0 || c.raw_len > LIMIT_CHUNK_BYTES)
            abort();
        if (table_find(t, raw) != i || table_find(t, raw + c.raw_len - 1) != i)
            abort();
        file += c.packed_len;
        raw += c.raw_len;
    }
    if (file != m->total_len || raw != m->raw_len)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n == 0)
        return 0;
    struct err e = { 0 };
    struct manifest m = sums(bytes + 1, n - 1);
    m.n_chunks += (bytes[0] & 1);
    m.total_len += (bytes[0] >> 1 & 1);
    m.raw_len -= (bytes[0] >> 2 & 1);
    struct table t = { 0 };
    if (table_read(&t, &m, bytes + 1, n - 1, &e))
        check_chunks(&t, &m);
    else if (e.code != ERR_FORMAT)
        abort();
    table_clear(&t);
    return 0;
}
