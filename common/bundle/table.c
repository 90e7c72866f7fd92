/* The chunk table. */
#include "bundle/table.h"

#include <string.h>

#include "base/mem.h"
#include "base/num.h"

#include "base/banned.h"

void table_clear(struct table *t)
{
    mem_free(t->chunks);
    *t = (struct table){ 0 };
}

void table_clear_auto(struct table *t)
{
    table_clear(t);
}

uint64_t table_packed_len(const struct table *t)
{
    const struct table_chunk *last = t->n == 0 ? NULL : &t->chunks[t->n - 1];
    return last == NULL ? 0 : last->file_offset - t->chunks[0].file_offset + last->packed_len;
}

uint64_t table_raw_len(const struct table *t)
{
    const struct table_chunk *last = t->n == 0 ? NULL : &t->chunks[t->n - 1];
    return last == NULL ? 0 : last->raw_offset + last->raw_len;
}

void table_add(struct table *t, uint32_t packed_len, uint32_t raw_len, const struct digest *sha256)
{
    struct table_chunk c = { .file_offset = table_packed_len(t), .raw_offset = table_raw_len(t), .packed_len = packed_len,
                             .raw_len = raw_len, .sha256 = *sha256 };
    if (t->n > 0)
        c.file_offset += t->chunks[0].file_offset;
    MEM_PUSH(t->chunks, t->n, t->cap) = c;
}

void table_write(const struct table *t, struct buf *out)
{
    for (size_t i = 0; i < t->n; i++) {
        uint8_t entry[LAYOUT_TABLE_ENTRY];
        num_put_le32(entry, t->chunks[i].packed_len);
        num_put_le32(entry + 4, t->chunks[i].raw_len);
        memcpy(entry + 8, t->chunks[i].sha256.bytes, DIGEST_BYTES);
        buf_add(out, entry, sizeof entry);
    }
}

static bool check_entry(size_t i, uint32_t packed, uint32_t raw, struct err *e)
{
    if (packed == 0 || packed > LAYOUT_FRAME_MAX || raw == 0 || raw > LIMIT_CHUNK_BYTES)
        return err_set(e, ERR_FORMAT, "chunks.bin: chunk %zu: lengths %u and %u are not allowed", i, packed, raw);
    return true;
}

bool table_read(struct table *t, const struct manifest *m, const uint8_t *bytes, size_t n, struct err *e)
{
    if (n != m->n_chunks * LAYOUT_TABLE_ENTRY)
        return err_set(e, ERR_FORMAT, "chunks.bin: %zu bytes, expected %llu for %llu chunks", n,
                       (unsigned long long)m->n_chunks * LAYOUT_TABLE_ENTRY, (unsigned long long)m->n_chunks);
    t->chunks = mem_new_array((size_t)m->n_chunks, sizeof *t->chunks);
    t->cap = (size_t)m->n_chunks;
    for (size_t i = 0; i < m->n_chunks; i++) {
        const uint8_t *entry = bytes + i * LAYOUT_TABLE_ENTRY;
        struct digest sha256;
        memcpy(sha256.bytes, entry + 8, DIGEST_BYTES);
        if (!check_entry(i, num_le32(entry), num_le32(entry + 4), e))
            return false;
        table_add(t, num_le32(entry), num_le32(entry + 4), &sha256);
        if (i == 0)
            t->chunks[0].file_offset = m->header_len;
    }
    if (m->header_len + table_packed_len(t) != m->total_len)
        return err_set(e, ERR_FORMAT, "chunks.bin: chunks end at %llu, total_len is %llu",
                       (unsigned long long)(m->header_len + table_packed_len(t)), (unsigned long long)m->total_len);
    if (table_raw_len(t) != m->raw_len)
        return err_set(e, ERR_FORMAT, "chunks.bin: raw lengths add up to %llu, raw_len is %llu", (unsigned long long)table_raw_len(t),
                       (unsigned long long)m->raw_len);
    return true;
}

size_t table_find(const struct table *t, uint64_t raw_offset)
{
    size_t low = 0;
    size_t high = t->n;
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (t->chunks[mid].raw_offset <= raw_offset)
            low = mid;
        else
            high = mid;
    }
    return low;
}
