/* The vocabulary: errors, buffers, text, numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/secret.h"
#include "base/text.h"

static void first_error_wins_and_nouns_are_put_before(void **state)
{
    (void)state;
    struct err e = { 0 };
    assert_false(err_set(&e, ERR_IO, "open x"));
    assert_false(err_set(&e, ERR_TRUST, "later"));
    assert_false(err_in(&e, "layer %d", 3));
    assert_string_equal(e.msg, "layer 3: open x");
    assert_int_equal(e.code, ERR_IO);
    assert_int_equal(err_status(e.code), 60);
    err_hint(&e, "deepest");
    err_hint(&e, "outer");
    assert_string_equal(e.hint, "deepest");
}

static void long_messages_are_cut_with_dots(void **state)
{
    (void)state;
    struct err e = { 0 };
    char text[2000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    err_set(&e, ERR_IO, "%s", text);
    err_in(&e, "%s", text);
    assert_int_equal(strlen(e.msg), sizeof e.msg - 1);
    assert_string_equal(e.msg + strlen(e.msg) - 3, "...");
}

static void buffers_stop_at_their_limit_and_say_so(void **state)
{
    (void)state;
    AUTO(buf_clear_auto) struct buf b = BUF_LIMIT(5);
    buf_adds(&b, "12345");
    struct err e = { 0 };
    assert_true(buf_done(&b, "x", &e));
    buf_addc(&b, '6');
    assert_false(buf_done(&b, "url", &e));
    assert_string_equal(buf_text(&b), "12345");
    assert_string_equal(e.msg, "url: longer than 5 bytes");
}

static void printable_text_escapes_what_could_paint_a_terminal(void **state)
{
    (void)state;
    assert_string_equal(SHOWN("a\033[1m\n"), "a\\x1b[1m\\x0a");
    assert_string_equal(SHOWN("\xe2\x80\xae"), "\\u202e");
    assert_string_equal(SHOWN("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
    assert_string_equal(SHOWN("\xff\xc0\x80"), "\\xff\\xc0\\x80");
    char text[4000];
    memset(text, '\x01', sizeof text);
    assert_true(strlen(SHOWN_N(text, sizeof text)) < TEXT_SHOWN_BYTES);
    memset(text, 'a', sizeof text);
    assert_string_equal(SHOWN_N(text, 4000) + 117, "...");
}

static void numbers_are_digits_only_and_bounded(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "01", "1e3", "0x1", "18446744073709551616", "1.0" };
    uint64_t v;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(num_parse(&v, bad[i], strlen(bad[i]), UINT64_MAX));
    assert_true(num_parse(&v, "18446744073709551615", 20, UINT64_MAX));
    assert_int_equal(v, UINT64_MAX);
    assert_false(num_parse(&v, "11", 2, 10));
    assert_true(num_parse_bytes(&v, "4095MiB", UINT64_MAX));
    assert_int_equal(v, 4095ull << 20);
    assert_false(num_parse_bytes(&v, "20000000T", UINT64_MAX));
    assert_false(num_parse_bytes(&v, "5 GiB", UINT64_MAX));
}

static void the_nearest_name_is_found_or_none(void **state)
{
    (void)state;
    static const char *const names[] = { "create", "verify", "inspect" };
    assert_string_equal(text_nearest("crate", names, 3), "create");
    assert_string_equal(text_nearest("verfiy", names, 3), "verify");
    assert_null(text_nearest("bananas", names, 3));
}

static void globs_match_whole_words(void **state)
{
    (void)state;
    assert_true(text_glob("*", ""));
    assert_true(text_glob("a*c?", "abbbcd"));
    assert_false(text_glob("a*c", "abcd"));
}

static void hex_is_lower_case_and_exact(void **state)
{
    (void)state;
    uint8_t out[2];
    assert_true(text_unhex(out, 2, "00ff", 4));
    assert_false(text_unhex(out, 2, "00FF", 4));
    assert_false(text_unhex(out, 2, "00ff0", 5));
}

static void secrets_compare_and_wipe(void **state)
{
    (void)state;
    AUTO(secret_clear_auto) struct secret a = secret_of("abc", 3);
    AUTO(secret_clear_auto) struct secret b = secret_of("abd", 3);
    assert_false(secret_equal(&a, &b));
    assert_true(secret_equal(&a, &a));
    secret_clear(&b);
    assert_false(secret_is_set(&b));
}

static void arrays_grow_and_keep_their_items(void **state)
{
    (void)state;
    int *items = NULL;
    size_t n = 0;
    size_t cap = 0;
    for (int i = 0; i < 1000; i++)
        MEM_PUSH(items, n, cap) = i;
    assert_int_equal(n, 1000);
    assert_int_equal(items[999], 999);
    mem_free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_error_wins_and_nouns_are_put_before),
        cmocka_unit_test(long_messages_are_cut_with_dots),
        cmocka_unit_test(buffers_stop_at_their_limit_and_say_so),
        cmocka_unit_test(printable_text_escapes_what_could_paint_a_terminal),
        cmocka_unit_test(numbers_are_digits_only_and_bounded),
        cmocka_unit_test(the_nearest_name_is_found_or_none),
        cmocka_unit_test(globs_match_whole_words),
        cmocka_unit_test(hex_is_lower_case_and_exact),
        cmocka_unit_test(secrets_compare_and_wipe),
        cmocka_unit_test(arrays_grow_and_keep_their_items),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
