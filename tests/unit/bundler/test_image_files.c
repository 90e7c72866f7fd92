/* Images in files: which one is meant, for which platforms, and what it is called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "bundler/image_files.h"
#include "bundler/resolve.h"
#include "tests/support/layout_text.h"

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, start, end)
#define TAG(name) ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"" name "\"}}"

/* What every test has: a scratch folder, a cache, and the files that it makes and asks for. */
struct world {
    struct scratch *s;
    struct cache *cache;
    struct image_source *files;
    struct layout_text t;
    struct buf manifest; /* of a docker-archive */
    struct image image;
};

static int start(void **state)
{
    struct err e = { 0 };
    struct world *w = mem_new(sizeof *w);
    int status = scratch_make((void **)&w->s);
    AUTO(mem_auto) char *dir = mem_format("%s/cache", w->s->dir);
    w->cache = cache_open(dir, &e);
    assert_non_null(w->cache);
    w->files = image_files(w->cache);
    w->manifest = (struct buf)BUF_LIMIT(100000);
    *state = w;
    return status;
}

static int end(void **state)
{
    struct world *w = *state;
    struct scratch *s = w->s;
    image_clear(&w->image);
    buf_clear(&w->manifest);
    layout_text_clear(&w->t);
    image_source_free(w->files);
    cache_close(w->cache);
    mem_free(w);
    return scratch_drop((void **)&s);
}

/* kind: "oci:" and so on; what stands in the scratch under file; inside: ":TAG" or "". platforms with blanks between. */
static bool resolve(struct world *w, const char *kind, const char *file, const char *inside, const char *platforms, struct image *out, struct err *e)
{
    struct platform list[4];
    struct ref name;
    bool has_name = false;
    size_t n = 0;
    AUTO(mem_auto) char *text = mem_format("shop/web:1=%s%s/%s%s", kind, w->s->dir, file, inside);
    AUTO(mem_auto) char *words = mem_text(platforms);
    AUTO(image_place_clear_auto) struct image_place place = { 0 };
    char *rest = words;
    for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL;)
        assert_true(platform_parse(&list[n++], word, e));
    assert_true(image_place_parse(&place, &name, &has_name, text, NULL, e));
    struct image_request rq = { .ref = &name, .place = &place, .platforms = list, .n_platforms = n };
    return w->files->resolve(w->files, &rq, out, e) && w->files->put_layers(w->files, &place, out, e);
}

static void refused(struct world *w, const char *kind, const char *file, const char *inside, const char *platforms, const char *first, const char *second)
{
    struct err e = { 0 };
    struct image image = { 0 };
    if (resolve(w, kind, file, inside, platforms, &image, &e))
        fail_msg("%s was taken", inside);
    assert_int_equal(e.code, ERR_REGISTRY);
    if (strstr(e.msg, first) == NULL || strstr(e.msg, second) == NULL)
        fail_msg("expected \"%s\" and \"%s\" in: %s", first, second, e.msg);
    image_clear(&image);
}

static void expect_layer(struct world *w, const struct image_platform *p, const char *content)
{
    struct err e = { 0 };
    struct digest d;
    bool is_there = false;
    sha256_of(&d, content, strlen(content));
    assert_int_equal(p->m.n_layers, 1);
    assert_true(digest_equal(&d, &p->c.diff_ids[0]));
    assert_true(cache_find(w->cache, &p->m.layers[0].digest, p->m.layers[0].size, &is_there, &e));
    assert_true(is_there);
}

/* ---- layouts ---- */

/* An index in the layout's index: amd64, and arm64 in another index below. */
static void make_nested(struct layout_text *t)
{
    AUTO(mem_auto) char *amd = layout_text_image(t, "amd64", "for amd64");
    AUTO(mem_auto) char *arm = layout_text_image(t, "arm64", "for arm64");
    AUTO(mem_auto) char *inner_text = mem_format("{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"manifests\":[%s,\"platform\":{\"os\":\"linux\",\"architecture\":\"arm64\"}}]}", arm);
    AUTO(mem_auto) char *inner = layout_text_blob(t, OCI_TYPE_INDEX, inner_text);
    AUTO(mem_auto) char *outer_text = mem_format("{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"manifests\":[%s,\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}},%s}]}", amd, inner);
    AUTO(mem_auto) char *outer = layout_text_blob(t, OCI_TYPE_INDEX, outer_text);
    AUTO(mem_auto) char *entries = mem_format("%s" TAG("docker.io/shop/web:1.4.0"), outer);
    layout_text_index(t, entries);
}

static void layouts_have_several_platforms_and_nested_indexes(void **state)
{
    struct world *w = *state;
    make_nested(&w->t);
    mem_free(layout_text_dir(&w->t, w->s, "layout"));
    mem_free(layout_text_archive(&w->t, w->s, "layout.tar"));
    static const char *const kinds[] = { "oci:", "oci-archive:" };
    static const char *const files[] = { "layout", "layout.tar" };
    struct digest first = { { 0 } };
    for (size_t i = 0; i < 2; i++) {
        struct err e = { 0 };
        struct image image = { 0 };
        if (!resolve(w, kinds[i], files[i], "", "linux/arm64 linux/amd64", &image, &e))
            fail_msg("%s", e.msg);
        assert_int_equal(image.n_platforms, 2);
        assert_int_equal(image.n_indexes, 2);
        assert_string_equal(REF_SHOWN(&image.ref), "docker.io/shop/web:1");
        expect_layer(w, &image.platforms[0], "for arm64");
        expect_layer(w, &image.platforms[1], "for amd64");
        if (i == 0)
            first = image.indexes[0].digest;
        assert_true(digest_equal(&first, &image.indexes[0].digest));
        image_clear(&image);
    }
    refused(w, "oci:", "layout", "", "linux/s390x", "has no linux/s390x", "it has: linux/");
}

static void a_document_or_layer_that_is_missing_is_named(void **state)
{
    struct world *w = *state;
    AUTO(mem_auto) char *one = layout_text_image(&w->t, "amd64", "content");
    AUTO(mem_auto) char *entries = mem_format("%s}", one);
    layout_text_index(&w->t, entries);
    for (size_t i = 0; i < 3; i++) { /* config, layer, manifest */
        AUTO(mem_auto) char *name = mem_text(w->t.files[i].name);
        snprintf(w->t.files[i].name, sizeof w->t.files[i].name, "unused");
        mem_free(layout_text_archive(&w->t, w->s, "x.tar"));
        refused(w, "oci-archive:", "x.tar", "", "linux/amd64", "has no file", name);
        snprintf(w->t.files[i].name, sizeof w->t.files[i].name, "%s", name);
        image_source_free(w->files);
        w->files = image_files(w->cache);
    }
}

static void a_digest_in_the_name_must_be_that_of_the_image(void **state)
{
    struct world *w = *state;
    struct err e = { 0 };
    struct ref name;
    struct platform amd64;
    make_nested(&w->t);
    AUTO(mem_auto) char *dir = layout_text_dir(&w->t, w->s, "layout");
    struct image_place place = { .kind = PLACE_OCI, .path = dir, .written = dir };
    assert_true(platform_parse(&amd64, "linux/amd64", &e));
    assert_true(ref_parse(&name, "shop/web:1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", &e));
    struct image_request rq = { .ref = &name, .place = &place, .platforms = &amd64, .n_platforms = 1 };
    assert_false(w->files->resolve(w->files, &rq, &w->image, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
    assert_non_null(strstr(e.msg, "expected sha256:0123456789"));
    image_clear(&w->image);
    struct err locked = { 0 };
    struct digest other = name.digest;
    name.has_digest = false;
    rq.pinned = &other;
    assert_false(w->files->resolve(w->files, &rq, &w->image, &locked));
    assert_int_equal(locked.code, ERR_INTEGRITY);
    assert_non_null(strstr(locked.msg, "the lock file says sha256:0123456789"));
}

/* ---- docker-archives ---- */

/* One layer each; names: JSON texts or null. */
static void add_image(struct layout_text *t, struct buf *manifest, size_t i, const char *architecture, const char *tags, const char *content)
{
    struct digest d;
    AUTO(mem_auto) char *config_name = mem_format("%zu.json", i);
    AUTO(mem_auto) char *layer_name = mem_format("%zu/layer.tar", i);
    sha256_of(&d, content, strlen(content));
    AUTO(mem_auto) char *config = mem_format("{\"architecture\":\"%s\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}", architecture, DIGEST_SHOWN(&d));
    layout_text_file(t, config_name, config);
    layout_text_file(t, layer_name, content);
    buf_addf(manifest, "%s{\"Config\":\"%s\",\"RepoTags\":%s,\"Layers\":[\"%s\"]}", i == 0 ? "[" : ",", config_name, tags, layer_name);
}

static void finish_archive(struct layout_text *t, struct buf *manifest, struct scratch *s)
{
    buf_addc(manifest, ']');
    layout_text_file(t, "manifest.json", buf_text(manifest));
    mem_free(layout_text_archive(t, s, "save.tar"));
    buf_clear(manifest);
    layout_text_clear(t);
}

static void images_of_a_docker_archive_are_chosen_by_reference_or_place(void **state)
{
    struct world *w = *state;
    add_image(&w->t, &w->manifest, 0, "amd64", "[\"shop/web:1\",\"shop/web:latest\"]", "web");
    add_image(&w->t, &w->manifest, 1, "amd64", "[\"docker.io/shop/api:1\"]", "api");
    add_image(&w->t, &w->manifest, 2, "amd64", "null", "nameless");
    finish_archive(&w->t, &w->manifest, w->s);
    static const char *const good[][2] = { { ":shop/web:1", "web" }, { ":shop/web", "web" }, { ":shop/api:1", "api" }, { ":docker.io/shop/api:1", "api" },
                                           { ":@0", "web" }, { ":@2", "nameless" } };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct err e = { 0 };
        struct image image = { 0 };
        if (!resolve(w, "docker-archive:", "save.tar", good[i][0], "linux/amd64", &image, &e))
            fail_msg("%s: %s", good[i][0], e.msg);
        expect_layer(w, &image.platforms[0], good[i][1]);
        image_clear(&image);
    }
    refused(w, "docker-archive:", "save.tar", "", "linux/amd64", "has 3 images", "shop/web:1, docker.io/shop/api:1, one without a name");
    refused(w, "docker-archive:", "save.tar", ":shop/db:1", "linux/amd64", "no image \"shop/db:1\"", "shop/web:1");
    refused(w, "docker-archive:", "save.tar", ":@3", "linux/amd64", "no image \"@3\"", "");
    refused(w, "docker-archive:", "save.tar", ":@x", "linux/amd64", "no image \"@x\"", "");
    refused(w, "docker-archive:", "save.tar", ":shop/web:1", "linux/arm64", "has no linux/arm64", "it has: linux/amd64");
    refused(w, "oci-archive:", "save.tar", "", "linux/amd64", "has no file oci-layout", "save.tar");
}

static void images_of_one_name_are_the_platforms_of_one_image(void **state)
{
    struct world *w = *state;
    struct err e = { 0 };
    add_image(&w->t, &w->manifest, 0, "amd64", "[\"shop/web:1\"]", "for amd64");
    add_image(&w->t, &w->manifest, 1, "arm64", "[\"shop/web:1\"]", "for arm64");
    finish_archive(&w->t, &w->manifest, w->s);
    if (!resolve(w, "docker-archive:", "save.tar", "", "linux/arm64 linux/amd64", &w->image, &e))
        fail_msg("%s", e.msg);
    expect_layer(w, &w->image.platforms[0], "for arm64");
    expect_layer(w, &w->image.platforms[1], "for amd64");
}

static void a_layer_that_is_not_what_the_configuration_says_stays_out(void **state)
{
    struct world *w = *state;
    struct err e = { 0 };
    add_image(&w->t, &w->manifest, 0, "amd64", "[\"shop/web:1\"]", "content");
    layout_text_set(&w->t, "0/layer.tar", "cOntent");
    finish_archive(&w->t, &w->manifest, w->s);
    assert_false(resolve(w, "docker-archive:", "save.tar", "", "linux/amd64", &w->image, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
    assert_non_null(strstr(e.msg, "save.tar"));
    assert_non_null(strstr(e.msg, "0/layer.tar"));
}

static void a_file_that_another_program_made_says_what_it_may_be(void **state)
{
    struct world *w = *state;
    struct err e = { 0 };
    make_nested(&w->t);
    mem_free(layout_text_archive(&w->t, w->s, "layout.tar"));
    assert_false(resolve(w, "docker-archive:", "layout.tar", "", "linux/amd64", &w->image, &e));
    assert_non_null(strstr(e.msg, "has no manifest.json"));
    assert_non_null(strstr(e.hint, "oci-archive:"));
}

/* ---- names ---- */

static const char *name_of(struct scratch *s, const char *kind, const char *file, const char *inside, struct ref_text *out, struct err *e)
{
    struct ref ref, unused;
    bool has_name = true;
    AUTO(mem_auto) char *text = mem_format("%s%s/%s%s", kind, s->dir, file, inside);
    AUTO(image_place_clear_auto) struct image_place place = { 0 };
    assert_true(image_place_parse(&place, &unused, &has_name, text, NULL, e));
    assert_false(has_name);
    return image_files_name(&place, &ref, e) ? ref_format(out, &ref) : NULL;
}

static void files_are_asked_for_the_name_of_their_image(void **state)
{
    struct world *w = *state;
    struct scratch *s = w->s;
    struct ref_text name;
    struct err e = { 0 }, e2 = { 0 }, e3 = { 0 };
    AUTO(mem_auto) char *one = layout_text_image(&w->t, "amd64", "first");
    AUTO(mem_auto) char *two = layout_text_image(&w->t, "amd64", "second");
    AUTO(mem_auto) char *entries = mem_format("%s" TAG("r.example/web:1") ",%s" TAG("bare") ",%s,\"annotations\":{\"io.containerd.image.name\":\"docker.io/shop/api:2\",\"org.opencontainers.image.ref.name\":\"2\"}}",
                                              one, two, two);
    layout_text_index(&w->t, entries);
    mem_free(layout_text_archive(&w->t, s, "x.tar"));
    layout_text_clear(&w->t);
    assert_string_equal(name_of(s, "oci-archive:", "x.tar", ":r.example/web:1", &name, &e), "r.example/web:1");
    assert_string_equal(name_of(s, "oci-archive:", "x.tar", ":2", &name, &e), "docker.io/shop/api:2");
    assert_null(name_of(s, "oci-archive:", "x.tar", ":bare", &name, &e));
    assert_non_null(strstr(e.msg, "does not tell one name"));
    assert_non_null(strstr(e.hint, "HOST/REPOSITORY:TAG=oci-archive:"));
    add_image(&w->t, &w->manifest, 0, "amd64", "[\"shop/web:1\",\"shop/web:latest\"]", "web");
    add_image(&w->t, &w->manifest, 1, "amd64", "[\"shop/api:1\"]", "api");
    finish_archive(&w->t, &w->manifest, s);
    assert_string_equal(name_of(s, "docker-archive:", "save.tar", ":@1", &name, &e2), "docker.io/shop/api:1");
    assert_string_equal(name_of(s, "docker-archive:", "save.tar", ":shop/web:latest", &name, &e2), "docker.io/shop/web:latest");
    assert_null(name_of(s, "docker-archive:", "save.tar", ":@0", &name, &e2));
    assert_non_null(strstr(e2.msg, "does not tell one name"));
    assert_null(name_of(s, "docker-archive:", "save.tar", "", &name, &e3));
    assert_non_null(strstr(e3.msg, "has 2 images"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(layouts_have_several_platforms_and_nested_indexes),
        WORLD_TEST(a_document_or_layer_that_is_missing_is_named),
        WORLD_TEST(a_digest_in_the_name_must_be_that_of_the_image),
        WORLD_TEST(images_of_a_docker_archive_are_chosen_by_reference_or_place),
        WORLD_TEST(images_of_one_name_are_the_platforms_of_one_image),
        WORLD_TEST(a_layer_that_is_not_what_the_configuration_says_stays_out),
        WORLD_TEST(a_file_that_another_program_made_says_what_it_may_be),
        WORLD_TEST(files_are_asked_for_the_name_of_their_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
