/* Interpolation as compose does it. */
#include "tests/unit/app/cases.h"

#include "app/template.h"

static const char *lookup(void *ctx, const char *name, struct err *e)
{
    (void)ctx;
    if (strcmp(name, "BAD") == 0)
        err_set(e, ERR_CONFIG, "BAD is doubtful");
    if (strcmp(name, "A") == 0)
        return "a";
    if (strcmp(name, "EMPTY") == 0)
        return "";
    return strcmp(name, "DOLLAR") == 0 ? "${A}$$" : NULL;
}

static void expands_every_form(void **state)
{
    (void)state;
    static const struct {
        const char *text, *result;
    } cases[] = {
        { "", "" }, { "plain", "plain" }, { "$A-${A}", "a-a" }, { "${X:-d}", "d" }, { "${EMPTY:-d}", "d" }, { "${EMPTY-d}", "" },
        { "${X-d}", "d" }, { "${A:-d}", "a" }, { "${A:+o}", "o" }, { "${EMPTY:+o}", "" }, { "${EMPTY+o}", "o" }, { "${X+o}", "" },
        { "${A:?m}", "a" }, { "${EMPTY?m}", "" }, { "$$A", "$A" }, { "a$$$A", "a$a" }, { "${X:-${A}}", "a" },
        { "${X:-${Y:-${A}b}}c", "abc" }, { "${DOLLAR}", "${A}$$" }, { "${X:-}", "" }, { "${X:-a:b-c}", "a:b-c" },
        { "${X:-$$}", "$" }, { "}", "}" }, { "${A}}", "a}" }, { "${A:+${EMPTY}}", "" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = { 0 };
        AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(100);
        if (!template_expand(&out, cases[i].text, "x", lookup, NULL, &e))
            fail_msg("%s: %s", cases[i].text, e.msg);
        assert_string_equal(buf_text(&out), cases[i].result);
    }
}

static void an_unset_variable_is_an_error_with_its_name(void **state)
{
    (void)state;
    static const char *const texts[] = { "${TAG}", "$TAG", "${TAG:?}", "${TAG?}", "${X:-${TAG}}" };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct err e = { 0 };
        AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(100);
        assert_false(template_expand(&out, texts[i], "web.image", lookup, NULL, &e));
        assert_int_equal(e.code, ERR_CONFIG);
        assert_string_equal(e.msg, "web.image: TAG has no value");
    }
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(100);
    assert_false(template_expand(&out, "${EMPTY:?say which}", "x", lookup, NULL, &e));
    assert_string_equal(e.msg, "x: EMPTY has no value: say which");
}

static void refuses_dollars_that_are_no_variable(void **state)
{
    (void)state;
    static const char *const texts[] = { "$", "a$", "$1", "$ A", "${}", "${1}", "${A", "${A!x}", "${A:}", "${A:=x}", "${-x}",
                                         "${A:-${B}", "${${A}}", "$-", "${ A}" };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct err e = { 0 };
        if (template_uses(texts[i], "x", NULL, NULL, &e))
            fail_msg("%s was accepted", texts[i]);
        ASSERT_HAS(e.msg, "is no variable");
    }
}

static void stops_at_a_depth(void **state)
{
    (void)state;
    struct err e = { 0 };
    assert_false(template_uses("${X:-${X:-${X:-${X:-${X}}}}}", "x", NULL, NULL, &e));
    ASSERT_HAS(e.msg, "nested more than 4 deep");
    char many[20001];
    for (size_t i = 0; i < 20000; i += 4)
        memcpy(many + i, "${A-", 4);
    many[20000] = '\0';
    struct err e2 = { 0 };
    assert_false(template_uses(many, "x", NULL, NULL, &e2));
}

static void stops_at_the_limit_of_the_output(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(3);
    assert_false(template_expand(&out, "$A$A$A$A", "x", lookup, NULL, &e));
    assert_string_equal(e.msg, "x: longer than 3 bytes");
}

static void a_lookup_may_fail(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(30);
    assert_false(template_expand(&out, "${BAD:-x}", "place", lookup, NULL, &e));
    assert_string_equal(e.msg, "place: BAD is doubtful");
}

static bool count(void *ctx, const struct template_use *use, struct err *e)
{
    (void)e;
    char *names = ctx;
    snprintf(names + strlen(names), 100 - strlen(names), "%.*s%u ", (int)use->name.n, use->name.p, use->depth);
    return true;
}

static void tells_every_mention(void **state)
{
    (void)state;
    char names[100] = "";
    struct err e = { 0 };
    assert_true(template_uses("$A ${B:-${C:+$D}} ${E:?$F} $$G", "x", count, names, &e));
    assert_string_equal(names, "A0 B0 C1 D2 E0 ");
}

static void knows_plain_texts_and_single_variables(void **state)
{
    (void)state;
    char name[6];
    assert_false(template_has_variables("a$$b$$"));
    assert_true(template_has_variables("a$$$b"));
    assert_true(template_has_variables("$"));
    assert_true(template_is_variable("${DB_PASS}", name, sizeof name) == false); /* too long for the buffer */
    assert_true(template_is_variable("${DB_PW}", name, sizeof name));
    assert_string_equal(name, "DB_PW");
    static const char *const not_one[] = { "$A", "${A}x", "x${A}", "${A:-b}", "${}", "${", "", "${A}${B}" };
    for (size_t i = 0; i < ARRAY_LEN(not_one); i++)
        assert_false(template_is_variable(not_one[i], name, sizeof name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expands_every_form),
        cmocka_unit_test(an_unset_variable_is_an_error_with_its_name),
        cmocka_unit_test(refuses_dollars_that_are_no_variable),
        cmocka_unit_test(stops_at_a_depth),
        cmocka_unit_test(stops_at_the_limit_of_the_output),
        cmocka_unit_test(a_lookup_may_fail),
        cmocka_unit_test(tells_every_mention),
        cmocka_unit_test(knows_plain_texts_and_single_variables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
