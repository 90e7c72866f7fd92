/* The part of TOML that is understood, and that nothing else is passed over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/text.h"
#include "format/toml.h"

static struct toml *open_text(const char *text, struct err *e)
{
    return toml_open(text, strlen(text), "x.conf", e);
}

static void tables_arrays_of_tables_and_values_are_read(void **state)
{
    (void)state;
    struct err e = { 0 };
    static const char text[] = "# a comment\r\n"
                               "unqualified-search-registries = [\"docker.io\", 'quay.io', # more\n  \"ghcr.io\",\n]\n"
                               "n = 1_000\nat = 1979-05-27T07:32:00Z\nx.y.\"z z\" = false\n"
                               "[[registry]]\nprefix = \"*.example.com\" # why\ninsecure = true\n"
                               "[[registry.mirror]]\nlocation = \"a\"\n[[registry.mirror]]\nlocation = \"b\\t\\u00e9\\U0001F600\\\"\"\n"
                               "[[registry]]\nprefix = 'c\\d'\nmirror = [{ location = \"e\", insecure = false }, {}]\n"
                               "[aliases]\n\"alpine\" = \"docker.io/library/alpine\"";
    AUTO(toml_free_auto) struct toml *t = open_text(text, &e);
    if (t == NULL)
        fail_msg("%s", e.msg);
    const struct toml_value *root = toml_root(t);
    assert_int_equal(toml_get(root, "unqualified-search-registries")->n, 3);
    assert_string_equal(toml_get(root, "unqualified-search-registries")->items[2]->text, "ghcr.io");
    assert_int_equal(toml_get(root, "n")->kind, TOML_WORD);
    const struct toml_value *z = toml_get(toml_get(toml_get(root, "x"), "y"), "z z");
    assert_true(z->kind == TOML_BOOL && !z->yes);
    const struct toml_value *list = toml_get(root, "registry");
    assert_int_equal(list->n, 2);
    assert_string_equal(toml_get(list->items[0], "prefix")->text, "*.example.com");
    assert_int_equal(toml_get(list->items[0], "prefix")->line, 9);
    assert_true(toml_get(list->items[0], "insecure")->yes);
    assert_string_equal(toml_get(toml_get(list->items[0], "mirror")->items[1], "location")->text, "b\t\xc3\xa9\xf0\x9f\x98\x80\"");
    assert_string_equal(toml_get(list->items[1], "prefix")->text, "c\\d");
    assert_string_equal(toml_get(toml_get(list->items[1], "mirror")->items[0], "location")->text, "e");
    assert_string_equal(toml_get(toml_get(root, "aliases"), "alpine")->text, "docker.io/library/alpine");
    assert_null(toml_get(root, "none"));
    AUTO(toml_free_auto) struct toml *nothing = open_text("", &e);
    assert_int_equal(toml_root(nothing)->n, 0);
}

static void what_is_not_understood_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        { "a = 1\nb", "x.conf:2: expected =" },
        { "a = 1\n\n= 2", "x.conf:3: expected a key" },
        { "a = blocked", "x.conf:1: expected a value" },
        { "a =\nb = 1", "x.conf:1: expected a value" },
        { "a = \"x", "does not end" },
        { "a = \"x\ny\"", "x.conf:1: a text does not end" },
        { "a = \"\"\"x\"\"\"", "several lines" },
        { "a = '''x'''", "several lines" },
        { "a = \"\\q\"", "escape" },
        { "a = \"\\u12\"", "hex digits" },
        { "a = \"\\u0000\"", "no character" },
        { "a = \"\\uD800\"", "no character" },
        { "a = \"\x01\"", "control character" },
        { "a = 1 b = 2", "end of the line" },
        { "a = [1, 2", "expected , or ]" },
        { "a = [1 2]", "expected , or ]" },
        { "a = { b = 1", "expected , or }" },
        { "a = 1\na = 2", "x.conf:2: a key is given twice" },
        { "a = 1\n[a]\n", "twice" },
        { "[a]\nb = 1\n[a]\nc = 2", "x.conf:3: a table is given twice" },
        { "[[a]]\n[a]\n", "twice" },
        { "[a]\n[[a]]\n", "twice" },
        { "a = [1]\n[[a]]\n", "twice" },
        { "a = { b = 1 }\n[a]\nc = 1", "twice" },
        { "a = { b = 1 }\na.c = 2", "twice" },
        { "[a", "expected ]" },
        { "[[a]\nb = 1", "expected ]" },
        { "[]\n", "expected a key" },
        { "[a]]\n", "end of the line" },
        { "a\xff = 1", "UTF-8" },
        { "a = truefalse", "expected a value" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = { 0 };
        AUTO(toml_free_auto) struct toml *t = open_text(cases[i].text, &e);
        if (t != NULL)
            fail_msg("taken: %s", cases[i].text);
        assert_int_equal(e.code, ERR_CONFIG);
        if (strstr(e.msg, cases[i].part) == NULL)
            fail_msg("expected \"%s\" in: %s", cases[i].part, e.msg);
    }
}

static void depth_and_number_are_limited(void **state)
{
    (void)state;
    struct err e = { 0 }, e2 = { 0 }, e3 = { 0 };
    AUTO(buf_clear_auto) struct buf deep = BUF_LIMIT(1000000), many = BUF_LIMIT(1000000), dotted = BUF_LIMIT(1000000);
    buf_adds(&deep, "a = ");
    for (int i = 0; i < 100000; i++)
        buf_addc(&deep, '[');
    assert_null(toml_open(buf_text(&deep), deep.len, "x", &e));
    assert_non_null(strstr(e.msg, "too deep"));
    for (int i = 0; i < 30000; i++)
        buf_addf(&many, "k%d = 1\n", i);
    assert_null(toml_open(buf_text(&many), many.len, "x", &e2));
    assert_non_null(strstr(e2.msg, "too many"));
    for (int i = 0; i < 30000; i++)
        buf_adds(&dotted, "a.");
    buf_adds(&dotted, "a = 1");
    assert_null(toml_open(buf_text(&dotted), dotted.len, "x", &e3));
    assert_non_null(strstr(e3.msg, "too many parts"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_arrays_of_tables_and_values_are_read),
        cmocka_unit_test(what_is_not_understood_is_refused_with_its_line),
        cmocka_unit_test(depth_and_number_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
