/* Layers: gzip with one and several members, zstd with one and several frames, raw; in pieces of any size; and attacks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "stream/sink.h"

#include "base/banned.h"

static void fill(uint8_t *bytes, size_t n)
{
    uint32_t x = 88172645u;
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13, x ^= x >> 17, x ^= x << 5;
        bytes[i] = (i >> 14 & 1) != 0 ? (uint8_t)x : (uint8_t)("usr/share/doc "[i % 14] + (x % 53 == 0));
    }
}

static void add_gzip(struct buf *out, const uint8_t *raw, size_t n, int level, gz_header *header)
{
    z_stream z = { 0 };
    assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    if (header != NULL)
        assert_int_equal(deflateSetHeader(&z, header), Z_OK);
    size_t bound = deflateBound(&z, n) + 300;
    AUTO(mem_auto) uint8_t *to = mem_new(bound);
    z.next_in = (z_const Bytef *)(uintptr_t)raw;
    z.avail_in = (uInt)n;
    z.next_out = to;
    z.avail_out = (uInt)bound;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    buf_add(out, to, z.total_out);
    deflateEnd(&z);
}

static void add_zstd(struct buf *out, const uint8_t *raw, size_t n)
{
    AUTO(mem_auto) uint8_t *to = mem_new(ZSTD_compressBound(n));
    size_t packed = ZSTD_compress(to, ZSTD_compressBound(n), raw, n, 3);
    assert_false(ZSTD_isError(packed));
    buf_add(out, to, packed);
}

/* Inflates packed in pieces of `step` bytes into out. */
static bool inflate_in_steps(enum inflate_kind kind, const struct buf *packed, size_t step, struct buf *out, struct err *e)
{
    AUTO(sink_drop_auto) struct sink *s = sink_inflate(kind, "layer 1", sink_buf(out, "layer 1"));
    for (size_t at = 0; at < packed->len; at += step) {
        size_t n = packed->len - at < step ? packed->len - at : step;
        AUTO(mem_auto) void *piece = mem_copy(packed->data + at, n);
        if (!sink_write(s, piece, n, e))
            return false;
    }
    return sink_finish(s, e);
}

static void expect(enum inflate_kind kind, const struct buf *packed, const uint8_t *raw, size_t n)
{
    static const size_t steps[] = { 1, 2, 3, 7, 63, 511, 4096, 65537, 10000000 };
    for (size_t i = n > 100000 ? 5 : 0; i < ARRAY_LEN(steps); i++) {
        struct err e = { 0 };
        AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(64 * MIB);
        if (!inflate_in_steps(kind, packed, steps[i], &out, &e))
            fail_msg("step %zu: %s", steps[i], e.msg);
        assert_int_equal(out.len, n);
        assert_memory_equal(buf_text(&out), raw, n);
    }
}

static void refuse_with(enum inflate_kind kind, const struct buf *packed, const char *part)
{
    static const size_t steps[] = { 1, 100, 10000000 };
    for (size_t i = packed->len > 100000 ? 1 : 0; i < ARRAY_LEN(steps); i++) {
        struct err e = { 0 };
        AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(64 * MIB);
        assert_false(inflate_in_steps(kind, packed, steps[i], &out, &e));
        assert_int_equal(e.code, ERR_REGISTRY);
        if (strstr(e.msg, part) == NULL)
            fail_msg("\"%s\" has no \"%s\"", e.msg, part);
    }
}

static void one_member_of_every_level(void **state)
{
    (void)state;
    enum { N = 40000 }; /* more than a window */
    AUTO(mem_auto) uint8_t *raw = mem_new(N);
    fill(raw, N);
    for (int level = 0; level <= 9; level += 3) {
        AUTO(buf_clear_auto) struct buf packed = BUF_LIMIT(MIB);
        add_gzip(&packed, raw, N, level, NULL);
        expect(INFLATE_DETECT, &packed, raw, N);
        expect(INFLATE_GZIP, &packed, raw, N);
    }
}

static void large_members_pass_through_several_outputs(void **state)
{
    (void)state;
    enum { N = 3000000 };
    AUTO(mem_auto) uint8_t *raw = mem_new(N);
    fill(raw, N / 2); /* the rest is zeros: much output from little input */
    AUTO(buf_clear_auto) struct buf packed = BUF_LIMIT(4 * MIB);
    add_gzip(&packed, raw, N, 6, NULL);
    expect(INFLATE_GZIP, &packed, raw, N);
}

static void several_members_follow_each_other(void **state)
{
    (void)state;
    enum { N = 20000 };
    AUTO(mem_auto) uint8_t *raw = mem_new(N);
    fill(raw, N);
    AUTO(buf_clear_auto) struct buf packed = BUF_LIMIT(MIB);
    size_t at = 0;
    for (size_t piece = 1; at < N; piece = piece * 2 + 1) {
        size_t n = N - at < piece ? N - at : piece;
        add_gzip(&packed, raw + at, n, 6, NULL);
        add_gzip(&packed, raw, 0, 6, NULL); /* an empty member, as pigz and estargz write */
        at += n;
    }
    expect(INFLATE_DETECT, &packed, raw, N);
}

static void headers_with_every_field_are_read(void **state)
{
    (void)state;
    uint8_t raw[500], extra[300] = { 1 };
    char name[] = "layer.tar", comment[] = "a comment";
    fill(raw, sizeof raw);
    gz_header h = { .text = 1, .time = 12345, .extra = extra, .extra_len = sizeof extra, .name = (Bytef *)name,
                    .comment = (Bytef *)comment, .hcrc = 1, .os = 3 };
    AUTO(buf_clear_auto) struct buf packed = BUF_LIMIT(MIB);
    add_gzip(&packed, raw, sizeof raw, 6, &h);
    expect(INFLATE_DETECT, &packed, raw, sizeof raw);
}

static void truncation_at_every_byte_is_refused(void **state)
{
    (void)state;
    uint8_t raw[400];
    fill(raw, sizeof raw);
    for (int kind = 0; kind < 2; kind++) {
        AUTO(buf_clear_auto) struct buf packed = BUF_LIMIT(MIB);
        if (kind == 0)
            add_gzip(&packed, raw, sizeof raw, 6, NULL);
        else
            add_zstd(&packed, raw, sizeof raw);
        size_t n = packed.len;
        for (size_t cut = 1; cut < n; cut++) {
            packed.len = cut;
            refuse_with(kind == 0 ? INFLATE_GZIP : INFLATE_ZSTD, &packed, "ends in the middle");
        }
        packed.len = 0;
        refuse_with(kind == 0 ? INFLATE_GZIP : INFLATE_ZSTD, &packed, "empty, expected");
    }
}

static void anything_after_the_last_member_is_refused(void **state)
{
    (void)state;
    uint8_t raw[400];
    fill(raw, sizeof raw);
    AUTO(buf_clear_auto) struct buf packed = BUF_LIMIT(MIB);
    add_gzip(&packed, raw, sizeof raw, 6, NULL);
    buf_add(&packed, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
    refuse_with(INFLATE_DETECT, &packed, "layer 1: gzip member 2: ");
    AUTO(buf_clear_auto) struct buf zstd = BUF_LIMIT(MIB);
    add_zstd(&zstd, raw, sizeof raw);
    buf_adds(&zstd, "rubbish");
    refuse_with(INFLATE_DETECT, &zstd, "something that is no frame follows");
}

static void a_flipped_bit_never_gives_other_content(void **state)
{
    (void)state;
    uint8_t raw[300];
    fill(raw, sizeof raw);
    AUTO(buf_clear_auto) struct buf packed = BUF_LIMIT(MIB);
    add_gzip(&packed, raw, sizeof raw, 6, NULL);
    for (size_t bit = 0; bit < packed.len * 8; bit++) {
        packed.data[bit / 8] = (char)(packed.data[bit / 8] ^ 1 << bit % 8);
        struct err e = { 0 };
        AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(MIB);
        if (inflate_in_steps(INFLATE_GZIP, &packed, 1000, &out, &e)) {
            assert_int_equal(out.len, sizeof raw); /* time, flags and system of the header do not matter */
            assert_memory_equal(buf_text(&out), raw, sizeof raw);
        } else {
            assert_int_equal(e.code, ERR_REGISTRY);
        }
        packed.data[bit / 8] = (char)(packed.data[bit / 8] ^ 1 << bit % 8);
    }
}

static void zstd_frames_and_skippable_frames_follow_each_other(void **state)
{
    (void)state;
    enum { N = 50000 };
    static const uint8_t skippable[] = { 0x5E, 0x2A, 0x4D, 0x18, 5, 0, 0, 0, 'h', 'e', 'l', 'l', 'o' };
    AUTO(mem_auto) uint8_t *raw = mem_new(N);
    fill(raw, N);
    AUTO(buf_clear_auto) struct buf packed = BUF_LIMIT(MIB);
    buf_add(&packed, skippable, sizeof skippable);
    add_zstd(&packed, raw, 30000);
    buf_add(&packed, skippable, sizeof skippable);
    add_zstd(&packed, raw + 30000, 0);
    add_zstd(&packed, raw + 30000, 20000);
    buf_add(&packed, skippable, sizeof skippable);
    expect(INFLATE_DETECT, &packed, raw, N);
    expect(INFLATE_ZSTD, &packed, raw, N);
}

static void zstd_windows_over_128_mebibytes_are_refused(void **state)
{
    (void)state;
    static const uint8_t frame[] = { 0x28, 0xB5, 0x2F, 0xFD, 0x04, 21 << 3, 0x01, 0, 0, 0, 0, 0, 0 };
    AUTO(buf_clear_auto) struct buf packed = BUF_LIMIT(100);
    buf_add(&packed, frame, sizeof frame);
    refuse_with(INFLATE_DETECT, &packed, "too much memory");
}

static void zstd_from_before_its_format_was_fixed_is_refused(void **state)
{
    (void)state;
    AUTO(buf_clear_auto) struct buf packed = BUF_LIMIT(100);
    buf_add(&packed, "\x27\xB5\x2F\xFD\x00\x00\x00\x00\x00", 9);
    refuse_with(INFLATE_ZSTD, &packed, "not zstd");
}

static void raw_bytes_pass_as_they_are_however_short(void **state)
{
    (void)state;
    uint8_t raw[2000];
    fill(raw, sizeof raw);
    raw[0] = 0x1F; /* half a magic */
    for (size_t n = 0; n < 6; n++) {
        AUTO(buf_clear_auto) struct buf packed = BUF_LIMIT(100);
        buf_add(&packed, raw, n);
        expect(INFLATE_DETECT, &packed, raw, n);
        expect(INFLATE_RAW, &packed, raw, n);
    }
    AUTO(buf_clear_auto) struct buf packed = BUF_LIMIT(MIB);
    add_gzip(&packed, raw, sizeof raw, 6, NULL);
    AUTO(mem_auto) uint8_t *gz = mem_copy(packed.data, packed.len);
    expect(INFLATE_RAW, &packed, gz, packed.len);
}

static void another_format_than_promised_is_refused(void **state)
{
    (void)state;
    AUTO(buf_clear_auto) struct buf packed = BUF_LIMIT(MIB);
    uint8_t raw[600] = { 'u' };
    add_gzip(&packed, raw, sizeof raw, 6, NULL);
    refuse_with(INFLATE_ZSTD, &packed, "not zstd");
    buf_reset(&packed);
    add_zstd(&packed, raw, sizeof raw);
    refuse_with(INFLATE_GZIP, &packed, "gzip member 1: ");
}

static void a_bomb_stops_at_the_limit_behind_it(void **state)
{
    (void)state;
    enum { N = 20 * 1024 * 1024 };
    AUTO(mem_auto) uint8_t *zeros = mem_new(N);
    AUTO(buf_clear_auto) struct buf packed = BUF_LIMIT(MIB);
    add_gzip(&packed, zeros, N, 9, NULL);
    struct err e = { 0 };
    AUTO(sink_drop_auto) struct sink *s =
        sink_inflate(INFLATE_GZIP, "layer 1", sink_limit(1000000, SINK_AT_MOST, "layer 1", sink_null()));
    assert_false(sink_write(s, packed.data, packed.len, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
    assert_non_null(strstr(e.msg, "longer than the allowed 1000000 bytes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_member_of_every_level),
        cmocka_unit_test(large_members_pass_through_several_outputs),
        cmocka_unit_test(several_members_follow_each_other),
        cmocka_unit_test(headers_with_every_field_are_read),
        cmocka_unit_test(truncation_at_every_byte_is_refused),
        cmocka_unit_test(anything_after_the_last_member_is_refused),
        cmocka_unit_test(a_flipped_bit_never_gives_other_content),
        cmocka_unit_test(zstd_frames_and_skippable_frames_follow_each_other),
        cmocka_unit_test(zstd_windows_over_128_mebibytes_are_refused),
        cmocka_unit_test(zstd_from_before_its_format_was_fixed_is_refused),
        cmocka_unit_test(raw_bytes_pass_as_they_are_however_short),
        cmocka_unit_test(another_format_than_promised_is_refused),
        cmocka_unit_test(a_bomb_stops_at_the_limit_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
