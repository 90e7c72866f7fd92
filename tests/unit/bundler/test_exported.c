/* Images of an engine in the blob cache: layers under their digests, a manifest that is always the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/text.h"
#include "bundler/exported.h"
#include "tests/support/scratch.h"
#include "tests/support/tar_text.h"

#define CONTENT "the tar of a layer"

struct world {
    struct cache *cache;
    struct digest diff_id;
    int fd;
};

/* An image of one layer; claimed: its diff_id as the configuration has it. */
static void start(struct world *w, struct scratch *s, const char *content, const struct digest *claimed, const char *layer)
{
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf tar = BUF_LIMIT(1 << 20);
    AUTO(mem_auto) char *config = mem_format("{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}", DIGEST_SHOWN(claimed));
    AUTO(mem_auto) char *manifest = mem_format("[{\"Config\":\"c.json\",\"Layers\":[\"%s\"]}]", layer);
    tar_text_file(&tar, layer, content);
    tar_text_file(&tar, "c.json", config);
    tar_text_file(&tar, "manifest.json", manifest);
    tar_text_end(&tar);
    w->cache = cache_open(scratch_at(s, "cache"), &e);
    w->fd = memfd_create("export", MFD_CLOEXEC);
    assert_true(w->cache != NULL && w->fd >= 0 && fd_write_all(w->fd, tar.data, tar.len, "memory", &e));
}

static bool take(struct world *w, struct image *image, struct err *e)
{
    AUTO(export_close_auto) struct export *x = export_of(tarball_open(w->fd, "exported image", e), ERR_ENGINE, e);
    if (x == NULL)
        return false;
    image->platforms = mem_new(sizeof *image->platforms);
    image->n_platforms = 1;
    assert_true(platform_parse(&image->platforms[0].platform, "linux/amd64", e));
    return exported_describe(x, export_image(x, 0), &image->platforms[0], "shop/web:1", e) && exported_put(x, export_image(x, 0), w->cache, "shop/web:1", e);
}

static void an_uncompressed_layer_is_kept_under_its_diff_id(void **state)
{
    struct scratch *s = *state;
    struct world w = { 0 };
    struct image image = { 0 };
    struct err e = { 0 };
    bool is_there = false;
    sha256_of(&w.diff_id, CONTENT, strlen(CONTENT));
    start(&w, s, CONTENT, &w.diff_id, "aaaa/layer.tar");
    assert_true(take(&w, &image, &e));
    assert_true(cache_find(w.cache, &w.diff_id, strlen(CONTENT), &is_there, &e));
    assert_true(is_there);
    assert_string_equal(image.platforms[0].m.layers[0].media_type, OCI_TYPE_LAYER);
    assert_true(digest_equal(&image.platforms[0].m.layers[0].digest, &w.diff_id));
    assert_int_equal(image.platforms[0].compression[0], OCI_RAW);
    image_clear(&image);
    cache_close(w.cache);
}

static void a_compressed_blob_is_known_by_its_first_bytes(void **state)
{
    static const char *const contents[] = { "\x1f\x8b rest", "\x28\xb5\x2f\xfd rest" };
    static const enum oci_compression kinds[] = { OCI_GZIP, OCI_ZSTD };
    for (size_t i = 0; i < 2; i++) {
        struct scratch *s = *state;
        struct world w = { 0 };
        struct image image = { 0 };
        struct err e = { 0 };
        struct digest blob;
        sha256_of(&w.diff_id, "what it inflates to", 19);
        sha256_of(&blob, contents[i], strlen(contents[i]));
        AUTO(mem_auto) char *name = mem_format("blobs/sha256/%s", DIGEST_HEX(&blob));
        start(&w, s, contents[i], &w.diff_id, name);
        assert_true(take(&w, &image, &e));
        assert_int_equal(image.platforms[0].compression[0], kinds[i]);
        assert_true(digest_equal(&image.platforms[0].m.layers[0].digest, &blob));
        assert_true(digest_equal(&image.platforms[0].c.diff_ids[0], &w.diff_id));
        image_clear(&image);
        cache_close(w.cache);
    }
}

static void a_layer_that_is_not_what_it_claims_stays_out(void **state)
{
    struct scratch *s = *state;
    struct world w = { 0 };
    struct image image = { 0 };
    struct err e = { 0 };
    struct err none = { 0 };
    bool is_there = true;
    sha256_of(&w.diff_id, "something else", 14);
    start(&w, s, CONTENT, &w.diff_id, "aaaa/layer.tar");
    assert_false(take(&w, &image, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
    assert_non_null(strstr(e.msg, "shop/web:1"));
    assert_true(cache_find(w.cache, &w.diff_id, strlen(CONTENT), &is_there, &none));
    assert_false(is_there);
    image_clear(&image);
    cache_close(w.cache);
}

static void the_manifest_of_one_image_is_always_the_same(void **state)
{
    struct scratch *s = *state;
    struct digest found[2];
    for (size_t i = 0; i < 2; i++) {
        struct world w = { 0 };
        struct image image = { 0 };
        struct err e = { 0 };
        sha256_of(&w.diff_id, CONTENT, strlen(CONTENT));
        start(&w, s, CONTENT, &w.diff_id, i == 0 ? "aaaa/layer.tar" : "bbbb.tar");
        assert_true(take(&w, &image, &e));
        found[i] = image.platforms[0].manifest_digest;
        image_clear(&image);
        cache_close(w.cache);
    }
    assert_true(digest_equal(&found[0], &found[1]));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCRATCH_TEST(an_uncompressed_layer_is_kept_under_its_diff_id),
        SCRATCH_TEST(a_compressed_blob_is_known_by_its_first_bytes),
        SCRATCH_TEST(a_layer_that_is_not_what_it_claims_stays_out),
        SCRATCH_TEST(the_manifest_of_one_image_is_always_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
