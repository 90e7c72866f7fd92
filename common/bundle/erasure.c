/* The arithmetic is ISA-L's; what is here is the matrix. Row j, column c of the Cauchy matrix is 1 / ((k + j) xor c): every square part of it can be inverted, which is why any k
 * slices do. With n data slices lost, n parity slices give n equations in them: only a matrix of n by n is inverted, never one of k by k. */
#include "bundle/erasure.h"

#include <isa-l/erasure_code.h>

#include "base/err.h"
#include "base/mem.h"
#include "bundle/layout.h"

#include "base/banned.h"

/* 240 sources of so many bytes stay in a core's own cache while all results are made from them: more than twice as fast as whole slices. */
enum { TILE_BYTES = 2048, TABLE_BYTES = 32 };

struct erasure {
    unsigned n_from;
    unsigned n_to;
    uint8_t *tables;
};

static uint8_t cauchy(unsigned k, unsigned j, unsigned c)
{
    return gf_inv((unsigned char)((k + j) ^ c));
}

/* Takes the matrix of n_to rows over, in the form that ISA-L multiplies with. */
static struct erasure *erasure_of(uint8_t *matrix, unsigned n_from, unsigned n_to)
{
    struct erasure *x = mem_new(sizeof *x);
    *x = (struct erasure){ .n_from = n_from, .n_to = n_to, .tables = mem_new((size_t)TABLE_BYTES * n_from * n_to) };
    ec_init_tables((int)n_from, (int)n_to, matrix, x->tables);
    return x;
}

struct erasure *erasure_encoder(unsigned k, unsigned m)
{
    BUG_IF(k == 0 || m == 0 || k + m > LAYOUT_PARITY_SLICES);
    AUTO(mem_auto) uint8_t *matrix = mem_new((size_t)m * k);
    for (unsigned j = 0; j < m; j++)
        for (unsigned c = 0; c < k; c++)
            matrix[j * k + c] = cauchy(k, j, c);
    return erasure_of(matrix, k, m);
}

/* The n equations: what each parity slice has of each lost one. */
static void invert(uint8_t *inverse, unsigned k, const uint8_t *lost, const uint8_t *parity, unsigned n)
{
    AUTO(mem_auto) uint8_t *square = mem_new((size_t)n * n);
    for (unsigned i = 0; i < n; i++)
        for (unsigned u = 0; u < n; u++)
            square[i * n + u] = cauchy(k, parity[i], lost[u]);
    BUG_IF(gf_invert_matrix(square, inverse, (int)n) != 0);
}

struct erasure *erasure_solver(unsigned k, const uint8_t *lost, const uint8_t *parity, unsigned n)
{
    BUG_IF(n == 0 || n > k || k > LAYOUT_PARITY_DATA);
    AUTO(mem_auto) uint8_t *inverse = mem_new((size_t)n * n);
    AUTO(mem_auto) uint8_t *matrix = mem_new((size_t)n * k);
    invert(inverse, k, lost, parity, n);
    for (unsigned u = 0; u < n; u++)
        for (unsigned c = 0, at = 0; c < k; c++) {
            bool is_lost = at < n && lost[at] == c;
            uint8_t sum = is_lost ? inverse[u * n + at] : 0;
            for (unsigned i = 0; i < n && !is_lost; i++)
                sum ^= gf_mul(inverse[u * n + i], cauchy(k, parity[i], c));
            matrix[u * k + c] = sum;
            at += is_lost ? 1 : 0;
        }
    return erasure_of(matrix, k, n);
}

void erasure_free(struct erasure *x)
{
    mem_free(x->tables);
    mem_free(x);
}

void erasure_run(const struct erasure *x, uint8_t *const *from, uint8_t *const *to, size_t n)
{
    uint8_t *sources[LAYOUT_PARITY_SLICES];
    uint8_t *results[LAYOUT_PARITY_SLICES];
    for (size_t at = 0; at < n; at += TILE_BYTES) {
        for (unsigned i = 0; i < x->n_from; i++)
            sources[i] = from[i] + at;
        for (unsigned i = 0; i < x->n_to; i++)
            results[i] = to[i] + at;
        ec_encode_data((int)(n - at < TILE_BYTES ? n - at : TILE_BYTES), (int)x->n_from, (int)x->n_to, x->tables, sources, results);
    }
}
