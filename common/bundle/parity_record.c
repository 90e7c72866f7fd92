/* Sizes and places in a parity file. Each record carries the whole shape and the hashes of its whole row, so that a single one that is left tells everything about its row, and nothing
 * in the file is more precious than anything else. */
#include "bundle/parity_record.h"

#include <string.h>

#include "base/num.h"

#include "base/banned.h"

enum {
    SMALL_BLOCKS = 1024,       /* blocks grow with the bundle: */
    USUAL_BLOCK = 32768,       /* to this while there are more than SMALL_BLOCKS, beyond it while there are more than MOST_BLOCKS */
    MOST_BLOCKS = LIMIT_PARITY_DATA_BLOCKS - 16384, /* filling up slices adds less than a row's length, 8257 */
    AT_TOTAL = 8,
    AT_BLOCK = 16,
    AT_ROWS = 20,
    AT_K = 24,
    AT_M = 28,
    AT_ROW = 32,
    AT_SLICE = 36,
    AT_OWN = 40,
    AT_BUNDLE = 48,
    AT_ZERO = 80,
    AT_CHECK = 96,
};

static uint64_t divide_up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

static uint32_t block_for(uint64_t total)
{
    uint32_t block = LAYOUT_PARITY_BLOCK_MIN;
    while (block < USUAL_BLOCK && divide_up(total, block) > SMALL_BLOCKS)
        block *= 2;
    while (block < LIMIT_PARITY_BLOCK_BYTES && divide_up(total, block) > MOST_BLOCKS)
        block *= 2;
    return block;
}

/* So many parity slices are percent of the k and themselves. */
static uint32_t parity_for(uint32_t k, unsigned percent)
{
    return (uint32_t)divide_up((uint64_t)k * percent, 100 - percent);
}

bool parity_shape_for(struct parity_shape *s, uint64_t total, const struct digest *bundle, unsigned percent, struct err *e)
{
    BUG_IF(total == 0 || percent == 0 || percent > LIMIT_PARITY_PERCENT);
    *s = (struct parity_shape){ .total = total, .block = block_for(total), .bundle = *bundle };
    uint64_t blocks = divide_up(total, s->block);
    uint32_t most = LAYOUT_PARITY_DATA;
    while (most + parity_for(most, percent) > LAYOUT_PARITY_SLICES)
        most--;
    s->rows = (uint32_t)divide_up(blocks, most);
    if (blocks > MOST_BLOCKS)
        return err_set(e, ERR_CONFIG, "parity: a bundle of %llu bytes, at most %llu are covered", (unsigned long long)total,
                       (unsigned long long)MOST_BLOCKS * LIMIT_PARITY_BLOCK_BYTES);
    s->k = (uint32_t)divide_up(blocks, s->rows);
    s->m = parity_for(s->k, percent);
    return true;
}

uint32_t parity_head_bytes(const struct parity_shape *s)
{
    return (uint32_t)num_round_up(LAYOUT_PARITY_HEAD + (uint64_t)s->k * LAYOUT_PARITY_HASH, LAYOUT_PARITY_UNIT);
}

static uint64_t record_bytes(const struct parity_shape *s)
{
    return (uint64_t)parity_head_bytes(s) + s->block;
}

uint64_t parity_file_bytes(const struct parity_shape *s)
{
    return record_bytes(s) * s->rows * s->m;
}

uint64_t parity_record_at(const struct parity_shape *s, uint32_t row, uint32_t slice)
{
    return record_bytes(s) * ((uint64_t)slice * s->rows + row);
}

uint64_t parity_block_at(const struct parity_shape *s, uint32_t row, uint32_t slice)
{
    return ((uint64_t)slice * s->rows + row) * s->block;
}

uint32_t parity_block_bytes(const struct parity_shape *s, uint32_t row, uint32_t slice)
{
    uint64_t at = parity_block_at(s, row, slice);
    if (at >= s->total)
        return 0;
    return s->total - at < s->block ? (uint32_t)(s->total - at) : s->block;
}

struct parity_hash parity_hash_from(const struct digest *d)
{
    struct parity_hash h;
    memcpy(h.bytes, d->bytes, sizeof h.bytes);
    return h;
}

struct parity_hash parity_hash_of(const void *block, size_t n)
{
    struct digest d;
    sha256_of(&d, block, n);
    return parity_hash_from(&d);
}

bool parity_hash_equal(const struct parity_hash *a, const struct parity_hash *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool parity_shape_equal(const struct parity_shape *a, const struct parity_shape *b)
{
    return a->total == b->total && a->block == b->block && a->rows == b->rows && a->k == b->k && a->m == b->m && digest_equal(&a->bundle, &b->bundle);
}

/* --- heads -------------------------------------------------------------------------------------------------------- */

/* SHA-256 of the head without the 32 bytes that hold it. */
static void check_of(struct digest *out, const uint8_t *head, size_t n)
{
    AUTO(sha256_free_auto) struct sha256 *h = sha256_new();
    sha256_add(h, head, AT_CHECK);
    sha256_add(h, head + LAYOUT_PARITY_HEAD, n - LAYOUT_PARITY_HEAD);
    sha256_end(h, out);
}

void parity_head_write(uint8_t *out, const struct parity_shape *s, const struct parity_head *h)
{
    struct digest check;
    size_t n = parity_head_bytes(s);
    memset(out, 0, n);
    memcpy(out, LAYOUT_PARITY_MAGIC, AT_TOTAL);
    num_put_le64(out + AT_TOTAL, s->total);
    num_put_le32(out + AT_BLOCK, s->block);
    num_put_le32(out + AT_ROWS, s->rows);
    num_put_le32(out + AT_K, s->k);
    num_put_le32(out + AT_M, s->m);
    num_put_le32(out + AT_ROW, h->row);
    num_put_le32(out + AT_SLICE, h->slice);
    memcpy(out + AT_OWN, h->own.bytes, sizeof h->own.bytes);
    memcpy(out + AT_BUNDLE, s->bundle.bytes, sizeof s->bundle.bytes);
    memcpy(out + LAYOUT_PARITY_HEAD, h->hashes, (size_t)s->k * LAYOUT_PARITY_HASH);
    check_of(&check, out, n);
    memcpy(out + AT_CHECK, check.bytes, sizeof check.bytes);
}

static bool is_zero(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != 0)
            return false;
    return true;
}

/* A shape that a writer could have made, or one like it: its numbers fit together, and memory for it is bounded. */
static bool is_possible(const struct parity_shape *s)
{
    if (s->block < LAYOUT_PARITY_BLOCK_MIN || s->block > LIMIT_PARITY_BLOCK_BYTES || (s->block & (s->block - 1)) != 0)
        return false;
    if (s->k == 0 || s->k > LAYOUT_PARITY_DATA || s->m == 0 || s->m > LAYOUT_PARITY_SLICES - s->k || s->rows == 0)
        return false;
    if ((uint64_t)s->k * s->rows > LIMIT_PARITY_DATA_BLOCKS || (uint64_t)(s->k + s->m) * s->rows > LIMIT_PARITY_BLOCKS)
        return false;
    uint64_t slice = (uint64_t)s->rows * s->block;
    return s->total > slice * (s->k - 1) && s->total <= slice * s->k;
}

bool parity_head_read(const uint8_t *bytes, size_t n, struct parity_shape *s, struct parity_head *h)
{
    struct digest check;
    struct digest found;
    if (n < LAYOUT_PARITY_HEAD || memcmp(bytes, LAYOUT_PARITY_MAGIC, AT_TOTAL) != 0)
        return false;
    *s = (struct parity_shape){ .total = num_le64(bytes + AT_TOTAL), .block = num_le32(bytes + AT_BLOCK), .rows = num_le32(bytes + AT_ROWS),
                                .k = num_le32(bytes + AT_K), .m = num_le32(bytes + AT_M) };
    memcpy(s->bundle.bytes, bytes + AT_BUNDLE, sizeof s->bundle.bytes);
    *h = (struct parity_head){ .row = num_le32(bytes + AT_ROW), .slice = num_le32(bytes + AT_SLICE), .hashes = bytes + LAYOUT_PARITY_HEAD };
    memcpy(h->own.bytes, bytes + AT_OWN, sizeof h->own.bytes);
    if (!is_possible(s) || h->row >= s->rows || h->slice >= s->m || n < parity_head_bytes(s))
        return false;
    size_t used = LAYOUT_PARITY_HEAD + (size_t)s->k * LAYOUT_PARITY_HASH;
    if (!is_zero(bytes + AT_ZERO, AT_CHECK - AT_ZERO) || !is_zero(bytes + used, parity_head_bytes(s) - used))
        return false;
    check_of(&found, bytes, parity_head_bytes(s));
    memcpy(check.bytes, bytes + AT_CHECK, sizeof check.bytes);
    return digest_equal(&check, &found);
}
