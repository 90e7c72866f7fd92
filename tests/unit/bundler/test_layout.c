/* OCI layouts, as a directory and as an archive: each case runs on both, since both have one reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "bundler/layout.h"
#include "tests/support/layout_text.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TAG(name) ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"" name "\"}}"

enum shape { DIRECTORY, ARCHIVE, SHAPES };

static struct layout *open_shape(const struct layout_text *text, struct scratch *s, enum shape shape, struct err *e)
{
    AUTO(mem_auto) char *path = shape == DIRECTORY ? layout_text_dir(text, s, "layout") : layout_text_archive(text, s, "layout.tar");
    struct layout *l = shape == DIRECTORY ? layout_open_directory(path, e) : layout_open_archive(tarball_open_path(path, s->dir, e), e);
    return l;
}

static void drop(struct scratch *s)
{
    struct err e = { 0 };
    AUTO(mem_auto) char *path = mem_text(scratch_at(s, "layout"));
    assert_true(path_remove_tree(path, &e));
}

/* The layout is refused at open, with this in the message, naming the file. */
static void refused_at_open(struct layout_text *text, struct scratch *s, enum err_code code, const char *part)
{
    for (enum shape shape = DIRECTORY; shape < SHAPES; shape++) {
        struct err e = { 0 };
        AUTO(layout_close_auto) struct layout *l = open_shape(text, s, shape, &e);
        if (l != NULL)
            fail_msg("%s: was opened", part);
        if (e.code != code || strstr(e.msg, part) == NULL || strstr(e.msg, s->dir) == NULL)
            fail_msg("expected \"%s\" (%s), got %s: %s", part, err_name(code), err_name(e.code), e.msg);
        drop(s);
    }
    layout_text_clear(text);
}

static void refused_to_find(struct layout_text *text, struct scratch *s, const char *inside, const char *first, const char *second)
{
    for (enum shape shape = DIRECTORY; shape < SHAPES; shape++) {
        struct err e = { 0 };
        AUTO(layout_close_auto) struct layout *l = open_shape(text, s, shape, &e);
        if (l == NULL)
            fail_msg("%s", e.msg);
        assert_null(layout_find(l, inside, &e));
        assert_int_equal(e.code, ERR_REGISTRY);
        if (strstr(e.msg, first) == NULL || strstr(e.msg, second) == NULL)
            fail_msg("expected \"%s\" and \"%s\" in: %s", first, second, e.msg);
        drop(s);
    }
}

/* Two images "1.0" and "2.0", of which the second has a whole name as well. */
static void make_two(struct layout_text *t)
{
    AUTO(mem_auto) char *one = layout_text_image(t, "amd64", "first");
    AUTO(mem_auto) char *two = layout_text_image(t, "amd64", "second");
    AUTO(mem_auto) char *entries = mem_format(
        "%s" TAG("1.0") ",%s,\"annotations\":{\"org.opencontainers.image.ref.name\":\"2.0\",\"io.containerd.image.name\":\"docker.io/shop/web:2.0\"}}", one, two);
    layout_text_index(t, entries);
}

static void an_image_is_found_by_tag_name_and_digest(void **state)
{
    struct scratch *s = *state;
    for (enum shape shape = DIRECTORY; shape < SHAPES; shape++) {
        struct layout_text t = { 0 };
        struct err e = { 0 };
        make_two(&t);
        AUTO(layout_close_auto) struct layout *l = open_shape(&t, s, shape, &e);
        if (l == NULL)
            fail_msg("%s", e.msg);
        const struct layout_image *two = layout_find(l, "2.0", &e);
        assert_non_null(two);
        assert_ptr_equal(layout_find(l, "docker.io/shop/web:2.0", &e), two);
        assert_ptr_equal(layout_find(l, "shop/web:2.0", &e), two);
        assert_ptr_equal(layout_find(l, DIGEST_SHOWN(&two->descriptor.digest), &e), two);
        assert_ptr_not_equal(layout_find(l, "1.0", &e), two);
        AUTO(buf_clear_auto) struct buf bytes = BUF_LIMIT(LIMIT_OCI_MANIFEST_BYTES);
        assert_true(layout_read(l, &two->descriptor.digest, &bytes, &e));
        assert_int_equal(bytes.len, two->descriptor.size);
        layout_text_clear(&t);
        drop(s);
    }
}

static void several_images_without_a_tag_are_listed(void **state)
{
    struct layout_text t = { 0 };
    make_two(&t);
    refused_to_find(&t, *state, NULL, "has 2 images", "1.0, 2.0");
    refused_to_find(&t, *state, "3.0", "no image \"3.0\"", "1.0, 2.0");
    layout_text_clear(&t);
}

static void one_image_under_two_tags_is_one(void **state)
{
    struct layout_text t = { 0 };
    struct err e = { 0 };
    AUTO(mem_auto) char *one = layout_text_image(&t, "amd64", "first");
    AUTO(mem_auto) char *entries = mem_format("%s" TAG("a") ",%s" TAG("b"), one, one);
    layout_text_index(&t, entries);
    AUTO(layout_close_auto) struct layout *l = open_shape(&t, *state, DIRECTORY, &e);
    assert_non_null(l);
    assert_non_null(layout_find(l, NULL, &e));
    layout_text_clear(&t);
}

static void two_images_of_one_tag_are_refused_with_their_digests(void **state)
{
    struct layout_text t = { 0 };
    AUTO(mem_auto) char *one = layout_text_image(&t, "amd64", "first");
    AUTO(mem_auto) char *two = layout_text_image(&t, "amd64", "second");
    AUTO(mem_auto) char *entries = mem_format("%s" TAG("a") ",%s" TAG("a"), one, two);
    layout_text_index(&t, entries);
    refused_to_find(&t, *state, "a", "two images \"a\"", "sha256:");
    layout_text_clear(&t);
}

static void attestations_and_artifacts_are_not_images(void **state)
{
    struct layout_text t = { 0 };
    struct err e = { 0 };
    AUTO(mem_auto) char *one = layout_text_image(&t, "amd64", "first");
    AUTO(mem_auto) char *two = layout_text_image(&t, "unknown", "second");
    AUTO(mem_auto) char *artifact = layout_text_blob(&t, "application/vnd.example+json", "{}");
    AUTO(mem_auto) char *entries = mem_format("%s},%s,\"platform\":{\"os\":\"unknown\",\"architecture\":\"unknown\"}},%s}", one, two, artifact);
    layout_text_index(&t, entries);
    AUTO(layout_close_auto) struct layout *l = open_shape(&t, *state, ARCHIVE, &e);
    if (l == NULL)
        fail_msg("%s", e.msg);
    const struct layout_image *found = layout_find(l, NULL, &e);
    assert_non_null(found);
    assert_non_null(strstr(one, DIGEST_SHOWN(&found->descriptor.digest)));
    layout_text_clear(&t);
}

static void what_is_no_layout_is_refused_with_its_name(void **state)
{
    struct layout_text t = { 0 };
    layout_text_file(&t, "index.json", "{\"schemaVersion\":2,\"manifests\":[]}");
    refused_at_open(&t, *state, ERR_REGISTRY, "has no file oci-layout");
    layout_text_file(&t, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
    refused_at_open(&t, *state, ERR_REGISTRY, "has no file index.json");
    layout_text_index(&t, "");
    layout_text_set(&t, "oci-layout", "{\"imageLayoutVersion\":\"2.0.0\"}");
    refused_at_open(&t, *state, ERR_REGISTRY, "version \"2.0.0\", expected 1.0.0");
    layout_text_index(&t, "");
    layout_text_set(&t, "oci-layout", "[]");
    refused_at_open(&t, *state, ERR_REGISTRY, "oci-layout");
    layout_text_index(&t, "");
    layout_text_set(&t, "index.json", "{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}");
    refused_at_open(&t, *state, ERR_REGISTRY, "index.json");
    layout_text_index(&t, "");
    layout_text_set(&t, "index.json", "{\"schemaVersion\":2,\"manifests\":[],\"Manifests\":[]}");
    refused_at_open(&t, *state, ERR_REGISTRY, "Manifests");
    layout_text_index(&t, "{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"sha256:../../../etc/passwd\",\"size\":10}");
    refused_at_open(&t, *state, ERR_REGISTRY, "manifests[0].digest");
    layout_text_index(&t, "{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"sha512:" HEX64 HEX64 "\",\"size\":10}");
    refused_at_open(&t, *state, ERR_REGISTRY, "sha512");
}

static void an_empty_layout_has_no_image(void **state)
{
    struct layout_text t = { 0 };
    layout_text_index(&t, "");
    refused_to_find(&t, *state, NULL, "has no image", "");
    refused_to_find(&t, *state, "a", "no image \"a\"", "nothing");
    layout_text_clear(&t);
}

static void a_blob_that_is_not_its_name_is_refused(void **state)
{
    struct scratch *s = *state;
    for (enum shape shape = DIRECTORY; shape < SHAPES; shape++) {
        struct layout_text t = { 0 };
        struct err e = { 0 };
        AUTO(buf_clear_auto) struct buf bytes = BUF_LIMIT(LIMIT_OCI_MANIFEST_BYTES);
        AUTO(mem_auto) char *one = layout_text_image(&t, "amd64", "first");
        AUTO(mem_auto) char *entries = mem_format("%s}", one);
        layout_text_index(&t, entries);
        layout_text_set(&t, t.files[2].name, "{\"schemaVersion\":2}");
        AUTO(layout_close_auto) struct layout *l = open_shape(&t, s, shape, &e);
        assert_non_null(l);
        assert_false(layout_read(l, &layout_find(l, NULL, &e)->descriptor.digest, &bytes, &e));
        assert_int_equal(e.code, ERR_INTEGRITY);
        assert_non_null(strstr(e.msg, t.files[2].name));
        layout_text_clear(&t);
        drop(s);
    }
}

/* Layers: of content "first", described by descriptor d. */
static bool put(struct scratch *s, const struct layout_text *t, enum shape shape, struct oci_descriptor *d, struct err *e)
{
    AUTO(mem_auto) char *dir = mem_format("%s/cache", s->dir);
    AUTO(cache_close_auto) struct cache *c = cache_open(dir, e);
    AUTO(layout_close_auto) struct layout *l = open_shape(t, s, shape, e);
    bool is_there = false;
    sha256_of(&d->digest, "first", 5);
    bool ok = c != NULL && l != NULL && layout_put(l, d, 1, c, e);
    struct err none = { 0 };
    assert_true(cache_find(c, &d->digest, 5, &is_there, &none));
    assert_int_equal(is_there, ok);
    return ok;
}

static void layers_go_into_the_cache_only_when_they_are_what_was_promised(void **state)
{
    struct scratch *s = *state;
    for (enum shape shape = DIRECTORY; shape < SHAPES; shape++) {
        struct err e = { 0 }, larger = { 0 }, damaged = { 0 }, missing = { 0 };
        struct layout_text t = { 0 };
        mem_free(layout_text_image(&t, "amd64", "first"));
        layout_text_index(&t, "");
        AUTO(mem_auto) char *layer = mem_text(t.files[1].name);
        assert_false(put(s, &t, shape, &(struct oci_descriptor){ .size = 6 }, &larger));
        assert_int_equal(larger.code, ERR_INTEGRITY);
        layout_text_set(&t, layer, "fIrst");
        assert_false(put(s, &t, shape, &(struct oci_descriptor){ .size = 5 }, &damaged));
        assert_int_equal(damaged.code, ERR_INTEGRITY);
        assert_non_null(strstr(damaged.msg, layer));
        snprintf(t.files[1].name, sizeof t.files[1].name, "blobs/sha256/other");
        drop(s);
        assert_false(put(s, &t, shape, &(struct oci_descriptor){ .size = 5 }, &missing));
        assert_int_equal(missing.code, ERR_REGISTRY);
        assert_non_null(strstr(missing.msg, layer));
        snprintf(t.files[1].name, sizeof t.files[1].name, "%s", layer);
        layout_text_set(&t, layer, "first");
        if (!put(s, &t, shape, &(struct oci_descriptor){ .size = 5 }, &e))
            fail_msg("%s", e.msg);
        layout_text_clear(&t);
        drop(s);
        AUTO(mem_auto) char *dir = mem_format("%s/cache", s->dir);
        assert_true(path_remove_tree(dir, &e));
    }
}

/* ---- a directory's own ---- */

static void expect_refusal(const char *path, struct scratch *s, const char *part)
{
    struct err e = { 0 };
    struct err none = { 0 };
    AUTO(mem_auto) char *dir = mem_format("%s/cache", s->dir);
    AUTO(cache_close_auto) struct cache *c = cache_open(dir, &none);
    struct oci_descriptor d = { .size = 5 };
    sha256_of(&d.digest, "first", 5);
    AUTO(layout_close_auto) struct layout *l = layout_open_directory(path, &e);
    assert_false(l != NULL && layout_put(l, &d, 1, c, &e));
    if (strstr(e.msg, part) == NULL)
        fail_msg("expected \"%s\" in: %s", part, e.msg);
}

static void links_and_special_files_are_not_followed(void **state)
{
    struct scratch *s = *state;
    struct layout_text t = { 0 };
    mem_free(layout_text_image(&t, "amd64", "first"));
    layout_text_index(&t, "");
    AUTO(mem_auto) char *path = layout_text_dir(&t, s, "layout");
    AUTO(mem_auto) char *blob = mem_format("%s/%s", path, t.files[1].name);
    AUTO(mem_auto) char *outside = mem_text(scratch_text(s, "outside", "first", 0600));
    AUTO(mem_auto) char *index = mem_format("%s/index.json", path);
    AUTO(mem_auto) char *folder = mem_format("%s/blobs", path);
    AUTO(mem_auto) char *moved = mem_format("%s/moved", s->dir);
    assert_true(unlink(blob) == 0 && symlink(outside, blob) == 0);
    expect_refusal(path, s, "symbolic link");
    assert_true(unlink(blob) == 0 && mkfifo(blob, 0600) == 0);
    expect_refusal(path, s, "expected a regular file");
    assert_true(unlink(blob) == 0 && mkdir(blob, 0700) == 0);
    expect_refusal(path, s, "is a directory, expected a regular file");
    assert_true(rename(folder, moved) == 0 && symlink(moved, folder) == 0);
    expect_refusal(path, s, "symbolic link");
    assert_true(unlink(index) == 0 && mkdir(index, 0700) == 0);
    expect_refusal(path, s, "index.json: is a directory");
    assert_true(rmdir(index) == 0 && mkfifo(index, 0600) == 0);
    expect_refusal(path, s, "index.json");
    layout_text_clear(&t);
}

static void a_file_and_nothing_are_no_directory(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 }, e2 = { 0 };
    assert_null(layout_open_directory(scratch_text(s, "x.tar", "", 0600), &e));
    assert_non_null(strstr(e.msg, "is not a directory"));
    assert_non_null(strstr(e.hint, "oci-archive:"));
    assert_null(layout_open_directory(scratch_at(s, "none"), &e2));
    assert_non_null(strstr(e2.msg, "No such file"));
    assert_non_null(strstr(e2.hint, "docker://"));
}

/* ---- an archive's own ---- */

static void a_blob_that_is_a_link_in_an_archive_is_missing(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    struct layout_text t = { 0 };
    AUTO(buf_clear_auto) struct buf tar = BUF_LIMIT(1 << 20);
    AUTO(mem_auto) char *dir = mem_format("%s/cache", s->dir);
    AUTO(cache_close_auto) struct cache *c = cache_open(dir, &e);
    mem_free(layout_text_image(&t, "amd64", "first"));
    layout_text_index(&t, "");
    tar_text_add(&tar, '2', t.files[1].name, "../../other", "", 0);
    tar_text_file(&tar, "other", "first");
    snprintf(t.files[1].name, sizeof t.files[1].name, "unused");
    layout_text_tar(&t, &tar);
    const char *path = scratch_file(s, "x.tar", tar.data, tar.len, 0600);
    AUTO(layout_close_auto) struct layout *l = layout_open_archive(tarball_open_path(path, s->dir, &e), &e);
    struct oci_descriptor d = { .size = 5 };
    sha256_of(&d.digest, "first", 5);
    assert_non_null(l);
    assert_false(layout_put(l, &d, 1, c, &e));
    assert_non_null(strstr(e.msg, "has no file blobs/sha256/"));
    layout_text_clear(&t);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCRATCH_TEST(an_image_is_found_by_tag_name_and_digest),
        SCRATCH_TEST(several_images_without_a_tag_are_listed),
        SCRATCH_TEST(one_image_under_two_tags_is_one),
        SCRATCH_TEST(two_images_of_one_tag_are_refused_with_their_digests),
        SCRATCH_TEST(attestations_and_artifacts_are_not_images),
        SCRATCH_TEST(what_is_no_layout_is_refused_with_its_name),
        SCRATCH_TEST(an_empty_layout_has_no_image),
        SCRATCH_TEST(a_blob_that_is_not_its_name_is_refused),
        SCRATCH_TEST(layers_go_into_the_cache_only_when_they_are_what_was_promised),
        SCRATCH_TEST(links_and_special_files_are_not_followed),
        SCRATCH_TEST(a_file_and_nothing_are_no_directory),
        SCRATCH_TEST(a_blob_that_is_a_link_in_an_archive_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
