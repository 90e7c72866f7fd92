/* The parity file, as a layout (docs/FORMAT.md section 12): how a bundle of a given length is divided into slices and blocks, and the head
 * of each record of the parity file. Nobody signs that file: what is read here is checked against limits and nothing more; a repaired
 * bundle is believed only when its own signature says so. */
#ifndef BUNDLE_PARITY_RECORD_H
#define BUNDLE_PARITY_RECORD_H

#include "bundle/layout.h"
#include "format/digest.h"

/* The bundle is k slices of `rows` blocks, one after the other; the last ones are filled up with zero bytes that are in no file. The parity file is m slices of as many records;
 * a record is a head and a block. The blocks number r of all slices are row r: k + m of them, of which any k are enough. */
struct parity_shape {
    uint64_t total; /* bytes of the bundle */
    uint32_t block; /* bytes of a block */
    uint32_t rows;
    uint32_t k;
    uint32_t m;
    struct digest bundle; /* SHA-256 of bundle.json */
};

/* So that any `percent` (1 to LIMIT_PARITY_PERCENT) of all slices may be lost. ERR_CONFIG for a bundle that is too long. */
MUST_CHECK bool parity_shape_for(struct parity_shape *s, uint64_t total, const struct digest *bundle, unsigned percent, struct err *e);

uint32_t parity_head_bytes(const struct parity_shape *s);
uint64_t parity_file_bytes(const struct parity_shape *s);
/* Where the record of a row in a parity slice begins. */
uint64_t parity_record_at(const struct parity_shape *s, uint32_t row, uint32_t slice);
/* Where a block lies in the bundle, and how many of its bytes do: 0 for one that is only filling. */
uint64_t parity_block_at(const struct parity_shape *s, uint32_t row, uint32_t slice);
uint32_t parity_block_bytes(const struct parity_shape *s, uint32_t row, uint32_t slice);

struct parity_hash {
    uint8_t bytes[LAYOUT_PARITY_HASH];
};
struct parity_hash parity_hash_of(const void *block, size_t n);
struct parity_hash parity_hash_from(const struct digest *d);
bool parity_hash_equal(const struct parity_hash *a, const struct parity_hash *b);

/* What one record says beside its shape. */
struct parity_head {
    uint32_t row;
    uint32_t slice; /* of parity, 0 to m - 1 */
    struct parity_hash own; /* of its block */
    const uint8_t *hashes;  /* borrowed: of the k blocks of the bundle in this row */
};

/* Fills parity_head_bytes() bytes. */
void parity_head_write(uint8_t *out, const struct parity_shape *s, const struct parity_head *h);

/* Reads a head from n bytes, of which it may be the first; h borrows them. False when there is none: another magic, numbers out of their limits, a checksum that is wrong. */
MUST_CHECK bool parity_head_read(const uint8_t *bytes, size_t n, struct parity_shape *s, struct parity_head *h);

bool parity_shape_equal(const struct parity_shape *a, const struct parity_shape *b);

#endif
