/* The parser of the command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "tests/unit/cli/toy.h"

enum { MAX_WORDS = 20 };

/* Parses words separated by single spaces; "" are written as _. The words live until the next call. */
static bool parse(struct cli_parsed *out, const char *line, struct err *e)
{
    static char text[500];
    char *argv[MAX_WORDS + 1] = { "toy" };
    int argc = 1;
    snprintf(text, sizeof text, "%s", line);
    for (char *p = text; *p != '\0' && argc < MAX_WORDS;) {
        size_t n = strcspn(p, " ");
        argv[argc++] = p;
        p += n + (p[n] == ' ');
        if (p > text && p[-1] == ' ')
            p[-1] = '\0';
    }
    *e = (struct err){ 0 };
    return cli_parse(&toy, argc, argv, out, e);
}

static void expect_refused(const char *line, const char *words)
{
    struct err e;
    AUTO(cli_parsed_clear) struct cli_parsed p = { 0 };
    if (parse(&p, line, &e))
        fail_msg("accepted: %s", line);
    assert_int_equal(e.code, ERR_USAGE);
    if (strstr(e.msg, words) == NULL)
        fail_msg("%s: \"%s\" has no \"%s\"", line, e.msg, words);
    assert_true(e.hint[0] != '\0' || strstr(e.msg, "not in this version") != NULL || strstr(line, "--json") != NULL ||
                strstr(line, "-q") != NULL);
}

static const struct toy_options *expect(struct cli_parsed *p, const char *line, const char *command)
{
    struct err e;
    cli_parsed_clear(p);
    if (!parse(p, line, &e))
        fail_msg("%s: %s", line, e.msg);
    assert_int_equal(p->action, CLI_RUN);
    assert_string_equal(p->command->name, command);
    return p->options;
}

static void options_are_understood_in_every_form(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "show -o F --level 7 --format=docker --deep --split=64MiB --trust a --trust=b w",
        "show w --output=F --level=7 -f docker -d --split 64MiB --trust a --trust b",
        "show -oF -fdocker -dx --level=7 --trust=a --trust b --split=65536KiB w",
        "-v show -do F --level 7 --trust a -q=x w",
    };
    AUTO(cli_parsed_clear) struct cli_parsed p = { 0 };
    for (size_t i = 0; i < 3; i++) {
        const struct toy_options *o = expect(&p, lines[i], "show");
        assert_string_equal(o->output, "F");
        assert_int_equal(o->level, 7);
        assert_int_equal(o->format, 1);
        assert_int_equal(o->split, 64 << 20);
        assert_true(o->is_deep);
        assert_int_equal(o->trust.n, 2);
        assert_string_equal(o->trust.items[1], "b");
        assert_int_equal(o->arguments.n, 1);
        assert_string_equal(o->arguments.items[0], "w");
    }
    expect_refused(lines[3], "unknown option");
}

static void defaults_are_the_commands_own(void **state)
{
    (void)state;
    AUTO(cli_parsed_clear) struct cli_parsed p = { 0 };
    assert_int_equal(expect(&p, "show", "show")->level, 3);
    assert_int_equal(expect(&p, "verify b", "verify")->level, 0);
    assert_null(expect(&p, "fail", "fail"));
}

static void two_dashes_end_the_options(void **state)
{
    (void)state;
    AUTO(cli_parsed_clear) struct cli_parsed p = { 0 };
    const struct toy_options *o = expect(&p, "show -- --deep -o --", "show");
    assert_false(o->is_deep);
    assert_int_equal(o->arguments.n, 3);
    assert_string_equal(o->arguments.items[2], "--");
    o = expect(&p, "show - -d", "show");
    assert_string_equal(o->arguments.items[0], "-");
    o = expect(&p, "show -o -- x", "show");
    assert_string_equal(o->output, "--");
}

static void options_of_every_command_go_anywhere(void **state)
{
    (void)state;
    AUTO(cli_parsed_clear) struct cli_parsed p = { 0 };
    expect(&p, "--json=stream -v show --log-format json w --color=never --no-progress --log-file L", "show");
    assert_string_equal(p.globals.json, "stream");
    assert_int_equal(p.globals.log_format, CLI_LOG_JSON);
    assert_int_equal(p.globals.color, CLI_COLOR_NEVER);
    assert_true(p.globals.is_verbose && p.globals.is_without_progress);
    assert_string_equal(p.globals.log_file, "L");
    expect(&p, "show --json", "show");
    assert_string_equal(p.globals.json, "");
    expect_refused("show --json=xml", "--json=xml: expected");
    expect_refused("show -q -v", "expected one of them");
}

static void wrong_values_are_refused_with_what_was_expected(void **state)
{
    (void)state;
    expect_refused("show --level 0", "--level 0: expected a whole number from 1 to 19");
    expect_refused("show --level 20", "from 1 to 19");
    expect_refused("show --level=-1", "from 1 to 19");
    expect_refused("show --level 3x", "from 1 to 19");
    expect_refused("show --level=", "--level: is empty");
    expect_refused("show --level", "--level: expected N behind it");
    expect_refused("show -o", "-o: expected FILE behind it");
    expect_refused("show --split 2x", "--split 2x: expected a size in KiB, MiB or GiB, like 64MiB, at most 1.1 TB");
    expect_refused("show --any 4GB", "--any 4GB: expected a size in KiB, MiB or GiB, like 64MiB");
    expect_refused("show --split 2TiB", "expected a size");
    expect_refused("show --format doc", "--format doc: expected one of oci|docker|dir");
    expect_refused("show --format=", "is empty");
    expect_refused("show --format docker|dir", "expected one of");
    expect_refused("show --deep=yes", "--deep: takes no value");
    expect_refused("show -o a -o b", "-o: given twice");
    expect_refused("show --output a -o b", "given twice");
}

static void unknown_names_get_the_nearest_one(void **state)
{
    (void)state;
    struct err e;
    AUTO(cli_parsed_clear) struct cli_parsed p = { 0 };
    static const char *const cases[][2] = {
        { "verfy b", "did you mean: toy verify" },      { "trsut list", "did you mean: toy trust" },
        { "show --dep", "did you mean --deep?" },       { "show --jsn", "did you mean --json?" },
        { "show --bananas", "toy help show" },          { "bananas", "toy help" },
        { "show -z", "toy help show" },                 { "show --", "" },
        { "display x", "did you mean: toy show" },      { "load x", "did you mean: toy load-images" },
        { "trust remove", "toy help trust" },           { "--leve 3 show", "did you mean --level?" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cli_parsed_clear(&p);
        assert_int_equal(parse(&p, cases[i][0], &e), cases[i][1][0] == '\0');
        assert_string_equal(e.hint, cases[i][1]);
    }
    expect_refused("show --bananas=3", "--bananas: unknown option");
    expect_refused("\033[2J", "\\x1b[2J: unknown command");
}

static void what_is_not_built_yet_says_so(void **state)
{
    (void)state;
    expect_refused("repair b", "repair: not in this version");
    expect_refused("trust revoke x", "trust revoke: not in this version");
    expect_refused("repair --to 1.0", "repair: not in this version");
    expect_refused("repair -o F b", "repair: not in this version");
    expect_refused("show --parity=5%", "show: --parity: not in this version");
    expect_refused("show --parity 5%", "show: --parity: not in this version");
}

static void groups_have_commands_of_two_words(void **state)
{
    (void)state;
    AUTO(cli_parsed_clear) struct cli_parsed p = { 0 };
    const struct toy_options *o = expect(&p, "trust add k.pub", "trust add");
    assert_string_equal(o->arguments.items[0], "k.pub");
    expect(&p, "trust list", "trust list");
    expect_refused("trust", "trust: expected one of add, list, revoke behind it");
    expect_refused("trust remove", "trust remove: unknown command, expected one of add, list, revoke");
    expect_refused("trust --json", "trust: expected one of");
}

static void the_number_of_arguments_is_checked(void **state)
{
    (void)state;
    expect_refused("verify", "verify: expected BUNDLE");
    expect_refused("verify a b", "verify: b: one argument too many");
    expect_refused("fail x", "fail: x: one argument too many");
}

static void the_default_command_takes_files_and_its_options(void **state)
{
    (void)state;
    AUTO(cli_parsed_clear) struct cli_parsed p = { 0 };
    const struct toy_options *o = expect(&p, "shop-1.0.bundle.tar.zst --deep", "verify");
    assert_string_equal(o->arguments.items[0], "shop-1.0.bundle.tar.zst");
    assert_true(o->is_deep);
    o = expect(&p, "--trust k.pub /media/usb/x", "verify");
    assert_string_equal(o->arguments.items[0], "/media/usb/x");
    assert_int_equal(o->trust.n, 1);
    o = expect(&p, "--deep verify x", "verify");
    assert_int_equal(o->arguments.n, 1);
    o = expect(&p, "--offline-bundle=x y", "verify");
    assert_string_equal(o->offline, "x");
    expect_refused("--deep show x", "the command goes before its options");
    expect_refused("word", "word: unknown command");
    expect_refused("", "expected a command");
    expect_refused("-v", "expected a command");
}

static void help_and_version_are_understood_everywhere(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum cli_action action;
        const char *command;
    } cases[] = {
        { "--help", CLI_HELP, NULL },          { "-h", CLI_HELP, NULL },           { "help", CLI_HELP, NULL },
        { "help show", CLI_HELP, "show" },     { "show --help", CLI_HELP, "show" }, { "verify -h", CLI_HELP, "verify" },
        { "help trust add", CLI_HELP, "trust add" }, { "repair --help", CLI_HELP, "repair" }, { "--version", CLI_VERSION, NULL },
        { "show --version", CLI_VERSION, "show" }, { "help repair", CLI_HELP, "repair" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e;
        AUTO(cli_parsed_clear) struct cli_parsed p = { 0 };
        if (!parse(&p, cases[i].line, &e))
            fail_msg("%s: %s", cases[i].line, e.msg);
        assert_int_equal(p.action, cases[i].action);
        if (cases[i].command == NULL)
            assert_null(p.command);
        else
            assert_string_equal(p.command->name, cases[i].command);
    }
    expect_refused("help bananas", "unknown command");
}

static void a_group_has_help_of_its_own(void **state)
{
    (void)state;
    static const char *const lines[] = { "help trust", "trust --help", "trust -h" };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct err e;
        AUTO(cli_parsed_clear) struct cli_parsed p = { 0 };
        if (!parse(&p, lines[i], &e))
            fail_msg("%s: %s", lines[i], e.msg);
        assert_int_equal(p.action, CLI_HELP);
        assert_non_null(p.group);
        assert_string_equal(p.group, "trust");
    }
    expect_refused("help trust remove", "unknown command");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_understood_in_every_form),
        cmocka_unit_test(defaults_are_the_commands_own),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(options_of_every_command_go_anywhere),
        cmocka_unit_test(wrong_values_are_refused_with_what_was_expected),
        cmocka_unit_test(unknown_names_get_the_nearest_one),
        cmocka_unit_test(what_is_not_built_yet_says_so),
        cmocka_unit_test(groups_have_commands_of_two_words),
        cmocka_unit_test(the_number_of_arguments_is_checked),
        cmocka_unit_test(the_default_command_takes_files_and_its_options),
        cmocka_unit_test(help_and_version_are_understood_everywhere),
        cmocka_unit_test(a_group_has_help_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
