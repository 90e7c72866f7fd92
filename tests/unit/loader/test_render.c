/* The rendered directory and the override. */
#include "tests/unit/app/cases.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "loader/deploy/override.h"
#include "loader/deploy/render.h"
#include "sys/file.h"
#include "sys/path.h"

static char web[] = "web", db[] = "db", image[] = "h/a:1", health[] = "https://127.0.0.1:8443/", plain_health[] = "http://127.0.0.1/", cert[] = "/t/c.crt",
            key[] = "/t/c.key", ca[] = "/c/ca.pem", node[] = "NODE_EXTRA_CA_CERTS", name[] = "shop", version_key[] = "3.8";
static char *node_list[] = { node };
static char compose_name[] = "deploy/compose.yaml", script_name[] = "deploy/run.sh";
static char *compose_list[] = { compose_name };

static struct release_service services[2] = {
    { .name = web, .image = image, .health = health, .tls_certificate = cert, .tls_key = key, .ca_file = ca, .has_ca_variables = true,
      .ca_variables = { .items = node_list, .n = 1 } },
    { .name = db, .image = image },
};
static struct release_file files[2] = { { .path = compose_name, .size = 3 }, { .path = script_name, .size = 2, .is_executable = true } };
static const struct release release = { .name = name, .services = services, .n_services = 2, .compose = { .items = compose_list, .n = 1 },
                                        .compose_version = version_key, .files = files, .n_files = 2 };
static const struct values no_values;
static const struct version v1 = { .major = 1, .minor = 29 }, v2 = { .major = 2, .minor = 26 };

static bool member(void *ctx, const char *member_name, int fd, struct err *e)
{
    (void)ctx;
    return fd_write_all(fd, member_name, strlen(member_name), "x", e);
}

static struct render_input input(const struct version *compose)
{
    return (struct render_input){ .release = &release, .values = &no_values, .compose = compose, .ca_pem = "/s/$tls/ca.pem", .tls_certificate = "/s/a:b.crt",
                                  .tls_key = "/s/\"q\".key", .member = member };
}

static void the_override_mounts_ca_and_certificate(void **state)
{
    (void)state;
    struct render_input in = input(&v2);
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(10000);
    struct err e = { 0 };
    assert_true(render_override(&out, &in, &e));
    assert_string_equal(buf_text(&out),
                        "# Written by archon-load for this site; changes are lost.\n"
                        "services:\n"
                        "  \"web\":\n"
                        "    labels:\n      io.archon.application: \"shop\"\n"
                        "    pull_policy: never\n"
                        "    environment:\n      NODE_EXTRA_CA_CERTS: \"/c/ca.pem\"\n"
                        "    volumes:\n"
                        "      - type: bind\n        source: \"/s/$$tls/ca.pem\"\n        target: \"/c/ca.pem\"\n        read_only: true\n"
                        "      - type: bind\n        source: \"/s/a:b.crt\"\n        target: \"/t/c.crt\"\n        read_only: true\n"
                        "      - type: bind\n        source: \"/s/\\\"q\\\".key\"\n        target: \"/t/c.key\"\n        read_only: true\n"
                        "  \"db\":\n"
                        "    labels:\n      io.archon.application: \"shop\"\n"
                        "    pull_policy: never\n"
                        "    environment:\n      SSL_CERT_FILE: \"/run/archon/ca.pem\"\n      REQUESTS_CA_BUNDLE: \"/run/archon/ca.pem\"\n"
                        "      CURL_CA_BUNDLE: \"/run/archon/ca.pem\"\n      NODE_EXTRA_CA_CERTS: \"/run/archon/ca.pem\"\n"
                        "      PGSSLROOTCERT: \"/run/archon/ca.pem\"\n      GIT_SSL_CAINFO: \"/run/archon/ca.pem\"\n"
                        "    volumes:\n"
                        "      - type: bind\n        source: \"/s/$$tls/ca.pem\"\n        target: \"/run/archon/ca.pem\"\n        read_only: true\n");
}

static void without_a_ca_only_the_label_is_left_for_compose_1(void **state)
{
    (void)state;
    struct render_input in = input(&v1);
    in.ca_pem = NULL;
    services[0].health = plain_health;
    in.tls_certificate = in.tls_key = NULL;
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(10000);
    struct err e = { 0 };
    assert_true(render_override(&out, &in, &e));
    assert_null(strstr(buf_text(&out), "volumes"));
    assert_null(strstr(buf_text(&out), "pull_policy"));
    ASSERT_HAS(buf_text(&out), "version: \"3.8\"\nservices:\n");
    ASSERT_HAS(buf_text(&out), "\"db\":\n    labels:");
    services[0].health = health;
}

static void a_service_that_answers_with_tls_needs_a_certificate(void **state)
{
    (void)state;
    struct render_input in = input(&v2);
    in.tls_certificate = in.tls_key = NULL;
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(10000);
    struct err e = { 0 };
    assert_false(render_override(&out, &in, &e));
    assert_int_equal(e.code, ERR_CONFIG);
    ASSERT_HAS(e.hint, "--ssl-cert");
}

static void scalars_are_literal(void **state)
{
    (void)state;
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(100);
    override_add_scalar(&out, "a\"b\\c$d${e}\nf\t\x7f#: ");
    assert_string_equal(buf_text(&out), "\"a\\\"b\\\\c$$d$${e}\\x0af\\x09\\x7f#: \"");
}

static void has_mode(const char *dir, const char *file, mode_t mode, const char *content)
{
    AUTO(mem_auto) char *path = path_join(dir, file);
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(1000);
    struct stat st;
    struct err e = { 0 };
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, mode);
    if (content == NULL)
        return;
    assert_true(file_read(path, FILE_PLAIN, 1000, &text, &e));
    assert_string_equal(buf_text(&text), content);
}

static void the_directory_has_files_as_packed_and_private_ones(void **state)
{
    (void)state;
    char base[] = "/tmp/archon-test-render-XXXXXX";
    assert_non_null(mkdtemp(base));
    AUTO(mem_auto) char *dir = path_join(base, "1.0.0");
    static char pw[] = "PW";
    struct value item = { .name = pw, .text = secret_of("a b", 3), .is_secret = true };
    struct values values = { .items = &item, .n = 1 };
    struct render_input in = input(&v2);
    in.values = &values;
    struct err e = { 0 };
    mode_t before = umask(077);
    for (int i = 0; i < 2; i++) /* again is fine */
        if (!render_compose(dir, &in, &e))
            fail_msg("%s", e.msg);
    umask(before);
    has_mode(base, "1.0.0", 0700, NULL);
    has_mode(dir, "app/deploy", 0755, NULL);
    has_mode(dir, "app/deploy/compose.yaml", 0644, "app/deploy/compose.yaml");
    has_mode(dir, "app/deploy/run.sh", 0755, "app/deploy/run.sh");
    has_mode(dir, "values.env", 0600, "PW='a b'\n");
    has_mode(dir, "compose.archon.yaml", 0600, NULL);
    struct render_paths paths;
    render_paths(&paths, dir, &release);
    assert_int_equal(paths.files.n, 2);
    assert_true(strncmp(paths.files.items[0], dir, strlen(dir)) == 0);
    ASSERT_HAS(paths.files.items[0], "/app/deploy/compose.yaml");
    ASSERT_HAS(paths.files.items[1], "/compose.archon.yaml");
    ASSERT_HAS(paths.dir, "/app/deploy");
    render_paths_clear(&paths);
    secret_clear(&item.text);
    assert_true(path_remove_tree(base, &e));
}

static bool member_fails(void *ctx, const char *member_name, int fd, struct err *e)
{
    (void)ctx;
    (void)fd;
    return err_set(e, ERR_INTEGRITY, "%s: damaged", member_name);
}

static void a_file_that_fails_does_not_appear(void **state)
{
    (void)state;
    char base[] = "/tmp/archon-test-render-XXXXXX";
    assert_non_null(mkdtemp(base));
    struct render_input in = input(&v2);
    in.member = member_fails;
    struct err e = { 0 };
    assert_false(render_compose(base, &in, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
    AUTO(mem_auto) char *path = path_join(base, "app/deploy/compose.yaml");
    assert_int_equal(access(path, F_OK), -1);
    struct err e2 = { 0 };
    assert_true(path_remove_tree(base, &e2));
}

static void values_that_compose_cannot_read_stop_it(void **state)
{
    (void)state;
    char base[] = "/tmp/archon-test-render-XXXXXX";
    assert_non_null(mkdtemp(base));
    static char pw[] = "PW";
    struct value item = { .name = pw, .text = secret_of("it's", 4), .is_secret = true };
    struct values values = { .items = &item, .n = 1 };
    struct render_input in = input(&v2);
    in.values = &values;
    struct err e = { 0 };
    assert_false(render_compose(base, &in, &e));
    assert_int_equal(e.code, ERR_CONFIG);
    ASSERT_HAS(e.msg, "variable PW");
    secret_clear(&item.text);
    struct err e2 = { 0 };
    assert_true(path_remove_tree(base, &e2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_override_mounts_ca_and_certificate),
        cmocka_unit_test(without_a_ca_only_the_label_is_left_for_compose_1),
        cmocka_unit_test(a_service_that_answers_with_tls_needs_a_certificate),
        cmocka_unit_test(scalars_are_literal),
        cmocka_unit_test(the_directory_has_files_as_packed_and_private_ones),
        cmocka_unit_test(a_file_that_fails_does_not_appear),
        cmocka_unit_test(values_that_compose_cannot_read_stop_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
