/* release.json: written, read back, refused. */
#include "tests/unit/app/cases.h"

#include "app/release.h"
#include "base/mem.h"

#define D(c) "sha256:" c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c
#define H(c) c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c

static const char bundle_yaml[] =
    "name: shop\nversion: 1.2.3\ntitle: Gr\xc3\xbc\xc3\x9f Gott\ncompose: [deploy/compose.yaml]\nimages: [\"extra:1\"]\nmigrations: sql\nbootstrap: sql/bootstrap\n"
    "database: { service: db, name: s, user: s, password: \"${PW}\", admin_user: postgres, admin_password: \"${PW}\" }\n"
    "variables: [{ name: PW, secret: true, generate: 32 }, { name: PORT, default: \"80\", pattern: \"[0-9]+\", help: h }, { name: E, default: \"\" }]\n"
    "services: { web: { health: \"http://${HOST}:${PORT}/\", timeout: 5s, tls: { certificate: /t/c, key: /t/k }, ca: { file: /c/ca.pem, variables: [] } } }\n"
    "urls: [{ name: Web, url: \"http://${HOST}:${PORT}/\" }]\nupgrade: { from: \">=1.0\", schema_compatible: true }\n"
    "requires: { memory: 1GiB, ports: [\"${PORT}\"], engine: \"20.10\", compose: \"1.29\" }\nlicenses: [LICENSE]\ndocs: [docs]\n";
static const char compose_yaml[] =
    "version: \"3.8\"\nservices:\n  db:\n    image: db:7\n    environment: { P: \"${PW}\" }\n    volumes: [\"../config:/a:ro\"]\n"
    "  web:\n    image: web@sha256:" H("a") "\n    depends_on: [db]\n    profiles: [front]\n    ports: [\"${PORT}:80\"]\n    command: \"${E:+x}\"\n";

static const struct origin_file shop[] = {
    NAME("bundle.yaml", bundle_yaml), NAME("deploy/compose.yaml", compose_yaml), NAME("sql/0001_a.sql", "SELECT 1;\n"),
    NAME("sql/0001_a.down.sql", "SELECT 2; SELECT 3;\n"), NAME("sql/0002_b.sql", "SELECT 4;\n"), NAME("sql/bootstrap/x.sql", "SELECT 5;\n"),
    { .name = "config/run.sh", .bytes = "#!", .n = 2, .is_executable = true }, NAME("LICENSE", "free"), NAME("docs/a/b.txt", "x"),
};

static char type[] = "application/vnd.oci.image.manifest.v1+json";
static struct digest ids[2] = { { { 1 } }, { { 2 } } };
static struct release_platform platforms[2] = {
    { .platform = { "linux", "amd64", "" }, .manifest = { { 3 } }, .config = { { 4 } }, .manifest_size = 100, .config_size = 200,
      .manifest_type = type, .n_diff_ids = 2, .diff_ids = ids },
    { .platform = { "linux", "arm", "v7" }, .manifest = { { 5 } }, .config = { { 6 } }, .manifest_size = 1, .config_size = 2,
      .manifest_type = type, .n_diff_ids = 1, .diff_ids = ids },
};
static const struct release_image resolved[3] = {
    { .has_index = true, .index = { { 9 } }, .n_platforms = 2, .platforms = platforms },
    { .n_platforms = 1, .platforms = platforms },
    { .n_platforms = 1, .platforms = platforms },
};

static void describe(struct release *r)
{
    struct application_options o = { 0 };
    AUTO(findings_clear_auto) struct findings f = { 0 };
    AUTO(origin_free_auto) struct origin *src = origin_memory(shop, ARRAY_LEN(shop));
    struct err e = { 0 };
    AUTO(application_free_auto) struct application *a = application_read(src, "bundle.yaml", &o, &f, &e);
    if (a == NULL)
        fail_msg("%s", e.msg);
    if (!release_describe(r, a, resolved, &e))
        fail_msg("%s", e.msg);
}

static void what_is_written_is_read_back_the_same(void **state)
{
    (void)state;
    AUTO(release_clear_auto) struct release r = { 0 };
    AUTO(release_clear_auto) struct release back = { 0 };
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_RELEASE_BYTES);
    AUTO(buf_clear_auto) struct buf again = BUF_LIMIT(LIMIT_RELEASE_BYTES);
    struct err e = { 0 };
    describe(&r);
    assert_true(release_write(&r, &text, &e));
    assert_int_equal(memcmp(buf_text(&text), "{\"archon_release\":1,", 20), 0);
    assert_int_equal(buf_text(&text)[text.len - 1], '\n');
    if (!release_read(&back, buf_text(&text), text.len, &e))
        fail_msg("%s\n%s", e.msg, buf_text(&text));
    assert_true(release_write(&back, &again, &e));
    assert_string_equal(buf_text(&text), buf_text(&again));

    assert_string_equal(back.title, "Gr\xc3\xbc\xc3\x9f Gott");
    assert_string_equal(back.images[1].reference, "docker.io/library/web:sha256-aaaaaaaaaaaa");
    assert_int_equal(back.images[0].platforms[0].n_diff_ids, 2);
    assert_string_equal(back.services[1].image, back.images[1].reference);
    assert_true(back.services[1].has_ca_variables);
    assert_int_equal(back.services[1].timeout_s, 5);
    assert_int_equal(back.n_migrations, 2);
    assert_true(back.migrations[0].has_down);
    assert_int_equal(back.migrations[0].down_statements, 2);
    assert_string_equal(back.bootstrap[0].path, "sql/bootstrap/x.sql");
    assert_string_equal(back.requires.compose, "2.0"); /* the files need more than the author said */
    assert_string_equal(back.variables.items[2].default_value, "");
    assert_true(release_file_find(&back, "config/run.sh")->is_executable);
    assert_null(release_file_find(&back, "config/run"));
    assert_string_equal(back.docs.items[0], "docs/a/b.txt");
    assert_string_equal(back.compose.items[0], "deploy/compose.yaml");
    AUTO(mem_auto) char *member = release_member("config/run.sh");
    assert_string_equal(member, "app/config/run.sh");
}

static void a_platform_is_found_by_variant_then_without(void **state)
{
    (void)state;
    struct platform v7 = { "linux", "arm", "v7" };
    struct platform v6 = { "linux", "arm", "v6" };
    struct platform amd = { "linux", "amd64", "" };
    assert_ptr_equal(release_platform_find(&resolved[0], &v7), &platforms[1]);
    assert_null(release_platform_find(&resolved[0], &v6));
    assert_ptr_equal(release_platform_find(&resolved[0], &amd), &platforms[0]);
    struct platform amd_v3 = { "linux", "amd64", "v3" };
    struct platform arm_v8 = { "linux", "arm", "v8" };
    assert_ptr_equal(release_platform_find(&resolved[0], &amd_v3), &platforms[0]);
    assert_ptr_equal(release_platform_find(&resolved[0], &arm_v8), &platforms[1]);
}

static bool reads(const char *text, struct err *e)
{
    AUTO(release_clear_auto) struct release r = { 0 };
    return release_read(&r, text, strlen(text), e);
}

static void the_smallest_release_is_accepted(void **state)
{
    (void)state;
    struct err e = { 0 };
    if (!reads("{\"archon_release\":1,\"name\":\"golden\",\"version\":\"1.0.0\",\"images\":[]}\n", &e))
        fail_msg("%s", e.msg);
}

static void refused_at(const char *text, enum err_code code, const char *part, const char *file, int line)
{
    struct err e = { 0 };
    bool ok = reads(text, &e);
    if (ok || e.code != code || strstr(e.msg, part) == NULL) {
        print_error("%s:%d: expected %s \"%s\" in %s \"%s\"\n", file, line, err_name(code), part, err_name(e.code), e.msg);
        _fail(file, line);
    }
}
#define REFUSED(text, part) refused_at(text, ERR_FORMAT, part, __FILE__, __LINE__)

static void refuses_other_documents_and_versions(void **state)
{
    (void)state;
    REFUSED("", "not this kind of document");
    REFUSED("{\"archon_bundle\":1,\"name\":\"a\"}", "not this kind");
    REFUSED(" {\"archon_release\":1,\"name\":\"a\"}", "not this kind");
    REFUSED("{\"archon_release\":2,\"name\":\"a\"}", "version \"2\" of this document is not supported");
    REFUSED("{\"archon_release\":12,\"name\":\"a\"}", "version \"12\"");
    REFUSED("{\"archon_release\":1}", "version \"1\"");
    refused_at("{\"archon_release\":1,\"min_loader\":\"99.0.0\",\"name\":\"a\",\"future\":true}", ERR_POLICY, "needs archon-load 99.0.0 or newer", __FILE__, __LINE__);
}

#define HEAD "{\"archon_release\":1,\"name\":\"a\",\"version\":\"1.0.0\","
#define IMAGES "\"images\":[]"
#define PLATFORM "{\"platform\":\"linux/amd64\",\"manifest\":\"" D("1") "\",\"manifest_size\":1,\"manifest_type\":\"t\",\"config\":\"" D("2") "\",\"config_size\":1,\"diff_ids\":[\"" D("3") "\"]}"
#define IMAGE(name) "{\"reference\":\"" name "\",\"platforms\":[" PLATFORM "]}"
#define FILE_ENTRY(path) "{\"path\":\"" path "\",\"size\":1,\"sha256\":\"" H("1") "\"}"
#define APP "\"images\":[" IMAGE("h.x/a:1") "],\"compose\":{\"files\":[\"c.yaml\"],\"project\":\"a\"},\"files\":[" FILE_ENTRY("1.sql") "," FILE_ENTRY("c.yaml") "]"

static void refuses_what_is_not_strict(void **state)
{
    (void)state;
    REFUSED(HEAD IMAGES ",\"colour\":1}", "colour");
    REFUSED(HEAD IMAGES ",\"name\":\"a\"}", "name");
    REFUSED("{\"archon_release\":1,\"name\":\"A\",\"version\":\"1.0.0\",\"images\":[]}", "no release name");
    REFUSED("{\"archon_release\":1,\"name\":\"a\",\"version\":\"1.0\",\"images\":[]}", "not a semantic version");
    REFUSED("{\"archon_release\":1,\"version\":\"1.0.0\",\"images\":[]}", "name");
    REFUSED(HEAD "\"images\":{}}", "images");
    REFUSED(HEAD IMAGES "}x", "release.json");
}

static void refuses_images_that_are_not_exact(void **state)
{
    (void)state;
    REFUSED(HEAD "\"images\":[" IMAGE("nginx") "]}", "not written as host/repository:tag");
    REFUSED(HEAD "\"images\":[" IMAGE("h.x/a@" D("1")) "]}", "not written as");
    REFUSED(HEAD "\"images\":[" IMAGE("h.x/../a:1") "]}", "reference");
    REFUSED(HEAD "\"images\":[" IMAGE("h.x/a:1") "," IMAGE("h.x/a:1") "]}", "twice");
    REFUSED(HEAD "\"images\":[{\"reference\":\"h.x/a:1\",\"platforms\":[]}]}", "has no platform");
    REFUSED(HEAD "\"images\":[{\"reference\":\"h.x/a:1\",\"platforms\":[" PLATFORM "," PLATFORM "]}]}", "one platform twice");
    REFUSED(HEAD "\"images\":[{\"reference\":\"h.x/a:1\",\"index\":\"sha512:00\",\"platforms\":[" PLATFORM "]}]}", "index");
}

static void refuses_files_outside_and_out_of_order(void **state)
{
    (void)state;
    static const char *const bad[] = { "../x", "/etc/passwd", "a//b", "", "a b", "a/./b" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        AUTO(mem_auto) char *text = mem_format(HEAD IMAGES ",\"files\":[{\"path\":\"%s\",\"size\":1,\"sha256\":\"" H("1") "\"}]}", bad[i]);
        REFUSED(text, "release.json");
    }
    REFUSED(HEAD IMAGES ",\"files\":[" FILE_ENTRY("b") "," FILE_ENTRY("a") "]}", "not in order");
    REFUSED(HEAD IMAGES ",\"files\":[" FILE_ENTRY("a") "," FILE_ENTRY("a") "]}", "not in order");
    REFUSED(HEAD IMAGES ",\"licenses\":[\"a\"]}", "not among the files");
    REFUSED(HEAD IMAGES ",\"docs\":[\"a\"]}", "not among the files");
}

static void refuses_services_that_do_not_hold_together(void **state)
{
    (void)state;
#define SERVICE(rest) HEAD APP ",\"services\":[{\"name\":\"web\",\"image\":\"h.x/a:1\"" rest "}]}"
    struct err e = { 0 };
    if (!reads(SERVICE(""), &e))
        fail_msg("%s", e.msg);
    REFUSED(HEAD APP ",\"services\":[{\"name\":\"web\",\"image\":\"h.x/b:1\"}]}", "image \"h.x/b:1\" is not in the release");
    REFUSED(HEAD APP ",\"services\":[{\"name\":\"-x\",\"image\":\"h.x/a:1\"}]}", "no name of a service");
    REFUSED(HEAD APP ",\"services\":[]}", "without services");
    REFUSED(HEAD IMAGES ",\"services\":[{\"name\":\"web\",\"image\":\"h.x/a:1\"}]}", "without compose files");
    REFUSED(SERVICE(",\"needs\":[\"db\"]"), "which is no service");
    REFUSED(SERVICE(",\"profiles\":[\"--x\"]"), "no name of a profile");
    REFUSED(SERVICE(",\"health\":\"file:///etc/passwd\""), "no http://");
    REFUSED(SERVICE(",\"health\":\"http://x:${PORT}\""), "PORT is not declared");
    REFUSED(SERVICE(",\"health\":\"http://x:${PORT\""), "is no variable");
    REFUSED(SERVICE(",\"tls\":{\"certificate\":\"/a:/b\",\"key\":\"/k\"}"), "no path in a container");
    REFUSED(SERVICE(",\"tls\":{\"certificate\":\"/a\"}"), "key");
    REFUSED(SERVICE(",\"ca\":{\"file\":\"x\"}"), "no path in a container");
    REFUSED(SERVICE(",\"ca\":{\"variables\":[\"A=B\"]}"), "no name of an environment variable");
    REFUSED(SERVICE(",\"timeout_s\":86401"), "timeout_s");
    REFUSED(HEAD "\"images\":[" IMAGE("h.x/a:1") "],\"services\":[{\"name\":\"w\",\"image\":\"h.x/a:1\"}],\"compose\":{\"files\":[\"gone\"],\"project\":\"a\"}}", "is not among the files");
}

static void refuses_variables_and_databases_that_make_no_sense(void **state)
{
    (void)state;
    REFUSED(HEAD IMAGES ",\"variables\":[{\"name\":\"A\"},{\"name\":\"A\"}]}", "declared twice");
    REFUSED(HEAD IMAGES ",\"variables\":[{\"name\":\"COMPOSE_FILE\"}]}", "COMPOSE_FILE");
    REFUSED(HEAD IMAGES ",\"variables\":[{\"name\":\"A\",\"pattern\":\"((a{255}){255}){255}\"}]}", "pattern");
    REFUSED(HEAD IMAGES ",\"variables\":[{\"name\":\"A\",\"generate\":257}]}", "generate");
    REFUSED(HEAD IMAGES ",\"urls\":[{\"name\":\"x\",\"url\":\"http://${X}\"}]}", "X is not declared");
    REFUSED(HEAD IMAGES ",\"database\":{\"name\":\"x\"}}", "either service or url");
    REFUSED(HEAD IMAGES ",\"database\":{\"url\":\"postgres://u:p@h/d\"}}", "expected ${NAME}");
    REFUSED(HEAD IMAGES ",\"database\":{\"service\":\"db\",\"name\":\"x\",\"user\":\"x\",\"password\":\"${P}\"}}", "is no service");
    REFUSED(HEAD IMAGES ",\"requires\":{\"engine\":\"new\"}}", "engine");
    REFUSED(HEAD IMAGES ",\"upgrade\":{\"from\":\"any\"}}", "any");
}

static void refuses_migrations_that_are_not_the_files(void **state)
{
    (void)state;
#define SQL(order, path, sha) "{\"order\":" order ",\"name\":\"1.sql\",\"path\":\"" path "\",\"sha256\":\"" sha "\",\"mode\":\"transaction\",\"statements\":1}"
#define DB ",\"variables\":[{\"name\":\"P\",\"secret\":true}],\"database\":{\"url\":\"${P}\"},\"services\":[{\"name\":\"w\",\"image\":\"h.x/a:1\"}]"
    struct err e = { 0 };
    if (!reads(HEAD APP DB ",\"migrations\":[" SQL("1", "1.sql", H("1")) "]}", &e))
        fail_msg("%s", e.msg);
    REFUSED(HEAD APP ",\"services\":[{\"name\":\"w\",\"image\":\"h.x/a:1\"}],\"migrations\":[" SQL("1", "1.sql", H("1")) "]}", "without a database");
    REFUSED(HEAD APP DB ",\"migrations\":[" SQL("1", "1.sql", H("2")) "]}", "two digests");
    REFUSED(HEAD APP DB ",\"migrations\":[" SQL("1", "2.sql", H("1")) "]}", "not the name of");
    REFUSED(HEAD APP DB ",\"migrations\":[" SQL("1", "x/1.sql", H("1")) "]}", "not among the files");
    REFUSED(HEAD APP DB ",\"migrations\":[" SQL("2", "1.sql", H("1")) "," SQL("2", "1.sql", H("1")) "]}", "does not rise");
    REFUSED(HEAD APP DB ",\"migrations\":[{\"order\":1,\"name\":\"1.sql\",\"path\":\"1.sql\",\"sha256\":\"" H("1") "\",\"mode\":\"single\",\"statements\":1}]}", "mode");
}

static void packed_compose_files_must_show_the_signed_model(void **state)
{
    (void)state;
    AUTO(release_clear_auto) struct release r = { 0 };
    describe(&r);
    static const struct {
        const char *text, *part; /* null: the same model */
    } cases[] = {
        { "services:\n  db:\n    image: docker.io/library/db:7\n    volumes: [\"../config:/a:ro\"]\n  web:\n    image: docker.io/library/web:sha256-aaaaaaaaaaaa\n    depends_on: [db]\n    profiles: [front]\n", NULL },
        { "services:\n  db:\n    image: docker.io/library/db:7\n", "1 services, signed are 2" },
        { "services:\n  db:\n    image: docker.io/library/db:8\n  web:\n    image: docker.io/library/web:sha256-aaaaaaaaaaaa\n    depends_on: [db]\n    profiles: [front]\n", "image of service db" },
        { "services:\n  db:\n    image: docker.io/library/db:7\n  wep:\n    image: docker.io/library/web:sha256-aaaaaaaaaaaa\n", "service wep" },
        { "services:\n  db:\n    image: docker.io/library/db:7\n  web:\n    image: docker.io/library/web:sha256-aaaaaaaaaaaa\n    depends_on: [db]\n", "profiles or dependencies" },
        { "services:\n  db:\n    image: docker.io/library/db:7\n    command: \"${NEW}\"\n  web:\n    image: docker.io/library/web:sha256-aaaaaaaaaaaa\n    depends_on: [db]\n    profiles: [front]\n", "variable NEW" },
        { "services:\n  db:\n    image: docker.io/library/db:7\n    volumes: [\"../conf:/a:ro\"]\n  web:\n    image: docker.io/library/web:sha256-aaaaaaaaaaaa\n    depends_on: [db]\n    profiles: [front]\n", "file conf" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct origin_file file = { .name = "deploy/compose.yaml", .bytes = cases[i].text, .n = strlen(cases[i].text) };
        AUTO(origin_free_auto) struct origin *src = origin_memory(&file, 1);
        AUTO(findings_clear_auto) struct findings f = { 0 };
        struct err e = { 0 };
        AUTO(compose_free_auto) struct compose *c = compose_read(src, &r.compose, COMPOSE_PACKED, &f, &e);
        assert_non_null(c);
        if (!findings_done(&f, &e))
            fail_msg("%s", e.msg);
        assert_int_equal(release_check_compose(&r, c, &e), cases[i].part == NULL);
        if (cases[i].part == NULL)
            continue;
        assert_int_equal(e.code, ERR_POLICY);
        ASSERT_HAS(e.msg, cases[i].part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back_the_same),
        cmocka_unit_test(a_platform_is_found_by_variant_then_without),
        cmocka_unit_test(the_smallest_release_is_accepted),
        cmocka_unit_test(refuses_other_documents_and_versions),
        cmocka_unit_test(refuses_what_is_not_strict),
        cmocka_unit_test(refuses_images_that_are_not_exact),
        cmocka_unit_test(refuses_files_outside_and_out_of_order),
        cmocka_unit_test(refuses_services_that_do_not_hold_together),
        cmocka_unit_test(refuses_variables_and_databases_that_make_no_sense),
        cmocka_unit_test(refuses_migrations_that_are_not_the_files),
        cmocka_unit_test(packed_compose_files_must_show_the_signed_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
