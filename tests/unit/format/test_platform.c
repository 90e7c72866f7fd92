/* Platforms: one name for each machine, whatever it is called elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "format/platform.h"

static void gives_every_alias_its_one_name(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *name;
    } cases[] = {
        { "linux/amd64", "linux/amd64" },       { "linux/x86_64", "linux/amd64" },     { "linux/x86-64", "linux/amd64" },
        { "Linux/AMD64", "linux/amd64" },       { "linux/amd64/v1", "linux/amd64" },   { "linux/amd64/v3", "linux/amd64/v3" },
        { "linux/arm64", "linux/arm64" },       { "linux/arm64/v8", "linux/arm64" },   { "linux/arm64/8", "linux/arm64" },
        { "linux/aarch64", "linux/arm64" },     { "linux/arm64/v9", "linux/arm64/v9" }, { "linux/arm", "linux/arm/v7" },
        { "linux/arm/7", "linux/arm/v7" },      { "linux/arm/v6", "linux/arm/v6" },    { "linux/armhf", "linux/arm/v7" },
        { "linux/armel", "linux/arm/v6" },      { "linux/i686", "linux/386" },         { "linux/386", "linux/386" },
        { "linux/riscv64", "linux/riscv64" },   { "linux/s390x", "linux/s390x" },      { "macos/arm64", "darwin/arm64" },
        { "windows/amd64", "windows/amd64" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = { 0 };
        struct platform p;
        struct platform_text name;
        assert_true(platform_parse(&p, cases[i].text, &e));
        assert_string_equal(platform_format(&name, &p), cases[i].name);
    }
}

static void tells_platforms_apart(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct platform a;
    struct platform b;
    assert_true(platform_parse(&a, "linux/arm", &e) && platform_parse(&b, "linux/arm/v7", &e));
    assert_true(platform_equal(&a, &b));
    assert_true(platform_parse(&b, "linux/arm/v6", &e));
    assert_false(platform_equal(&a, &b));
    assert_true(platform_parse(&b, "windows/arm", &e));
    assert_false(platform_equal(&a, &b));
}

static void knows_what_runs_where(void **state)
{
    (void)state;
    static const struct {
        const char *has, *wanted;
        unsigned suits;
    } cases[] = {
        { "linux/amd64", "linux/amd64", PLATFORM_SAME },       { "linux/arm64/v8", "linux/arm64", PLATFORM_SAME }, { "linux/arm", "linux/arm/v7", PLATFORM_SAME },
        { "linux/amd64", "linux/amd64/v3", 100 },              { "linux/amd64/v2", "linux/amd64/v3", 200 },        { "linux/amd64/v3", "linux/amd64", 0 },
        { "linux/arm/v6", "linux/arm/v7", 600 },               { "linux/arm/v5", "linux/arm/v7", 500 },            { "linux/arm/v7", "linux/arm/v6", 0 },
        { "linux/arm64", "linux/arm64/v9", 800 },              { "linux/arm64/v8.2", "linux/arm64/v9", 802 },      { "linux/arm64/v8.2", "linux/arm64", 0 },
        { "linux/arm/v7", "linux/arm64", 0 },                  { "linux/386", "linux/amd64", 0 },                  { "windows/amd64", "linux/amd64", 0 },
        { "linux/arm/vfp", "linux/arm/v7", 0 },                { "linux/arm/v7", "linux/arm/vfp", 0 },             { "linux/arm/v7x", "linux/arm/v8", 0 },
        { "linux/ppc64le", "linux/ppc64le/power9", 1 },        { "linux/ppc64le/power9", "linux/ppc64le", 0 },     { "linux/ppc64le/power8", "linux/ppc64le/power9", 0 },
        { "linux/arm64/v8.100", "linux/arm64/v9", 0 },         { "linux/arm/v", "linux/arm", 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = { 0 };
        struct platform has, wanted;
        assert_true(platform_parse(&has, cases[i].has, &e) && platform_parse(&wanted, cases[i].wanted, &e));
        if (platform_suits(&has, &wanted) != cases[i].suits)
            fail_msg("%s for %s: %u", cases[i].has, cases[i].wanted, platform_suits(&has, &wanted));
    }
}

static void refuses_what_is_no_platform(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "linux", "amd64", "/", "linux/", "/amd64", "linux//v7", "linux/arm/v7/", "linux/arm/v7/x", "linux/am d64",
        "linux/amd64\n", "linux/\xC3\xA9", "linux/..", "0123456789012345678901234567890123/amd64", "linux/01234567890123456789012345678901" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = { 0 };
        struct platform p;
        if (platform_parse(&p, bad[i], &e))
            fail_msg("accepted \"%s\"", bad[i]);
        assert_int_equal(e.code, ERR_USAGE);
        assert_string_equal(p.os, "");
    }
}

static void knows_the_machine_it_runs_on(void **state)
{
    (void)state;
    struct platform p;
    platform_host(&p);
    assert_string_equal(p.os, "linux");
#if defined(__x86_64__)
    assert_string_equal(p.architecture, "amd64");
#elif defined(__aarch64__)
    assert_string_equal(p.architecture, "arm64");
#endif
}

static void fills_in_what_this_machine_is(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct platform host, told = { .os = "linux" }, v6, other;
    platform_host(&host);
    memcpy(told.architecture, host.architecture, sizeof told.architecture);
    assert_true(platform_suits(&told, &host) > 0 || host.variant[0] == '\0');
    platform_refine(&told);
    assert_true(platform_equal(&told, &host));
    assert_true(platform_parse(&v6, "linux/arm/v6", &e) && platform_parse(&other, "linux/s390x", &e));
    platform_refine(&v6);
    platform_refine(&other);
    assert_string_equal(v6.variant, "v6");
    assert_string_equal(other.architecture, "s390x");
}

static void normalises_texts_of_the_greatest_length(void **state)
{
    (void)state;
    struct platform p;
    memset(&p, '7', sizeof p);
    p.os[31] = p.architecture[31] = p.variant[31] = '\0';
    platform_normalise(&p);
    assert_int_equal(p.variant[0], 'v');
    assert_true(strlen(p.variant) <= 31);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_every_alias_its_one_name),
        cmocka_unit_test(tells_platforms_apart),
        cmocka_unit_test(knows_what_runs_where),
        cmocka_unit_test(refuses_what_is_no_platform),
        cmocka_unit_test(knows_the_machine_it_runs_on),
        cmocka_unit_test(fills_in_what_this_machine_is),
        cmocka_unit_test(normalises_texts_of_the_greatest_length),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
