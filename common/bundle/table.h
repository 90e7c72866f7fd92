/* The chunk table, chunks.bin (docs/FORMAT.md section 1.2): where each compressed frame lies and what it must hash to. */
#ifndef BUNDLE_TABLE_H
#define BUNDLE_TABLE_H

#include "bundle/manifest.h"

struct table_chunk {
    uint64_t file_offset;
    uint64_t raw_offset;
    uint32_t packed_len;
    uint32_t raw_len;
    struct digest sha256; /* of the compressed frame */
};

struct table {
    size_t n, cap;
    struct table_chunk *chunks;
};

/* Reads the entries and checks them against the manifest: count, lengths, sums. ERR_FORMAT. */
MUST_CHECK bool table_read(struct table *t, const struct manifest *m, const uint8_t *bytes, size_t n, struct err *e);
/* Appends a chunk; offsets follow from the ones before (the first file offset is 0 until table_place). */
void table_add(struct table *t, uint32_t packed_len, uint32_t raw_len, const struct digest *sha256);
/* The bytes of chunks.bin. */
void table_write(const struct table *t, struct buf *out);
/* Index of the chunk that holds a raw offset; the offset must be below the table's raw length. */
size_t table_find(const struct table *t, uint64_t raw_offset);
uint64_t table_packed_len(const struct table *t);
uint64_t table_raw_len(const struct table *t);
void table_clear(struct table *t);
void table_clear_auto(struct table *t);

#endif
