/* Which compose is there, what it is called with, what its failures become. Fakes say what real ones do not; the compose that is installed is asked to
 * read back every value. */
#include "tests/unit/app/cases.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "loader/deploy/compose_tool.h"
#include "sys/file.h"
#include "sys/path.h"
#include "sys/proc.h"

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/archon-test-compose-XXXXXX");
    return mkdtemp(dir) == NULL;
}

static int remove_dir(void **state)
{
    (void)state;
    struct err e = { 0 };
    return !path_remove_tree(dir, &e);
}

static char *write_file(const char *name, const char *text, mode_t mode)
{
    char *path = path_join(dir, name);
    struct err e = { 0 };
    if (!file_publish(path, text, strlen(text), mode, &e))
        fail_msg("%s", e.msg);
    return path;
}

static void put(const char *name, const char *text, mode_t mode)
{
    char *path = write_file(name, text, mode);
    mem_free(path);
}

/* A program that notes its arguments and environment, then runs the given lines. */
static struct compose_tool fake(const char *version, bool is_plugin, const char *lines)
{
    AUTO(mem_auto) char *text = mem_format("#!/bin/sh\nprintf '%%s\\n' \"$*\" > %s/argv\nenv > %s/env\n%s\n", dir, dir, lines);
    AUTO(mem_auto) char *path = write_file("fake", text, 0755);
    struct compose_tool t = { .is_plugin = is_plugin };
    struct err e = { 0 };
    snprintf(t.program, sizeof t.program, "%s", path);
    snprintf(t.socket, sizeof t.socket, "/run/x.sock");
    assert_true(version_parse_loose(&t.version, version, "v", &e));
    return t;
}

static const char *noted(const char *name)
{
    static char text[8192];
    AUTO(buf_clear_auto) struct buf b = BUF_LIMIT(sizeof text - 1);
    AUTO(mem_auto) char *path = path_join(dir, name);
    struct err e = { 0 };
    assert_true(file_read(path, FILE_PLAIN, sizeof text - 1, &b, &e));
    memcpy(text, buf_text(&b), b.len + 1);
    return text;
}

static const char *const files[] = { "/d/app/compose.yaml", "/d/compose.archon.yaml" };
static const char *const profiles[] = { "docs" };
static const char *const services[] = { "db" };
static const struct compose_run base_run = { .project = "shop", .files = files, .n_files = 2, .env_file = "/d/values.env", .profiles = profiles,
                                             .n_profiles = 1, .timeout_ms = 20000 };

static void each_version_gets_the_flags_it_knows(void **state)
{
    (void)state;
    static const struct {
        const char *version;
        bool is_plugin;
        const char *argv;
    } cases[] = {
        { "1.29.2", false, "--ansi never -p shop -f /d/app/compose.yaml -f /d/compose.archon.yaml --env-file /d/values.env --profile docs up -d --no-build db\n" },
        { "1.27.0", false, "-p shop -f /d/app/compose.yaml -f /d/compose.archon.yaml --env-file /d/values.env --profile docs up -d --no-build db\n" },
        { "2.26.1", true, "compose --ansi never -p shop -f /d/app/compose.yaml -f /d/compose.archon.yaml --env-file /d/values.env --profile docs up -d --no-build --pull never db\n" },
        { "2.7.0", true, "compose --ansi never -p shop -f /d/app/compose.yaml -f /d/compose.archon.yaml --env-file /d/values.env --profile docs up -d --no-build db\n" },
        { "5.0.1", false, "--ansi never -p shop -f /d/app/compose.yaml -f /d/compose.archon.yaml --env-file /d/values.env --profile docs up -d --no-build --pull never db\n" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct compose_tool t = fake(cases[i].version, cases[i].is_plugin, "");
        struct err e = { 0 };
        if (!compose_tool_up(&t, &base_run, services, 1, &e))
            fail_msg("%s", e.msg);
        assert_string_equal(noted("argv"), cases[i].argv);
    }
}

static void the_other_commands_are_called_as_they_should(void **state)
{
    (void)state;
    struct compose_tool t = fake("2.26.1", true, "");
    struct err e = { 0 };
    assert_true(compose_tool_up(&t, &base_run, NULL, 0, &e));
    ASSERT_HAS(noted("argv"), "up -d --no-build --pull never --remove-orphans\n");
    assert_true(compose_tool_start(&t, &base_run, services, 1, &e));
    ASSERT_HAS(noted("argv"), " start db\n");
    assert_true(compose_tool_stop(&t, &base_run, NULL, 0, &e));
    ASSERT_HAS(noted("argv"), " stop\n");
    assert_true(compose_tool_down(&t, &base_run, false, &e));
    ASSERT_HAS(noted("argv"), " down --remove-orphans\n");
    assert_true(compose_tool_down(&t, &base_run, true, &e));
    ASSERT_HAS(noted("argv"), " down --remove-orphans --volumes\n");
    assert_true(compose_tool_check(&t, &base_run, &e));
    ASSERT_HAS(noted("argv"), " config -q\n");
}

static void nothing_of_the_callers_environment_reaches_compose(void **state)
{
    (void)state;
    static const char *const names[] = { "COMPOSE_FILE", "COMPOSE_PROFILES", "COMPOSE_PROJECT_NAME", "DOCKER_CONTEXT", "LD_PRELOAD_X", "HTTP_PROXY" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        setenv(names[i], "canary", 1);
    setenv("DOCKER_HOST", "tcp://canary:1", 1);
    setenv("DOCKER_CONFIG", "/canary", 1);
    struct compose_tool t = fake("2.26.1", true, "");
    struct err e = { 0 };
    assert_true(compose_tool_up(&t, &base_run, NULL, 0, &e));
    assert_null(strstr(noted("env"), "canary"));
    ASSERT_HAS(noted("env"), "DOCKER_HOST=unix:///run/x.sock\n");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        unsetenv(names[i]);
    unsetenv("DOCKER_HOST");
    unsetenv("DOCKER_CONFIG");
}

static void a_failure_carries_the_last_lines_and_its_class(void **state)
{
    (void)state;
    static const struct {
        const char *lines;
        enum err_code code;
        const char *part;
    } cases[] = {
        { "echo one; echo 'dependency failed to start: container x is unhealthy' >&2; exit 1", ERR_UNHEALTHY, "container x is unhealthy" },
        { "echo 'Cannot connect to the Docker daemon at unix:///x' >&2; exit 1", ERR_ENGINE, "status 1: Cannot connect" },
        { "echo 'No such image: a:1' >&2; exit 18", ERR_ENGINE, "status 18" },
        { "exit 3", ERR_UNHEALTHY, "it said nothing" },
        { "printf 'a\\033[31mb\\033]c\\r\\n' >&2; exit 1", ERR_UNHEALTHY, "status 1: ab\\x1b]c" },
        { "printf ' Container x  Error\\nCreating x ... \\r\\n\\nwhy\\n'; exit 1", ERR_UNHEALTHY, "status 1: why" },
        { "echo 'Pulling db (x:1)...'; exit 1", ERR_ENGINE, "Pulling db" },
        { "for i in 1 2 3 4 5 6; do echo line$i; done; exit 1", ERR_UNHEALTHY, "line3 / line4 / line5 / line6" },
        { "kill -9 $$", ERR_UNHEALTHY, "status 137" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct compose_tool t = fake("2.26.1", true, cases[i].lines);
        struct err e = { 0 };
        assert_false(compose_tool_up(&t, &base_run, NULL, 0, &e));
        if (e.code != cases[i].code)
            fail_msg("%s: %s", err_name(e.code), e.msg);
        ASSERT_HAS(e.msg, cases[i].part);
    }
}

static void one_that_hangs_is_ended(void **state)
{
    (void)state;
    struct compose_tool t = fake("2.26.1", true, "echo waiting; sleep 100");
    struct compose_run r = base_run;
    struct err e = { 0 };
    r.timeout_ms = 300;
    assert_false(compose_tool_up(&t, &r, NULL, 0, &e));
    assert_int_equal(e.code, ERR_UNHEALTHY);
    ASSERT_HAS(e.msg, "took too long: waiting");
}

static void one_that_vanished_is_named(void **state)
{
    (void)state;
    struct compose_tool t = fake("2.26.1", true, "");
    unlink(t.program);
    struct err e = { 0 };
    assert_false(compose_tool_up(&t, &base_run, NULL, 0, &e));
    assert_int_equal(e.code, ERR_ENGINE);
}

static void keep_line(void *ctx, const char *line)
{
    buf_addf(ctx, "%s|", line);
}

static char secret_name[] = "PW", open_name[] = "OPEN";

static struct values secret_values(const char *secret)
{
    struct values v = { 0 };
    MEM_PUSH(v.items, v.n, v.cap) = (struct value){ .name = secret_name, .text = secret_of(secret, strlen(secret)), .is_secret = true };
    MEM_PUSH(v.items, v.n, v.cap) = (struct value){ .name = open_name, .text = secret_of("visible", 7) };
    return v;
}

static void secrets_are_not_shown(void **state)
{
    (void)state;
    AUTO(values_clear_auto) struct values v = secret_values("s3cr3t-c4n4ry");
    AUTO(buf_clear_auto) struct buf lines = BUF_LIMIT(1000);
    AUTO(buf_clear_auto) struct buf logs = BUF_LIMIT(1000);
    struct compose_run r = base_run;
    r.values = &v;
    r.on_line = keep_line;
    r.on_line_ctx = &lines;
    struct compose_tool t = fake("2.26.1", true, "echo 'db | password s3cr3t-c4n4ry visible s3cr3t-c4n4'; case \"$*\" in *logs*) exit 0;; esac; exit 1");
    struct err e = { 0 };
    assert_false(compose_tool_up(&t, &r, NULL, 0, &e));
    ASSERT_HAS(e.msg, "password *** visible s3cr3t-c4n4");
    assert_string_equal(buf_text(&lines), "db | password *** visible s3cr3t-c4n4|");
    struct err e2 = { 0 };
    assert_true(compose_tool_logs(&t, &r, services, 1, 20, &logs, &e2));
    assert_string_equal(buf_text(&logs), "db | password *** visible s3cr3t-c4n4\n");
    ASSERT_HAS(noted("argv"), "logs --no-color --tail=20 db\n");
}

static void logs_are_cut_at_the_limit(void **state)
{
    (void)state;
    struct compose_tool t = fake("2.26.1", true, "i=0; while [ $i -lt 2000 ]; do echo 0123456789; i=$((i+1)); done");
    AUTO(buf_clear_auto) struct buf logs = BUF_LIMIT(100);
    struct err e = { 0 };
    assert_true(compose_tool_logs(&t, &base_run, NULL, 0, 0, &logs, &e));
    assert_true(logs.len <= 100 && logs.len > 80);
}

static void asks_what_it_is_and_does_not_believe_rubbish(void **state)
{
    (void)state;
    static const struct {
        const char *lines;
        bool is_one;
        uint64_t major;
    } cases[] = {
        { "echo 2.26.1-4", true, 2 }, { "echo v2.10.0", true, 2 }, { "echo 1.29.2", true, 1 }, { "echo Docker Compose version v2.0.0", true, 2 },
        { "echo 5.0.0", true, 5 }, { "echo unknown command >&2; exit 1", false, 0 }, { "echo rubbish", false, 0 }, { "", false, 0 },
        { "echo 0.9", false, 0 }, { "head -c 100000 /dev/zero", false, 0 }, { "echo 2.1; exit 1", false, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct compose_tool t = fake("1.0", true, cases[i].lines);
        struct compose_tool found;
        bool is_one = false;
        struct err e = { 0 };
        if (!compose_tool_probe(&found, t.program, true, "/s", &is_one, &e))
            fail_msg("%s", e.msg);
        if (is_one != cases[i].is_one)
            fail_msg("%s", cases[i].lines);
        if (is_one)
            assert_int_equal(found.version.major, cases[i].major);
    }
    struct compose_tool found;
    bool is_one = true;
    struct err e = { 0 };
    assert_true(compose_tool_probe(&found, "archon-no-such-program", false, "/s", &is_one, &e));
    assert_false(is_one);
}

static void a_version_that_is_too_old_is_refused(void **state)
{
    (void)state;
    struct compose_tool t = fake("1.29.2", false, "");
    struct err e = { 0 };
    assert_true(compose_tool_require(&t, NULL, &e));
    assert_true(compose_tool_require(&t, "1.29", &e));
    assert_false(compose_tool_require(&t, "2.20", &e));
    assert_int_equal(e.code, ERR_POLICY);
    ASSERT_HAS(e.msg, "compose 1.29.2 found");
}

/* config prints $$ for a dollar sign. */
static const char compare[] = "import yaml\n"
                              "have = yaml.safe_load(open('out.yaml'))['services']['a']['environment']['V'].replace('$$', '$')\n"
                              "want = '<' + open('want', newline='').read() + '>'\n"
                              "assert have == want, (have, want)\n";

/* The proof of values_write_compose: the real program reads every value as it was. */
static void the_installed_compose_reads_values_exactly(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "plain", " lead and trail ", "a\"b", "a#b #c", "$HOME $5", "a\\b", "a\\\\b", "\\x\\n", "`id`", "$(id)", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac", "a\tb",
        "a=b=c", "%s %d", "{}[]:,&*!|>", "'", "${HOME}", "a${X:-y}b", "x\\", "", "\xc2\xa0nbsp\xc2\xa0", "-", "true", "0123", "1e3", "~", "null",
    };
    struct compose_tool t;
    struct err e = { 0 };
    size_t n_read = 0;
    if (!compose_tool_find(&t, "/nonexistent.sock", &e))
        fail_msg("%s", e.msg);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO(values_clear_auto) struct values v = { 0 };
        MEM_PUSH(v.items, v.n, v.cap) = (struct value){ .name = open_name, .text = secret_of(texts[i], strlen(texts[i])) };
        AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(1000);
        struct err refused = { 0 };
        if (!values_write_compose(&text, &v, &t.version, &refused))
            continue; /* test_variables knows which */
        put("values.env", buf_text(&text), 0600);
        put("compose.yaml", "services:\n  a:\n    image: x\n    environment:\n      V: \"<${OPEN}>\"\n", 0644);
        put("want", texts[i], 0644);
        AUTO(mem_auto) char *command = mem_format("cd %s && DOCKER_CONFIG=/nonexistent %s%s -f compose.yaml --env-file values.env config > out.yaml && "
                                                  "exec python3 compare.py", dir, t.program, t.is_plugin ? " compose" : "");
        put("compare.py", compare, 0644);
        const char *const argv[] = { "sh", "-c", command, NULL };
        AUTO(buf_clear_auto) struct buf said = BUF_LIMIT(4000);
        struct proc_spec spec = { .argv = argv, .timeout_ms = 60000, .out = &said, .err_out = &said };
        struct proc_result result = { 0 };
        assert_true(proc_run(&spec, &result, &e));
        if (result.status != 0)
            fail_msg("%s: %s", texts[i], buf_text(&said));
        n_read++;
    }
    assert_true(n_read >= 22);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_version_gets_the_flags_it_knows),
        cmocka_unit_test(the_other_commands_are_called_as_they_should),
        cmocka_unit_test(nothing_of_the_callers_environment_reaches_compose),
        cmocka_unit_test(a_failure_carries_the_last_lines_and_its_class),
        cmocka_unit_test(one_that_hangs_is_ended),
        cmocka_unit_test(one_that_vanished_is_named),
        cmocka_unit_test(secrets_are_not_shown),
        cmocka_unit_test(logs_are_cut_at_the_limit),
        cmocka_unit_test(asks_what_it_is_and_does_not_believe_rubbish),
        cmocka_unit_test(a_version_that_is_too_old_is_refused),
        cmocka_unit_test(the_installed_compose_reads_values_exactly),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
