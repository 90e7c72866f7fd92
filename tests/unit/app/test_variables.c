/* Declared variables and the values of a site. */
#include "tests/unit/app/cases.h"

#include "app/variables.h"
#include "base/limits.h"
#include "base/mem.h"

static char port[] = "PORT", port_default[] = "8443", port_pattern[] = "[0-9]{2,5}", help[] = "port of the web front";
static char password[] = "DB_PASSWORD", site[] = "SITE", note[] = "NOTE", key[] = "KEY", key_pattern[] = "[a-z]+";
static struct variable declared[] = {
    { .name = port, .default_value = port_default, .pattern = port_pattern, .help = help },
    { .name = password, .is_secret = true, .generate = 32 },
    { .name = site, .is_required = true },
    { .name = note },
    { .name = key, .is_secret = true, .is_required = true, .pattern = key_pattern },
};
static const struct variables decl = { .items = declared, .n = ARRAY_LEN(declared) };

static struct env_pairs pairs(const char *text)
{
    struct env_pairs p = { 0 };
    struct err e = { 0 };
    assert_true(env_file_read(&p, text, strlen(text), "f", &e));
    return p;
}

static void takes_the_nearest_source(void **state)
{
    (void)state;
    AUTO(env_pairs_clear_auto) struct env_pairs file = pairs("PORT=2222\nKEY=abc\nDB_PASSWORD=given\n");
    AUTO(env_pairs_clear_auto) struct env_pairs stored = pairs("PORT=3333\nSITE='stored site'\nGONE=x\nDB_PASSWORD=old\n");
    const char *const set[] = { "PORT=1111" };
    struct values_input in = { .set = set, .n_set = 1, .env_file = &file, .env_file_name = "f", .stored = &stored, .host = "h.example" };
    AUTO(values_clear_auto) struct values v = { 0 };
    struct err e = { 0 };
    assert_true(values_resolve(&v, &decl, &in, &e));
    assert_string_equal(values_get(&v, "PORT"), "1111");
    assert_string_equal(values_get(&v, "SITE"), "stored site");
    assert_string_equal(values_get(&v, "DB_PASSWORD"), "given");
    assert_string_equal(values_get(&v, "HOST"), "h.example");
    assert_null(values_get(&v, "NOTE"));
    assert_int_equal(v.items[0].from, VALUE_SET);
    assert_int_equal(v.items[2].from, VALUE_STORED);
}

static void defaults_and_generated_values_fill_the_rest(void **state)
{
    (void)state;
    AUTO(env_pairs_clear_auto) struct env_pairs file = pairs("SITE=s\nKEY=abc\n");
    struct values_input in = { .env_file = &file, .env_file_name = "f" };
    AUTO(values_clear_auto) struct values v = { 0 };
    AUTO(values_clear_auto) struct values again = { 0 };
    struct err e = { 0 };
    assert_true(values_resolve(&v, &decl, &in, &e));
    assert_true(values_resolve(&again, &decl, &in, &e));
    assert_string_equal(values_get(&v, "PORT"), "8443");
    const char *made = values_get(&v, "DB_PASSWORD");
    assert_int_equal(strlen(made), 32);
    assert_int_equal(strspn(made, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"), 32);
    assert_string_not_equal(made, values_get(&again, "DB_PASSWORD"));
    in.is_dry = true;
    AUTO(values_clear_auto) struct values dry = { 0 };
    assert_true(values_resolve(&dry, &decl, &in, &e));
    assert_null(values_get(&dry, "DB_PASSWORD"));
}

static void missing_ones_are_listed_together(void **state)
{
    (void)state;
    struct values_input in = { 0 };
    AUTO(values_clear_auto) struct values v = { 0 };
    struct err e = { 0 };
    assert_false(values_resolve(&v, &decl, &in, &e));
    assert_int_equal(e.code, ERR_CONFIG);
    assert_string_equal(e.msg, "variables without a value: SITE, KEY");
    ASSERT_HAS(e.hint, "--set");
}

static void an_empty_value_does_not_satisfy_a_required_one(void **state)
{
    (void)state;
    AUTO(env_pairs_clear_auto) struct env_pairs file = pairs("SITE=\nKEY=abc\n");
    struct values_input in = { .env_file = &file, .env_file_name = "f" };
    AUTO(values_clear_auto) struct values v = { 0 };
    struct err e = { 0 };
    assert_false(values_resolve(&v, &decl, &in, &e));
    assert_string_equal(e.msg, "variables without a value: SITE");
}

static void set_refuses_secrets_and_unknown_names(void **state)
{
    (void)state;
    static const struct {
        const char *set, *part;
        enum err_code code;
    } cases[] = { { "DB_PASSWORD=x", "command line", ERR_USAGE },
                  { "PROT=1", "no variable PROT", ERR_CONFIG },
                  { "PORT", "NAME=VALUE", ERR_USAGE },
                  { "HOST=x", "HOST", ERR_CONFIG } };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct values_input in = { .set = &cases[i].set, .n_set = 1 };
        AUTO(values_clear_auto) struct values v = { 0 };
        struct err e = { 0 };
        assert_false(values_resolve(&v, &decl, &in, &e));
        assert_int_equal(e.code, cases[i].code);
        ASSERT_HAS(e.msg, cases[i].part);
    }
}

static void unknown_names_in_a_file_name_the_nearest(void **state)
{
    (void)state;
    AUTO(env_pairs_clear_auto) struct env_pairs file = pairs("DB_PASWORD=x\n");
    struct values_input in = { .env_file = &file, .env_file_name = "site.env" };
    AUTO(values_clear_auto) struct values v = { 0 };
    struct err e = { 0 };
    assert_false(values_resolve(&v, &decl, &in, &e));
    assert_int_equal(e.code, ERR_CONFIG);
    assert_string_equal(e.msg, "site.env: the application has no variable DB_PASWORD");
    assert_string_equal(e.hint, "did you mean DB_PASSWORD?");
}

static void patterns_match_the_whole_value_and_secrets_are_not_shown(void **state)
{
    (void)state;
    static const char *const bad[] = { "1", "123456", "80a", "a80", " 80", "80\n" };
    struct err e = { 0 };
    assert_true(variable_value_check(&declared[0], "80", &e));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err bad_error = { 0 };
        if (variable_value_check(&declared[0], bad[i], &bad_error))
            fail_msg("%s was accepted", bad[i]);
    }
    assert_false(variable_value_check(&declared[4], "CANARY", &e));
    assert_null(strstr(e.msg, "CANARY"));
    ASSERT_HAS(e.msg, "KEY");
}

static void alternatives_match_whole_too(void **state)
{
    (void)state;
    char pattern[] = "true|false";
    struct variable v = { .name = port, .pattern = pattern };
    struct err e = { 0 };
    assert_true(variable_value_check(&v, "true", &e));
    assert_true(variable_value_check(&v, "false", &e));
    assert_false(variable_value_check(&v, "truefalse", &e));
}

static void refuses_patterns_that_are_none_or_explode(void **state)
{
    (void)state;
    static const char *const bad[] = { "(", "a)(b", "[a", "*(", "(a)\\1", "((a{255}){255}){255}", "a{65537}", "a{1,99999}", "a{x}", "a{2,1}",
                                       "(((((a{1,20}){1,20}){1,20}){1,20}){1,20})" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = { 0 };
        if (variable_pattern_check(bad[i], &e))
            fail_msg("%s was accepted", bad[i]);
        assert_int_equal(e.code, ERR_CONFIG);
    }
    static const char *const good[] = { "[0-9]{1,3}([.][0-9]{1,3}){3}", "(sk-.*)?", "https?://.+", "[]{}]+", "[^]{]+", "a\\{2", "x{3,}", "" };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct err e = { 0 };
        if (!variable_pattern_check(good[i], &e))
            fail_msg("%s: %s", good[i], e.msg);
    }
}

static void refuses_names_that_programs_obey(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "1A", "A-B", "A B", "HOST", "PATH", "COMPOSE_FILE", "DOCKER_HOST", "LD_PRELOAD", "A=B", "\xc3\xa4" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = { 0 };
        if (variable_name_check(bad[i], &e))
            fail_msg("%s was accepted", bad[i]);
    }
    struct err e = { 0 };
    assert_true(variable_name_check("ARCHON_HOST", &e));
    assert_true(variable_name_check("_x1", &e));
}

static void the_store_gives_back_what_was_put_in(void **state)
{
    (void)state;
    static const char *const texts[] = { "plain", "", " lead and trail ", "a'b\"c\\d$e`f#g", "'", "\\", "\"", "${HOME}", "gr\xc3\xbc\xc3\x9f", "a\tb", "it's \\\"x\\\" $5" };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO(values_clear_auto) struct values v = { 0 };
        MEM_PUSH(v.items, v.n, v.cap) = (struct value){ .name = note, .text = secret_of(texts[i], strlen(texts[i])) };
        AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(1000);
        AUTO(env_pairs_clear_auto) struct env_pairs p = { 0 };
        struct err e = { 0 };
        assert_true(values_write(&out, &v, &e));
        if (!env_file_read(&p, buf_text(&out), out.len, "store", &e))
            fail_msg("%s: %s", buf_text(&out), e.msg);
        const char *back = env_pairs_get(&p, "NOTE", "store", &e);
        assert_non_null(back);
        assert_string_equal(back, texts[i]);
    }
}

static void what_compose_cannot_carry_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t major;
        bool ok;
    } cases[] = {
        { "a'b", 1, false }, { "a'b", 2, false }, { "a\\", 1, false }, { "a\\", 2, false }, { "${A}", 1, false }, { "${A}", 2, true },
        { "$A", 1, true }, { "a\\b", 1, true }, { "a\nb", 2, false }, { " #x\"", 2, true },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(values_clear_auto) struct values v = { 0 };
        MEM_PUSH(v.items, v.n, v.cap) = (struct value){ .name = note, .text = secret_of(cases[i].text, strlen(cases[i].text)) };
        AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(1000);
        struct version compose = { .major = cases[i].major };
        struct err e = { 0 };
        assert_int_equal(values_write_compose(&out, &v, &compose, &e), cases[i].ok);
        if (!cases[i].ok) {
            assert_int_equal(e.code, ERR_CONFIG);
            ASSERT_HAS(e.msg, "variable NOTE: holds");
        }
    }
}

static void declarations_are_checked_among_themselves(void **state)
{
    (void)state;
    char twice[] = "TWICE", secret_name[] = "S", bad_default[] = "x";
    struct variable items[] = {
        { .name = twice }, { .name = twice }, { .name = secret_name, .is_secret = true, .default_value = bad_default },
        { .name = port, .default_value = bad_default, .pattern = port_pattern },
    };
    struct variables all = { .items = items, .n = ARRAY_LEN(items) };
    AUTO(findings_clear_auto) struct findings f = { 0 };
    variables_check(&all, &f);
    assert_int_equal(f.n, 3);
    ASSERT_HAS(f.items[0].text, "declared twice");
    ASSERT_HAS(f.items[1].text, "a secret has no default");
    ASSERT_HAS(f.items[2].text, "does not match");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_nearest_source),
        cmocka_unit_test(defaults_and_generated_values_fill_the_rest),
        cmocka_unit_test(missing_ones_are_listed_together),
        cmocka_unit_test(an_empty_value_does_not_satisfy_a_required_one),
        cmocka_unit_test(set_refuses_secrets_and_unknown_names),
        cmocka_unit_test(unknown_names_in_a_file_name_the_nearest),
        cmocka_unit_test(patterns_match_the_whole_value_and_secrets_are_not_shown),
        cmocka_unit_test(alternatives_match_whole_too),
        cmocka_unit_test(refuses_patterns_that_are_none_or_explode),
        cmocka_unit_test(refuses_names_that_programs_obey),
        cmocka_unit_test(the_store_gives_back_what_was_put_in),
        cmocka_unit_test(what_compose_cannot_carry_is_refused_by_name),
        cmocka_unit_test(declarations_are_checked_among_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
