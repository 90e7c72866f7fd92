/* Env files of people. */
#include "tests/unit/app/cases.h"

#include "app/env_file.h"
#include "base/mem.h"

static void reads_the_usual_forms(void **state)
{
    (void)state;
    static const char text[] = "# comment\n\nA=1\r\nexport B = two words # comment\nC='single $X # no comment' # comment\n"
                               "D=\"double \\\"q\\\" \\$ \\n\\\\ \\x\"\nE=\nF=a#b\n  G=''\nH=pass$word\nI=\"x${Y}\"\nJ=#c\n";
    AUTO(env_pairs_clear_auto) struct env_pairs p = { 0 };
    struct err e = { 0 };
    assert_true(env_file_read(&p, text, sizeof text - 1, ".env", &e));
    static const struct {
        const char *name, *value;
    } want[] = { { "A", "1" }, { "B", "two words" }, { "C", "single $X # no comment" }, { "D", "double \"q\" $ \n\\ \\x" },
                 { "E", "" }, { "F", "a#b" }, { "G", "" }, { "J", "" } };
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        const char *value = env_pairs_get(&p, want[i].name, ".env", &e);
        assert_non_null(value);
        assert_string_equal(value, want[i].value);
    }
    assert_null(env_pairs_get(&p, "Z", ".env", &e));
    assert_int_equal(e.code, ERR_NONE);
}

static void a_dollar_that_others_would_expand_is_refused_when_it_is_used(void **state)
{
    (void)state;
    static const char text[] = "H=pass$word\nI=\"x${Y}\"\n";
    static const char *const names[] = { "H", "I" };
    for (size_t i = 0; i < 2; i++) {
        AUTO(env_pairs_clear_auto) struct env_pairs p = { 0 };
        struct err e = { 0 };
        assert_true(env_file_read(&p, text, sizeof text - 1, "f", &e));
        assert_null(env_pairs_get(&p, names[i], "f", &e));
        assert_int_equal(e.code, ERR_CONFIG);
        ASSERT_HAS(e.msg, "$ outside single quotes");
        assert_null(strstr(e.msg, "word"));
    }
}

static void refuses_what_is_no_assignment(void **state)
{
    (void)state;
    static const char *const texts[] = { "A", "=x", "1A=x", "A B=x", "A-B=x", "A='x", "A=\"x", "A='x'y", "A=\"x\" y", "A=1\nA=2",
                                         "export", "A='x\ny'", "A=\xff", "A=\"\\\"" };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO(env_pairs_clear_auto) struct env_pairs p = { 0 };
        struct err e = { 0 };
        if (env_file_read(&p, texts[i], strlen(texts[i]), "f", &e))
            fail_msg("%s was accepted", texts[i]);
        assert_int_equal(e.code, ERR_CONFIG);
        ASSERT_HAS(e.msg, "f:");
    }
    AUTO(env_pairs_clear_auto) struct env_pairs p = { 0 };
    struct err e = { 0 };
    assert_false(env_file_read(&p, "A=x\0y", 5, "f", &e));
}

static void messages_do_not_show_values(void **state)
{
    (void)state;
    static const char *const texts[] = { "A='canary", "A='canary'b", "A=canary\nA=canary" };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO(env_pairs_clear_auto) struct env_pairs p = { 0 };
        struct err e = { 0 };
        assert_false(env_file_read(&p, texts[i], strlen(texts[i]), "f", &e));
        assert_null(strstr(e.msg, "canary"));
    }
}

static void has_limits(void **state)
{
    (void)state;
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(4 * MIB);
    buf_adds(&text, "A=");
    for (size_t i = 0; i < LIMIT_VALUE_BYTES; i++)
        buf_addc(&text, 'x');
    struct err e = { 0 };
    AUTO(env_pairs_clear_auto) struct env_pairs fits = { 0 };
    assert_true(env_file_read(&fits, buf_text(&text), text.len, "f", &e));
    buf_addc(&text, 'x');
    AUTO(env_pairs_clear_auto) struct env_pairs p = { 0 };
    assert_false(env_file_read(&p, buf_text(&text), text.len, "f", &e));
    ASSERT_HAS(e.msg, "f:1: A is longer than 32768 bytes");
    buf_reset(&text);
    for (int i = 0; i <= LIMIT_VARIABLES; i++)
        buf_addf(&text, "A%d=1\n", i);
    AUTO(env_pairs_clear_auto) struct env_pairs many = { 0 };
    struct err e2 = { 0 };
    assert_false(env_file_read(&many, buf_text(&text), text.len, "f", &e2));
    assert_string_equal(e2.msg, "f: more than 1000 variables");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_usual_forms),
        cmocka_unit_test(a_dollar_that_others_would_expand_is_refused_when_it_is_used),
        cmocka_unit_test(refuses_what_is_no_assignment),
        cmocka_unit_test(messages_do_not_show_values),
        cmocka_unit_test(has_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
