/* Chains of sinks: limits, digests, ends, and the pump. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "stream/sink.h"

#include "base/banned.h"

static const char hello_hex[] = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"; /* "hello" */

static struct digest hello(void)
{
    struct digest d;
    struct err e = { 0 };
    assert_true(digest_parse_hex(&d, hello_hex, "test", &e));
    return d;
}

static void an_exact_limit_takes_exactly_that(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(100);
    AUTO(sink_drop_auto) struct sink *s = sink_limit(5, SINK_EXACT, "blob", sink_buf(&out, "blob"));
    assert_true(sink_write(s, "hel", 3, &e));
    assert_true(sink_write(s, "lo", 2, &e));
    assert_true(sink_finish(s, &e));
    assert_string_equal(buf_text(&out), "hello");
}

static void one_byte_over_a_limit_is_refused_before_it_goes_on(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(100);
    AUTO(sink_drop_auto) struct sink *s = sink_limit(4, SINK_AT_MOST, "layer 3", sink_buf(&out, "layer 3"));
    assert_true(sink_write(s, "hel", 3, &e));
    assert_false(sink_write(s, "lo", 2, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
    assert_string_equal(e.msg, "layer 3: longer than the allowed 4 bytes");
    assert_string_equal(buf_text(&out), "hel");
}

static void one_byte_under_an_exact_limit_is_refused_at_finish(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(sink_drop_auto) struct sink *exact = sink_limit(5, SINK_EXACT, "blob", sink_null());
    assert_true(sink_write(exact, "hell", 4, &e));
    assert_false(sink_finish(exact, &e));
    assert_string_equal(e.msg, "blob: 4 bytes, expected 5");
    struct err e2 = { 0 };
    AUTO(sink_drop_auto) struct sink *loose = sink_limit(5, SINK_AT_MOST, "blob", sink_null());
    assert_true(sink_write(loose, "hell", 4, &e2));
    assert_true(sink_finish(loose, &e2));
}

static void a_wrong_digest_is_refused_with_both_digests(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct digest want = hello();
    AUTO(sink_drop_auto) struct sink *good = sink_sha256(&want, "blob", sink_null());
    assert_true(sink_write(good, "hello", 5, &e));
    assert_true(sink_finish(good, &e));
    AUTO(sink_drop_auto) struct sink *bad = sink_sha256(&want, "blob", sink_null());
    assert_true(sink_write(bad, "hellO", 5, &e));
    assert_false(sink_finish(bad, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
    assert_non_null(strstr(e.msg, "blob: digest is sha256:"));
    assert_non_null(strstr(e.msg, hello_hex));
}

static void measure_reports_digest_and_count_and_may_be_asked_for_one(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct digest got, want = hello();
    uint64_t n = 0;
    AUTO(sink_drop_auto) struct sink *s = sink_measure(&got, &n, sink_measure(NULL, NULL, sink_null()));
    assert_true(sink_write(s, "hello", 5, &e) && sink_finish(s, &e));
    assert_int_equal(n, 5);
    assert_true(digest_equal(&got, &want));
}

static void a_tee_feeds_both_and_fails_with_either(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf a = BUF_LIMIT(100), b = BUF_LIMIT(100);
    AUTO(sink_drop_auto) struct sink *s =
        sink_tee(sink_buf(&a, "a"), sink_limit(8, SINK_AT_MOST, "b", sink_buf(&b, "b")));
    assert_true(sink_write(s, "hello", 5, &e) && sink_finish(s, &e));
    assert_string_equal(buf_text(&a), "hello");
    assert_string_equal(buf_text(&b), "hello");
    assert_false(sink_write(s, "more", 4, &e));
    buf_clear(&b);
}

static void a_full_buffer_is_an_integrity_error(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(4);
    AUTO(sink_drop_auto) struct sink *s = sink_buf(&out, "manifest");
    assert_true(sink_write(s, "1234", 4, &e));
    assert_false(sink_write(s, "5", 1, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
    assert_non_null(strstr(e.msg, "manifest: longer"));
}

static bool count_bytes(void *ctx, const void *bytes, size_t n, struct err *e)
{
    (void)bytes;
    assert_true(n > 0);
    *(size_t *)ctx += n;
    return *(size_t *)ctx < 10 || err_set(e, ERR_IO, "enough");
}

static void a_function_sees_each_piece_and_can_stop(void **state)
{
    (void)state;
    struct err e = { 0 };
    size_t n = 0;
    AUTO(sink_drop_auto) struct sink *s = sink_call(count_bytes, &n);
    assert_true(sink_write(s, "hello", 5, &e));
    assert_true(sink_write(s, "", 0, &e));
    assert_int_equal(n, 5);
    assert_false(sink_write(s, "hello", 5, &e));
    assert_string_equal(e.msg, "enough");
}

static void the_pump_moves_a_file_through_descriptors(void **state)
{
    (void)state;
    struct err e = { 0 };
    char from_name[] = "/tmp/test_sink.XXXXXX", to_name[] = "/tmp/test_sink.XXXXXX";
    int from = mkstemp(from_name), to = mkstemp(to_name);
    assert_true(from >= 0 && to >= 0);
    unlink(from_name);
    unlink(to_name);
    enum { N = 700001 };
    uint8_t *bytes = test_malloc(N);
    for (size_t i = 0; i < N; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 256);
    assert_int_equal(write(from, bytes, N), N);
    assert_int_equal(lseek(from, 0, SEEK_SET), 0);
    struct digest want, got;
    sha256_of(&want, bytes, N);
    AUTO(source_free_auto) struct source *src = source_fd(from, "from");
    AUTO(sink_drop_auto) struct sink *dst = sink_measure(&got, NULL, sink_fd(to, "to"));
    assert_true(pump(src, dst, &e) && sink_finish(dst, &e));
    assert_true(digest_equal(&want, &got));
    assert_int_equal(lseek(to, 0, SEEK_END), N);
    test_free(bytes);
    close(from);
    close(to);
}

static void an_empty_memory_source_ends_at_once(void **state)
{
    (void)state;
    struct err e = { 0 };
    uint64_t n = 7;
    AUTO(source_free_auto) struct source *src = source_memory(NULL, 0);
    AUTO(sink_drop_auto) struct sink *dst = sink_measure(NULL, &n, sink_null());
    assert_true(pump(src, dst, &e) && sink_finish(dst, &e));
    assert_int_equal(n, 0);
}

enum { MANY_BYTES = 5 * 1024 * 1024 + 7 }; /* more than a handover holds */

static uint8_t *many_bytes(void)
{
    uint8_t *bytes = test_malloc(MANY_BYTES);
    for (size_t i = 0; i < MANY_BYTES; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 256);
    return bytes;
}

static void a_handover_passes_everything_on_in_order(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct digest want, got;
    uint64_t n = 0;
    uint8_t *bytes = many_bytes();
    sha256_of(&want, bytes, MANY_BYTES);
    AUTO(sink_drop_auto) struct sink *s = sink_handover(sink_measure(&got, &n, sink_null()));
    for (size_t at = 0, take; at < MANY_BYTES; at += take) {
        take = at % 70001 + 1 < MANY_BYTES - at ? at % 70001 + 1 : MANY_BYTES - at;
        assert_true(sink_write(s, bytes + at, take, &e));
    }
    assert_true(sink_finish(s, &e));
    assert_int_equal(n, MANY_BYTES);
    assert_true(digest_equal(&want, &got));
    test_free(bytes);
}

static void a_failure_behind_a_handover_is_that_of_a_later_write_or_of_finish(void **state)
{
    (void)state;
    struct err e = { 0 };
    uint8_t *bytes = many_bytes();
    AUTO(sink_drop_auto) struct sink *early = sink_handover(sink_limit(1, SINK_AT_MOST, "layer", sink_null()));
    bool ok = true;
    for (size_t i = 0; i < 10 && ok; i++)
        ok = sink_write(early, bytes, MANY_BYTES, &e);
    assert_false(ok);
    assert_string_equal(e.msg, "layer: longer than the allowed 1 bytes");
    struct err e2 = { 0 };
    AUTO(sink_drop_auto) struct sink *late = sink_handover(sink_limit(4, SINK_AT_MOST, "layer", sink_null()));
    assert_true(sink_write(late, "hello", 5, &e2));
    assert_false(sink_finish(late, &e2));
    assert_string_equal(e2.msg, "layer: longer than the allowed 4 bytes");
    struct err e3 = { 0 };
    AUTO(sink_drop_auto) struct sink *verdict = sink_handover(sink_limit(6, SINK_EXACT, "layer", sink_null()));
    assert_true(sink_write(verdict, "hello", 5, &e3));
    assert_false(sink_finish(verdict, &e3));
    assert_string_equal(e3.msg, "layer: 5 bytes, expected 6");
    test_free(bytes);
}

static void a_handover_that_is_dropped_leaves_nothing_behind(void **state)
{
    (void)state;
    struct err e = { 0 };
    uint8_t *bytes = many_bytes();
    struct sink *s = sink_handover(sink_null());
    assert_true(sink_write(s, bytes, MANY_BYTES, &e));
    sink_drop(s);
    test_free(bytes);
}

/* The verdict is where the end would be: whoever stops early has proven nothing, and who goes on asking is told again. */
static void a_source_with_a_digest_gives_its_verdict_at_the_end(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct digest d;
    char text[8];
    size_t got = 0;
    sha256_of(&d, "hello", 5);
    AUTO(source_free_auto) struct source *good = source_sha256(&d, "part", source_memory("hello", 5));
    assert_true(source_read(good, text, sizeof text, &got, &e) && got == 5);
    assert_true(source_read(good, text, sizeof text, &got, &e) && got == 0);
    assert_true(source_read(good, text, sizeof text, &got, &e) && got == 0);
    AUTO(source_free_auto) struct source *bad = source_sha256(&d, "part", source_memory("hallo", 5));
    assert_true(source_read(bad, text, sizeof text, &got, &e) && got == 5);
    assert_false(source_read(bad, text, sizeof text, &got, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
    assert_non_null(strstr(e.msg, "part: digest is sha256:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exact_limit_takes_exactly_that),
        cmocka_unit_test(one_byte_over_a_limit_is_refused_before_it_goes_on),
        cmocka_unit_test(one_byte_under_an_exact_limit_is_refused_at_finish),
        cmocka_unit_test(a_wrong_digest_is_refused_with_both_digests),
        cmocka_unit_test(measure_reports_digest_and_count_and_may_be_asked_for_one),
        cmocka_unit_test(a_tee_feeds_both_and_fails_with_either),
        cmocka_unit_test(a_full_buffer_is_an_integrity_error),
        cmocka_unit_test(a_function_sees_each_piece_and_can_stop),
        cmocka_unit_test(the_pump_moves_a_file_through_descriptors),
        cmocka_unit_test(an_empty_memory_source_ends_at_once),
        cmocka_unit_test(a_source_with_a_digest_gives_its_verdict_at_the_end),
        cmocka_unit_test(a_handover_passes_everything_on_in_order),
        cmocka_unit_test(a_failure_behind_a_handover_is_that_of_a_later_write_or_of_finish),
        cmocka_unit_test(a_handover_that_is_dropped_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
