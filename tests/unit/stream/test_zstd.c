/* Chunk frames: what is written, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zstd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "stream/zstd.h"

#include "base/banned.h"

/* Half text, half noise: every kind of block appears. */
static void fill(uint8_t *bytes, size_t n)
{
    uint32_t x = 2463534242u;
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13, x ^= x >> 17, x ^= x << 5;
        bytes[i] = (i >> 15 & 1) != 0 ? (uint8_t)x : (uint8_t)("archon bundle "[i % 14] + (x % 97 == 0));
    }
}

static size_t pack(const uint8_t *raw, size_t n, int level, uint8_t *out, size_t size)
{
    struct err e = { 0 };
    AUTO(zstd_packer_free_auto) struct zstd_packer *p = zstd_packer_new(level);
    size_t packed = 0;
    assert_true(zstd_pack(p, raw, n, out, size, &packed, &e));
    return packed;
}

static bool unpack(const uint8_t *frame, size_t frame_bytes, size_t raw_bytes, bool may_lack, struct err *e)
{
    AUTO(zstd_unpacker_free_auto) struct zstd_unpacker *u = zstd_unpacker_new();
    AUTO(mem_auto) uint8_t *exact = mem_copy(frame, frame_bytes); /* ASan sees a read past the end */
    AUTO(mem_auto) uint8_t *raw = mem_new(raw_bytes);
    return zstd_unpack(u, exact, frame_bytes, raw, raw_bytes, may_lack, e);
}

static void packs_and_unpacks_at_every_level(void **state)
{
    (void)state;
    static const size_t sizes[] = { 1, 255, 256, 512, 70000, 4 * 1024 * 1024 };
    AUTO(mem_auto) uint8_t *raw = mem_new(4 * MIB), *back = mem_new(4 * MIB), *out = mem_new(zstd_bound(4 * MIB));
    fill(raw, 4 * MIB);
    AUTO(zstd_unpacker_free_auto) struct zstd_unpacker *u = zstd_unpacker_new();
    for (int level = 1; level <= 19; level++)
        for (size_t i = 0; i < ARRAY_LEN(sizes) - (level > 3 && level < 19); i++) {
            struct err e = { 0 };
            size_t n = pack(raw, sizes[i], level, out, zstd_bound(sizes[i]));
            assert_true(zstd_unpack(u, out, n, back, sizes[i], false, &e));
            assert_memory_equal(raw, back, sizes[i]);
        }
}

static void the_same_bytes_give_the_same_frame_whatever_came_before(void **state)
{
    (void)state;
    enum { N = 300000 };
    AUTO(mem_auto) uint8_t *raw = mem_new(N), *a = mem_new(2 * N), *b = mem_new(2 * N);
    fill(raw, N);
    struct err e = { 0 };
    AUTO(zstd_packer_free_auto) struct zstd_packer *p = zstd_packer_new(9);
    size_t n1, n2, n3;
    assert_true(zstd_pack(p, raw, N, a, 2 * N, &n1, &e));
    assert_true(zstd_pack(p, raw + 100, N / 3, b, 2 * N, &n2, &e));
    assert_true(zstd_pack(p, raw, N, b, 2 * N, &n3, &e));
    assert_int_equal(n1, n3);
    assert_memory_equal(a, b, n1);
}

static void refuses_frames_cut_or_extended_anywhere(void **state)
{
    (void)state;
    enum { N = 3000 };
    uint8_t raw[N], out[2 * N];
    fill(raw, N);
    size_t n = pack(raw, N, 3, out, sizeof out);
    for (size_t cut = 0; cut < n; cut++) {
        struct err e = { 0 };
        assert_false(unpack(out, cut, N, false, &e));
        assert_int_equal(e.code, ERR_FORMAT);
    }
    out[n] = 0;
    struct err e = { 0 };
    assert_false(unpack(out, n + 1, N, false, &e));
    assert_non_null(strstr(e.msg, "something follows"));
    memcpy(out + n, out, n);
    struct err e2 = { 0 };
    assert_false(unpack(out, 2 * n, 2 * N, false, &e2));
    assert_int_equal(e2.code, ERR_FORMAT);
}

static void no_flipped_bit_gives_the_same_content(void **state)
{
    (void)state;
    enum { N = 700 };
    uint8_t raw[N], out[2 * N], back[N];
    fill(raw, N);
    size_t n = pack(raw, N, 3, out, sizeof out);
    AUTO(zstd_unpacker_free_auto) struct zstd_unpacker *u = zstd_unpacker_new();
    for (size_t bit = 0; bit < n * 8; bit++) {
        struct err e = { 0 };
        out[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (zstd_unpack(u, out, n, back, N, false, &e))
            assert_true(bit / 8 == 4 || memcmp(raw, back, N) == 0); /* never other bytes: the checksum */
        else
            assert_true(e.code == ERR_FORMAT || e.code == ERR_INTEGRITY);
        out[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void another_content_size_is_an_integrity_error(void **state)
{
    (void)state;
    uint8_t raw[600], out[1200];
    fill(raw, sizeof raw);
    size_t n = pack(raw, sizeof raw, 3, out, sizeof out);
    struct err e = { 0 };
    assert_false(unpack(out, n, 599, false, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
    assert_string_equal(e.msg, "zstd frame: holds 600 bytes, expected 599");
}

/* A frame made with libzstd's own settings. */
static size_t pack_with(ZSTD_cParameter which, int value, int checksum, const uint8_t *raw, size_t n, uint8_t *out, size_t size)
{
    ZSTD_CCtx *c = ZSTD_createCCtx();
    assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, checksum)));
    assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(c, which, value)));
    ZSTD_inBuffer in = { raw, n, 0 };
    ZSTD_outBuffer to = { out, size, 0 };
    if (which != ZSTD_c_contentSizeFlag)
        ZSTD_CCtx_setPledgedSrcSize(c, n);
    /* In pieces, so that the window is not cut down to the content. */
    ZSTD_inBuffer first = { raw, 1, 0 };
    assert_false(ZSTD_isError(ZSTD_compressStream2(c, &to, &first, ZSTD_e_continue)));
    in.pos = 1;
    assert_int_equal(ZSTD_compressStream2(c, &to, &in, ZSTD_e_end), 0);
    ZSTD_freeCCtx(c);
    return to.pos;
}

static void refuses_frames_without_size_or_checksum(void **state)
{
    (void)state;
    uint8_t raw[3000], out[6000];
    fill(raw, sizeof raw);
    struct err e = { 0 };
    size_t n = pack_with(ZSTD_c_contentSizeFlag, 0, 1, raw, sizeof raw, out, sizeof out);
    assert_false(unpack(out, n, sizeof raw, false, &e));
    assert_string_equal(e.msg, "zstd frame: has no content size");
    struct err e2 = { 0 };
    n = pack_with(ZSTD_c_compressionLevel, 3, 0, raw, sizeof raw, out, sizeof out);
    assert_false(unpack(out, n, sizeof raw, true, &e2));
    assert_string_equal(e2.msg, "zstd frame: has no checksum");
}

static void refuses_windows_over_four_mebibytes(void **state)
{
    (void)state;
    /* Descriptor: 4-byte size, checksum, not single; window byte: log 10 + 21 = 31. */
    static const uint8_t frame[] = { 0x28, 0xB5, 0x2F, 0xFD, 0x84, 21 << 3, 1, 0, 0, 0, 0x01, 0, 0, 'x', 0, 0, 0, 0 };
    struct err e = { 0 };
    assert_false(unpack(frame, sizeof frame, 1, false, &e));
    assert_string_equal(e.msg, "zstd frame: window of 2147483648 bytes, at most 4194304");
}

static void refuses_dictionaries_reserved_bits_old_formats_and_skippable_frames(void **state)
{
    (void)state;
    uint8_t raw[100], out[300];
    fill(raw, sizeof raw);
    size_t n = pack(raw, sizeof raw, 3, out, sizeof out);
    static const uint8_t bits[] = { 0x01, 0x02, 0x08, 0x10 };
    for (size_t i = 0; i < sizeof bits; i++) {
        struct err e = { 0 };
        out[4] |= bits[i];
        assert_false(unpack(out, n, sizeof raw, false, &e));
        assert_int_equal(e.code, ERR_FORMAT);
        out[4] &= (uint8_t)~bits[i];
    }
    static const uint8_t magics[][4] = { { 0x27, 0xB5, 0x2F, 0xFD }, { 0x50, 0x2A, 0x4D, 0x18 }, { 0x1F, 0x8B, 8, 0 } };
    for (size_t i = 0; i < ARRAY_LEN(magics); i++) {
        struct err e = { 0 };
        memcpy(out, magics[i], 4);
        assert_false(unpack(out, n, sizeof raw, false, &e));
        assert_string_equal(e.msg, "zstd frame: does not begin as one");
    }
}

static void takes_the_stored_tar_header_frame_only_where_it_may_be(void **state)
{
    (void)state;
    uint8_t frame[522] = { 0x28, 0xB5, 0x2F, 0xFD, 0x60, 0x00, 0x01, 0x01, 0x10, 0x00 };
    struct err e = { 0 };
    assert_true(unpack(frame, sizeof frame, 512, true, &e));
    assert_false(unpack(frame, sizeof frame, 512, false, &e));
    assert_string_equal(e.msg, "zstd frame: has no checksum");
    struct err e2 = { 0 };
    frame[7] = 0x03; /* RLE block instead */
    assert_false(unpack(frame, sizeof frame, 512, true, &e2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packs_and_unpacks_at_every_level),
        cmocka_unit_test(the_same_bytes_give_the_same_frame_whatever_came_before),
        cmocka_unit_test(refuses_frames_cut_or_extended_anywhere),
        cmocka_unit_test(no_flipped_bit_gives_the_same_content),
        cmocka_unit_test(another_content_size_is_an_integrity_error),
        cmocka_unit_test(refuses_frames_without_size_or_checksum),
        cmocka_unit_test(refuses_windows_over_four_mebibytes),
        cmocka_unit_test(refuses_dictionaries_reserved_bits_old_formats_and_skippable_frames),
        cmocka_unit_test(takes_the_stored_tar_header_frame_only_where_it_may_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
