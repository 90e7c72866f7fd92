/* Semantic versions, versions as engines print them, and ranges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "format/version.h"

static struct version strict(const char *text)
{
    struct err e = { 0 };
    struct version v;
    if (!version_parse(&v, text, "version", &e))
        fail_msg("%s", e.msg);
    return v;
}

static void orders_versions_as_the_specification_does(void **state)
{
    (void)state;
    /* semver.org section 11, and its neighbours */
    static const char *const ascending[] = { "0.0.0", "0.0.1", "0.9.10", "0.10.0", "1.0.0-0", "1.0.0-1", "1.0.0-2", "1.0.0-11", "1.0.0-99999999999999999999",
        "1.0.0-100000000000000000000", "1.0.0--", "1.0.0-A", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-alphaa", "1.0.0-beta", "1.0.0-beta.2",
        "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0-rc.1.0", "1.0.0", "1.0.1", "1.9.0", "1.10.0", "2.0.0-rc.1", "2.0.0", "9007199254740991.0.0" };
    for (size_t i = 0; i < ARRAY_LEN(ascending); i++)
        for (size_t k = 0; k < ARRAY_LEN(ascending); k++) {
            struct version a = strict(ascending[i]);
            struct version b = strict(ascending[k]);
            int want = i < k ? -1 : i > k;
            if (version_compare(&a, &b) != want)
                fail_msg("%s against %s", ascending[i], ascending[k]);
        }
}

static void ignores_build_metadata_in_the_order_and_keeps_the_text(void **state)
{
    (void)state;
    struct version a = strict("1.0.0+001.x-y");
    struct version b = strict("1.0.0");
    struct version c = strict("1.0.0-rc.1+5114f85");
    assert_int_equal(version_compare(&a, &b), 0);
    assert_string_equal(a.text, "1.0.0+001.x-y");
    assert_string_equal(a.pre, "");
    assert_string_equal(c.pre, "rc.1");
}

static void refuses_what_is_not_a_semantic_version(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "1", "1.2", "1.2.", ".1.2", "1..2", "1.2.3.4", "v1.2.3", "01.2.3", "1.02.3", "1.2.03", "1.2.3-", "1.2.3+", "1.2.3-+b",
        "1.2.3-01", "1.2.3-a.01", "1.2.3-a..b", "1.2.3-a.", "1.2.3-.a", "1.2.3+a..b", "1.2.3+a+b", "1.2.3-a_b", "1.2.3-\xC3\xA9", "1.2.3 ", " 1.2.3", "1.2.3\n",
        "-1.2.3", "1.-2.3", "+1.2.3", "1.2.x", "a.b.c", "1,2,3", "9007199254740992.0.0", "99999999999999999999.0.0", "../1.2.3", "1.2.3/..",
        "1.2.3-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = { 0 };
        struct version v;
        if (version_parse(&v, bad[i], "bundle.yaml: version", &e))
            fail_msg("accepted \"%s\"", bad[i]);
        assert_int_equal(e.code, ERR_CONFIG);
        assert_memory_equal(e.msg, "bundle.yaml: version: \"", 23);
        assert_string_equal(v.text, "");
    }
}

static void reads_versions_as_engines_print_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t major, minor, patch;
    } cases[] = {
        { "20.10", 20, 10, 0 },          { "20.10.24+dfsg1", 20, 10, 24 }, { "v2.26.1+ds1", 2, 26, 1 }, { "v2.26.1-desktop.1", 2, 26, 1 },
        { "1.29.2", 1, 29, 2 },          { "18.09.1-ce", 18, 9, 1 },       { "17.05.0-ce", 17, 5, 0 },  { "4", 4, 0, 0 },
        { "4.3.1 (Debian)", 4, 3, 1 },   { "15.6 (Debian 15.6-1)", 15, 6, 0 }, { "1.2.3.4", 1, 2, 3 },  { "5.", 5, 0, 0 },
        { "0.0.0", 0, 0, 0 },            { "00.0", 0, 0, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = { 0 };
        struct version v;
        assert_true(version_parse_loose(&v, cases[i].text, "engine", &e));
        assert_true(v.major == cases[i].major && v.minor == cases[i].minor && v.patch == cases[i].patch);
        assert_string_equal(v.pre, "");
    }
    static const char *const bad[] = { "", "v", "x1.2", "dev", ".5", "-1", "99999999999999999999", "1.99999999999999999999" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = { 0 };
        struct version v;
        if (version_parse_loose(&v, bad[i], "engine", &e))
            fail_msg("accepted \"%s\"", bad[i]);
        assert_int_equal(e.code, ERR_CONFIG);
    }
}

static void answers_whether_a_version_is_in_a_range(void **state)
{
    (void)state;
    static const struct {
        const char *version;
        const char *range;
        bool yes;
    } cases[] = {
        { "1.2.0", ">=1.2", true },          { "1.1.9", ">=1.2", false },       { "2.0.0", ">=1.2 <2", false },   { "1.99.0", ">=1.2 <2", true },
        { "1.4.0", "1.4.0", true },          { "1.4.1", "1.4.0", false },       { "1.4.0+b", "=1.4.0", true },    { "1.4.0", ">1.4", false },
        { "1.4.1", ">1.4", true },           { "1.4.0", "<=1.4", true },        { "1.4.1", "<=1.4", false },      { "1.3.9", "<1.4", true },
        { "1.2.0-rc.1", ">=1.2", false },    { "1.2.0-rc.1", ">=1.2.0-rc.1", true }, { "1.2.0-rc.2", ">1.2.0-rc.1 <1.2.0", true },
        { "3.0.0", "  >= 1.2   < 4 ", true }, { "5.0.0", ">=1", true },         { "20.10.5", ">=20.10", true },   { "1.0.0", ">=2 <1", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = { 0 };
        struct version v = strict(cases[i].version);
        bool yes = !cases[i].yes;
        if (!version_in_range(&v, cases[i].range, &yes, &e))
            fail_msg("%s", e.msg);
        if (yes != cases[i].yes)
            fail_msg("%s in \"%s\"", cases[i].version, cases[i].range);
    }
}

static void refuses_malformed_and_ambiguous_ranges(void **state)
{
    (void)state;
    static const char *const bad[] = { "", " ", ">=", ">= ", "1.4", "=1", "~1.2", "^1.2.3", "*", "1.x", ">=1.2,<2", ">=1.2 || <1", "1.2 - 1.4", ">=>1.2.0", "==1.2.0",
        ">=1.", ">=.1", ">=1..2", ">=1.2.3.4", ">=-1", ">=1.2-rc", ">=v1.2", "!=1.2.0", ">=1.2.0\n", ">=1.2.0 x",
        ">=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
    struct version v = strict("1.2.0");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = { 0 };
        bool yes = true;
        if (version_in_range(&v, bad[i], &yes, &e))
            fail_msg("accepted \"%s\"", bad[i]);
        assert_int_equal(e.code, ERR_CONFIG);
        assert_false(yes);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_versions_as_the_specification_does),
        cmocka_unit_test(ignores_build_metadata_in_the_order_and_keeps_the_text),
        cmocka_unit_test(refuses_what_is_not_a_semantic_version),
        cmocka_unit_test(reads_versions_as_engines_print_them),
        cmocka_unit_test(answers_whether_a_version_is_in_a_range),
        cmocka_unit_test(refuses_malformed_and_ambiguous_ranges),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
