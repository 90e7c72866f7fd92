/* bundle.yaml, good and bad. */
#include "tests/unit/app/cases.h"

#include "app/definition.h"

#define HEAD "name: shop\nversion: 1.4.0\n"

static void reads_the_example_of_the_manual(void **state)
{
    (void)state;
    static const char text[] =
        "name: shop\nversion: 1.4.0\ntitle: Example shop\nplatforms: [linux/amd64, linux/arm64]\ncompose: [compose.yaml]\n"
        "images:\n  - docker.io/library/busybox:1.36\n  - reference: registry.example/tools/backup:2\n"
        "migrations: sql\nbootstrap: ./sql/bootstrap/\n"
        "database: { service: db, name: shop, user: shop, password: \"${DB_PASSWORD}\", admin_user: postgres, admin_password: \"${DB_ADMIN}\" }\n"
        "variables:\n  - { name: PUBLIC_PORT, default: \"8443\", pattern: \"[0-9]{2,5}\", help: \"port of the web front\" }\n"
        "  - { name: DB_PASSWORD, secret: true, generate: 32 }\n  - { name: DB_ADMIN, secret: true, generate: 32 }\n"
        "  - { name: SITE_NAME, required: true }\n  - { name: EMPTY, default: \"\" }\n"
        "upgrade: { from: \">=1.2\", schema_compatible: true }\n"
        "services:\n  web:\n    health: https://127.0.0.1:${PUBLIC_PORT}/health\n    timeout: 10min\n"
        "    tls: { certificate: /run/tls/tls.crt, key: /run/tls/tls.key }\n"
        "    ca: { file: /run/ca/ca.pem, variables: [SSL_CERT_FILE] }\n"
        "urls:\n  - { name: \"Web\", url: \"https://${HOST}:${PUBLIC_PORT}/\" }\n"
        "files: [config]\nlicenses: [LICENSE]\ndocs: [docs]\n"
        "requires: { memory: 2GiB, disk: 4GiB, ports: [\"${PUBLIC_PORT}\"], engine: \"20.10\", compose: \"1.29\" }\n";
    AUTO(findings_clear_auto) struct findings f = { 0 };
    AUTO(definition_clear_auto) struct definition d = { 0 };
    struct err e = { 0 };
    assert_true(definition_parse(&d, text, sizeof text - 1, "bundle.yaml", &f, &e));
    if (!findings_done(&f, &e))
        fail_msg("%s", e.msg);
    assert_string_equal(d.name, "shop");
    assert_string_equal(d.version.text, "1.4.0");
    assert_int_equal(d.n_platforms, 2);
    assert_int_equal(d.images.n, 2);
    assert_string_equal(d.images.items[1], "registry.example/tools/backup:2");
    assert_string_equal(d.bootstrap, "sql/bootstrap");
    assert_true(d.database.is_set);
    assert_int_equal(d.variables.n, 5);
    assert_int_equal(d.variables.items[1].generate, 32);
    assert_string_equal(d.variables.items[4].default_value, "");
    assert_true(d.is_schema_compatible);
    assert_int_equal(d.services[0].timeout_s, 600);
    assert_true(d.services[0].has_ca_variables);
    assert_int_equal(d.requires.memory_bytes, 2 * GIB);
    assert_string_equal(d.urls[0].url, "https://${HOST}:${PUBLIC_PORT}/");
}

/* The first finding's text, with the place. */
static void refused_at(const char *text, const char *part, const char *file, int line)
{
    AUTO(findings_clear_auto) struct findings f = { 0 };
    AUTO(definition_clear_auto) struct definition d = { 0 };
    struct err e = { 0 };
    bool ok = definition_parse(&d, text, strlen(text), "b", &f, &e) && findings_done(&f, &e);
    if (ok)
        _fail(file, line), printf("%s", text);
    if (strstr(e.msg, part) == NULL) {
        print_error("%s:%d: expected \"%s\" in \"%s\"\n", file, line, part, e.msg);
        _fail(file, line);
    }
}
#define REFUSED(text, part) refused_at(text, part, __FILE__, __LINE__)

static void refuses_unknown_and_later_keys_with_their_place(void **state)
{
    (void)state;
    REFUSED(HEAD "images: [a]\nplattforms: [x]\n", "b:4:1: unknown key \"plattforms\" in the definition");
    REFUSED(HEAD "images: [a]\njobs: []\n", "b:4:1: \"jobs\" is not in this version");
    REFUSED(HEAD "images: [a]\nprofiles: p\n", "\"profiles\" is not in this version");
    REFUSED(HEAD "images: [a]\ntargets: { site: [a] }\n", "not in this version");
    REFUSED(HEAD "images:\n  - { reference: a, when: backup }\n", "b:4:21: \"when\" is not in this version");
    REFUSED(HEAD "compose: c\nservices: { web: { helth: x } }\n", "unknown key \"helth\" in a service");
    REFUSED(HEAD "images: [a]\nname: again\n", "b:4:1");
}

#define VERIFY(entries) HEAD "images: [a]\nverify:\n" entries

static const char *key_for(const struct definition *d, const char *reference)
{
    struct err e = { 0 };
    struct ref ref;
    assert_true(ref_parse(&ref, reference, &e));
    const struct definition_verify *v = definition_verify_for(d, &ref);
    return v == NULL ? "" : v->keys.items[0];
}

static void the_longest_prefix_decides_whose_signature_an_image_needs(void **state)
{
    (void)state;
    static const char text[] = VERIFY("  - { prefix: registry.example/, cosign: keys/all.pub }\n"
                                      "  - { prefix: registry.example/shop, cosign: [keys/shop.pub, keys/two.pub] }\n"
                                      "  - { prefix: \"registry.example:5000\", cosign: keys/port.pub }\n"
                                      "  - { prefix: index.docker.io/library/, cosign: keys/hub.pub }\n"
                                      "  - { prefix: registry.example/shop/, cosign: ./keys/three.pub }\n"
                                      "  - { prefix: registry.example/copy, cosign: keys/copy.pub, signed_as: docker.io/vendor/ }\n");
    AUTO(findings_clear_auto) struct findings f = { 0 };
    AUTO(definition_clear_auto) struct definition d = { 0 };
    struct err e = { 0 };
    assert_true(definition_parse(&d, text, sizeof text - 1, "b", &f, &e));
    if (!findings_done(&f, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(d.n_verify, 5);
    assert_int_equal(d.verify[1].keys.n, 3); /* two entries of one prefix: any of their keys */
    assert_string_equal(d.verify[1].keys.items[2], "keys/three.pub");
    assert_string_equal(key_for(&d, "registry.example/web"), "keys/all.pub");
    assert_string_equal(key_for(&d, "registry.example/shop"), "keys/shop.pub");
    assert_string_equal(key_for(&d, "registry.example/shop/web:1"), "keys/shop.pub");
    assert_string_equal(key_for(&d, "registry.example/shop-evil/web"), "keys/all.pub");
    assert_string_equal(key_for(&d, "registry.example:5000/shop/web"), "keys/port.pub");
    assert_string_equal(key_for(&d, "registry.example.org/shop/web"), "");
    assert_string_equal(key_for(&d, "nginx"), "keys/hub.pub");
    assert_string_equal(key_for(&d, "docker.io/vendor/nginx"), "");
    assert_string_equal(d.verify[4].signed_as, "docker.io/vendor");
}

static void rules_for_signatures_that_are_ambiguous_or_cover_nothing_are_refused(void **state)
{
    (void)state;
    REFUSED(HEAD "images: [a]\nverify: []\n", "b:4:9: verify: expected a list of 1 to 64 entries");
    REFUSED(HEAD "images: [a]\nverify: { prefix: a.b/, cosign: k }\n", "verify: expected a list");
    REFUSED(VERIFY("  - { prefix: a.b/ }\n"), "verify: expected a prefix and cosign");
    REFUSED(VERIFY("  - { cosign: k }\n"), "verify: expected a prefix and cosign");
    REFUSED(VERIFY("  - { prefix: a.b/, cosign: [] }\n"), "cosign: expected at least one file");
    REFUSED(VERIFY("  - { prefix: a.b/, cosign: /etc/k }\n"), "cosign: \"/etc/k\" is no path");
    REFUSED(VERIFY("  - { prefix: a.b/, cosign: k, rekor: x }\n"), "unknown key \"rekor\" in an entry of verify");
    REFUSED(VERIFY("  - { prefix: a.b/, cosign: k }\n  - { prefix: a.b, cosign: [l, ./k] }\n"), "b:6:5: cosign: \"k\" twice for the prefix \"a.b\"");
    REFUSED(VERIFY("  - { prefix: a.b/, cosign: k }\n  - { prefix: a.b, cosign: l, signed_as: c.d/ }\n"), "with different signed_as");
    REFUSED(VERIFY("  - { prefix: \"\", cosign: k }\n"), "prefix: is empty");
    REFUSED(VERIFY("  - { prefix: /, cosign: k }\n"), "prefix: \"/\" is no beginning of a repository's name");
    REFUSED(VERIFY("  - { prefix: shop/, cosign: k }\n"), "prefix: \"shop/\" is no beginning");
    REFUSED(VERIFY("  - { prefix: library/nginx, cosign: k }\n"), "is no beginning");
    REFUSED(VERIFY("  - { prefix: \"https://a.b/\", cosign: k }\n"), "is no beginning");
    REFUSED(VERIFY("  - { prefix: \"a.b/*\", cosign: k }\n"), "is no beginning");
    REFUSED(VERIFY("  - { prefix: \"a.b/x:1\", cosign: k }\n"), "is no beginning");
    REFUSED(VERIFY("  - { prefix: \"a.b//\", cosign: k }\n"), "is no beginning");
    REFUSED(VERIFY("  - { prefix: A.b/Shop, cosign: k }\n"), "is no beginning");
    REFUSED(VERIFY("  - { prefix: a.b/, cosign: k, signed_as: vendor }\n"), "signed_as: \"vendor\" is no beginning");
}

static void the_default_targets_are_fine(void **state)
{
    (void)state;
    static const char text[] = HEAD "images: [a]\ntargets: { site: [\"*\"] }\n";
    AUTO(findings_clear_auto) struct findings f = { 0 };
    AUTO(definition_clear_auto) struct definition d = { 0 };
    struct err e = { 0 };
    assert_true(definition_parse(&d, text, sizeof text - 1, "b", &f, &e));
    assert_true(findings_done(&f, &e));
}

static void refuses_missing_keys(void **state)
{
    (void)state;
    REFUSED("version: 1.0.0\nimages: [a]\n", "key \"name\" is missing");
    REFUSED("name: a\nimages: [a]\n", "key \"version\" is missing");
    REFUSED(HEAD, "nothing to bundle");
    REFUSED("- a\n", "expected a map, found a list");
    REFUSED("", "b");
}

static void refuses_wrong_types(void **state)
{
    (void)state;
    REFUSED("name: [a]\nversion: 1.0.0\nimages: [a]\n", "b:1:7: name: expected a text, found a list");
    REFUSED("name:\nversion: 1.0.0\nimages: [a]\n", "name: has no value");
    REFUSED("name: A\nversion: 1.0.0\nimages: [a]\n", "no release name");
    REFUSED("name: a\nversion: 1.4\nimages: [a]\n", "not a semantic version");
    REFUSED(HEAD "images: a\n", "images: expected a list");
    REFUSED(HEAD "images: [a]\nplatforms: [linux]\n", "b:4:13");
    REFUSED(HEAD "images: [a]\nplatforms: [linux/amd64, linux/amd64]\n", "twice");
    REFUSED(HEAD "images: [a]\nupgrade: { schema_compatible: yes }\n", "expected true or false");
    REFUSED(HEAD "images: [a]\nupgrade: { from: \"about 2\" }\n", "b:4:18");
    REFUSED(HEAD "images: [a]\nrequires: { memory: lots }\n", "expected a size");
    REFUSED(HEAD "images: [a]\nrequires: { engine: new }\n", "engine");
    REFUSED(HEAD "compose: c\nservices: { web: { timeout: 5 weeks } }\n", "expected a time");
    REFUSED(HEAD "compose: c\nservices: { web: { timeout: 0 } }\n", "expected a time");
    REFUSED(HEAD "images: [a]\nservices: { web: {} }\n", "there is no compose file");
}

static void refuses_paths_that_leave_the_definition(void **state)
{
    (void)state;
    static const char *const bad[] = { "/etc", "../x", "a/../../x", ".", "a b", "~", "C:\\\\x", "a/b/c/d/e/f/g/h", "\xc3\xa4" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char text[200];
        snprintf(text, sizeof text, HEAD "images: [a]\nfiles: [\"%s\"]\n", bad[i]);
        REFUSED(text, "no path that a bundle can carry");
    }
    REFUSED(HEAD "compose: [c, ./c]\n", "twice");
    REFUSED(HEAD "compose: ../c\n", "no path");
}

static void refuses_bad_variables(void **state)
{
    (void)state;
    REFUSED(HEAD "images: [a]\nvariables: [{ default: x }]\n", "variable without a name");
    REFUSED(HEAD "images: [a]\nvariables: [{ name: A }, { name: A }]\n", "b:4:26: variable A is declared twice");
    REFUSED(HEAD "images: [a]\nvariables: [{ name: HOST }]\n", "given by the loader");
    REFUSED(HEAD "images: [a]\nvariables: [{ name: A, pattern: \"(\" }]\n", "pattern");
    REFUSED(HEAD "images: [a]\nvariables: [{ name: A, default: x, pattern: \"[0-9]\" }]\n", "does not match");
    REFUSED(HEAD "images: [a]\nvariables: [{ name: A, generate: 4 }]\n", "from 8 to 256");
    REFUSED(HEAD "images: [a]\nvariables: [{ name: A, default: x, required: true }]\n", "exclude each other");
    REFUSED(HEAD "images: [a]\nvariables: [{ name: A, default: x, secret: true }]\n", "a secret has no default");
}

static void refuses_databases_that_make_no_sense(void **state)
{
    (void)state;
#define VARS "compose: c\nvariables: [{ name: P, secret: true }, { name: Q }]\n"
    REFUSED(HEAD VARS "migrations: sql\n", "need a database");
    REFUSED(HEAD VARS "database: { name: a, user: b, password: \"${P}\" }\n", "either service or url");
    REFUSED(HEAD VARS "database: { service: d, url: \"${P}\", name: a, user: b, password: \"${P}\" }\n", "either service or url");
    REFUSED(HEAD VARS "database: { service: d, name: a }\n", "needs name, user and password");
    REFUSED(HEAD VARS "database: { service: d, name: a, user: b, password: secret }\n", "expected ${NAME}");
    REFUSED(HEAD VARS "database: { service: d, name: a, user: b, password: \"${Z}\" }\n", "Z is not declared");
    REFUSED(HEAD VARS "database: { service: d, name: a, user: b, password: \"${Q}\" }\n", "secret: true");
    REFUSED(HEAD VARS "bootstrap: x\ndatabase: { service: d, name: a, user: b, password: \"${P}\" }\n", "bootstrap needs admin_user");
    REFUSED(HEAD VARS "database: { service: d, name: a, user: b, password: \"${P}\", admin_user: b, admin_password: \"${P}\" }\n", "ordinary role");
    REFUSED(HEAD VARS "database: { service: d, name: a, user: b, password: \"${P}\", admin_user: c }\n", "belong together");
}

static void refuses_services_that_would_mount_anything(void **state)
{
    (void)state;
    REFUSED(HEAD "compose: c\nservices: { web: { tls: { certificate: /a } } }\n", "certificate and key");
    REFUSED(HEAD "compose: c\nservices: { web: { tls: { certificate: /a, key: /a } } }\n", "same file");
    REFUSED(HEAD "compose: c\nservices: { web: { tls: { certificate: a, key: /b } } }\n", "no absolute path");
    REFUSED(HEAD "compose: c\nservices: { web: { tls: { certificate: \"/a:/etc\", key: /b } } }\n", "no absolute path");
    REFUSED(HEAD "compose: c\nservices: { web: { ca: { file: \"/a/../b\" } } }\n", "no absolute path");
    REFUSED(HEAD "compose: c\nservices: { web: { ca: { variables: [\"A=B\"] } } }\n", "no name of an environment variable");
    REFUSED(HEAD "compose: c\nservices: { web: { health: \"ftp://x\" } }\n", "no http://");
    REFUSED(HEAD "compose: c\nservices: { web: { health: \"http://x:${PORT}/\" } }\n", "PORT is not declared");
    REFUSED(HEAD "compose: c\nservices: { web: { health: \"http://x:${PORT/\" } }\n", "is no variable");
    REFUSED(HEAD "compose: c\nurls: [{ name: x, url: \"http://${HOSTNAME}\" }]\n", "HOSTNAME is not declared");
    REFUSED(HEAD "compose: c\nurls: [{ name: x }]\n", "expected name and url");
}

static void all_findings_are_listed(void **state)
{
    (void)state;
    static const char text[] = "name: A\nversion: 1\nimages: [a]\ncolour: x\njobs: []\n";
    AUTO(findings_clear_auto) struct findings f = { 0 };
    AUTO(definition_clear_auto) struct definition d = { 0 };
    struct err e = { 0 };
    assert_true(definition_parse(&d, text, sizeof text - 1, "b", &f, &e));
    assert_int_equal(f.n, 4);
    assert_false(findings_done(&f, &e));
    ASSERT_HAS(e.msg, "b:2:10");
}

static void text_from_outside_is_printed_safely(void **state)
{
    (void)state;
    REFUSED(HEAD "images: [a]\n\"\\e[31m\": x\n", "\\x1b[31m");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_example_of_the_manual),
        cmocka_unit_test(refuses_unknown_and_later_keys_with_their_place),
        cmocka_unit_test(the_longest_prefix_decides_whose_signature_an_image_needs),
        cmocka_unit_test(rules_for_signatures_that_are_ambiguous_or_cover_nothing_are_refused),
        cmocka_unit_test(the_default_targets_are_fine),
        cmocka_unit_test(refuses_missing_keys),
        cmocka_unit_test(refuses_wrong_types),
        cmocka_unit_test(refuses_paths_that_leave_the_definition),
        cmocka_unit_test(refuses_bad_variables),
        cmocka_unit_test(refuses_databases_that_make_no_sense),
        cmocka_unit_test(refuses_services_that_would_mount_anything),
        cmocka_unit_test(all_findings_are_listed),
        cmocka_unit_test(text_from_outside_is_printed_safely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
