/* The arithmetic of parity, against multiplication as it is learned at school. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bundle/erasure.h"

enum { K = 5, M = 4, LEN = 2048 + 17 };

static uint8_t times(uint8_t a, uint8_t b)
{
    unsigned product = 0;
    for (int bit = 0; bit < 8; bit++)
        if ((b >> bit & 1) != 0)
            product ^= (unsigned)a << bit;
    for (int bit = 14; bit >= 8; bit--)
        if ((product >> bit & 1) != 0)
            product ^= 0x11Du << (bit - 8);
    return (uint8_t)product;
}

static uint8_t inverse(uint8_t a)
{
    for (unsigned b = 1; b < 256; b++)
        if (times(a, (uint8_t)b) == 1)
            return (uint8_t)b;
    return 0;
}

struct words {
    uint8_t data[K][LEN];
    uint8_t parity[M][LEN];
};

static void make(struct words *w)
{
    uint8_t *from[K];
    uint8_t *to[M];
    uint32_t x = 1;
    for (unsigned c = 0; c < K; c++) {
        from[c] = w->data[c];
        for (unsigned i = 0; i < LEN; i++)
            w->data[c][i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
    }
    for (unsigned j = 0; j < M; j++)
        to[j] = w->parity[j];
    AUTO(erasure_free_auto) struct erasure *x5 = erasure_encoder(K, M);
    erasure_run(x5, from, to, LEN);
}

static void parity_is_the_sum_over_the_cauchy_matrix(void **state)
{
    (void)state;
    static struct words w;
    make(&w);
    for (unsigned j = 0; j < M; j++)
        for (unsigned i = 0; i < LEN; i++) {
            uint8_t sum = 0;
            for (unsigned c = 0; c < K; c++)
                sum ^= times(inverse((uint8_t)((K + j) ^ c)), w.data[c][i]);
            assert_int_equal(w.parity[j][i], sum);
        }
}

/* The numbers of the bits that are set. */
static unsigned bits(unsigned set, uint8_t *out)
{
    unsigned n = 0;
    for (unsigned i = 0; i < 8; i++)
        if ((set >> i & 1) != 0)
            out[n++] = (uint8_t)i;
    return n;
}

static void solve(struct words *w, const uint8_t *lost, const uint8_t *parity, unsigned n)
{
    static uint8_t found[M][LEN];
    uint8_t *from[K];
    uint8_t *to[M];
    for (unsigned c = 0; c < K; c++)
        from[c] = w->data[c];
    for (unsigned i = 0; i < n; i++) {
        from[lost[i]] = w->parity[parity[i]];
        to[i] = found[i];
    }
    AUTO(erasure_free_auto) struct erasure *x = erasure_solver(K, lost, parity, n);
    erasure_run(x, from, to, LEN);
    for (unsigned i = 0; i < n; i++)
        assert_memory_equal(found[i], w->data[lost[i]], LEN);
}

static void every_set_of_lost_slices_comes_back_from_every_set_of_parity_slices(void **state)
{
    (void)state;
    static struct words w;
    unsigned n_solved = 0;
    make(&w);
    for (unsigned set = 1; set < 1u << K; set++)
        for (unsigned other = 1; other < 1u << M; other++) {
            uint8_t lost[8];
            uint8_t parity[8];
            unsigned n = bits(set, lost);
            if (n != bits(other, parity))
                continue;
            solve(&w, lost, parity, n);
            n_solved++;
        }
    assert_int_equal(n_solved, 125); /* sum over n of C(5, n) * C(4, n) */
}

static void the_widest_code_gives_half_of_all_slices_back(void **state)
{
    (void)state;
    enum { WIDE = 127, EXTRA = 128, N = 64 };
    static uint8_t area[WIDE + EXTRA + WIDE][N];
    uint8_t *all[WIDE + EXTRA];
    uint8_t *to[WIDE];
    uint8_t lost[WIDE];
    uint8_t parity[WIDE];
    for (unsigned i = 0; i < WIDE + EXTRA; i++)
        all[i] = area[i];
    for (unsigned c = 0; c < WIDE; c++) {
        memset(area[c], (int)(c * 37 + 11), N);
        lost[c] = (uint8_t)c;
        parity[c] = (uint8_t)(c + 1);
        to[c] = area[WIDE + EXTRA + c];
    }
    AUTO(erasure_free_auto) struct erasure *encoder = erasure_encoder(WIDE, EXTRA);
    AUTO(erasure_free_auto) struct erasure *solver = erasure_solver(WIDE, lost, parity, WIDE);
    erasure_run(encoder, all, all + WIDE, N);
    erasure_run(solver, all + WIDE + 1, to, N);
    for (unsigned c = 0; c < WIDE; c++)
        assert_memory_equal(area[c], to[c], N);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parity_is_the_sum_over_the_cauchy_matrix),
        cmocka_unit_test(every_set_of_lost_slices_comes_back_from_every_set_of_parity_slices),
        cmocka_unit_test(the_widest_code_gives_half_of_all_slices_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
