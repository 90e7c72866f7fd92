/* The chunk table. */
#include "bundle/table.h"

#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "stream/checksum.h"

#include "base/banned.h"

enum { TABLE_STEP = 32 };

void table_clear(struct table *t)
{
    mem_free(t->own);
    mem_free(t->marks);
    *t = (struct table){ 0 };
}

void table_clear_auto(struct table *t)
{
    table_clear(t);
}

static uint32_t packed_len_of(const struct table *t, size_t i)
{
    return num_le32(t->entries + i * LAYOUT_TABLE_ENTRY);
}

static uint32_t raw_len_of(const struct table *t, size_t i)
{
    return num_le32(t->entries + i * LAYOUT_TABLE_ENTRY + 4);
}

/* The next entry is in place: it counts from now on. */
static void count(struct table *t, uint64_t file_start)
{
    if (t->n % TABLE_STEP == 0)
        MEM_PUSH(t->marks, t->n_marks, t->marks_cap) = (struct table_mark){ file_start + t->packed_len, t->raw_len };
    t->packed_len += packed_len_of(t, t->n);
    t->raw_len += raw_len_of(t, t->n);
    t->n++;
}

void table_add(struct table *t, uint32_t packed_len, uint32_t raw_len, const struct digest *sha256)
{
    BUG_IF(t->n > 0 && t->own == NULL);
    if (t->n == t->own_cap) {
        t->own_cap = t->own_cap == 0 ? 64 : t->own_cap * 2;
        t->own = mem_resize(t->own, t->own_cap * LAYOUT_TABLE_ENTRY);
        t->entries = t->own;
    }
    uint8_t *entry = t->own + t->n * LAYOUT_TABLE_ENTRY;
    num_put_le32(entry, packed_len);
    num_put_le32(entry + 4, raw_len);
    memcpy(entry + 8, sha256->bytes, DIGEST_BYTES);
    count(t, 0);
}

void table_truncate(struct table *t, size_t n)
{
    BUG_IF(n > t->n || (n < t->n && t->own == NULL));
    for (; t->n > n; t->n--) {
        t->packed_len -= packed_len_of(t, t->n - 1);
        t->raw_len -= raw_len_of(t, t->n - 1);
    }
    t->n_marks = n / TABLE_STEP + (n % TABLE_STEP != 0);
}

void table_set_sha256(struct table *t, size_t i, const struct digest *sha256)
{
    BUG_IF(i >= t->n || t->own == NULL);
    memcpy(t->own + i * LAYOUT_TABLE_ENTRY + 8, sha256->bytes, DIGEST_BYTES);
}

static bool check_entry(const struct table *t, struct err *e)
{
    uint32_t packed = packed_len_of(t, t->n);
    uint32_t raw = raw_len_of(t, t->n);
    if (packed == 0 || packed > LAYOUT_FRAME_MAX || raw == 0 || raw > LIMIT_CHUNK_BYTES)
        return err_set(e, ERR_FORMAT, "chunks.bin: chunk %zu: lengths %u and %u are not allowed", t->n, packed, raw);
    return true;
}

bool table_read(struct table *t, const struct manifest *m, const uint8_t *bytes, size_t n, struct err *e)
{
    if (n != m->n_chunks * LAYOUT_TABLE_ENTRY)
        return err_set(e, ERR_FORMAT, "chunks.bin: %zu bytes, expected %llu for %llu chunks", n,
                       (unsigned long long)m->n_chunks * LAYOUT_TABLE_ENTRY, (unsigned long long)m->n_chunks);
    *t = (struct table){ .entries = bytes };
    while (t->n < m->n_chunks) {
        if (!check_entry(t, e))
            return false;
        count(t, m->header_len);
    }
    if (m->header_len + t->packed_len != m->total_len)
        return err_set(e, ERR_FORMAT, "chunks.bin: chunks end at %llu, total_len is %llu",
                       (unsigned long long)(m->header_len + t->packed_len), (unsigned long long)m->total_len);
    if (t->raw_len != m->raw_len)
        return err_set(e, ERR_FORMAT, "chunks.bin: raw lengths add up to %llu, raw_len is %llu", (unsigned long long)t->raw_len,
                       (unsigned long long)m->raw_len);
    return true;
}

struct table_chunk table_get(const struct table *t, size_t i)
{
    BUG_IF(i >= t->n);
    const struct table_mark *mark = &t->marks[i / TABLE_STEP];
    struct table_chunk c = { .file_offset = mark->file_offset, .raw_offset = mark->raw_offset, .packed_len = packed_len_of(t, i),
                             .raw_len = raw_len_of(t, i) };
    memcpy(c.sha256.bytes, t->entries + i * LAYOUT_TABLE_ENTRY + 8, DIGEST_BYTES);
    for (size_t k = i - i % TABLE_STEP; k < i; k++) {
        c.file_offset += packed_len_of(t, k);
        c.raw_offset += raw_len_of(t, k);
    }
    return c;
}

static uint64_t with_digest(uint64_t sum, const struct digest *sha256)
{
    return checksum_add(sum, sha256->bytes, DIGEST_BYTES);
}

uint64_t table_sum(const void *frame, uint32_t packed_len, const struct digest *sha256)
{
    return with_digest(checksum_add(0, frame, packed_len), sha256);
}

uint64_t table_hash(const void *frame, uint32_t packed_len, struct digest *sha256)
{
    uint64_t sum = checksum_add(0, frame, packed_len);
    sha256_of(sha256, frame, packed_len);
    return with_digest(sum, sha256);
}

size_t table_find(const struct table *t, uint64_t raw_offset)
{
    BUG_IF(raw_offset >= t->raw_len);
    size_t low = 0;
    size_t high = t->n_marks;
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (t->marks[mid].raw_offset <= raw_offset)
            low = mid;
        else
            high = mid;
    }
    size_t i = low * TABLE_STEP;
    for (uint64_t end = t->marks[low].raw_offset + raw_len_of(t, i); end <= raw_offset; end += raw_len_of(t, i))
        i++;
    return i;
}
