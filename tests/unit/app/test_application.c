/* Definition, compose files, images, SQL and files together. */
#include "tests/unit/app/cases.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/application.h"
#include "base/mem.h"

#define HEX64 "9f2c5b1e9f2c5b1e9f2c5b1e9f2c5b1e9f2c5b1e9f2c5b1e9f2c5b1e9f2c5b1e"
#define BUNDLE                                                                                                                   \
    "name: shop\nversion: 1.0.0\ncompose: [compose.yaml]\nimages: [\"extra:${TAG}\"]\nmigrations: sql\nbootstrap: sql/bootstrap\n" \
    "database: { service: db, name: s, user: s, password: \"${PW}\", admin_user: postgres, admin_password: \"${PW}\" }\n"        \
    "variables: [{ name: PW, secret: true, generate: 32 }, { name: PORT, default: \"80\" }]\nfiles: [config]\nlicenses: [LICENSE]\n"
#define COMPOSE                                                                                                              \
    "services:\n  db:\n    image: db:${TAG}\n    environment: { P: \"${PW}\" }\n    volumes: [\"./config/a.conf:/a:ro\"]\n"      \
    "  web:\n    image: db:${TAG}\n    ports: [\"${PORT}:80\"]\n  pin:\n    image: p@sha256:" HEX64 "\n"
#define SQL "CREATE TABLE t (i int);\n"
static const struct origin_file shop[] = {
    NAME("bundle.yaml", BUNDLE), NAME("compose.yaml", COMPOSE), NAME(".env", "TAG=7\nUNUSED=$x\n"), NAME("sql/0001_a.sql", SQL),
    NAME("sql/0002_b.sql", SQL SQL), NAME("sql/0002_b.down.sql", SQL), NAME("sql/README", "notes"), NAME("sql/bootstrap/x.sql", SQL),
    { .name = "config/a.conf", .bytes = "a", .n = 1 }, { .name = "config/run.sh", .bytes = "#!", .n = 2, .is_executable = true },
    NAME("config/.hidden", "no"), NAME("LICENSE", "free"), NAME("other/file", "not packed"),
};

static struct application *read_shop(const struct origin_file *files, size_t n, const struct application_options *o, struct err *e)
{
    AUTO(findings_clear_auto) struct findings f = { 0 };
    AUTO(origin_free_auto) struct origin *src = origin_memory(files, n);
    return application_read(src, "bundle.yaml", o, &f, e);
}

static void brings_everything_together(void **state)
{
    (void)state;
    struct application_options o = { 0 };
    struct err e = { 0 };
    AUTO(application_free_auto) struct application *a = read_shop(shop, ARRAY_LEN(shop), &o, &e);
    if (a == NULL)
        fail_msg("%s", e.msg);
    assert_int_equal(a->n_images, 3);
    assert_string_equal(REF_SHOWN(&a->images[0].ref), "docker.io/library/db:7");
    assert_int_equal(a->images[0].services.n, 2);
    assert_true(a->images[1].original.has_digest);
    assert_string_equal(REF_SHOWN(&a->images[1].ref), "docker.io/library/p:sha256-9f2c5b1e9f2c");
    assert_string_equal(REF_SHOWN(&a->images[2].ref), "docker.io/library/extra:7");
    static const char *const files[] = { "LICENSE", "compose.yaml", "config/a.conf", "config/run.sh", "sql/0001_a.sql",
                                         "sql/0002_b.down.sql", "sql/0002_b.sql", "sql/bootstrap/x.sql" };
    assert_int_equal(a->n_files, ARRAY_LEN(files));
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        assert_string_equal(a->files[i].path, files[i]);
    assert_true(a->files[3].is_executable);
    assert_false(a->files[2].is_executable);
    assert_int_equal(a->files[4].size, sizeof SQL - 1);
    struct digest d;
    sha256_of(&d, SQL, sizeof SQL - 1);
    assert_true(digest_equal(&d, &a->files[4].sha256));
    ASSERT_HAS(a->files[1].text, "image: docker.io/library/db:7\n");
    assert_int_equal(a->migrations.n, 3);
    assert_int_equal(a->bootstrap.n, 1);
    assert_int_equal(a->definition.n_platforms, 1);
    assert_string_equal(a->definition.platforms[0].architecture, "amd64");
}

static const char *environment(const char *name)
{
    return strcmp(name, "TAG") == 0 ? "8" : NULL;
}

static void the_environment_beats_the_env_file_which_replaces_dot_env(void **state)
{
    (void)state;
    struct application_options o = { .env_file_text = "TAG=9\n", .env_file_bytes = 6, .env_file_name = "site.env" };
    struct err e = { 0 };
    AUTO(application_free_auto) struct application *a = read_shop(shop, ARRAY_LEN(shop), &o, &e);
    assert_non_null(a);
    assert_string_equal(a->images[0].ref.tag, "9");
    o.environment = environment;
    AUTO(application_free_auto) struct application *b = read_shop(shop, ARRAY_LEN(shop), &o, &e);
    assert_string_equal(b->images[0].ref.tag, "8");
}

static void options_override_version_and_platforms(void **state)
{
    (void)state;
    static const char *const platforms[] = { "linux/arm64", "linux/amd64" };
    struct application_options o = { .version = "2.0.0-rc.1", .platforms = platforms, .n_platforms = 2 };
    struct err e = { 0 };
    AUTO(application_free_auto) struct application *a = read_shop(shop, ARRAY_LEN(shop), &o, &e);
    assert_non_null(a);
    assert_string_equal(a->definition.version.text, "2.0.0-rc.1");
    assert_int_equal(a->definition.n_platforms, 2);
    o.version = "new";
    assert_null(read_shop(shop, ARRAY_LEN(shop), &o, &e));
    assert_int_equal(e.code, ERR_USAGE);
}

/* The shop with one file replaced. */
static void refused_at(const char *name, const char *text, const char *part, const char *where, int line)
{
    struct origin_file files[ARRAY_LEN(shop)];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(shop); i++) {
        files[n] = shop[i];
        if (strcmp(shop[i].name, name) == 0 && text == NULL)
            continue;
        if (strcmp(shop[i].name, name) == 0) {
            files[n].bytes = text;
            files[n].n = strlen(text);
        }
        n++;
    }
    struct application_options o = { 0 };
    struct err e = { 0 };
    AUTO(application_free_auto) struct application *a = read_shop(files, n, &o, &e);
    if (a != NULL || strstr(e.msg, part) == NULL) {
        print_error("%s:%d: expected \"%s\" in \"%s\"\n", where, line, part, e.msg);
        _fail(where, line);
    }
}
#define REFUSED(name, text, part) refused_at(name, text, part, __FILE__, __LINE__)

static void refuses_what_does_not_fit_together(void **state)
{
    (void)state;
    REFUSED("bundle.yaml", NULL, "bundle.yaml: no such file");
    REFUSED("compose.yaml", NULL, "compose.yaml: no such file");
    REFUSED("LICENSE", NULL, "licenses: LICENSE: no such file");
    REFUSED("config/a.conf", NULL, "mounted by a service: config/a.conf: no such file");
    REFUSED(".env", "OTHER=1\n", "compose.yaml:3:12: image: TAG has no value");
    REFUSED(".env", "TAG=a${B}\n", ".env:1: TAG holds a $");
    REFUSED(".env", "TAG=Not a tag\n", "compose.yaml:3:12: image");
    REFUSED("sql/0001_a.sql", "SELECT 1; COMMIT;", "0001_a.sql");
    REFUSED("sql/0002_b.sql", NULL, "0002_b.down.sql");
    REFUSED("compose.yaml", "services:\n  db:\n    image: x:${TAG}\n    command: \"${UNDECLARED}\"\n", "compose.yaml:4:14: variable UNDECLARED is not declared");
    REFUSED("compose.yaml", "services:\n  database:\n    image: x\n", "database.service: the compose files have no service \"db\"");
    REFUSED("bundle.yaml", BUNDLE "services: { wep: { timeout: 5s } }\n", "services: the compose files have no service \"wep\"");
    REFUSED("compose.yaml", "services:\n  db:\n    image: p:1@sha256:" HEX64 "\n  b:\n    image: p:1\n", "would have one name on the host");
}

static void names_that_differ_in_case_only_are_refused(void **state)
{
    (void)state;
    static const struct origin_file files[] = { NAME("bundle.yaml", "name: a\nversion: 1.0.0\nimages: [a]\nfiles: [x]\n"), NAME("x/a", ""),
                                                NAME("x/A", "") };
    struct application_options o = { 0 };
    struct err e = { 0 };
    assert_null(read_shop(files, 3, &o, &e));
    ASSERT_HAS(e.msg, "upper and lower case");
}

static void compose_files_alone_make_an_application(void **state)
{
    (void)state;
    static const struct origin_file files[] = {
        NAME("compose.yaml", "services:\n  a:\n    image: a:1\n    ports: [\"${PORT:-80}:80\"]\n    environment: { P: \"${DB_PASSWORD}\", Q: \"${NAME:?which}\" }\n") };
    static char name[] = "compose.yaml";
    static char *items[] = { name };
    static const struct texts list = { .items = items, .n = 1 };
    struct application_options o = { .version = "1.0.0" };
    AUTO(origin_free_auto) struct origin *src = origin_memory(files, 1);
    AUTO(findings_clear_auto) struct findings f = { 0 };
    struct err e = { 0 };
    AUTO(application_free_auto) struct application *a = application_from_compose(src, &list, "My Shop_", &o, &f, &e);
    if (a == NULL)
        fail_msg("%s", e.msg);
    assert_string_equal(a->definition.name, "my-shop");
    assert_int_equal(a->definition.variables.n, 3);
    assert_true(a->definition.variables.items[0].is_secret);
    assert_true(a->definition.variables.items[1].is_required);
    assert_string_equal(a->definition.variables.items[2].default_value, "80");
    o.version = NULL;
    assert_null(application_from_compose(src, &list, "x", &o, &f, &e));
    assert_int_equal(e.code, ERR_USAGE);
    ASSERT_HAS(e.hint, "--version");
}

static void images_alone_make_an_application(void **state)
{
    (void)state;
    static const char *const refs[] = { "registry.example/team/Nginx_Web:1.25.0", "busybox" };
    static const char *const good[] = { "registry.example/team/nginx_web:1.25.0", "busybox" };
    struct application_options o = { 0 };
    AUTO(findings_clear_auto) struct findings f = { 0 };
    struct err e = { 0 };
    assert_null(application_from_images(refs, 2, NULL, &o, &f, &e));
    findings_clear(&f);
    struct err e2 = { 0 };
    AUTO(application_free_auto) struct application *a = application_from_images(good, 2, NULL, &o, &f, &e2);
    if (a == NULL)
        fail_msg("%s", e2.msg);
    assert_string_equal(a->definition.name, "nginx-web");
    assert_string_equal(a->definition.version.text, "1.25.0");
    assert_int_equal(a->n_images, 2);
    assert_int_equal(a->n_files, 0);
}

static void images_of_the_local_engine_are_marked(void **state)
{
    (void)state;
    static const char *const refs[] = { "docker-daemon:shop/web:1.4.0", "busybox" };
    struct application_options o = { 0 };
    AUTO(findings_clear_auto) struct findings f = { 0 };
    struct err e = { 0 };
    AUTO(application_free_auto) struct application *a = application_from_images(refs, 2, NULL, &o, &f, &e);
    if (a == NULL)
        fail_msg("%s", e.msg);
    assert_string_equal(a->definition.name, "web");
    assert_string_equal(REF_SHOWN(&a->images[0].ref), "docker.io/shop/web:1.4.0");
    assert_true(a->images[0].place.kind == PLACE_ENGINE);
    assert_false(a->images[1].place.kind == PLACE_ENGINE);
    static const struct origin_file files[] = { NAME("bundle.yaml", "name: a\nversion: 1.0.0\ncompose: c\nimages: [\"docker-daemon:web:1\"]\n"),
                                                NAME("c", "services: { web: { image: web:1 } }\n") };
    AUTO(application_free_auto) struct application *b = read_shop(files, 2, &o, &e);
    if (b == NULL)
        fail_msg("%s", e.msg);
    assert_int_equal(b->n_images, 1);
    assert_true(b->images[0].place.kind == PLACE_ENGINE);
    static const struct origin_file pinned[] = { NAME("bundle.yaml", "name: a\nversion: 1.0.0\nimages: [\"docker-daemon:web@sha256:" HEX64 "\"]\n") };
    assert_null(read_shop(pinned, 1, &o, &e));
    ASSERT_HAS(e.msg, "name and tag");
}

static bool name_from_file(const struct image_place *place, struct ref *name, struct err *e)
{
    if (strstr(place->path, "nameless") != NULL)
        return err_set(e, ERR_REGISTRY, "%s: does not tell", place->path);
    return ref_parse(name, "r.example/inside:3.1.0", e);
}

static void images_of_files_have_the_name_beside_them_or_inside(void **state)
{
    (void)state;
    struct application_options o = { .image_name = name_from_file, .folder = "shop" };
    struct err e = { 0 }, e2 = { 0 }, e3 = { 0 }, e4 = { 0 };
    static const struct origin_file files[] = { NAME("bundle.yaml", "name: a\nversion: 1.0.0\ncompose: c\nimages:\n  - { reference: \"web:1\", from: \"oci:images/web:${TAG:-dev}\" }\n"
                                                                    "  - oci-archive:/srv/x.tar\n  - { reference: \"api:2\", from: \"docker://staging.example/api:rc\" }\n"),
                                                NAME("c", "services: { web: { image: web:1 } }\n") };
    AUTO(application_free_auto) struct application *a = read_shop(files, 2, &o, &e);
    if (a == NULL)
        fail_msg("%s", e.msg);
    assert_int_equal(a->n_images, 3);
    assert_string_equal(REF_SHOWN(&a->images[0].ref), "docker.io/library/web:1");
    assert_int_equal(a->images[0].services.n, 1);
    assert_int_equal(a->images[0].place.kind, PLACE_OCI);
    assert_string_equal(a->images[0].place.path, "shop/images/web");
    assert_string_equal(a->images[0].place.inside, "dev");
    assert_string_equal(REF_SHOWN(&a->images[1].ref), "r.example/inside:3.1.0");
    assert_string_equal(a->images[1].place.path, "/srv/x.tar");
    assert_string_equal(REF_SHOWN(&a->images[2].ref), "docker.io/library/api:2");
    assert_string_equal(REF_SHOWN(&a->images[2].original), "staging.example/api:rc");
    static const char *const alone[] = { "oci-archive:x.tar" };
    AUTO(findings_clear_auto) struct findings f = { 0 };
    AUTO(application_free_auto) struct application *b = application_from_images(alone, 1, NULL, &o, &f, &e2);
    if (b == NULL)
        fail_msg("%s", e2.msg);
    assert_string_equal(b->definition.name, "inside");
    assert_string_equal(b->definition.version.text, "3.1.0");
    static const struct origin_file nameless[] = { NAME("bundle.yaml", "name: a\nversion: 1.0.0\nimages: [\"oci:nameless\"]\n") };
    assert_null(read_shop(nameless, 1, &o, &e3));
    assert_int_equal(e3.code, ERR_CONFIG);
    ASSERT_HAS(e3.msg, "does not tell");
    o.image_name = NULL;
    assert_null(read_shop(nameless, 1, &o, &e4));
    ASSERT_HAS(e4.msg, "needs a name");
}

static void one_name_from_two_places_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *images, *part;
    } cases[] = {
        { "[\"a:1=oci:x\", \"a:1=oci:y\"]", "oci:x and oci:y would have one name" },
        { "[\"a:1=oci:x:1\", \"a:1=oci-archive:x:1\"]", "one name on the host" },
        { "[\"docker-daemon:a:1\", \"a:1=oci:x\"]", "one name on the host" },
        { "[{ reference: \"oci:x\", from: \"oci:y\" }]", "expected the image's name beside from:" },
        { "[{ reference: \"a:1\", from: \"b:1\" }]", "expected docker://" },
        { "[{ from: \"oci:x\" }]", "image without a reference" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = { 0 };
        struct application_options o = { 0 };
        AUTO(mem_auto) char *text = mem_format("name: a\nversion: 1.0.0\nimages: %s\n", cases[i].images);
        struct origin_file file = { .name = "bundle.yaml", .bytes = text, .n = strlen(text) };
        assert_null(read_shop(&file, 1, &o, &e));
        assert_int_equal(e.code, ERR_CONFIG);
        ASSERT_HAS(e.msg, cases[i].part);
    }
    struct err e = { 0 };
    struct application_options o = { 0 };
    static const struct origin_file same[] = { NAME("bundle.yaml", "name: a\nversion: 1.0.0\nimages: [\"a:1\", \"a:1=oci:x\", \"a:1\", \"a:1=oci:x\"]\n") };
    AUTO(application_free_auto) struct application *a = read_shop(same, 1, &o, &e);
    if (a == NULL)
        fail_msg("%s", e.msg);
    assert_int_equal(a->n_images, 1);
    assert_int_equal(a->images[0].place.kind, PLACE_OCI);
}

static void a_directory_is_read_without_following_links(void **state)
{
    (void)state;
    char dir[] = "/tmp/archon-test-source-XXXXXX";
    assert_non_null(mkdtemp(dir));
    AUTO(mem_auto) char *folder = mem_format("%s/real", dir);
    AUTO(mem_auto) char *file = mem_format("%s/real/f", dir);
    AUTO(mem_auto) char *link_folder = mem_format("%s/linked", dir);
    AUTO(mem_auto) char *link_file = mem_format("%s/real/l", dir);
    assert_int_equal(mkdir(folder, 0755), 0);
    FILE *out = fopen(file, "w");
    fputs("text", out);
    fclose(out);
    assert_int_equal(symlink("real", link_folder), 0);
    assert_int_equal(symlink("f", link_file), 0);
    AUTO(origin_free_auto) struct origin *src = origin_directory(dir);
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(100);
    struct err e = { 0 };
    assert_true(origin_read(src, "real/f", &text, &e));
    assert_string_equal(buf_text(&text), "text");
    static const char *const bad[] = { "linked/f", "real/l", "real", "../x", "/etc/passwd", "real/../real/f", "", "real//f" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err bad_error = { 0 };
        AUTO(buf_clear_auto) struct buf more = BUF_LIMIT(100);
        if (origin_read(src, bad[i], &more, &bad_error))
            fail_msg("%s was read", bad[i]);
        assert_int_equal(bad_error.code, ERR_CONFIG);
    }
    AUTO(buf_clear_auto) struct buf small = BUF_LIMIT(3);
    struct err e3 = { 0 };
    assert_false(origin_read(src, "real/f", &small, &e3));
    ASSERT_HAS(e3.msg, "4 bytes, at most 3");
    unlink(link_file);
    unlink(link_folder);
    unlink(file);
    rmdir(folder);
    rmdir(dir);
}

static const char *no_environment(const char *name)
{
    (void)name;
    return NULL;
}

static void definitions_of_this_repository_are_sound(void **state)
{
    (void)state;
    static const char *const folders[] = { "embed/archon", "tests/support/app" };
    const char *root = getenv("ARCHON_SOURCE_DIR");
    assert_non_null(root);
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        AUTO(mem_auto) char *dir = mem_format("%s/%s", root, folders[i]);
        AUTO(origin_free_auto) struct origin *src = origin_directory(dir);
        struct application_options o = { .environment = no_environment };
        AUTO(findings_clear_auto) struct findings f = { 0 };
        struct err e = { 0 };
        AUTO(application_free_auto) struct application *a = application_read(src, "bundle.yaml", &o, &f, &e);
        if (a == NULL)
            fail_msg("%s: %s", folders[i], e.msg);
        assert_true(a->n_images >= 3);
        assert_true(a->migrations.n >= 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brings_everything_together),
        cmocka_unit_test(the_environment_beats_the_env_file_which_replaces_dot_env),
        cmocka_unit_test(options_override_version_and_platforms),
        cmocka_unit_test(refuses_what_does_not_fit_together),
        cmocka_unit_test(names_that_differ_in_case_only_are_refused),
        cmocka_unit_test(compose_files_alone_make_an_application),
        cmocka_unit_test(images_alone_make_an_application),
        cmocka_unit_test(images_of_the_local_engine_are_marked),
        cmocka_unit_test(images_of_files_have_the_name_beside_them_or_inside),
        cmocka_unit_test(one_name_from_two_places_is_refused),
        cmocka_unit_test(a_directory_is_read_without_following_links),
        cmocka_unit_test(definitions_of_this_repository_are_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
