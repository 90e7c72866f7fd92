/* Two passes. The first goes through the medium from its beginning to its end, which is all that a scratched disc can stand. The second computes what is missing, row by row, and reads
 * only the new file and the parity file. */
#include "bundle/repair_parts.h"

#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "bundle/spread.h"
#include "sys/file.h"

#include "base/banned.h"

enum { READ_BYTES = 1024 * 1024 };

struct repair *repair_open(const struct bundle_where *bundle, const char *parity_file, struct err *e)
{
    AUTO(repair_free_auto) struct repair *r = mem_new(sizeof *r);
    r->parity = parity_open(parity_file, e);
    if (r->parity == NULL)
        return NULL;
    r->s = *parity_shape_of(r->parity);
    r->remains = remains_open(bundle, r->s.total, e);
    if (r->remains == NULL)
        return NULL;
    r->blocks = mem_new((size_t)r->s.rows * r->s.k);
    return TAKE(r);
}

void repair_free(struct repair *r)
{
    if (r->parity != NULL)
        parity_close(r->parity);
    if (r->remains != NULL)
        remains_close(r->remains);
    mem_free(r->blocks);
    mem_free(r->facts.ranges);
    mem_free(r);
}

const struct parity_shape *repair_shape(const struct repair *r)
{
    return &r->s;
}

const struct remains *repair_remains(const struct repair *r)
{
    return r->remains;
}

const struct repair_facts *repair_facts(const struct repair *r)
{
    return &r->facts;
}

static bool is_lost(enum repair_block b)
{
    return b == REPAIR_DIFFERS || b == REPAIR_UNREADABLE;
}

bool repair_is_damaged(const struct repair *r, uint64_t at, uint64_t n)
{
    for (uint64_t i = at / r->s.block; n > 0 && i <= (at + n - 1) / r->s.block; i++)
        if (is_lost(r->blocks[i]))
            return true;
    return false;
}

/* --- the first pass ----------------------------------------------------------------------------------------------- */

struct copying {
    struct repair *r;
    int to;
    const char *name;
};

/* What is right about a block that was read, or was not. */
static enum repair_block judge(const struct repair *r, uint64_t i, uint8_t *block, size_t n, bool is_read)
{
    const struct parity_hash *row = parity_row(r->parity, (uint32_t)(i % r->s.rows));
    if (!is_read)
        return REPAIR_UNREADABLE;
    if (row == NULL)
        return REPAIR_UNKNOWN;
    if (n < r->s.block)
        memset(block + n, 0, r->s.block - n);
    struct parity_hash found = parity_hash_of(block, r->s.block);
    return parity_hash_equal(&found, &row[i / r->s.rows]) ? REPAIR_RIGHT : REPAIR_DIFFERS;
}

static bool copy_block(const struct copying *c, uint64_t i, uint8_t *block, bool is_read, struct err *e)
{
    struct repair *r = c->r;
    size_t n = parity_block_bytes(&r->s, (uint32_t)(i % r->s.rows), (uint32_t)(i / r->s.rows));
    if (n == 0)
        return true;
    r->blocks[i] = (uint8_t)judge(r, i, block, n, is_read || remains_read(r->remains, block, n, i * r->s.block));
    return is_lost(r->blocks[i]) || fd_pwrite_all(c->to, block, n, i * r->s.block, c->name, e);
}

/* Several blocks are read at once; when that does not work, one by one. */
static bool copy_blocks(void *ctx, uint64_t first, uint64_t end, uint8_t *buffer, struct err *e)
{
    const struct copying *c = ctx;
    uint32_t block = c->r->s.block;
    uint64_t stop = end * block < c->r->s.total ? end * block : c->r->s.total;
    bool is_read = first * block < stop && remains_read(c->r->remains, buffer, (size_t)(stop - first * block), first * block);
    for (uint64_t i = first; i < end; i++)
        if (!copy_block(c, i, buffer + (i - first) * block, is_read, e))
            return false;
    return true;
}

/* --- what was found ----------------------------------------------------------------------------------------------- */

/* Damage at that place; end: of the one before. */
static void add_range(struct repair_facts *f, uint64_t at, uint64_t bytes, uint64_t end)
{
    bool is_longer = f->n_ranges > 0 && end == at;
    f->n_ranges += is_longer ? 0 : 1;
    if (f->n_ranges > LIMIT_REPAIR_RANGES)
        return;
    struct repair_range *r = &f->ranges[f->n_ranges - 1];
    *r = is_longer ? (struct repair_range){ r->at, r->bytes + bytes } : (struct repair_range){ at, bytes };
}

/* Every bundle has blocks of zero bytes in its header. */
static bool is_telling(const struct repair *r, uint64_t i, const struct parity_hash *zero)
{
    const struct parity_hash *row = parity_row(r->parity, (uint32_t)(i % r->s.rows));
    return r->blocks[i] == REPAIR_RIGHT && !parity_hash_equal(&row[i / r->s.rows], zero);
}

static void count_blocks(struct repair *r)
{
    struct repair_facts *f = &r->facts;
    AUTO(mem_auto) uint8_t *block = mem_new(r->s.block);
    struct parity_hash zero = parity_hash_of(block, r->s.block);
    uint64_t end = 0;
    f->ranges = mem_new_array(LIMIT_REPAIR_RANGES, sizeof *f->ranges);
    for (uint64_t i = 0; i * r->s.block < r->s.total; i++) {
        uint64_t at = i * r->s.block;
        f->n_blocks++;
        f->n_unreadable += r->blocks[i] == REPAIR_UNREADABLE;
        f->n_unknown += r->blocks[i] == REPAIR_UNKNOWN;
        f->n_telling += is_telling(r, i, &zero);
        if (!is_lost(r->blocks[i]))
            continue;
        f->n_damaged++;
        add_range(f, at, r->s.total - at < r->s.block ? r->s.total - at : r->s.block, end);
        end = at + r->s.block;
    }
}

uint32_t repair_lost_in(const struct repair *r, uint32_t row, uint8_t *lost)
{
    uint32_t n = 0;
    for (uint32_t c = 0; c < r->s.k; c++)
        if (is_lost(r->blocks[(size_t)c * r->s.rows + row]))
            lost[n++] = (uint8_t)c;
    return n;
}

uint32_t repair_parity_in(const struct repair *r, uint32_t row, uint8_t *parity)
{
    uint32_t n = 0;
    for (uint32_t j = 0; j < r->s.m; j++)
        if (parity_state(r->parity, row, j) == PARITY_WHOLE)
            parity[n++] = (uint8_t)j;
    return n;
}

static void count_rows(struct repair *r)
{
    struct repair_facts *f = &r->facts;
    uint8_t numbers[LAYOUT_PARITY_SLICES];
    for (uint32_t row = 0; row < r->s.rows; row++) {
        uint32_t lost = repair_lost_in(r, row, numbers);
        uint32_t parity = repair_parity_in(r, row, numbers);
        f->n_parity += r->s.m;
        f->n_parity_lost += r->s.m - parity;
        f->n_beyond += lost > parity ? lost : 0;
        if (row == 0 || (int64_t)parity - lost < (int64_t)f->worst_parity - f->worst_lost) {
            f->worst_lost = lost;
            f->worst_parity = parity;
        }
    }
}

bool repair_copy(struct repair *r, int to, const char *name, const struct parity_how *how, struct err *e)
{
    struct copying c = { r, to, name };
    uint64_t step = r->s.block < READ_BYTES ? READ_BYTES / r->s.block : 1;
    struct spread all = { .n = (uint64_t)r->s.rows * r->s.k,
                          .step = step,
                          .buffer_bytes = (size_t)step * r->s.block,
                          .jobs = parity_threads(how),
                          .progress = how->progress,
                          .phase = "read",
                          .unit_bytes = r->s.block,
                          .run = copy_blocks,
                          .ctx = &c };
    mem_free(r->facts.ranges);
    r->facts = (struct repair_facts){ 0 };
    if (ftruncate(to, (off_t)r->s.total) != 0)
        return file_fail(e, errno, "write", name);
    if (!spread_run(&all, e) || !parity_check(r->parity, how, e))
        return false;
    count_blocks(r);
    count_rows(r);
    return true;
}
