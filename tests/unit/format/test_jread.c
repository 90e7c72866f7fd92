/* The JSON door: what it reads, and everything that it must refuse. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "format/jread.h"

#define HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static struct jread *open_text(const char *text, enum jread_mode mode)
{
    struct err e = { 0 };
    struct jread *doc = jread_open(text, strlen(text), "doc", mode, &e);
    if (doc == NULL)
        fail_msg("%s: %s", text, e.msg);
    return doc;
}

static void expect_refused_bytes(const char *text, size_t n, enum jread_mode mode, const char *says)
{
    struct err e = { 0 };
    /* Exactly n bytes on the heap, so that a read beyond the end is seen. */
    AUTO(mem_auto) char *copy = mem_copy(text, n);
    struct jread *doc = jread_open(copy, n, "doc", mode, &e);
    if (doc != NULL)
        fail_msg("accepted: %.80s", text);
    assert_int_equal(e.code, ERR_FORMAT);
    assert_memory_equal(e.msg, "doc: ", 5);
    if (strstr(e.msg, says) == NULL)
        fail_msg("%.80s: message \"%s\" lacks \"%s\"", text, e.msg, says);
}

static void expect_refused(const char *text, const char *says)
{
    expect_refused_bytes(text, strlen(text), JREAD_STRICT, says);
    expect_refused_bytes(text, strlen(text), JREAD_OCI, says);
}

static void expect_accepted(const char *text, enum jread_mode mode)
{
    jread_free(open_text(text, mode));
}

/* ---- reading ---- */

static void reads_values_by_key_with_their_types(void **state)
{
    (void)state;
    AUTO(jread_free_auto) struct jread *doc = open_text(
        "{ \"n\" : 7, \"s\":\"t\\u00e9xt\\n\", \"yes\":true,\"no\":false,\"d\":\"sha256:" HEX "\",\"h\":\"" HEX
        "\",\n\t\"o\":{\"k\":1},\"a\":[1,2,3],\"z\":null}\n", JREAD_STRICT);
    struct jnode root = jread_root(doc);
    struct err e = { 0 };
    uint64_t n = 0;
    char s[8];
    bool yes = false;
    bool no = true;
    struct digest d;
    struct digest h;
    struct jnode a;
    jread_u64(root, "n", 10, &n);
    jread_str(root, "s", s, sizeof s);
    jread_bool(root, "yes", &yes);
    jread_bool(root, "no", &no);
    jread_digest(root, "d", &d);
    jread_digest_hex(root, "h", &h);
    jread_skip(jread_object(root, "o"), "k");
    assert_int_equal(jread_array(root, "a", 3, &a), 3);
    assert_false(jread_has(root, "z"));
    assert_true(jread_is_null(root, "z"));
    jread_end(root, JREAD_NO_EXTRA);
    assert_true(jread_done(doc, &e));
    assert_int_equal(n, 7);
    assert_string_equal(s, "t\xC3\xA9xt\n");
    assert_true(yes);
    assert_false(no);
    assert_true(digest_equal(&d, &h));
}

static void reads_items_and_members(void **state)
{
    (void)state;
    AUTO(jread_free_auto) struct jread *doc = open_text("{\"a\":[{\"x\":1},{\"x\":2}],\"t\":[\"p\",\"q\"],\"m\":{\"k1\":\"v1\",\"\":\"v2\"}}", JREAD_OCI);
    struct jnode root = jread_root(doc);
    struct jnode a;
    uint64_t x = 0;
    assert_int_equal(jread_array(root, "a", 2, &a), 2);
    jread_u64(jread_item(a, 1), "x", 9, &x);
    assert_int_equal(x, 2);
    jread_u64(jread_item(a, 0), "x", 9, &x);
    assert_int_equal(x, 1);
    assert_int_equal(jread_array(root, "t", 2, &a), 2);
    AUTO(mem_auto) char *q = jread_item_text(a, 1, 10);
    assert_string_equal(q, "q");
    struct jnode m = jread_object(root, "m");
    assert_int_equal(jread_members(m), 2);
    assert_string_equal(jread_member_key(m, 1), "");
    AUTO(mem_auto) char *v1 = jread_member_text(m, 0, 2);
    assert_string_equal(v1, "v1");
    jread_member(m, 1);
    jread_end(m, JREAD_NO_EXTRA);
    jread_end(root, JREAD_NO_EXTRA);
    struct err e = { 0 };
    assert_true(jread_done(doc, &e));
}

static void reads_a_root_that_is_not_an_object(void **state)
{
    (void)state;
    AUTO(jread_free_auto) struct jread *doc = open_text(" [ \"sha256:" HEX "\" ] ", JREAD_STRICT);
    struct digest d;
    struct err e = { 0 };
    assert_int_equal(jread_count(jread_root(doc)), 1);
    jread_item_digest(jread_root(doc), 0, &d);
    assert_true(jread_done(doc, &e));
    assert_string_equal(DIGEST_HEX(&d), HEX);
    expect_accepted("7", JREAD_STRICT);
    expect_accepted("\"x\"", JREAD_STRICT);
    expect_accepted("null", JREAD_STRICT);
}

static void keeps_whole_numbers_exact_up_to_2_to_the_53(void **state)
{
    (void)state;
    AUTO(jread_free_auto) struct jread *doc = open_text("{\"n\":9007199254740991,\"m\":9007199254740990,\"z\":0}", JREAD_STRICT);
    uint64_t n = 0;
    uint64_t m = 0;
    uint64_t z = 1;
    struct err e = { 0 };
    jread_u64(jread_root(doc), "n", UINT64_MAX, &n);
    jread_u64(jread_root(doc), "m", UINT64_MAX, &m);
    jread_u64(jread_root(doc), "z", 0, &z);
    assert_true(jread_done(doc, &e));
    assert_true(n == 9007199254740991u && m == 9007199254740990u && z == 0);
}

/* ---- refusing text ---- */

static void refuses_duplicate_keys_at_every_level(void **state)
{
    (void)state;
    expect_refused("{\"a\":1,\"b\":2,\"a\":1}", "duplicate key \"a\"");
    expect_refused("{\"x\":[1,{\"y\":{\"k\":1,\"k\":2}}]}", "doc: x[1].y: duplicate key \"k\"");
    expect_refused("{\"\":1,\"\":2}", "duplicate key \"\"");
    expect_refused_bytes("{\"ab\":1,\"a\\u0062\":2}", 20, JREAD_OCI, "duplicate key \"ab\"");
    expect_accepted("{\"a\":1,\"A\":2,\"aa\":3}", JREAD_STRICT);
    expect_accepted("[{\"a\":1},{\"a\":1}]", JREAD_STRICT);
}

static void refuses_one_duplicate_among_a_hundred_thousand_keys(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(4 * MIB);
    for (unsigned i = 0; i < 100000; i++)
        buf_addf(&text, "%c\"k%u\":0", i == 0 ? '{' : ',', i);
    buf_addc(&text, '}');
    AUTO(jread_free_auto) struct jread *good = jread_open(text.data, text.len, "doc", JREAD_STRICT, &e);
    assert_non_null(good);
    text.len--;
    buf_adds(&text, ",\"k31415\":1}");
    expect_refused_bytes(text.data, text.len, JREAD_STRICT, "duplicate key \"k31415\"");
}

static void refuses_escapes_in_keys_of_our_own_documents(void **state)
{
    (void)state;
    static const char text[] = "{\"di\\u0067est\":1}";
    expect_refused_bytes(text, sizeof text - 1, JREAD_STRICT, "byte 4: escape in a key");
    expect_accepted(text, JREAD_OCI);
}

static void refuses_bytes_that_are_not_plain_utf8_text(void **state)
{
    (void)state;
    expect_refused("\xEF\xBB\xBF{}", "byte 0: byte order mark");
    expect_refused("{}\xEF\xBB\xBF", "byte 2");
    expect_refused("[\"\xC0\x80\"]", "byte 2: invalid UTF-8");
    expect_refused("[\"\xC1\xBF\"]", "invalid UTF-8");
    expect_refused("[\"\xE0\x80\xAF\"]", "invalid UTF-8");
    expect_refused("[\"\xED\xA0\x80\"]", "invalid UTF-8");
    expect_refused("[\"\xF4\x90\x80\x80\"]", "invalid UTF-8");
    expect_refused("[\"\xFF\"]", "invalid UTF-8");
    expect_refused("[\"\xE2\x82\"]", "invalid UTF-8");
    expect_refused("[\"\xE2\x82", "invalid UTF-8");
    expect_refused("{\"\xC3\":1}", "invalid UTF-8");
    expect_refused("[\"a\tb\"]", "control byte 0x09");
    expect_refused("[\"a\nb\"]", "control byte 0x0a");
    expect_refused("[\"\x1b[31m\"]", "control byte 0x1b");
    expect_refused_bytes("[\"a\0b\"]", 7, JREAD_OCI, "control byte 0x00");
    expect_refused_bytes("[1]\0", 4, JREAD_STRICT, "byte 3: expected the end of the document, found byte 0x00");
    expect_refused_bytes("[1\0,2]", 6, JREAD_STRICT, "byte 2");
    expect_refused("[1]\f", "found byte 0x0c");
    expect_refused("[\xC2\xA0 1]", "found byte 0xc2");
    expect_accepted("[\"\xF4\x8F\xBF\xBF \xEF\xBF\xBF \x7F\"]", JREAD_STRICT);
}

static void refuses_carriage_returns_in_our_own_documents(void **state)
{
    (void)state;
    expect_refused_bytes("{\"a\":1}\r\n", 9, JREAD_STRICT, "byte 7: carriage return");
    expect_refused_bytes("{\r\n}", 4, JREAD_STRICT, "byte 1: carriage return");
    expect_accepted("{\"a\":\r\n1}\r\n", JREAD_OCI);
}

static void refuses_malformed_escapes(void **state)
{
    (void)state;
    expect_refused("[\"\\u0000\"]", "\\u0000");
    expect_refused("[\"\\ud800\"]", "byte 2: half of a surrogate pair");
    expect_refused("[\"\\udc00\"]", "half of a surrogate pair");
    expect_refused("[\"\\ud800x\"]", "half of a surrogate pair");
    expect_refused("[\"\\ud800\\n\"]", "half of a surrogate pair");
    expect_refused("[\"\\ud800\\u0041\"]", "half of a surrogate pair");
    expect_refused("[\"\\ud800\\ud800\"]", "half of a surrogate pair");
    expect_refused("[\"\\u12\"]", "a hex digit");
    expect_refused("[\"\\u12g4\"]", "a hex digit, found 'g'");
    expect_refused("[\"\\x41\"]", "an escape");
    expect_refused("[\"\\", "an escape");
    expect_refused("[\"\\u", "a hex digit");
    expect_accepted("[\"\\ud83d\\ude00\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00FF\"]", JREAD_STRICT);
}

static void refuses_every_number_that_is_not_whole(void **state)
{
    (void)state;
    static const char *const odd[] = { "-1", "-0", "1.0", "1.5", "1e3", "1E3", "1e400", "-1.5e-3", "9007199254740992", "18446744073709551616" };
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        char text[64];
        snprintf(text, sizeof text, "{\"n\":%s,\"m\":5}", odd[i]);
        expect_refused_bytes(text, strlen(text), JREAD_STRICT, "expected a whole number below 2^53");
        /* Foreign documents may have them where nobody looks, and nowhere else. */
        AUTO(jread_free_auto) struct jread *doc = open_text(text, JREAD_OCI);
        struct err e = { 0 };
        uint64_t n = 1;
        uint64_t m = 0;
        jread_u64(jread_root(doc), "m", 5, &m);
        assert_true(jread_done(doc, &e));
        assert_int_equal(m, 5);
        jread_u64(jread_root(doc), "n", UINT64_MAX, &n);
        assert_false(jread_done(doc, &e));
        assert_non_null(strstr(e.msg, "doc: n: expected a whole number up to 9007199254740991, found "));
        assert_int_equal(n, 0);
    }
}

static void refuses_malformed_numbers_in_any_document(void **state)
{
    (void)state;
    expect_refused("[007]", "leading zero");
    expect_refused("[-01]", "leading zero");
    expect_refused("[00]", "leading zero");
    expect_refused("[+1]", "a value");
    expect_refused("[.5]", "a value");
    expect_refused("[5.]", "a digit");
    expect_refused("[1e]", "a digit");
    expect_refused("[1e+]", "a digit");
    expect_refused("[-]", "a digit");
    expect_refused("[- 1]", "a digit");
    expect_refused("[1x]", "',' or ']'");
    expect_refused("[0x10]", "',' or ']'");
    expect_refused("[NaN]", "a value");
    expect_refused("[Infinity]", "a value");
    expect_refused("1.", "a digit");
}

static void refuses_numbers_longer_than_cjson_keeps(void **state)
{
    (void)state;
    for (size_t n = LIMIT_JSON_NUMBER_CHARS + 1; n < 200; n++) {
        char text[256];
        memset(text, '1', n);
        text[n] = '\0';
        expect_refused(text, "at most 40");
        text[1] = '.';
        expect_refused(text, "at most 40");
    }
}

static void matches_odd_numbers_to_their_places(void **state)
{
    (void)state;
    /* The odd ones are remembered by their order in the text; nesting must not shift them. */
    AUTO(jread_free_auto) struct jread *doc = open_text("{\"a\":[1,[2,-3,{\"x\":4.5}],5],\"b\":{\"c\":6,\"d\":-7},\"e\":8}", JREAD_OCI);
    struct jnode root = jread_root(doc);
    struct err e = { 0 };
    uint64_t c = 0;
    uint64_t v = 0;
    jread_u64(jread_object(root, "b"), "c", 9, &c);
    jread_u64(root, "e", 9, &v);
    assert_true(jread_done(doc, &e));
    assert_true(c == 6 && v == 8);
    jread_u64(jread_object(root, "b"), "d", 9, &v);
    assert_false(jread_done(doc, &e));
    assert_string_equal(e.msg, "doc: b.d: expected a whole number up to 9, found -7");
}

static void refuses_broken_structure(void **state)
{
    (void)state;
    static const char *const bad[] = { "", " ", "{", "[", "}", "]", "{]", "[}", "[1,]", "{\"a\":1,}", "[,1]", "{,}", "[1 2]", "{\"a\" 1}", "{\"a\":}",
        "{a:1}", "{'a':1}", "{1:2}", "{\"a\"}", "[1]]", "[1] [2]", "{}{}", "tru", "truE", "nul", "TRUE", "\"abc", "\"", "[\"a]", "/* c */ 1", "[1] // c",
        "#", "{\"a\":1 \"b\":2}", "[[]", "{\"a\":{\"b\":1}", "nulll", "[true false]" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        expect_refused(bad[i], "byte ");
}

static void stops_at_the_nesting_limit_without_using_the_stack(void **state)
{
    (void)state;
    static const size_t depths[] = { LIMIT_JSON_DEPTH + 1, 1001, 1000000 };
    AUTO(mem_auto) char *text = mem_new(2 * 1000000 + 1);
    memset(text, '[', LIMIT_JSON_DEPTH);
    memset(text + LIMIT_JSON_DEPTH, ']', LIMIT_JSON_DEPTH);
    expect_accepted(text, JREAD_STRICT);
    for (size_t i = 0; i < ARRAY_LEN(depths); i++) {
        memset(text, '[', depths[i]);
        memset(text + depths[i], ']', depths[i]);
        expect_refused_bytes(text, 2 * depths[i], JREAD_STRICT, "byte 16: nesting deeper than 16");
        for (size_t k = 0; k + 5 < 2 * depths[i]; k += 5)
            memcpy(text + k, "{\"a\":", 5);
        expect_refused_bytes(text, 2 * depths[i], JREAD_OCI, i == 0 ? "byte" : "byte 80: nesting deeper than 16");
    }
}

static void stops_at_the_limit_of_values(void **state)
{
    (void)state;
    struct err e = { 0 };
    size_t n = 2 * (LIMIT_JSON_VALUES - 1); /* the array itself is one */
    AUTO(mem_auto) char *text = mem_new(n + 4);
    for (size_t i = 0; i < n; i += 2)
        memcpy(text + i, i == 0 ? "[0" : ",0", 2);
    text[n] = ']';
    AUTO(jread_free_auto) struct jread *doc = jread_open(text, n + 1, "doc", JREAD_STRICT, &e);
    assert_non_null(doc);
    assert_int_equal(jread_count(jread_root(doc)), LIMIT_JSON_VALUES - 1);
    memcpy(text + n, ",0]", 3);
    expect_refused_bytes(text, n + 3, JREAD_STRICT, "more than 500000 values");
}

static void shows_foreign_bytes_escaped(void **state)
{
    (void)state;
    expect_refused("{\"\xE2\x80\xAE\\u001b\":1,\"\xE2\x80\xAE\\u001b\":1}", "");
    AUTO(jread_free_auto) struct jread *doc = open_text("{\"a\":\"\\u001b[31m\"}", JREAD_STRICT);
    struct err e = { 0 };
    uint64_t n;
    jread_u64(jread_root(doc), "a", 1, &n);
    assert_false(jread_done(doc, &e));
    assert_null(strchr(e.msg, '\x1b'));
    assert_non_null(strstr(e.msg, "found \"\\x1b[31m\""));
}

/* ---- refusing content ---- */

/* One document, one wrong read, the whole message. */
struct finding {
    const char *text;
    void (*read)(struct jnode root);
    const char *says;
};

static void read_size(struct jnode root)
{
    uint64_t n = 99;
    jread_u64(root, "size", 1000, &n);
    assert_int_equal(n, 0);
}

static void read_name(struct jnode root)
{
    char name[5];
    memset(name, 'x', sizeof name);
    jread_str(root, "name", name, sizeof name);
    assert_string_equal(name, "");
}

static void read_text(struct jnode root)
{
    AUTO(mem_auto) char *text = jread_text(root, "name", 4);
    assert_string_equal(text, "");
}

static void read_flag(struct jnode root)
{
    bool flag = true;
    jread_bool(root, "flag", &flag);
    assert_false(flag);
}

static void read_digest(struct jnode root)
{
    struct digest d;
    struct digest zero = { { 0 } };
    memset(&d, 1, sizeof d);
    jread_digest(root, "digest", &d);
    assert_true(digest_equal(&d, &zero));
}

static void read_hex(struct jnode root)
{
    struct digest d;
    jread_digest_hex(root, "digest", &d);
}

static void read_list(struct jnode root)
{
    struct jnode list;
    assert_int_equal(jread_array(root, "list", 2, &list), 0);
    assert_int_equal(jread_count(list), 0);
}

static void read_items(struct jnode root)
{
    struct jnode list;
    for (size_t i = 0, n = jread_array(root, "list", 9, &list); i < n; i++) {
        uint64_t v;
        struct jnode item = jread_item(list, i);
        jread_u64(item, "size", 1000, &v);
        jread_end(item, JREAD_NO_EXTRA);
    }
}

static void read_texts(struct jnode root)
{
    struct jnode list;
    for (size_t i = 0, n = jread_array(root, "list", 9, &list); i < n; i++) {
        AUTO(mem_auto) char *text = jread_item_text(list, i, 3);
        assert_non_null(text);
    }
}

static void read_labels(struct jnode root)
{
    struct jnode labels = jread_object(root, "labels");
    for (size_t i = 0, n = jread_members(labels); i < n; i++) {
        AUTO(mem_auto) char *text = jread_member_text(labels, i, 3);
        assert_non_null(text);
    }
}

static void read_optional(struct jnode root)
{
    uint64_t v;
    if (jread_has(root, "size"))
        jread_u64(root, "size", 1000, &v);
    jread_end(root, JREAD_NO_EXTRA);
}

static void complain(struct jnode root)
{
    jread_fail(jread_object(root, "labels"), "a", "is %d, expected %d", 1, 2);
}

static void names_the_place_what_was_expected_and_what_was_found(void **state)
{
    (void)state;
    static const struct finding findings[] = {
        { "{}", read_size, "doc: size: missing, expected a whole number up to 1000" },
        { "{\"Size\":1}", read_size, "doc: size: missing, expected a whole number up to 1000" },
        { "{\"size\":\"x\"}", read_size, "doc: size: expected a whole number up to 1000, found \"x\"" },
        { "{\"size\":1001}", read_size, "doc: size: expected a whole number up to 1000, found 1001" },
        { "{\"size\":null}", read_size, "doc: size: expected a whole number up to 1000, found null" },
        { "{\"size\":true}", read_size, "doc: size: expected a whole number up to 1000, found true" },
        { "{\"size\":[]}", read_size, "doc: size: expected a whole number up to 1000, found an array" },
        { "[]", read_size, "doc: expected an object, found an array" },
        { "\"x\"", read_size, "doc: expected an object, found \"x\"" },
        { "{\"name\":\"12345\"}", read_name, "doc: name: 5 bytes, at most 4" },
        { "{\"name\":7}", read_name, "doc: name: expected text, found 7" },
        { "{\"name\":\"12345\"}", read_text, "doc: name: 5 bytes, at most 4" },
        { "{\"flag\":1}", read_flag, "doc: flag: expected true or false, found 1" },
        { "{\"flag\":\"true\"}", read_flag, "doc: flag: expected true or false, found \"true\"" },
        { "{\"digest\":{}}", read_digest, "doc: digest: expected a digest, found an object" },
        { "{\"digest\":\"sha512:" HEX "\"}", read_digest, "doc: digest: digest algorithm \"sha512\" is not supported, expected sha256" },
        { "{\"digest\":\"sha256:" HEX "\"}", read_hex, "doc: digest: digest has 71 characters, expected 64 hex digits" },
        { "{\"list\":[1,2,3]}", read_list, "doc: list: 3 items, at most 2" },
        { "{\"list\":{}}", read_list, "doc: list: expected an array, found an object" },
        { "{\"list\":[{\"size\":1},{\"size\":2},{\"size\":\"x\"}]}", read_items, "doc: list[2].size: expected a whole number up to 1000, found \"x\"" },
        { "{\"list\":[{\"size\":1},7]}", read_items, "doc: list[1]: expected an object, found 7" },
        { "{\"list\":[{\"size\":1,\"sise\":2}]}", read_items, "doc: list[0]: unknown key \"sise\"" },
        { "{\"list\":[\"abc\",\"abcd\"]}", read_texts, "doc: list[1]: 4 bytes, at most 3" },
        { "{\"list\":[\"abc\",4]}", read_texts, "doc: list[1]: expected text, found 4" },
        { "{\"labels\":{\"a\":\"b\",\"c.d\":1}}", read_labels, "doc: labels.c.d: expected text, found 1" },
        { "{\"labels\":{\"a\":\"bcde\"}}", read_labels, "doc: labels.a: 4 bytes, at most 3" },
        { "{\"labels\":{}}", complain, "doc: labels.a: is 1, expected 2" },
        { "{\"Size\":1}", read_optional, "doc: unknown key \"Size\"" },
        { "{\"size\":null}", read_optional, "doc: size: null is not expected here" },
    };
    for (size_t i = 0; i < ARRAY_LEN(findings); i++) {
        AUTO(jread_free_auto) struct jread *doc = open_text(findings[i].text, JREAD_STRICT);
        struct err e = { 0 };
        findings[i].read(jread_root(doc));
        assert_false(jread_done(doc, &e));
        assert_int_equal(e.code, ERR_FORMAT);
        if (strncmp(e.msg, findings[i].says, strlen(findings[i].says)) != 0)
            fail_msg("%s: message \"%s\", expected \"%s\"", findings[i].text, e.msg, findings[i].says);
    }
}

static void hints_at_the_key_that_was_meant(void **state)
{
    (void)state;
    AUTO(jread_free_auto) struct jread *doc = open_text("{\"tresholds\":1}", JREAD_STRICT);
    struct err e = { 0 };
    assert_false(jread_has(jread_root(doc), "site"));
    assert_false(jread_has(jread_root(doc), "thresholds"));
    jread_end(jread_root(doc), JREAD_NO_EXTRA);
    assert_false(jread_done(doc, &e));
    assert_string_equal(e.hint, "did you mean \"thresholds\"?");
}

static void tolerates_extra_keys_where_the_reader_says_so(void **state)
{
    (void)state;
    AUTO(jread_free_auto) struct jread *doc = open_text("{\"a\":1,\"b\":{\"c\":2}}", JREAD_STRICT);
    struct err e = { 0 };
    uint64_t a;
    jread_u64(jread_root(doc), "a", 1, &a);
    jread_end(jread_root(doc), JREAD_EXTRA_OK);
    assert_true(jread_done(doc, &e));
    jread_end(jread_root(doc), JREAD_NO_EXTRA);
    assert_false(jread_done(doc, &e));
}

static void gives_zeros_after_the_first_failure_and_keeps_it(void **state)
{
    (void)state;
    AUTO(jread_free_auto) struct jread *doc = open_text("{\"a\":1,\"s\":\"x\",\"l\":[1],\"o\":{\"k\":\"v\"}}", JREAD_STRICT);
    struct jnode root = jread_root(doc);
    struct jnode l;
    struct err e = { 0 };
    uint64_t a = 5;
    char s[4] = "old";
    struct jnode o = jread_object(root, "o");
    jread_fail(root, "first", "is wrong");
    jread_u64(root, "a", 9, &a);
    jread_str(root, "s", s, sizeof s);
    assert_int_equal(jread_array(root, "l", 9, &l), 0);
    assert_int_equal(jread_members(o), 0);
    assert_string_equal(jread_member_key(o, 0), "");
    assert_false(jread_has(root, "a"));
    AUTO(mem_auto) char *text = jread_item_text(l, 0, 9);
    assert_string_equal(text, "");
    jread_fail(root, "second", "is wrong too");
    assert_false(jread_done(doc, &e));
    assert_string_equal(e.msg, "doc: first: is wrong");
    assert_int_equal(a, 0);
    assert_string_equal(s, "");
}

static void survives_a_document_that_was_not_opened(void **state)
{
    (void)state;
    struct err e = { 0 };
    uint64_t n = 1;
    struct jread *doc = jread_open("x", 1, "doc", JREAD_STRICT, &e);
    assert_null(doc);
    jread_u64(jread_root(doc), "a", 9, &n);
    assert_int_equal(n, 0);
    jread_end(jread_root(doc), JREAD_NO_EXTRA);
    assert_false(jread_done(doc, &e));
    jread_free(NULL);
}

static void consumes_a_value_that_was_read_even_if_it_was_wrong(void **state)
{
    (void)state;
    AUTO(jread_free_auto) struct jread *doc = open_text("{\"a\":{\"b\":1}}", JREAD_STRICT);
    struct err e = { 0 };
    struct jnode a = jread_object(jread_root(doc), "a");
    jread_end(jread_root(doc), JREAD_NO_EXTRA);
    assert_true(jread_done(doc, &e));
    jread_end(a, JREAD_NO_EXTRA);
    assert_false(jread_done(doc, &e));
    assert_string_equal(e.msg, "doc: a: unknown key \"b\"");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_values_by_key_with_their_types),
        cmocka_unit_test(reads_items_and_members),
        cmocka_unit_test(reads_a_root_that_is_not_an_object),
        cmocka_unit_test(keeps_whole_numbers_exact_up_to_2_to_the_53),
        cmocka_unit_test(refuses_duplicate_keys_at_every_level),
        cmocka_unit_test(refuses_one_duplicate_among_a_hundred_thousand_keys),
        cmocka_unit_test(refuses_escapes_in_keys_of_our_own_documents),
        cmocka_unit_test(refuses_bytes_that_are_not_plain_utf8_text),
        cmocka_unit_test(refuses_carriage_returns_in_our_own_documents),
        cmocka_unit_test(refuses_malformed_escapes),
        cmocka_unit_test(refuses_every_number_that_is_not_whole),
        cmocka_unit_test(refuses_malformed_numbers_in_any_document),
        cmocka_unit_test(refuses_numbers_longer_than_cjson_keeps),
        cmocka_unit_test(matches_odd_numbers_to_their_places),
        cmocka_unit_test(refuses_broken_structure),
        cmocka_unit_test(stops_at_the_nesting_limit_without_using_the_stack),
        cmocka_unit_test(stops_at_the_limit_of_values),
        cmocka_unit_test(shows_foreign_bytes_escaped),
        cmocka_unit_test(names_the_place_what_was_expected_and_what_was_found),
        cmocka_unit_test(hints_at_the_key_that_was_meant),
        cmocka_unit_test(tolerates_extra_keys_where_the_reader_says_so),
        cmocka_unit_test(gives_zeros_after_the_first_failure_and_keeps_it),
        cmocka_unit_test(survives_a_document_that_was_not_opened),
        cmocka_unit_test(consumes_a_value_that_was_read_even_if_it_was_wrong),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
