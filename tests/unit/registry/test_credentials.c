/* Credentials files of Docker and Podman. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "format/base64.h"
#include "registry/auth_file.h"
#include "registry/credentials.h"
#include "tests/support/scratch.h"

#include "base/banned.h"

static struct credentials *read_text(const char *text)
{
    struct err e = { 0 };
    struct credentials *c = credentials_read(text, strlen(text), "config.json", &e);
    if (c == NULL)
        fail_msg("%s", e.msg);
    return c;
}

static void expect(struct credentials *c, const char *host, const char *repository, enum credential_kind kind, const char *user,
                   const char *secret)
{
    AUTO(credential_clear_auto) struct credential found = { 0 };
    struct err e = { 0 };
    if (!credentials_find(c, host, repository, &found, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(found.kind, kind);
    if (user != NULL)
        assert_string_equal(found.user, user);
    if (secret != NULL)
        assert_string_equal(found.secret.bytes, secret);
}

static void base64_is_read_exactly(void **state)
{
    (void)state;
    static const char *const rows[][2] = { { "", "" },         { "f", "Zg==" },       { "fo", "Zm8=" },        { "foo", "Zm9v" },
                                           { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" }, { "\xff\xfe\xfd", "//79" } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(secret_clear_auto) struct secret made = base64_of(rows[i][0], strlen(rows[i][0])), back = { 0 };
        assert_string_equal(made.bytes, rows[i][1]);
        assert_true(base64_read(&back, rows[i][1], strlen(rows[i][1])));
        assert_int_equal(back.n, strlen(rows[i][0]));
        assert_memory_equal(back.bytes, rows[i][0], back.n);
        secret_clear(&back);
    }
    static const char *const bad[] = { "Z", "Zg=a", "Zh==", "Zm9=", "Z g=", "Zg==\n", "Zm9v-", "====", "Zg===" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        AUTO(secret_clear_auto) struct secret out = { 0 };
        assert_false(base64_read(&out, bad[i], strlen(bad[i])));
    }
    AUTO(secret_clear_auto) struct secret unpadded = { 0 };
    assert_true(base64_read(&unpadded, "Zm8", 3));
    assert_string_equal(unpadded.bytes, "fo");
}

static void every_form_of_login_is_understood(void **state)
{
    (void)state;
    AUTO(credentials_free_auto) struct credentials *c = read_text(
        "{\"auths\": {\"a.example\": {\"auth\": \"dXNlcjpwYTpzcw==\", \"email\": \"x@y\"},"
        "\"b.example:5000\": {\"username\": \"bob\", \"password\": \"p w\"},"
        "\"c.example\": {\"auth\": \"dXNlcjpwYTpzcw==\", \"identitytoken\": \"refresh\"},"
        "\"d.example\": {\"registrytoken\": \"direct\"}, \"e.example\": {}}, \"HttpHeaders\": {\"x\": 1.5}}");
    expect(c, "a.example", "x", CREDENTIAL_PASSWORD, "user", "pa:ss");
    expect(c, "b.example:5000", "x/y", CREDENTIAL_PASSWORD, "bob", "p w");
    expect(c, "b.example", "x", CREDENTIAL_NONE, NULL, NULL); /* another port is another registry */
    expect(c, "c.example", "x", CREDENTIAL_IDENTITY, NULL, "refresh");
    expect(c, "d.example", "x", CREDENTIAL_TOKEN, NULL, "direct");
    expect(c, "e.example", "x", CREDENTIAL_NONE, NULL, NULL);
    expect(NULL, "e.example", "x", CREDENTIAL_NONE, NULL, NULL);
}

static void old_names_and_docker_hubs_own_are_the_same_registry(void **state)
{
    (void)state;
    AUTO(credentials_free_auto) struct credentials *c =
        read_text("{\"auths\": {\"https://index.docker.io/v1/\": {\"auth\": \"YTpi\"}, \"https://Old.example/v1/\": {\"auth\": \"Yzpk\"},"
                  "\"http://slash.example/\": {\"auth\": \"ZTpm\"}}}");
    expect(c, "docker.io", "library/nginx", CREDENTIAL_PASSWORD, "a", "b");
    expect(c, "old.example", "x", CREDENTIAL_PASSWORD, "c", "d");
    expect(c, "slash.example", "x", CREDENTIAL_PASSWORD, "e", "f");
}

static void the_longest_key_wins_at_slashes_only(void **state)
{
    (void)state;
    AUTO(credentials_free_auto) struct credentials *c =
        read_text("{\"auths\": {\"h\": {\"auth\": \"YTpi\"}, \"h/team\": {\"auth\": \"Yzpk\"}, \"h/team/app\": {\"auth\": \"ZTpm\"}}}");
    expect(c, "h", "other", CREDENTIAL_PASSWORD, "a", NULL);
    expect(c, "h", "team/x", CREDENTIAL_PASSWORD, "c", NULL);
    expect(c, "h", "teams/x", CREDENTIAL_PASSWORD, "a", NULL);
    expect(c, "h", "team/app", CREDENTIAL_PASSWORD, "e", NULL);
    expect(c, "h", "team/app2", CREDENTIAL_PASSWORD, "c", NULL);
    expect(c, "h2", "x", CREDENTIAL_NONE, NULL, NULL);
    expect(c, "h:5000", "x", CREDENTIAL_NONE, NULL, NULL);
}

static void expect_helper(const struct auth_file *f, const char *host, const char *helper)
{
    struct auth_found found = auth_file_find(f, host, "team/app");
    if (helper == NULL)
        assert_null(found.helper);
    else
        assert_string_equal(found.helper, helper);
    assert_true(found.helper == NULL || found.credential == NULL);
}

static void programs_are_named_for_the_registries_that_need_them(void **state)
{
    (void)state;
    static const char text[] = "{\"auths\": {\"https://index.docker.io/v1/\": {}, \"direct.example\": {\"auth\": \"YTpi\"}}, \"credsStore\": \"pass\","
                               "\"credHelpers\": {\"123.dkr.ecr.eu-west-1.amazonaws.com\": \"ecr-login\", \"none.example\": \"\", \"eu.gcr.io\": \"gcloud\"}}";
    struct err e = { 0 };
    AUTO(auth_file_free_auto) struct auth_file *f = auth_file_read(text, sizeof text - 1, "config.json", &e);
    assert_non_null(f);
    expect_helper(f, "docker.io", "pass");
    expect_helper(f, "ghcr.io", "pass"); /* it may know more than auths lists */
    expect_helper(f, "123.dkr.ecr.eu-west-1.amazonaws.com", "ecr-login");
    expect_helper(f, "eu.gcr.io", "gcloud");
    expect_helper(f, "none.example", NULL);
    expect_helper(f, "direct.example", NULL);
    struct auth_found direct = auth_file_find(f, "direct.example", "x");
    assert_non_null(direct.credential);
    assert_string_equal(direct.credential->from, "config.json");
}

static void rubbish_is_refused_without_showing_secrets(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "[]", "{\"auths\": []}", "{\"auths\": {\"h\": \"x\"}}", "{\"auths\": {\"h\": {\"auth\": \"s3cret!\"}}}",
        "{\"auths\": {\"h\": {\"auth\": \"czNjcmV0\"}}}", "{\"auths\": {\"h\": {\"auth\": 7}}}", "{\"auths\": {\"h\": {\"auth\": \"YQA6Yg==\"}}}",
        "{\"auths\": {\"h\": {}, \"h\": {}}}", "{\"auths\": {}} x", "{\"credHelpers\": {\"h\": 1}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct err e = { 0 };
        struct credentials *c = credentials_read(texts[i], strlen(texts[i]), "config.json", &e);
        if (c != NULL)
            fail_msg("accepted %s", texts[i]);
        assert_int_equal(e.code, ERR_CONFIG);
        assert_memory_equal(e.msg, "config.json", 11);
        assert_null(strstr(e.msg, "s3cret"));
        assert_null(strstr(e.msg, "czNjcmV0"));
    }
}

static void a_file_with_secrets_that_others_may_read_is_refused(void **state)
{
    struct scratch *s = *state;
    static const char secret[] = "{\"auths\": {\"h\": {\"auth\": \"YTpi\"}}}", names[] = "{\"credsStore\": \"pass\"}";
    static const struct {
        const char *text;
        mode_t mode;
        bool is_good;
    } rows[] = { { secret, 0600, true }, { secret, 0400, true }, { secret, 0644, false }, { secret, 0660, false }, { names, 0644, true }, { names, 0666, false } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = { 0 };
        AUTO(auth_file_free_auto) struct auth_file *f = auth_file_open(scratch_text(s, "config.json", rows[i].text, rows[i].mode), &e);
        if ((f != NULL) != rows[i].is_good)
            fail_msg("row %zu: %s", i, e.msg);
        if (rows[i].is_good)
            continue;
        assert_int_equal(e.code, ERR_CONFIG);
        assert_non_null(strstr(e.msg, scratch_at(s, "config.json")));
        assert_non_null(strstr(e.hint, "chmod"));
    }
}

static void basic_is_made_of_user_and_password(void **state)
{
    (void)state;
    AUTO(credential_clear_auto) struct credential c = { .kind = CREDENTIAL_PASSWORD, .user = "Aladdin", .secret = secret_of("open sesame", 11) };
    AUTO(secret_clear_auto) struct secret s = credential_basic(&c);
    assert_string_equal(s.bytes, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    assert_int_equal(s.n, strlen(s.bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_is_read_exactly),
        cmocka_unit_test(every_form_of_login_is_understood),
        cmocka_unit_test(old_names_and_docker_hubs_own_are_the_same_registry),
        cmocka_unit_test(the_longest_key_wins_at_slashes_only),
        cmocka_unit_test(programs_are_named_for_the_registries_that_need_them),
        cmocka_unit_test(rubbish_is_refused_without_showing_secrets),
        cmocka_unit_test_setup_teardown(a_file_with_secrets_that_others_may_read_is_refused, scratch_make, scratch_drop),
        cmocka_unit_test(basic_is_made_of_user_and_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
