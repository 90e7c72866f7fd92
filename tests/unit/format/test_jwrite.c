/* JSON out of calls: the exact bytes, and that our own strict reader takes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "format/jread.h"
#include "format/jwrite.h"

static void write_sample(struct jwrite *w)
{
    struct digest d;
    sha256_of(&d, "abc", 3);
    jwrite_object(w, NULL);
    jwrite_str(w, "name", "shop");
    jwrite_array(w, "xs");
    jwrite_u64(w, NULL, 7);
    jwrite_i64(w, NULL, -7);
    jwrite_object(w, NULL);
    jwrite_bool(w, "t", true);
    jwrite_null(w, "n");
    jwrite_array(w, "deep");
    jwrite_u64(w, NULL, 1);
    jwrite_u64(w, NULL, 2);
    jwrite_end(w);
    jwrite_end(w);
    jwrite_end(w);
    jwrite_object(w, "empty");
    jwrite_end(w);
    jwrite_array(w, "none");
    jwrite_end(w);
    jwrite_double(w, "seconds", 1.25, 1);
    jwrite_digest_hex(w, "h", &d);
    jwrite_end(w);
}

#define HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void writes_compact_text_in_the_order_of_the_calls(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(10000);
    AUTO(jwrite_free_auto) struct jwrite *w = jwrite_new(JWRITE_COMPACT, 10000);
    write_sample(w);
    assert_true(jwrite_done(w, &out, "doc", &e));
    assert_string_equal(out.data, "{\"name\":\"shop\",\"xs\":[7,-7,{\"t\":true,\"n\":null,\"deep\":[1,2]}],\"empty\":{},\"none\":[],"
                                  "\"seconds\":1.2,\"h\":\"" HEX "\"}\n");
}

static void writes_the_outer_two_levels_one_item_a_line(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(10000);
    AUTO(jwrite_free_auto) struct jwrite *w = jwrite_new(JWRITE_PRETTY, 10000);
    write_sample(w);
    assert_true(jwrite_done(w, &out, "doc", &e));
    assert_string_equal(out.data, "{\n"
                                  "  \"name\": \"shop\",\n"
                                  "  \"xs\": [\n"
                                  "    7,\n"
                                  "    -7,\n"
                                  "    {\"t\": true,\"n\": null,\"deep\": [1,2]}\n"
                                  "  ],\n"
                                  "  \"empty\": {},\n"
                                  "  \"none\": [],\n"
                                  "  \"seconds\": 1.2,\n"
                                  "  \"h\": \"" HEX "\"\n"
                                  "}\n");
}

static void expect_text(const char *text, size_t n, const char *json)
{
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(10000);
    AUTO(jwrite_free_auto) struct jwrite *w = jwrite_new(JWRITE_COMPACT, 10000);
    jwrite_str_n(w, NULL, text, n);
    assert_true(jwrite_done(w, &out, "doc", &e));
    assert_string_equal(out.data, json);
}

static void writes_ascii_only(void **state)
{
    (void)state;
    expect_text("\"\\/\b\x1b\n\t\r\x7f", 9, "\"\\\"\\\\/\\u0008\\u001b\\n\\t\\u000d\\u007f\"\n");
    expect_text("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9, "\"\\u00e9\\u20ac\\ud83d\\ude00\"\n");
    expect_text("a\0b", 3, "\"a\\u0000b\"\n");
    expect_text("", 0, "\"\"\n");
}

static void replaces_what_is_not_utf8(void **state)
{
    (void)state;
    expect_text("\xFF", 1, "\"\\ufffd\"\n");
    expect_text("a\xE2\x82", 3, "\"a\\ufffd\\ufffd\"\n");
    expect_text("\xED\xA0\x80", 3, "\"\\ufffd\\ufffd\\ufffd\"\n");
    expect_text("\xC0\x80x", 3, "\"\\ufffd\\ufffdx\"\n");
}

static void round_trips_every_code_point_through_the_reader(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(1 << 20);
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(1 << 23);
    for (uint32_t c = 1; c <= 0x10FFFF; c += c < 0x3000 ? 1 : 97) {
        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        if (c < 0x80) {
            buf_addc(&text, (char)c);
        } else if (c < 0x800) {
            buf_addc(&text, (char)(0xC0 | c >> 6));
            buf_addc(&text, (char)(0x80 | (c & 0x3F)));
        } else if (c < 0x10000) {
            buf_addc(&text, (char)(0xE0 | c >> 12));
            buf_addc(&text, (char)(0x80 | (c >> 6 & 0x3F)));
            buf_addc(&text, (char)(0x80 | (c & 0x3F)));
        } else {
            buf_addc(&text, (char)(0xF0 | c >> 18));
            buf_addc(&text, (char)(0x80 | (c >> 12 & 0x3F)));
            buf_addc(&text, (char)(0x80 | (c >> 6 & 0x3F)));
            buf_addc(&text, (char)(0x80 | (c & 0x3F)));
        }
    }
    AUTO(jwrite_free_auto) struct jwrite *w = jwrite_new(JWRITE_COMPACT, 1 << 23);
    jwrite_object(w, NULL);
    jwrite_str(w, "t", text.data);
    jwrite_end(w);
    assert_true(jwrite_done(w, &out, "doc", &e));
    AUTO(jread_free_auto) struct jread *doc = jread_open(out.data, out.len, "doc", JREAD_STRICT, &e);
    assert_non_null(doc);
    AUTO(mem_auto) char *back = jread_text(jread_root(doc), "t", 1 << 20);
    assert_true(jread_done(doc, &e));
    assert_string_equal(back, text.data);
}

static void says_when_the_text_is_over_its_limit(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct err f = { 0 };
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(100);
    AUTO(buf_clear_auto) struct buf tight = BUF_LIMIT(4);
    AUTO(jwrite_free_auto) struct jwrite *w = jwrite_new(JWRITE_COMPACT, 5);
    jwrite_str(w, NULL, "abcd");
    assert_false(jwrite_done(w, &out, "plan.json", &e));
    assert_int_equal(e.code, ERR_FORMAT);
    assert_string_equal(e.msg, "plan.json: longer than 5 bytes");
    AUTO(jwrite_free_auto) struct jwrite *v = jwrite_new(JWRITE_COMPACT, 100);
    jwrite_str(v, NULL, "ab");
    assert_false(jwrite_done(v, &tight, "plan.json", &f)); /* 4 bytes and the newline */
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_compact_text_in_the_order_of_the_calls),
        cmocka_unit_test(writes_the_outer_two_levels_one_item_a_line),
        cmocka_unit_test(writes_ascii_only),
        cmocka_unit_test(replaces_what_is_not_utf8),
        cmocka_unit_test(round_trips_every_code_point_through_the_reader),
        cmocka_unit_test(says_when_the_text_is_over_its_limit),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
