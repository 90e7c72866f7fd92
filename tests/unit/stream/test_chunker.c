/* The cutter against the vectors of docs/FORMAT.md section 10, and what it does at the ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/num.h"
#include "format/digest.h"
#include "stream/chunker.h"

#include "base/banned.h"

static uint8_t *counter_stream(size_t n)
{
    uint8_t *bytes = mem_new(n + DIGEST_BYTES);
    for (size_t at = 0, i = 0; at < n; at += DIGEST_BYTES, i++) {
        char text[48];
        int len = snprintf(text, sizeof text, "archon-vector-v1:%zu", i);
        struct digest d;
        sha256_of(&d, text, (size_t)len);
        memcpy(bytes + at, d.bytes, DIGEST_BYTES);
    }
    return bytes;
}

/* Cuts everything; returns the number of pieces and the digest of their ends. */
static size_t cut_all(const uint8_t *bytes, size_t n, uint32_t average, char hex[DIGEST_TEXT_BYTES])
{
    struct chunker c;
    chunker_init(&c, average);
    AUTO(sha256_free_auto) struct sha256 *ends = sha256_new();
    size_t at = 0, pieces = 0;
    while (at < n) {
        size_t piece = chunker_cut(&c, bytes + at, n - at, true);
        assert_true(piece > 0 && piece <= chunker_max(&c));
        at += piece;
        pieces++;
        uint8_t end[8];
        num_put_le64(end, at);
        sha256_add(ends, end, sizeof end);
    }
    struct digest d;
    sha256_end(ends, &d);
    struct digest_text text;
    memcpy(hex, digest_format_hex(&text, &d), 65);
    return pieces;
}

static void the_gear_table_is_the_documented_one(void **state)
{
    (void)state;
    const uint64_t *gear = chunker_gear();
    for (int i = 0; i < 256; i++) {
        char text[32];
        int n = snprintf(text, sizeof text, "archon-gear-v1:%d", i);
        struct digest d;
        sha256_of(&d, text, (size_t)n);
        assert_true(gear[i] == num_le64(d.bytes));
    }
}

static void cuts_are_those_of_the_format(void **state)
{
    (void)state;
    static const struct {
        size_t bytes;
        uint32_t average;
        size_t pieces;
        const char *digest;
    } rows[] = {
        { 1048576, 4096, 205, "b7520fc78bcd9b39b474fa79499881add826be15c81c3b4ae1b59e6d4fdcf5aa" },
        { 1048576, 8192, 106, "e4b73c55b6f7d2da91e3381f215c1f65d2d008a85f7c40a1ee5ca2e8f26c2988" },
        { 1048576, 16384, 54, "e3601fb2091acb46ac236986c704c0959ca2bb8a5de043777f476ae8b18126cc" },
        { 1048576, 32768, 25, "db3156067013b42c1aecb6b7b05f9030c70f34709e67b8496b659069c376a251" },
        { 1048576, 65536, 10, "a9c3bfb77173bd149926763cd3d94e9001abdfb25dbe15eb3b16f0282b2208ad" },
        { 0, 4096, 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { 1, 4096, 1, "7c9fa136d4413fa6173637e883b6998d32e1d675f88cddff9dcbcf331820f4b8" },
        { 1024, 4096, 1, "fef02424157f106b48d04276276c15ebba9c516e6024d4f82ea2f648af3e09c8" },
        { 1025, 4096, 1, "21beb8b410bad024aad3e0973271755f59ddfe901e8ff2ec16174501dbeb0cff" },
        { 32768, 4096, 7, "2833bb3c0abdb6fd2068864bf7e24f8c67215935c2e3e02c1ac19194bf0cbd0e" },
        { 32769, 4096, 7, "a6a91501daf00bfb93a01118154c0a3c5c46a243b020e068ebdb348bf6065106" },
    };
    AUTO(mem_auto) uint8_t *bytes = counter_stream(1048576);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char hex[DIGEST_TEXT_BYTES];
        assert_int_equal(cut_all(bytes, rows[i].bytes, rows[i].average, hex), rows[i].pieces);
        assert_string_equal(hex, rows[i].digest);
    }
}

static void monotonous_bytes_are_cut_at_the_maximum(void **state)
{
    (void)state;
    AUTO(mem_auto) uint8_t *bytes = mem_new(200000);
    char hex[DIGEST_TEXT_BYTES];
    for (int fill = 0; fill < 2; fill++) {
        memset(bytes, fill == 0 ? 0 : 0xFF, 200000);
        assert_int_equal(cut_all(bytes, 200000, 4096, hex), 7);
        assert_string_equal(hex, "b2644efcd62653b55b29b2d2813559efaff3843bd8703980fb60e780959f4ebf");
    }
}

/* Feeds in windows of odd sizes; the cuts must not depend on how the bytes arrive. */
static void cuts_do_not_depend_on_the_pieces_that_arrive(void **state)
{
    (void)state;
    enum { MOST = 300000 };
    AUTO(mem_auto) uint8_t *bytes = counter_stream(MOST);
    struct chunker c;
    chunker_init(&c, 4096);
    for (size_t window = 1; window < 40000; window = window * 3 + 1) {
        size_t at = 0, whole_at = 0, have = 0;
        size_t n = window < 100 ? MOST / 8 : MOST; /* each byte that arrives alone looks at its whole piece again */
        while (at < n) {
            size_t piece = 0;
            while (piece == 0) {
                have = have + window > n ? n : have + window;
                piece = chunker_cut(&c, bytes + at, have - at, have == n);
                assert_true(piece > 0 || have - at < chunker_max(&c));
            }
            size_t whole = chunker_cut(&c, bytes + whole_at, n - whole_at, true);
            assert_int_equal(piece, whole);
            at += piece;
            whole_at += whole;
            if (have < at)
                have = at;
        }
    }
}

static void only_five_averages_are_valid(void **state)
{
    (void)state;
    assert_true(chunker_average_is_valid(4096) && chunker_average_is_valid(65536));
    assert_false(chunker_average_is_valid(2048) || chunker_average_is_valid(131072) || chunker_average_is_valid(5000));
    assert_false(chunker_average_is_valid(0) || chunker_average_is_valid(UINT64_C(1) << 32));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gear_table_is_the_documented_one),
        cmocka_unit_test(cuts_are_those_of_the_format),
        cmocka_unit_test(monotonous_bytes_are_cut_at_the_maximum),
        cmocka_unit_test(cuts_do_not_depend_on_the_pieces_that_arrive),
        cmocka_unit_test(only_five_averages_are_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
