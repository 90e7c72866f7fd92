/* export of the golden bundle, whose layers are uncompressed in the registry too: every form, its bytes, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "format/oci_layout.h"
#include "forms/form_output.h"
#include "show/export.h"
#include "stream/tarball.h"
#include "tests/unit/show/golden.h"

#define WEB "golden.example/web:1.0.0"
#define API "golden.example/api:1.0.0"
static const char web_config[] = "sha256:bbb78bb4d7fc0346c2f05765fc5ebebdb03b244a3cbbd44f55b2b896822d10dc";

static struct bundle *golden_bundle(void)
{
    struct err e = { 0 };
    struct verdict v = { 0 };
    struct verify_how how = { .jobs = 2 };
    AUTO(mem_auto) char *path = golden_path("golden.bundle.tar.zst");
    AUTO(keyring_free_auto) struct keyring *keys = golden_keys();
    struct bundle *b = bundle_verify(bundle_file_open(path, NULL, &e), keys, &how, &v, &e);
    assert_non_null(b);
    return b;
}

/* Null for "no image named". What was said is freed; e tells the rest. */
static bool export_as(struct scratch *s, const char *format, const char *out, const char *image, const char *platforms, char **said,
                      struct err *e)
{
    struct heard h = { 0 };
    char path[4096];
    snprintf(path, sizeof path, "%s", text_is(out, "-") ? out : scratch_at(s, out));
    struct show_export_options o = {
        .format = format, .out = path, .platforms = platforms, .images = { .items = &image, .n = image != NULL }
    };
    AUTO(bundle_close_auto) struct bundle *b = golden_bundle();
    heard_open(&h, said == NULL ? NULL : "");
    bool ok = show_export_check(&o, e) && show_export(&h.ctx, b, &o, e);
    if (said != NULL)
        *said = mem_text(heard_out(&h));
    heard_close(&h);
    return ok;
}

static void works(struct scratch *s, const char *format, const char *out, const char *image)
{
    struct err e = { 0 };
    if (!export_as(s, format, out, image, NULL, NULL, &e))
        fail_msg("%s", e.msg);
}

static void refuses(struct scratch *s, const char *format, const char *out, const char *image, enum err_code code, const char *words)
{
    struct err e = { 0 };
    assert_false(export_as(s, format, out, image, NULL, NULL, &e));
    assert_int_equal(e.code, code);
    if (strstr(e.msg, words) == NULL)
        fail_msg("%s", e.msg);
}

/* A blob's digest is its name. */
static void check_blob(struct scratch *s, const char *layout, const struct digest *d, uint64_t size)
{
    char name[256];
    struct err e = { 0 };
    struct digest found;
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(1 << 20);
    snprintf(name, sizeof name, "%s/%s", layout, OCI_BLOB_PATH(d));
    assert_true(file_read(scratch_at(s, name), FILE_PLAIN, 1 << 20, &text, &e));
    sha256_of(&found, buf_text(&text), text.len);
    assert_true(digest_equal(&found, d));
    assert_int_equal(text.len, size);
}

static void a_layout_has_every_image_by_its_reference_and_every_blob_by_its_digest(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    struct oci_index index = { 0 };
    works(s, "oci", "layout", NULL);
    AUTO(mem_auto) char *text = scratch_content(s, "layout/index.json");
    AUTO(mem_auto) char *version = scratch_content(s, "layout/oci-layout");
    assert_string_equal(version, "{\"imageLayoutVersion\":\"1.0.0\"}");
    assert_non_null(strstr(text, "\"org.opencontainers.image.ref.name\":\"" WEB "\""));
    assert_non_null(strstr(text, "\"io.containerd.image.name\":\"" API "\""));
    assert_true(oci_index_read(&index, text, strlen(text), "index.json", &e));
    assert_int_equal(index.n, 2);
    for (size_t i = 0; i < index.n; i++) {
        struct oci_manifest m = { 0 };
        char name[256];
        check_blob(s, "layout", &index.entries[i].descriptor.digest, index.entries[i].descriptor.size);
        snprintf(name, sizeof name, "layout/%s", OCI_BLOB_PATH(&index.entries[i].descriptor.digest));
        AUTO(mem_auto) char *manifest = scratch_content(s, name);
        assert_true(oci_manifest_read(&m, manifest, strlen(manifest), "manifest", &e));
        check_blob(s, "layout", &m.config.digest, m.config.size);
        for (size_t k = 0; k < m.n_layers; k++)
            check_blob(s, "layout", &m.layers[k].digest, m.layers[k].size);
        oci_manifest_clear(&m);
    }
    oci_index_clear(&index);
}

static void an_archive_has_the_files_of_the_layout(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    works(s, "oci", "layout", NULL);
    works(s, "oci", "layout.tar", NULL);
    AUTO(tarball_close_auto) struct tarball *t = tarball_open_path(scratch_at(s, "layout.tar"), "/tmp", &e);
    assert_non_null(t);
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(1 << 20);
    AUTO(mem_auto) char *index = scratch_content(s, "layout/index.json");
    assert_true(tarball_read(t, tarball_find(t, "index.json"), &text, &e));
    assert_string_equal(buf_text(&text), index);
}

struct counted {
    size_t blobs;
    uint64_t bytes;
};

static bool count_file(void *ctx, const char *path, struct source *content, struct err *e)
{
    struct counted *c = ctx;
    uint8_t block[4096];
    size_t got = 0;
    struct digest found;
    AUTO(sha256_free_auto) struct sha256 *hash = sha256_new();
    do {
        if (!source_read(content, block, sizeof block, &got, e))
            return false;
        sha256_add(hash, block, got);
        c->bytes += got;
    } while (got > 0);
    sha256_end(hash, &found);
    if (text_starts(path, "blobs/")) {
        c->blobs++;
        assert_string_equal(path, OCI_BLOB_PATH(&found));
    }
    return true;
}

static void a_docker_archive_has_configurations_and_layers_once(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    struct counted c = { 0 };
    works(s, "docker-archive", "both.tar", NULL);
    AUTO(tarball_close_auto) struct tarball *t = tarball_open_path(scratch_at(s, "both.tar"), "/tmp", &e);
    assert_non_null(t);
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(1 << 20);
    assert_true(tarball_read(t, tarball_find(t, "manifest.json"), &text, &e));
    assert_non_null(strstr(buf_text(&text), "\"RepoTags\":[\"" WEB "\"]"));
    assert_non_null(strstr(buf_text(&text), "\"RepoTags\":[\"" API "\"]"));
    assert_true(tarball_each(t, count_file, &c, &e));
    assert_int_equal(c.blobs, 5); /* two configurations, three layers */
    assert_null(tarball_find(t, "index.json"));
}

static void one_image_is_a_directory_and_several_are_one_each(void **state)
{
    struct scratch *s = *state;
    works(s, "dir", "one", "web");
    AUTO(mem_auto) char *version = scratch_content(s, "one/version");
    assert_string_equal(version, "Directory Transport Version: 1.1\n");
    assert_true(scratch_has(s, "one/manifest.json"));
    assert_true(scratch_has(s, "one/bbb78bb4d7fc0346c2f05765fc5ebebdb03b244a3cbbd44f55b2b896822d10dc"));
    works(s, "dir", "two", NULL);
    assert_true(scratch_has(s, "two/0-web-1.0.0/manifest.json"));
    assert_true(scratch_has(s, "two/1-api-1.0.0/manifest.json"));
}

static void an_image_is_chosen_by_its_reference_or_the_end_of_it(void **state)
{
    struct scratch *s = *state;
    static const char *const names[] = { WEB, "golden.example/web", "web", "web:1.0.0" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char out[16];
        snprintf(out, sizeof out, "out-%zu", i);
        works(s, "oci", out, names[i]);
        char name[64];
        snprintf(name, sizeof name, "out-%zu/index.json", i);
        AUTO(mem_auto) char *text = scratch_content(s, name);
        assert_non_null(strstr(text, WEB));
        assert_null(strstr(text, API));
    }
}

static void an_image_that_is_not_there_is_refused_with_the_nearest_name(void **state)
{
    struct scratch *s = *state;
    static const struct {
        const char *name, *near;
    } rows[] = { { "wep", "web" }, { "wep:1.0.0", "web:1.0.0" }, { "golden.example/wep:1.0.0", WEB } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = { 0 };
        assert_false(export_as(s, "oci", "out", rows[i].name, NULL, NULL, &e));
        assert_int_equal(e.code, ERR_USAGE);
        assert_non_null(strstr(e.hint, rows[i].near));
    }
    refuses(s, "oci", "out", "eb", ERR_USAGE, "no image eb");
    refuses(s, "oci", "out", "", ERR_USAGE, "no image");
    assert_false(scratch_has(s, "out"));
}

static void a_platform_that_is_not_there_is_refused_with_those_that_are(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    assert_false(export_as(s, "oci", "out", NULL, "linux/arm64", NULL, &e));
    assert_int_equal(e.code, ERR_USAGE);
    assert_non_null(strstr(e.msg, "it has: linux/amd64"));
    e = (struct err){ 0 };
    assert_true(export_as(s, "oci", "out", NULL, "linux/amd64", NULL, &e));
}

static void nothing_is_replaced_and_nothing_goes_to_a_pipe(void **state)
{
    struct scratch *s = *state;
    scratch_text(s, "file", "mine", 0600);
    assert_int_equal(mkdir(scratch_at(s, "empty"), 0700), 0);
    refuses(s, "oci", "file", NULL, ERR_IO, "exists already");
    refuses(s, "docker-archive", "file", NULL, ERR_IO, "exists already");
    refuses(s, "dir", "empty", NULL, ERR_IO, "exists already");
    refuses(s, "docker-archive", "-", NULL, ERR_USAGE, "not a pipe");
    refuses(s, "zip", "out", NULL, ERR_USAGE, "\"zip\" is not a form");
    refuses(s, NULL, "out", NULL, ERR_USAGE, "--format");
    AUTO(mem_auto) char *text = scratch_content(s, "file");
    assert_string_equal(text, "mine");
}

static void the_same_bundle_gives_the_same_bytes(void **state)
{
    struct scratch *s = *state;
    static const char *const formats[] = { "oci", "docker-archive" };
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        AUTO(buf_clear_auto) struct buf first = BUF_LIMIT(1 << 20);
        AUTO(buf_clear_auto) struct buf second = BUF_LIMIT(1 << 20);
        struct err e = { 0 };
        works(s, formats[i], "first.tar", NULL);
        works(s, formats[i], "second.tar", NULL);
        assert_true(file_read(scratch_at(s, "first.tar"), FILE_PLAIN, 1 << 20, &first, &e));
        assert_true(file_read(scratch_at(s, "second.tar"), FILE_PLAIN, 1 << 20, &second, &e));
        assert_int_equal(first.len, second.len);
        assert_memory_equal(first.data, second.data, first.len);
        assert_int_equal(unlink(scratch_at(s, "first.tar")), 0);
        assert_int_equal(unlink(scratch_at(s, "second.tar")), 0);
    }
}

static void programs_are_told_ids_manifests_and_where_they_are(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    AUTO(mem_auto) char *said = NULL;
    assert_true(export_as(s, "dir", "out", NULL, NULL, &said, &e));
    assert_non_null(strstr(said, web_config));
    assert_non_null(strstr(said, "\"manifest_is_original\": true"));
    assert_non_null(strstr(said, "\"directory\": \"0-web-1.0.0\""));
    assert_non_null(strstr(said, "\"format\": \"dir\""));
}

/* Needs root and a file system of its own: a full disk is played by the journey. Here: more than any disk has. */
static void what_there_is_no_room_for_is_refused_with_how_much(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    assert_false(form_output_check(scratch_at(s, "out"), UINT64_MAX, 0, &e));
    assert_int_equal(e.code, ERR_SPACE);
    assert_non_null(strstr(e.msg, "are needed"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_layout_has_every_image_by_its_reference_and_every_blob_by_its_digest),
        SCRATCH_TEST(an_archive_has_the_files_of_the_layout),
        SCRATCH_TEST(a_docker_archive_has_configurations_and_layers_once),
        SCRATCH_TEST(one_image_is_a_directory_and_several_are_one_each),
        SCRATCH_TEST(an_image_is_chosen_by_its_reference_or_the_end_of_it),
        SCRATCH_TEST(an_image_that_is_not_there_is_refused_with_the_nearest_name),
        SCRATCH_TEST(a_platform_that_is_not_there_is_refused_with_those_that_are),
        SCRATCH_TEST(nothing_is_replaced_and_nothing_goes_to_a_pipe),
        SCRATCH_TEST(the_same_bundle_gives_the_same_bytes),
        SCRATCH_TEST(programs_are_told_ids_manifests_and_where_they_are),
        SCRATCH_TEST(what_there_is_no_room_for_is_refused_with_how_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
