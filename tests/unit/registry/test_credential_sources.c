/* Where log-ins come from, in which order; variables of the environment; programs that keep them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "registry/credential_helper.h"
#include "registry/credential_variables.h"
#include "registry/credentials.h"
#include "tests/support/scratch.h"

#include "base/banned.h"

static const char *const cleared[] = { "REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "ARCHON_REGISTRY_A_EXAMPLE_USER",
                                       "ARCHON_REGISTRY_A_EXAMPLE_PASSWORD", "ARCHON_REGISTRY_A_EXAMPLE_PASSWORD_FILE" };

static int begin(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(cleared); i++)
        unsetenv(cleared[i]);
    if (scratch_make(state) != 0)
        return -1;
    struct scratch *s = *state;
    return setenv("HOME", s->dir, 1);
}

/* Programs and their folders belong to whoever runs the tests. */
static struct helper_options helpers_in(struct scratch *s)
{
    static const char *folders[3];
    folders[0] = "/nonexistent/bin";
    folders[1] = s->dir;
    struct helper_options o = helper_defaults();
    o.folders = folders;
    o.owner = geteuid();
    return o;
}

static void expect(struct credentials *c, const char *host, const char *repository, const char *user, const char *secret, const char *from)
{
    AUTO(credential_clear_auto) struct credential found = { 0 };
    struct err e = { 0 };
    if (!credentials_find(c, host, repository, &found, &e))
        fail_msg("%s", e.msg);
    assert_string_equal(found.user, user);
    if (secret == NULL) {
        assert_int_equal(found.kind, CREDENTIAL_NONE);
        return;
    }
    assert_string_equal(found.secret.bytes, secret);
    if (strstr(found.from, from) == NULL)
        fail_msg("from %s, expected %s", found.from, from);
}

static struct credentials *open_all(const char *authfile, const struct helper_options *helpers)
{
    struct err e = { 0 };
    struct credentials_options o = { .authfile = authfile, .use_environment = true, .helpers = helpers };
    struct credentials *c = credentials_open(&o, &e);
    if (c == NULL)
        fail_msg("%s", e.msg);
    return c;
}

static void refuses(const char *authfile, const char *part)
{
    struct err e = { 0 };
    struct credentials_options o = { .authfile = authfile, .use_environment = true };
    assert_null(credentials_open(&o, &e));
    assert_int_equal(e.code, ERR_CONFIG);
    if (strstr(e.msg, part) == NULL)
        fail_msg("%s, expected %s", e.msg, part);
}

static void write_login(struct scratch *s, const char *name, const char *host, const char *user)
{
    AUTO(mem_auto) char *text = mem_format("{\"auths\": {\"%s\": {\"username\": \"%s\", \"password\": \"p\"}}}", host, user);
    scratch_text(s, name, text, 0600);
}

static void make_folder(struct scratch *s, const char *name)
{
    struct err e = { 0 };
    assert_true(path_make_dirs(scratch_at(s, name), 0700, &e));
}

/* ---- the order ---- */

static void the_command_line_wins_over_variables_and_they_over_files(void **state)
{
    struct scratch *s = *state;
    make_folder(s, ".docker");
    write_login(s, ".docker/config.json", "a.example", "home");
    write_login(s, "named.json", "a.example", "named");
    write_login(s, "variable.json", "a.example", "by-variable");
    AUTO(mem_auto) char *named = mem_text(scratch_at(s, "named.json"));
    AUTO(credentials_free_auto) struct credentials *home = open_all(NULL, NULL);
    expect(home, "a.example", "x", "home", "p", "/.docker/config.json");
    setenv("REGISTRY_AUTH_FILE", scratch_at(s, "variable.json"), 1);
    AUTO(credentials_free_auto) struct credentials *variable = open_all(NULL, NULL);
    expect(variable, "a.example", "x", "by-variable", "p", "/variable.json");
    setenv("ARCHON_REGISTRY_A_EXAMPLE_USER", "pair", 1);
    setenv("ARCHON_REGISTRY_A_EXAMPLE_PASSWORD", "q", 1);
    AUTO(credentials_free_auto) struct credentials *pair = open_all(NULL, NULL);
    expect(pair, "a.example", "x", "pair", "q", "ARCHON_REGISTRY_A_EXAMPLE_USER");
    setenv("ARCHON_REGISTRY_A_EXAMPLE_USER", "pair", 1);
    setenv("ARCHON_REGISTRY_A_EXAMPLE_PASSWORD", "q", 1);
    AUTO(credentials_free_auto) struct credentials *line = open_all(named, NULL);
    expect(line, "a.example", "x", "named", "p", "/named.json");
}

static void a_named_file_is_the_only_one_but_variables_count_beside_it(void **state)
{
    struct scratch *s = *state;
    make_folder(s, ".docker");
    write_login(s, ".docker/config.json", "b.example", "home");
    write_login(s, "named.json", "c.example", "named");
    setenv("ARCHON_REGISTRY_A_EXAMPLE_USER", "pair", 1);
    setenv("ARCHON_REGISTRY_A_EXAMPLE_PASSWORD", "q", 1);
    AUTO(mem_auto) char *named = mem_text(scratch_at(s, "named.json"));
    AUTO(credentials_free_auto) struct credentials *c = open_all(named, NULL);
    expect(c, "b.example", "x", "", NULL, NULL);
    expect(c, "c.example", "x", "named", "p", "named.json");
    expect(c, "a.example", "x", "pair", "q", "ARCHON_REGISTRY_A_EXAMPLE_USER");
    refuses("/nonexistent/auth.json", "/nonexistent/auth.json");
    setenv("REGISTRY_AUTH_FILE", "/nonexistent/other.json", 1);
    refuses(NULL, "REGISTRY_AUTH_FILE");
}

static void dockers_file_and_podmans_places_count_together(void **state)
{
    struct scratch *s = *state;
    make_folder(s, "docker");
    make_folder(s, "run/containers");
    make_folder(s, ".config/containers");
    write_login(s, "docker/config.json", "a.example", "docker");
    write_login(s, "run/containers/auth.json", "b.example/team", "podman");
    write_login(s, ".config/containers/auth.json", "b.example", "kept");
    setenv("DOCKER_CONFIG", scratch_at(s, "docker"), 1);
    setenv("XDG_RUNTIME_DIR", scratch_at(s, "run"), 1);
    AUTO(credentials_free_auto) struct credentials *c = open_all(NULL, NULL);
    expect(c, "a.example", "x", "docker", "p", "/docker/config.json");
    expect(c, "b.example", "team/app", "podman", "p", "/run/containers/auth.json");
    expect(c, "b.example", "other", "kept", "p", "/.config/containers/auth.json");
    assert_non_null(strstr(credentials_sources(c), "/docker/config.json, "));
}

static void without_the_environment_only_the_named_file_counts(void **state)
{
    struct scratch *s = *state;
    write_login(s, "variable.json", "a.example", "by-variable");
    setenv("REGISTRY_AUTH_FILE", scratch_at(s, "variable.json"), 1);
    struct err e = { 0 };
    struct credentials_options o = { 0 };
    AUTO(credentials_free_auto) struct credentials *c = credentials_open(&o, &e);
    expect(c, "a.example", "x", "", NULL, NULL);
}

/* ---- variables ---- */

static void every_registry_has_a_name_of_its_own(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "registry.example", "ARCHON_REGISTRY_REGISTRY_EXAMPLE" }, { "registry.example:5000", "ARCHON_REGISTRY_REGISTRY_EXAMPLE_5000" },
        { "my-hub.example", "ARCHON_REGISTRY_MY__HUB_EXAMPLE" },    { "my.hub.example", "ARCHON_REGISTRY_MY_HUB_EXAMPLE" },
        { "localhost:5000", "ARCHON_REGISTRY_LOCALHOST_5000" },     { "127.0.0.1:5000", "ARCHON_REGISTRY_127_0_0_1_5000" },
        { "index.docker.io", "ARCHON_REGISTRY_DOCKER_IO" },         { "Registry.Example", "ARCHON_REGISTRY_REGISTRY_EXAMPLE" },
        { "10.0.0.1", "ARCHON_REGISTRY_10_0_0_1" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem_auto) char *name = credential_variable_name(rows[i][0]);
        assert_string_equal(name, rows[i][1]);
    }
    static const char *const none[] = { "[::1]:5000", "registry.5000", "a.-b.example", "a-.b.example", "a..b", "a_b.example", "127.0.0.1.x.5000" };
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        AUTO(mem_auto) char *name = credential_variable_name(none[i]);
        if (name != NULL)
            fail_msg("%s has the name %s", none[i], name);
    }
}

static void no_login_is_given_to_a_registry_with_a_similar_name(void **state)
{
    (void)state;
    setenv("ARCHON_REGISTRY_A_EXAMPLE_USER", "u", 1);
    setenv("ARCHON_REGISTRY_A_EXAMPLE_PASSWORD", "p", 1);
    AUTO(credentials_free_auto) struct credentials *c = open_all(NULL, NULL);
    expect(c, "a.example", "x", "u", "p", "ARCHON_REGISTRY_A_EXAMPLE_USER");
    static const char *const others[] = { "a-example", "a_example", "a.example:443", "b.a.example", "a.example.evil", "aexample" };
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        expect(c, others[i], "x", "", NULL, NULL);
}

static void variables_leave_the_environment_when_they_are_read(void **state)
{
    (void)state;
    char text[] = "ARCHON_REGISTRY_A_EXAMPLE_PASSWORD=canary-1";
    setenv("ARCHON_REGISTRY_A_EXAMPLE_USER", "u", 1);
    assert_int_equal(putenv(text), 0); /* this memory is the environment */
    AUTO(credentials_free_auto) struct credentials *c = open_all(NULL, NULL);
    expect(c, "a.example", "x", "u", "canary-1", "ARCHON_REGISTRY_A_EXAMPLE_USER");
    assert_null(getenv("ARCHON_REGISTRY_A_EXAMPLE_USER"));
    assert_null(getenv("ARCHON_REGISTRY_A_EXAMPLE_PASSWORD"));
    assert_null(strstr(text, "canary"));
    for (size_t i = 0; text[strlen("ARCHON_REGISTRY_A_EXAMPLE_PASSWORD=") + i] != '\0'; i++)
        fail_msg("%s", "a byte of it stayed");
}

static void a_password_may_lie_in_a_file(void **state)
{
    struct scratch *s = *state;
    setenv("ARCHON_REGISTRY_A_EXAMPLE_USER", "u", 1);
    setenv("ARCHON_REGISTRY_A_EXAMPLE_PASSWORD_FILE", scratch_text(s, "password", "p: w\xc3\xa4\n", 0600), 1);
    AUTO(credentials_free_auto) struct credentials *c = open_all(NULL, NULL);
    expect(c, "a.example", "x", "u", "p: w\xc3\xa4", "ARCHON_REGISTRY_A_EXAMPLE_USER");
    static const struct {
        const char *text;
        mode_t mode;
    } bad[] = { { "p", 0644 }, { "", 0600 }, { "\n", 0600 } };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        setenv("ARCHON_REGISTRY_A_EXAMPLE_USER", "u", 1);
        setenv("ARCHON_REGISTRY_A_EXAMPLE_PASSWORD_FILE", scratch_text(s, "password", bad[i].text, bad[i].mode), 1);
        refuses(NULL, "ARCHON_REGISTRY_A_EXAMPLE_PASSWORD_FILE: ");
    }
}

static void half_pairs_and_wrong_names_are_refused_without_showing_secrets(void **state)
{
    (void)state;
    static const struct {
        const char *names[3], *part;
    } rows[] = {
        { { "ARCHON_REGISTRY_A_EXAMPLE_USER" }, "found neither" },
        { { "ARCHON_REGISTRY_A_EXAMPLE_PASSWORD" }, "ARCHON_REGISTRY_A_EXAMPLE_USER: missing or empty" },
        { { "ARCHON_REGISTRY_A_EXAMPLE_USER", "ARCHON_REGISTRY_A_EXAMPLE_PASSWORD", "ARCHON_REGISTRY_A_EXAMPLE_PASSWORD_FILE" }, "found both" },
        { { "ARCHON_REGISTRY_A_EXAMPLE_PASS" }, "ARCHON_REGISTRY_A_EXAMPLE_PASS: no such variable" },
        { { "ARCHON_REGISTRY__USER" }, NULL },
        { { "ARCHON_REGISTRY_USER" }, "no such variable" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t k = 0; k < 3 && rows[i].names[k] != NULL; k++)
            setenv(rows[i].names[k], "canary-2", 1);
        struct err e = { 0 };
        struct credential_variables *v = credential_variables_take(&e);
        assert_null(v);
        assert_int_equal(e.code, ERR_CONFIG);
        assert_null(strstr(e.msg, "canary"));
        if (rows[i].part != NULL && strstr(e.msg, rows[i].part) == NULL)
            fail_msg("%s, expected %s", e.msg, rows[i].part);
        for (size_t k = 0; environ[k] != NULL; k++)
            assert_false(text_starts(environ[k], "ARCHON_REGISTRY_"));
    }
    setenv("ARCHON_REGISTRY_A_EXAMPLE_USER", "u:v", 1);
    setenv("ARCHON_REGISTRY_A_EXAMPLE_PASSWORD", "canary-2", 1);
    refuses(NULL, "ARCHON_REGISTRY_A_EXAMPLE_USER: too long, or with a colon");
}

static void empty_variables_are_as_if_not_there(void **state)
{
    (void)state;
    setenv("ARCHON_REGISTRY_A_EXAMPLE_USER", "", 1);
    setenv("ARCHON_REGISTRY_A_EXAMPLE_PASSWORD", "", 1);
    AUTO(credentials_free_auto) struct credentials *c = open_all(NULL, NULL);
    expect(c, "a.example", "x", "", NULL, NULL);
}

/* ---- programs ---- */

/* A program that notes what it was given and answers. */
static void install(struct scratch *s, const char *name, const char *answer, int status)
{
    AUTO(mem_auto) char *program = mem_format("docker-credential-%s", name);
    AUTO(mem_auto) char *script = mem_format("#!/bin/sh\n{ printf '%%s|' \"$@\"; cat; echo; } >>%s/asked\nenv >%s/environment\ncat <<'END'\n%s\nEND\nexit %d\n",
                                             s->dir, s->dir, answer, status);
    scratch_text(s, program, script, 0755);
}

static struct credentials *with_helper(struct scratch *s, const struct helper_options *o, const char *config)
{
    scratch_text(s, "config.json", config, 0600);
    AUTO(mem_auto) char *path = mem_text(scratch_at(s, "config.json"));
    return open_all(path, o);
}

static void a_program_is_asked_once_for_each_registry(void **state)
{
    struct scratch *s = *state;
    struct helper_options o = helpers_in(s);
    install(s, "ecr-login", "{\"ServerURL\": \"https://x\", \"Username\": \"AWS\", \"Secret\": \"pa:ss\"}", 0);
    AUTO(credentials_free_auto) struct credentials *c = with_helper(s, &o, "{\"credHelpers\": {\"a.example\": \"ecr-login\"}, \"credsStore\": \"ecr-login\"}");
    expect(c, "a.example", "one", "AWS", "pa:ss", "docker-credential-ecr-login (");
    expect(c, "a.example", "two", "AWS", "pa:ss", "docker-credential-ecr-login (");
    expect(c, "b.example:5000", "one", "AWS", "pa:ss", "docker-credential-ecr-login (");
    expect(c, "index.docker.io", "library/nginx", "AWS", "pa:ss", "docker-credential-ecr-login (");
    expect(c, "docker.io", "library/nginx", "AWS", "pa:ss", "docker-credential-ecr-login (");
    AUTO(mem_auto) char *asked = scratch_content(s, "asked");
    assert_string_equal(asked, "get|a.example\nget|b.example:5000\nget|https://index.docker.io/v1/\n");
}

static void a_program_gets_what_it_needs_and_no_more(void **state)
{
    struct scratch *s = *state;
    struct helper_options o = helpers_in(s);
    install(s, "pass", "{\"Username\": \"u\", \"Secret\": \"s\"}", 0);
    setenv("ARCHON_REGISTRY_A_EXAMPLE_USER", "canary-3", 1);
    setenv("ARCHON_REGISTRY_A_EXAMPLE_PASSWORD", "canary-3", 1);
    setenv("GITHUB_TOKEN", "canary-3", 1);
    setenv("AWS_PROFILE", "builds", 1);
    setenv("PATH", "/hostile", 1);
    setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/bus", 1);
    AUTO(credentials_free_auto) struct credentials *c = with_helper(s, &o, "{\"credsStore\": \"pass\"}");
    expect(c, "b.example", "one", "u", "s", "docker-credential-pass");
    AUTO(mem_auto) char *environment = scratch_content(s, "environment");
    assert_null(strstr(environment, "canary-3"));
    assert_null(strstr(environment, "/hostile"));
    assert_non_null(strstr(environment, "AWS_PROFILE=builds\n"));
    assert_non_null(strstr(environment, "DBUS_SESSION_BUS_ADDRESS=unix:path=/run/bus\n"));
    assert_non_null(strstr(environment, "PATH=/usr/local/sbin:"));
    AUTO(mem_auto) char *home = mem_format("HOME=%s\n", s->dir);
    assert_non_null(strstr(environment, home));
    unsetenv("GITHUB_TOKEN");
}

static void a_program_without_a_login_is_no_error(void **state)
{
    struct scratch *s = *state;
    struct helper_options o = helpers_in(s);
    static const struct {
        const char *answer;
        int status;
    } rows[] = { { "credentials not found in native keychain", 1 }, { "{\"ServerURL\":\"garbage\",\"Username\":\"\",\"Secret\":\"\"}", 0 } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        install(s, "osxkeychain", rows[i].answer, rows[i].status);
        AUTO(credentials_free_auto) struct credentials *c = with_helper(s, &o, "{\"credsStore\": \"osxkeychain\"}");
        expect(c, "a.example", "one", "", NULL, NULL);
    }
}

static void the_user_token_marks_an_identity_token(void **state)
{
    struct scratch *s = *state;
    struct helper_options o = helpers_in(s);
    install(s, "acr-env", "{\"ServerURL\": \"x\", \"Username\": \"<token>\", \"Secret\": \"refresh\"}", 0);
    struct err e = { 0 };
    AUTO(credential_clear_auto) struct credential found = { 0 };
    assert_true(helper_get(&o, "acr-env", "x.azurecr.io", &found, &e));
    assert_int_equal(found.kind, CREDENTIAL_IDENTITY);
    assert_string_equal(found.secret.bytes, "refresh");
    assert_string_equal(found.user, "");
}

static void what_a_program_does_wrong_is_told_without_secrets(void **state)
{
    struct scratch *s = *state;
    struct helper_options o = helpers_in(s);
    static const struct {
        const char *answer;
        int status;
        const char *part;
    } rows[] = {
        { "gcloud is not\nlogged in", 2, "docker-credential-x: ended with status 2: gcloud is not" },
        { "{\"Username\": \"u\", \"Secret\": \"canary-4\"}", 3, "ended with status 3: nothing that could be shown" },
        { "canary-4 is no JSON", 0, "docker-credential-x: " },
        { "{\"Username\": \"u\"}", 0, "Secret" },
        { "{\"Username\": \"u\", \"Secret\": 7}", 0, "Secret" },
        { "{\"Username\": \"u\", \"Secret\": \"\"}", 0, "Secret" },
        { "{\"Username\": \"u\", \"Username\": \"v\", \"Secret\": \"canary-4\"}", 0, "Username" },
        { "{\"Username\": \"u:v\", \"Secret\": \"canary-4\"}", 0, "Username" },
        { "[]", 0, "docker-credential-x" },
        { "", 0, "docker-credential-x" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = { 0 };
        AUTO(credential_clear_auto) struct credential found = { 0 };
        install(s, "x", rows[i].answer, rows[i].status);
        assert_false(helper_get(&o, "x", "a.example", &found, &e));
        assert_int_equal(e.code, ERR_CONFIG);
        assert_int_equal(found.kind, CREDENTIAL_NONE);
        if (strstr(e.msg, rows[i].part) == NULL)
            fail_msg("row %zu: %s", i, e.msg);
        assert_null(strstr(e.msg, "canary"));
    }
}

static void a_program_that_hangs_or_floods_is_ended(void **state)
{
    struct scratch *s = *state;
    struct helper_options o = helpers_in(s);
    struct err e = { 0 };
    AUTO(credential_clear_auto) struct credential found = { 0 };
    o.timeout_ms = 50;
    scratch_text(s, "docker-credential-slow", "#!/bin/sh\nexec sleep 60\n", 0755);
    assert_false(helper_get(&o, "slow", "a.example", &found, &e));
    assert_non_null(strstr(e.msg, "no answer within 1 seconds"));
    struct err flood = { 0 };
    o.timeout_ms = 60000;
    scratch_text(s, "docker-credential-flood", "#!/bin/sh\nhead -c 1000000 /dev/zero\n", 0755);
    assert_false(helper_get(&o, "flood", "a.example", &found, &flood));
    assert_non_null(strstr(flood.msg, "an answer of more than 65536 bytes"));
}

static void only_programs_that_nobody_else_can_change_are_run(void **state)
{
    struct scratch *s = *state;
    struct helper_options o = helpers_in(s);
    struct err e[7] = { { 0 } };
    AUTO(credential_clear_auto) struct credential found = { 0 };
    install(s, "open", "{\"Username\": \"u\", \"Secret\": \"s\"}", 0);
    assert_int_equal(chmod(scratch_at(s, "docker-credential-open"), 0777), 0);
    assert_false(helper_get(&o, "open", "a.example", &found, &e[0]));
    assert_non_null(strstr(e[0].msg, "that only root can change"));
    install(s, "good", "{\"Username\": \"u\", \"Secret\": \"s\"}", 0);
    assert_int_equal(chmod(s->dir, 0777), 0);
    assert_false(helper_get(&o, "good", "a.example", &found, &e[1]));
    assert_non_null(strstr(e[1].msg, "not only root can change the folder"));
    assert_int_equal(chmod(s->dir, 0700), 0);
    assert_false(helper_get(&o, "../elsewhere/x", "a.example", &found, &e[2]));
    assert_non_null(strstr(e[2].msg, "not a name of a credential helper"));
    o.owner = geteuid() + 1;
    if (geteuid() == 0)
        assert_int_equal(chown(scratch_at(s, "docker-credential-good"), 12345, 12345), 0);
    assert_false(helper_get(&o, "good", "a.example", &found, &e[3]));
    assert_non_null(strstr(e[3].msg, "that only root can change"));
    assert_false(helper_get(&o, "missing", "a.example", &found, &e[4]));
    assert_non_null(strstr(e[4].msg, "docker-credential-missing: no such program in /nonexistent/bin, "));
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(e[i].code, ERR_CONFIG);
    bool was_run = true;
    assert_true(file_exists(scratch_at(s, "asked"), &was_run, &e[5]));
    assert_false(was_run);
}

static void path_is_not_looked_at(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    struct helper_options o = helper_defaults();
    AUTO(credential_clear_auto) struct credential found = { 0 };
    install(s, "archon-test", "{\"Username\": \"u\", \"Secret\": \"s\"}", 0);
    setenv("PATH", s->dir, 1);
    assert_false(helper_get(&o, "archon-test", "a.example", &found, &e));
    assert_non_null(strstr(e.msg, "no such program in /usr/local/bin, /usr/bin"));
}

static void a_failing_program_leaves_the_other_sources(void **state)
{
    struct scratch *s = *state;
    make_folder(s, ".docker");
    make_folder(s, ".config/containers");
    scratch_text(s, ".docker/config.json", "{\"credsStore\": \"archon-missing\"}", 0644);
    write_login(s, ".config/containers/auth.json", "a.example", "podman");
    AUTO(credentials_free_auto) struct credentials *c = open_all(NULL, NULL);
    expect(c, "a.example", "x", "podman", "p", "auth.json");
    struct err e = { 0 };
    AUTO(credential_clear_auto) struct credential found = { 0 };
    assert_false(credentials_find(c, "b.example", "x", &found, &e));
    assert_int_equal(e.code, ERR_CONFIG);
    assert_non_null(strstr(e.msg, "the program named in "));
    assert_non_null(strstr(e.msg, "/.docker/config.json: docker-credential-archon-missing: no such program"));
}

static void an_old_answer_is_asked_for_again_when_it_is_refused(void **state)
{
    struct scratch *s = *state;
    struct helper_options o = helpers_in(s);
    install(s, "gcloud", "{\"Username\": \"_dcgcloud_token\", \"Secret\": \"first\"}", 0);
    AUTO(credentials_free_auto) struct credentials *young = with_helper(s, &o, "{\"credsStore\": \"gcloud\"}");
    assert_false(credentials_renew(young, "a.example", "x"));
    expect(young, "a.example", "x", "_dcgcloud_token", "first", "gcloud");
    assert_false(credentials_renew(young, "a.example", "x"));
    o.keep_ms = 0;
    AUTO(credentials_free_auto) struct credentials *c = with_helper(s, &o, "{\"credsStore\": \"gcloud\"}");
    expect(c, "a.example", "x", "_dcgcloud_token", "first", "gcloud");
    install(s, "gcloud", "{\"Username\": \"_dcgcloud_token\", \"Secret\": \"second\"}", 0);
    expect(c, "a.example", "x", "_dcgcloud_token", "first", "gcloud");
    assert_true(credentials_renew(c, "a.example", "x"));
    expect(c, "a.example", "x", "_dcgcloud_token", "second", "gcloud");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, scratch_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_command_line_wins_over_variables_and_they_over_files),
        TEST(a_named_file_is_the_only_one_but_variables_count_beside_it),
        TEST(dockers_file_and_podmans_places_count_together),
        TEST(without_the_environment_only_the_named_file_counts),
        TEST(every_registry_has_a_name_of_its_own),
        TEST(no_login_is_given_to_a_registry_with_a_similar_name),
        TEST(variables_leave_the_environment_when_they_are_read),
        TEST(a_password_may_lie_in_a_file),
        TEST(half_pairs_and_wrong_names_are_refused_without_showing_secrets),
        TEST(empty_variables_are_as_if_not_there),
        TEST(a_program_is_asked_once_for_each_registry),
        TEST(a_program_gets_what_it_needs_and_no_more),
        TEST(a_program_without_a_login_is_no_error),
        TEST(the_user_token_marks_an_identity_token),
        TEST(what_a_program_does_wrong_is_told_without_secrets),
        TEST(a_program_that_hangs_or_floods_is_ended),
        TEST(only_programs_that_nobody_else_can_change_are_run),
        TEST(path_is_not_looked_at),
        TEST(a_failing_program_leaves_the_other_sources),
        TEST(an_old_answer_is_asked_for_again_when_it_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
