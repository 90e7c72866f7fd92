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
#include "registry/credentials.h"

#include "base/banned.h"

static struct credentials *read_text(const char *text)
{
    struct err e = { 0 };
    struct credentials *c = credentials_read(text, strlen(text), "config.json", &e);
    if (c == NULL)
        fail_msg("%s", e.msg);
    return c;
}

static void expect(const struct credentials *c, const char *host, const char *repository, enum credential_kind kind, const char *user,
                   const char *secret)
{
    AUTO(credential_clear_auto) struct credential found = { 0 };
    credentials_find(c, host, repository, &found);
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

static void helpers_are_named_for_the_registries_that_need_them(void **state)
{
    (void)state;
    AUTO(credentials_free_auto) struct credentials *c =
        read_text("{\"auths\": {\"https://index.docker.io/v1/\": {}, \"direct.example\": {\"auth\": \"YTpi\"}}, \"credsStore\": \"desktop\","
                  "\"credHelpers\": {\"123.ecr.example\": \"ecr-login\"}}");
    expect(c, "docker.io", "library/nginx", CREDENTIAL_HELPER, "desktop", NULL);
    expect(c, "123.ecr.example", "x", CREDENTIAL_HELPER, "ecr-login", NULL);
    expect(c, "direct.example", "x", CREDENTIAL_PASSWORD, "a", "b");
    expect(c, "ghcr.io", "x", CREDENTIAL_NONE, NULL, NULL);
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

static void a_file_that_others_may_read_is_refused(void **state)
{
    (void)state;
    char path[] = "/tmp/test_credentials.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, "{\"auths\":{}}", 12) == 12);
    struct err e = { 0 };
    AUTO(credentials_free_auto) struct credentials *good = credentials_open(path, true, &e);
    assert_non_null(good);
    assert_int_equal(fchmod(fd, 0644), 0);
    assert_null(credentials_open(path, false, &e));
    assert_int_equal(e.code, ERR_CONFIG);
    assert_non_null(strstr(e.hint, "chmod 600"));
    close(fd);
    unlink(path);
    struct err e2 = { 0 };
    AUTO(credentials_free_auto) struct credentials *empty = credentials_open(path, false, &e2);
    assert_non_null(empty);
    assert_null(credentials_open(path, true, &e2));
    assert_int_equal(e2.code, ERR_CONFIG);
}

static void the_file_is_looked_for_in_order(void **state)
{
    (void)state;
    char *path = NULL;
    bool must_exist = false;
    unsetenv("XDG_RUNTIME_DIR");
    unsetenv("DOCKER_CONFIG");
    setenv("REGISTRY_AUTH_FILE", "/b/auth.json", 1);
    setenv("HOME", "/nonexistent/home", 1);
    credentials_locate("/a/auth.json", &path, &must_exist);
    assert_string_equal(path, "/a/auth.json");
    assert_true(must_exist);
    mem_free(path);
    credentials_locate(NULL, &path, &must_exist);
    assert_string_equal(path, "/b/auth.json");
    assert_true(must_exist);
    mem_free(path);
    unsetenv("REGISTRY_AUTH_FILE");
    credentials_locate(NULL, &path, &must_exist);
    assert_string_equal(path, "/nonexistent/home/.docker/config.json");
    assert_false(must_exist);
    mem_free(path);
    setenv("DOCKER_CONFIG", "/c", 1);
    credentials_locate(NULL, &path, &must_exist);
    assert_string_equal(path, "/c/config.json");
    mem_free(path);
    unsetenv("DOCKER_CONFIG");
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
        cmocka_unit_test(helpers_are_named_for_the_registries_that_need_them),
        cmocka_unit_test(rubbish_is_refused_without_showing_secrets),
        cmocka_unit_test(a_file_that_others_may_read_is_refused),
        cmocka_unit_test(the_file_is_looked_for_in_order),
        cmocka_unit_test(basic_is_made_of_user_and_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
