/* The second pass: rows with damage, each by itself. A row's pieces are read from the new file, which holds all that was right, and for each damaged slice from one of parity; what comes
 * out is hashed before it counts. */
#include "bundle/repair_parts.h"

#include <stdatomic.h>

#include "base/mem.h"
#include "base/text.h"
#include "bundle/erasure.h"
#include "bundle/spread.h"
#include "sys/file.h"

#include "base/banned.h"

enum { STRIP_BYTES = 8192 }; /* of each slice: twice 255 of them are 4 MiB */

struct solving {
    struct repair *r;
    int to;
    const char *name;
    uint32_t *rows; /* that are damaged */
    _Atomic uint64_t n_wrong; /* rows whose result was not what its hashes say */
};

/* One row being computed. */
struct row {
    uint32_t number;
    uint32_t n;                             /* of them are lost: */
    uint8_t lost[LAYOUT_PARITY_SLICES];     /* slices of data */
    uint8_t parity[LAYOUT_PARITY_SLICES];   /* and slices of parity in their place */
    struct erasure *math;
    uint8_t *from[LAYOUT_PARITY_SLICES];
    uint8_t *out[LAYOUT_PARITY_SLICES];
    struct sha256 *hashes[LAYOUT_PARITY_SLICES];
};

static void row_clear(struct row *x)
{
    for (uint32_t i = 0; i < x->n; i++)
        sha256_free(x->hashes[i]);
    if (x->math != NULL)
        erasure_free(x->math);
}

static void row_make(struct row *x, const struct repair *r, uint32_t number, uint8_t *buffer)
{
    *x = (struct row){ .number = number };
    x->n = repair_lost_in(r, number, x->lost);
    BUG_IF(repair_parity_in(r, number, x->parity) < x->n);
    x->math = erasure_solver(r->s.k, x->lost, x->parity, x->n);
    for (uint32_t c = 0; c < r->s.k; c++)
        x->from[c] = buffer + (size_t)c * STRIP_BYTES;
    for (uint32_t i = 0; i < x->n; i++) {
        x->out[i] = buffer + (size_t)(r->s.k + i) * STRIP_BYTES;
        x->hashes[i] = sha256_new();
    }
}

/* Bytes of a block's strip that are in the file: the last block of a bundle ends early. */
static size_t in_file(const struct repair *r, uint32_t row, uint32_t slice, uint32_t at, size_t n)
{
    uint32_t bytes = parity_block_bytes(&r->s, row, slice);
    if (bytes <= at)
        return 0;
    return bytes - at < n ? bytes - at : n;
}

static bool read_data(const struct solving *s, const struct row *x, uint32_t c, uint32_t at, size_t n, struct err *e)
{
    const struct repair *r = s->r;
    size_t there = in_file(r, x->number, c, at, n);
    memset(x->from[c] + there, 0, n - there);
    return there == 0 || fd_pread_exact(s->to, x->from[c], there, parity_block_at(&r->s, x->number, c) + at, s->name, e);
}

static bool read_strip(const struct solving *s, const struct row *x, uint32_t at, size_t n, struct err *e)
{
    const struct repair *r = s->r;
    uint32_t next = 0;
    for (uint32_t c = 0; c < r->s.k; c++) {
        bool is_lost = next < x->n && x->lost[next] == c;
        if (!is_lost && !read_data(s, x, c, at, n, e))
            return false;
        if (is_lost && !parity_read_block(r->parity, x->number, x->parity[next], x->from[c], n, at))
            return err_set(e, ERR_IO, "read %s: row %u was readable before", SHOWN(parity_name(r->parity)), x->number);
        next += is_lost ? 1 : 0;
    }
    return true;
}

static bool write_strip(const struct solving *s, const struct row *x, uint32_t at, size_t n, struct err *e)
{
    for (uint32_t i = 0; i < x->n; i++) {
        size_t there = in_file(s->r, x->number, x->lost[i], at, n);
        sha256_add(x->hashes[i], x->out[i], n);
        if (there > 0 && !fd_pwrite_all(s->to, x->out[i], there, parity_block_at(&s->r->s, x->number, x->lost[i]) + at, s->name, e))
            return false;
    }
    return true;
}

static bool is_right(const struct repair *r, const struct row *x)
{
    const struct parity_hash *expected = parity_row(r->parity, x->number);
    for (uint32_t i = 0; i < x->n; i++) {
        struct digest d;
        sha256_end(x->hashes[i], &d);
        struct parity_hash found = parity_hash_from(&d);
        if (!parity_hash_equal(&found, &expected[x->lost[i]]))
            return false;
    }
    return true;
}

static bool solve_row(struct solving *s, struct row *x, struct err *e)
{
    uint32_t block = s->r->s.block;
    for (uint32_t at = 0; at < block; at += STRIP_BYTES) {
        size_t n = block - at < STRIP_BYTES ? block - at : STRIP_BYTES;
        if (!read_strip(s, x, at, n, e))
            return false;
        erasure_run(x->math, x->from, x->out, n);
        if (!write_strip(s, x, at, n, e))
            return false;
    }
    if (!is_right(s->r, x))
        atomic_fetch_add(&s->n_wrong, 1);
    return true;
}

static bool solve_rows(void *ctx, uint64_t first, uint64_t end, uint8_t *buffer, struct err *e)
{
    struct solving *s = ctx;
    bool ok = true;
    for (uint64_t i = first; ok && i < end; i++) {
        struct row x;
        row_make(&x, s->r, s->rows[i], buffer);
        ok = solve_row(s, &x, e);
        row_clear(&x);
    }
    return ok;
}

static bool check_possible(const struct repair *r, struct err *e)
{
    const struct repair_facts *f = &r->facts;
    if (f->n_damaged > 0 && f->n_telling == 0 && f->n_unknown == 0)
        return err_set(e, ERR_INTEGRITY, "%s is of another bundle, or nothing of this one is left: not one of %llu blocks is as it says, but for zero bytes",
                       SHOWN(parity_name(r->parity)), (unsigned long long)f->n_blocks) ||
               err_hint(e, "look for the parity file that was made together with this bundle");
    if (f->n_beyond == 0)
        return true;
    err_set(e, ERR_INTEGRITY,
            "%llu of %llu blocks are damaged, and %llu of them cannot be repaired: of the %u blocks that belong together, at worst %u of the bundle are damaged "
            "and %u of parity are left",
            (unsigned long long)f->n_damaged, (unsigned long long)f->n_blocks, (unsigned long long)f->n_beyond, r->s.k + r->s.m, f->worst_lost, f->worst_parity);
    return err_hint(e, "copy the bundle again; as many blocks as are left of parity can be repaired");
}

bool repair_solve(struct repair *r, int to, const char *name, const struct parity_how *how, struct err *e)
{
    uint8_t numbers[LAYOUT_PARITY_SLICES];
    AUTO(mem_auto) uint32_t *rows = mem_new_array(r->s.rows, sizeof *rows);
    struct solving s = { .r = r, .to = to, .name = name, .rows = rows };
    struct spread all = { .step = 1,
                          .buffer_bytes = (size_t)STRIP_BYTES * 2 * LAYOUT_PARITY_SLICES,
                          .jobs = parity_threads(how),
                          .progress = how->progress,
                          .phase = "repair",
                          .unit_bytes = (uint64_t)r->s.block * r->s.k,
                          .run = solve_rows,
                          .ctx = &s };
    if (!check_possible(r, e))
        return false;
    for (uint32_t row = 0; row < r->s.rows; row++)
        if (repair_lost_in(r, row, numbers) > 0)
            rows[all.n++] = row;
    if (!spread_run(&all, e))
        return false;
    return s.n_wrong == 0 || err_set(e, ERR_INTEGRITY, "%s: what it gives for %llu rows of blocks is not what it says they are", SHOWN(parity_name(r->parity)),
                                     (unsigned long long)s.n_wrong);
}
