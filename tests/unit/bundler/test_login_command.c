/* archon-bundle login: who we are to a registry, and from where that is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "tests/support/fake.h"
#include "tests/unit/bundler/run.h"

#include "base/banned.h"

/* One server, a way of logging in at each port. u:p is dTpw. */
static const char script[] =
    "{\"ports\": 6, \"rules\": ["
    "{\"port\": 0, \"has\": \"Authorization: Basic dTpw\"}, {\"port\": 0, \"status\": 401, \"headers\": [[\"WWW-Authenticate\", \"Basic realm=x\"]]},"
    "{\"port\": 1, \"path\": \"/t?service=s\", \"has\": \"Authorization: Basic dTpw\", \"body\": \"{\\\"token\\\": \\\"t1\\\"}\"},"
    "{\"port\": 1, \"path\": \"/t?service=s\", \"lacks\": \"Authorization\", \"body\": \"{\\\"token\\\": \\\"t0\\\"}\"},"
    "{\"port\": 1, \"path\": \"/t?service=s&scope=repository%3Ateam%2Fapp%3Apull\", \"has\": \"Authorization: Basic dTpw\", \"body\": \"{\\\"token\\\": \\\"t1\\\"}\"},"
    "{\"port\": 1, \"path\": \"/t?service=s\", \"status\": 401},"
    "{\"port\": 1, \"path\": \"/t\", \"method\": \"POST\", \"body\": \"{\\\"access_token\\\": \\\"t1\\\"}\"},"
    "{\"port\": 1, \"has\": \"Authorization: Bearer t1\"},"
    "{\"port\": 1, \"status\": 401, \"headers\": [[\"WWW-Authenticate\", \"Bearer realm=\\\"http://127.0.0.1:{port1}/t\\\",service=\\\"s\\\"\"]]},"
    "{\"port\": 2}, {\"port\": 3, \"status\": 404}, {\"port\": 4, \"status\": 401},"
    "{\"port\": 5, \"status\": 401, \"headers\": [[\"WWW-Authenticate\", \"Bearer realm=\\\"https://tokens.example/t\\\"\"]]}]}";

struct world {
    struct scratch *s;
    struct fake f;
    char hosts[6][64];
};

static int begin(void **state)
{
    struct world *w = mem_new(sizeof *w);
    void *s = NULL;
    if (scratch_make(&s) != 0)
        return -1;
    w->s = s;
    setenv("HOME", w->s->dir, 1);
    unsetenv("DOCKER_CONFIG");
    unsetenv("REGISTRY_AUTH_FILE");
    unsetenv("XDG_RUNTIME_DIR");
    fake_start(&w->f, script);
    for (int i = 0; i < 6; i++)
        snprintf(w->hosts[i], sizeof w->hosts[i], "127.0.0.1:%u", w->f.ports[i]);
    *state = w;
    return 0;
}

static int end(void **state)
{
    struct world *w = *state;
    void *s = w->s;
    fake_stop(&w->f);
    mem_free(w);
    return scratch_drop(&s);
}

static const char *authfile(struct world *w, int port, const char *entry)
{
    AUTO(mem_auto) char *text = mem_format("{\"auths\": {\"%s\": {%s}}}", w->hosts[port], entry);
    return scratch_text(w->s, "auth.json", text, 0600);
}

static void gives(struct said s, int status, const char *out, const char *err)
{
    if (s.status != status)
        fail_msg("status %d: %s", s.status, s.err);
    if (strstr(s.out, out) == NULL)
        fail_msg("the result does not say %s: %s", out, s.out);
    if (strstr(s.err, err) == NULL)
        fail_msg("the story does not say %s: %s", err, s.err);
    said_clear(&s);
}

static void names_the_user_and_the_file(void **state)
{
    struct world *w = *state;
    AUTO(mem_auto) char *basic = mem_format("%s: logged in as u, from %s", w->hosts[0], scratch_at(w->s, "auth.json"));
    AUTO(mem_auto) char *bearer = mem_format("%s: logged in as u, from %s", w->hosts[1], scratch_at(w->s, "auth.json"));
    AUTO(mem_auto) char *tokens = mem_format("tokens from http://%s", w->hosts[1]);
    gives(run("login", w->hosts[0], "--authfile", authfile(w, 0, "\"auth\": \"dTpw\""), NULL), 0, basic, "");
    gives(run("login", w->hosts[1], "--authfile", authfile(w, 1, "\"auth\": \"dTpw\""), NULL), 0, bearer, "");
    gives(run("login", w->hosts[1], "--authfile", authfile(w, 1, "\"auth\": \"dTpw\""), NULL), 0, tokens, "");
    AUTO(mem_auto) char *part = mem_format("%s/team/app", w->hosts[1]);
    gives(run("login", part, "--authfile", authfile(w, 1, "\"auth\": \"dTpw\""), NULL), 0, bearer, "");
    assert_int_equal(fake_count(&w->f, "repository%3Ateam%2Fapp%3Apull"), 1);
    gives(run("login", w->hosts[1], "--authfile", authfile(w, 1, "\"identitytoken\": \"fresh\""), NULL), 0, "logged in as the holder of the identity token", "");
}

static void says_the_same_for_machines(void **state)
{
    struct world *w = *state;
    AUTO(mem_auto) char *all = mem_format("\"registry\": \"%s\",\n  \"address\": \"http://%s\",\n  \"anonymous\": false,\n  \"scheme\": \"bearer\",\n  \"login\": \"password\","
                                          "\n  \"user\": \"u\",\n  \"from\": \"%s\",\n  \"token_server\": \"http://%s\"",
                                          w->hosts[1], w->hosts[1], scratch_at(w->s, "auth.json"), w->hosts[1]);
    gives(run("login", w->hosts[1], "--json", "--authfile", authfile(w, 1, "\"auth\": \"dTpw\""), NULL), 0, all, "");
    gives(run("login", w->hosts[2], "--json", NULL), 0, "\"anonymous\": true,\n  \"scheme\": \"none\",\n  \"login\": \"none\"", "");
}

static void names_the_variable(void **state)
{
    struct world *w = *state;
    char user[96], password[96], from[128];
    snprintf(user, sizeof user, "ARCHON_REGISTRY_127_0_0_1_%u_USER", w->f.ports[0]);
    snprintf(password, sizeof password, "ARCHON_REGISTRY_127_0_0_1_%u_PASSWORD", w->f.ports[0]);
    snprintf(from, sizeof from, "logged in as u, from %s", user);
    setenv(user, "u", 1);
    setenv(password, "p", 1);
    gives(run("login", w->hosts[0], NULL), 0, from, "");
}

static void says_anonymous_where_nobody_asks_or_nothing_is_there(void **state)
{
    struct world *w = *state;
    AUTO(mem_auto) char *not_sent = mem_format("anonymous: it asks for no login; that of u, from %s, was not sent", scratch_at(w->s, "auth.json"));
    int n_before = fake_count(&w->f, "dTpw");
    gives(run("login", w->hosts[2], NULL), 0, "anonymous: no login was found", "");
    gives(run("login", w->hosts[2], "--authfile", authfile(w, 2, "\"auth\": \"dTpw\""), NULL), 0, not_sent, "");
    gives(run("login", w->hosts[1], NULL), 0, "anonymous: no login was found", "");
    assert_int_equal(fake_count(&w->f, "dTpw"), n_before);
}

static void refused_logins_are_21_and_name_the_file(void **state)
{
    struct world *w = *state;
    AUTO(mem_auto) char *refused = mem_format("%s: the registry refused the login of v from %s", w->hosts[0], scratch_at(w->s, "auth.json"));
    AUTO(mem_auto) char *tokens = mem_format("%s: token server http://%s: refused the login of v from %s: answered 401", w->hosts[1], w->hosts[1], scratch_at(w->s, "auth.json"));
    gives(run("login", w->hosts[0], "--authfile", authfile(w, 0, "\"auth\": \"djp3cm9uZw==\""), NULL), 21, "", refused);
    gives(run("login", w->hosts[1], "--authfile", authfile(w, 1, "\"auth\": \"djp3cm9uZw==\""), NULL), 21, "", tokens);
    gives(run("login", w->hosts[0], "--authfile", authfile(w, 0, "\"auth\": \"djp3cm9uZw==\""), NULL), 21, "", "docker login 127.0.0.1");
    gives(run("login", w->hosts[0], NULL), 21, "", "wants a login, and there is none");
    gives(run("login", w->hosts[0], NULL), 21, "", "ARCHON_REGISTRY_127_0_0_1_");
    gives(run("login", w->hosts[0], "--authfile", authfile(w, 0, "\"identitytoken\": \"fresh\""), NULL), 21, "", "wants a user and a password");
    gives(run("login", w->hosts[4], NULL), 21, "", "neither Basic nor Bearer");
    gives(run("login", w->hosts[5], NULL), 21, "", "--token-server tokens.example");
}

static void what_is_no_registry_is_said(void **state)
{
    struct world *w = *state;
    gives(run("login", w->hosts[3], NULL), 20, "", w->hosts[3]); /* tried with TLS first, which is what it says */
    gives(run("login", "https://registry.example", NULL), 2, "", "expected the host of a registry");
    gives(run("login", "-x", NULL), 2, "", "-x");
    gives(run("login", NULL), 2, "", "HOST");
    gives(run("login", w->hosts[0], "--client-cert", "x", NULL), 2, "", "--client-cert and --client-key: expected both");
    gives(run("login", w->hosts[0], "--plain-http", "http://x", NULL), 2, "", "--plain-http http://x: expected a host");
}

static void stores_nothing(void **state)
{
    struct world *w = *state;
    struct err e = { 0 };
    struct path_names names = { 0 };
    gives(run("login", w->hosts[0], "--authfile", authfile(w, 0, "\"auth\": \"dTpw\""), NULL), 0, "logged in", "");
    assert_true(path_list(w->s->dir, 10, &names, &e));
    assert_int_equal(names.n, 1);
    assert_string_equal(names.text[0], "auth.json");
    path_names_clear(&names);
}

#define TEST(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_the_user_and_the_file), TEST(says_the_same_for_machines), TEST(names_the_variable), TEST(says_anonymous_where_nobody_asks_or_nothing_is_there),
        TEST(refused_logins_are_21_and_name_the_file), TEST(what_is_no_registry_is_said),
    };
    const struct CMUnitTest alone[] = { cmocka_unit_test_setup_teardown(stores_nothing, begin, end) };
    return cmocka_run_group_tests(tests, begin, end) + cmocka_run_group_tests(alone, NULL, NULL);
}
