/* What is compiled in is what lies in the source tree, and is fit to be packed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ftw.h>

#include "app/compose.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "embed/embed.h"
#include "sql/files.h"

/* Bundles put the application below app/ and the manual below docs/. */
enum { PREFIX_BYTES = 5, PREFIX_DEPTH = 1 };

static void source_path(char out[LIMIT_PATH_BYTES], const char *root, const char *path)
{
    const char *source = getenv("ARCHON_SOURCE_DIR");
    assert_non_null(source);
    int n = snprintf(out, LIMIT_PATH_BYTES, "%s/embed/%s/%s", source, root, path);
    assert_in_range(n, 1, LIMIT_PATH_BYTES - 1);
}

static void check_sorted(const struct embed_file *files, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (strcmp(files[i - 1].path, files[i].path) >= 0)
            fail_msg("%s stands before %s", files[i - 1].path, files[i].path);
}

static void both_lists_are_sorted_and_without_repetition(void **state)
{
    (void)state;
    size_t n;
    const struct embed_file *files = embed_files(&n);
    assert_true(n > 10);
    check_sorted(files, n);
    files = embed_docs(&n);
    assert_true(n >= 1);
    check_sorted(files, n);
}

/* nftw has no argument for its callback. */
static const struct embed_file *walked;
static size_t walked_n, walked_found, walked_root;

static int count_file(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)at;
    if (type != FTW_F)
        return 0;
    if (embed_find(walked, walked_n, path + walked_root) == NULL) {
        print_error("%s is not named in embed/CMakeLists.txt\n", path);
        return 1;
    }
    walked_found++;
    return 0;
}

static void check_complete(const struct embed_file *files, size_t n, const char *root)
{
    char dir[LIMIT_PATH_BYTES];
    source_path(dir, root, "");
    walked = files;
    walked_n = n;
    walked_found = 0;
    walked_root = strlen(dir);
    assert_int_equal(nftw(dir, count_file, 8, FTW_PHYS), 0);
    assert_int_equal(walked_found, n);
}

static void every_file_of_the_source_tree_is_compiled_in(void **state)
{
    (void)state;
    size_t n;
    const struct embed_file *files = embed_files(&n);
    check_complete(files, n, "archon");
    files = embed_docs(&n);
    check_complete(files, n, "docs");
}

static void check_bytes(const struct embed_file *file, const char *root)
{
    char path[LIMIT_PATH_BYTES];
    static char disk[1 << 20];
    source_path(path, root, file->path);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    size_t n = fread(disk, 1, sizeof disk, in);
    fclose(in);
    assert_int_equal(n, file->size);
    assert_memory_equal(disk, file->bytes, n);
}

static void the_bytes_are_those_of_the_source_tree(void **state)
{
    (void)state;
    size_t n;
    const struct embed_file *files = embed_files(&n);
    for (size_t i = 0; i < n; i++)
        check_bytes(&files[i], "archon");
    files = embed_docs(&n);
    for (size_t i = 0; i < n; i++)
        check_bytes(&files[i], "docs");
}

static size_t depth_of(const char *path)
{
    size_t depth = 1;
    for (; *path != '\0'; path++)
        depth += *path == '/';
    return depth;
}

static void check_fit(const struct embed_file *file)
{
    const char *text = (const char *)file->bytes;
    if (file->size == 0 || file->bytes[file->size - 1] != '\n')
        fail_msg("%s: does not end with a new line", file->path);
    if (memchr(text, '\r', file->size) != NULL || memchr(text, '\t', file->size) != NULL)
        fail_msg("%s: has a carriage return or a tab", file->path);
    if (!text_is_utf8(text, file->size) || memcmp(text, "\xef\xbb\xbf", 3) == 0)
        fail_msg("%s: is not UTF-8 without a byte order mark", file->path);
    if (strlen(file->path) + PREFIX_BYTES > LIMIT_NAME_BYTES || depth_of(file->path) + PREFIX_DEPTH > LIMIT_NAME_DEPTH)
        fail_msg("%s: too long or too deep for a bundle", file->path);
    if (strspn(file->path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+@-/") != strlen(file->path) ||
        strstr(file->path, "..") != NULL)
        fail_msg("%s: not a name for a bundle", file->path);
}

static void every_file_is_plain_text_with_a_name_that_a_bundle_takes(void **state)
{
    (void)state;
    size_t n;
    const struct embed_file *files = embed_files(&n);
    for (size_t i = 0; i < n; i++)
        check_fit(&files[i]);
    files = embed_docs(&n);
    for (size_t i = 0; i < n; i++)
        check_fit(&files[i]);
}

/* Upstream's own files may be passed on only under its licence and with its text: none of them belongs here. */
static void no_file_is_one_of_upstream(void **state)
{
    (void)state;
    static const char *const theirs[] = { "complete_setup.sql", "docker-compose.yml", "Dockerfile.server", "package.json",
                                          "RESET_DB.sql", "DB_UPGRADE_INSTRUCTIONS.md", ".env.example" };
    size_t n;
    const struct embed_file *files = embed_files(&n);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < ARRAY_LEN(theirs); k++)
            if (text_ends(files[i].path, theirs[k]))
                fail_msg("%s has the name of a file of Archon's repository", files[i].path);
}

static bool has_text(const struct embed_file *file, const char *word)
{
    return memmem(file->bytes, file->size, word, strlen(word)) != NULL;
}

static void the_compose_file_mounts_no_engine_socket_and_publishes_the_server_on_loopback(void **state)
{
    (void)state;
    size_t n;
    const struct embed_file *files = embed_files(&n);
    const struct embed_file *compose = embed_find(files, n, "compose.yaml");
    assert_non_null(compose);
    assert_false(has_text(compose, "docker.sock"));
    assert_false(has_text(compose, "privileged"));
    assert_false(has_text(compose, "build:"));
    assert_true(has_text(compose, "\"127.0.0.1:${ARCHON_SERVER_PORT}:${ARCHON_SERVER_PORT}\""));
    assert_false(has_text(compose, "\"0.0.0.0:"));
}

static void migrations_are_numbered_without_a_gap(void **state)
{
    (void)state;
    size_t n, seen = 0;
    const struct embed_file *files = embed_files(&n);
    for (size_t i = 0; i < n; i++) {
        char prefix[32];
        if (!text_starts(files[i].path, "sql/0"))
            continue;
        snprintf(prefix, sizeof prefix, "sql/%04zu_", ++seen);
        assert_true(text_starts(files[i].path, prefix));
    }
    assert_int_equal(seen, 10);
}

static void check_sql(const char *folder, enum sql_kind kind, size_t want)
{
    AUTO(sql_set_clear_auto) struct sql_set set = { 0 };
    struct err e = { 0 };
    size_t n;
    const struct embed_file *files = embed_files(&n);
    for (size_t i = 0; i < n; i++) {
        const char *name = files[i].path + strlen(folder);
        if (!text_starts(files[i].path, folder) || strchr(name, '/') != NULL)
            continue;
        if (!sql_set_add(&set, kind, name, files[i].bytes, files[i].size, &e))
            fail_msg("%s", e.msg);
    }
    if (!sql_set_check(&set, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(set.n, want);
}

static void the_loader_accepts_every_migration(void **state)
{
    (void)state;
    check_sql("sql/", SQL_ORDINARY, 10);
    check_sql("sql/bootstrap/", SQL_BOOTSTRAP, 4);
}

static struct origin *application_source(struct origin_file **table)
{
    size_t n;
    const struct embed_file *files = embed_files(&n);
    *table = mem_new_array(n, sizeof **table);
    for (size_t i = 0; i < n; i++)
        (*table)[i] = (struct origin_file){ .name = files[i].path, .bytes = files[i].bytes, .n = files[i].size };
    return origin_memory(*table, n);
}

static const char *no_environment(void *ctx, const char *name, struct err *e)
{
    (void)ctx;
    (void)name;
    (void)e;
    return NULL;
}

static void check_variables(const struct compose *c, const struct definition *d)
{
    assert_true(c->n_variables > 0);
    for (size_t i = 0; i < c->n_variables; i++)
        if (variables_find(&d->variables, c->variables[i].name) == NULL)
            fail_msg("%s: %s is not declared", c->variables[i].place, c->variables[i].name);
}

/* Without any variable set: whoever runs `lint` on a fresh `init` sees no finding. */
static void definition_and_compose_file_have_no_finding_and_declare_every_variable(void **state)
{
    (void)state;
    AUTO(mem_auto) struct origin_file *table = NULL;
    AUTO(origin_free_auto) struct origin *src = application_source(&table);
    AUTO(findings_clear_auto) struct findings f = { 0 };
    AUTO(definition_clear_auto) struct definition d = { 0 };
    struct err e = { 0 };
    size_t n;
    const struct embed_file *files = embed_files(&n);
    const struct embed_file *yaml = embed_find(files, n, "bundle.yaml");
    assert_true(definition_parse(&d, (const char *)yaml->bytes, yaml->size, "bundle.yaml", &f, &e));
    AUTO(compose_free_auto) struct compose *c = compose_read(src, &d.compose, COMPOSE_AUTHOR, &f, &e);
    assert_non_null(c);
    assert_true(compose_freeze(c, no_environment, NULL, &f, &e));
    for (size_t i = 0; i < f.n; i++)
        print_error("%s\n", f.items[i].text);
    assert_int_equal(f.n, 0);
    check_variables(c, &d);
    assert_int_equal(c->n_services, 8);
    assert_string_equal(compose_service_find(c, "archon-server")->image, "ghcr.io/coleam00/archon-server:0.1.0");
    assert_non_null(compose_service_find(c, d.database.service));
    for (size_t i = 0; i < d.n_services; i++)
        assert_non_null(compose_service_find(c, d.services[i].name));
}

static void a_file_is_found_by_its_path_and_by_nothing_else(void **state)
{
    (void)state;
    size_t n;
    const struct embed_file *files = embed_files(&n);
    for (size_t i = 0; i < n; i++)
        assert_ptr_equal(embed_find(files, n, files[i].path), &files[i]);
    assert_null(embed_find(files, n, "bundle.yam"));
    assert_null(embed_find(files, n, "bundle.yaml2"));
    assert_null(embed_find(files, n, ""));
    assert_null(embed_find(files, 0, "bundle.yaml"));
}

static void the_manual_tells_how_to_check_a_bundle_by_hand(void **state)
{
    (void)state;
    size_t n;
    const struct embed_file *docs = embed_docs(&n);
    const struct embed_file *readme = embed_find(docs, n, "README.txt");
    assert_non_null(readme);
    assert_true(has_text(readme, "openssl pkeyutl -verify -pubin"));
    assert_true(has_text(readme, "sha256sum -c"));
    assert_true(has_text(readme, "zstd -t"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_lists_are_sorted_and_without_repetition),
        cmocka_unit_test(every_file_of_the_source_tree_is_compiled_in),
        cmocka_unit_test(the_bytes_are_those_of_the_source_tree),
        cmocka_unit_test(every_file_is_plain_text_with_a_name_that_a_bundle_takes),
        cmocka_unit_test(no_file_is_one_of_upstream),
        cmocka_unit_test(the_compose_file_mounts_no_engine_socket_and_publishes_the_server_on_loopback),
        cmocka_unit_test(migrations_are_numbered_without_a_gap),
        cmocka_unit_test(the_loader_accepts_every_migration),
        cmocka_unit_test(definition_and_compose_file_have_no_finding_and_declare_every_variable),
        cmocka_unit_test(a_file_is_found_by_its_path_and_by_nothing_else),
        cmocka_unit_test(the_manual_tells_how_to_check_a_bundle_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
