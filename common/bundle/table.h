/* The chunk table, chunks.bin (docs/FORMAT.md section 1.2): where each compressed frame lies and what it must hash to. The entries stay in the form
 * of the file, because there may be a million of them; where a chunk lies follows from the lengths before it. */
#ifndef BUNDLE_TABLE_H
#define BUNDLE_TABLE_H

#include "bundle/manifest.h"

struct table {
    size_t n;
    const uint8_t *entries; /* n * LAYOUT_TABLE_ENTRY bytes: chunks.bin */
    uint8_t *own;           /* the entries of a table that is being made; null: they are borrowed */
    size_t own_cap;
    struct table_mark { /* of every TABLE_STEP-th chunk */
        uint64_t file_offset;
        uint64_t raw_offset;
    } *marks;
    size_t n_marks, marks_cap;
    uint64_t packed_len; /* of all chunks */
    uint64_t raw_len;
    const uint64_t *sums; /* table_sum of each chunk when it was written, by this process, just now; borrowed; null: not known */
};

/* Checks the entries against the manifest: count, lengths, sums. Borrows bytes. ERR_FORMAT. */
MUST_CHECK bool table_read(struct table *t, const struct manifest *m, const uint8_t *bytes, size_t n, struct err *e);

/* Appends a chunk to a table that is being made; file offsets count from its first chunk. */
void table_add(struct table *t, uint32_t packed_len, uint32_t raw_len, const struct digest *sha256);
/* Forgets all chunks from the n-th on, of a table that is being made. */
void table_truncate(struct table *t, size_t n);
/* The chunk was written again, with the same length. */
void table_set_sha256(struct table *t, size_t i, const struct digest *sha256);

struct table_chunk {
    uint64_t file_offset;
    uint64_t raw_offset;
    uint32_t packed_len;
    uint32_t raw_len;
    struct digest sha256; /* of the compressed frame */
};
struct table_chunk table_get(const struct table *t, size_t i);
/* A checksum of a frame together with its digest: who finds the same later need not hash the frame again to know that neither has changed by accident. */
uint64_t table_sum(const void *frame, uint32_t packed_len, const struct digest *sha256);
/* Hashes the frame and returns that checksum. The frame's part of it is taken first: what changes while it is hashed is found later. */
uint64_t table_hash(const void *frame, uint32_t packed_len, struct digest *sha256);
/* Index of the chunk that holds a raw offset; the offset must be below the table's raw length. */
size_t table_find(const struct table *t, uint64_t raw_offset);

void table_clear(struct table *t);
void table_clear_auto(struct table *t);

#endif
