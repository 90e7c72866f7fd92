/* Layers taken back out of an engine: every shape of archive, and engines that give something else than they hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "engine/layers.h"
#include "stream/zstd.h"
#include "sys/file.h"
#include "tests/support/tar_text.h"
#include "tests/unit/engine/world.h"

#define FIRST "content of the first layer"
#define SECOND "content of the second layer, which is longer"

static const char first_gzip_hex[] =
    "1f8b08000000000002034bcecf2b49cd2b51c84f5328c9485548cb2c2a2e51c849ac4c2d0200d2c0bae31a000000"; /* of FIRST */

static struct world world; /* one for all tests: what it answers changes */

struct scene {
    struct buf tar;
    struct digest image;
    struct layer_file want[2];
};

static void start(struct scene *s)
{
    *s = (struct scene){ .tar = BUF_LIMIT(1 << 20), .want = { { .fd = -1 }, { .fd = -1 } } };
    sha256_of(&s->image, "image", 5);
    sha256_of(&s->want[0].diff_id, FIRST, strlen(FIRST));
    sha256_of(&s->want[1].diff_id, SECOND, strlen(SECOND));
}

static void add_hex(struct buf *out, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_addf(out, "%02x", ((const uint8_t *)bytes)[i]);
}

static void stop(struct scene *s)
{
    layer_files_close(s->want, ARRAY_LEN(s->want));
    buf_clear(&s->tar);
}

static bool fetch(struct scene *s, const char *how, size_t n, bool *is_there, struct err *e)
{
    AUTO(buf_clear_auto) struct buf rules = BUF_LIMIT(4 << 20);
    buf_addf(&rules, "{\"call\": \"GET /images/%s/get\", %s \"body_hex\": \"", DIGEST_SHOWN(&s->image), how);
    add_hex(&rules, s->tar.data, s->tar.len);
    buf_adds(&rules, "\"},");
    world_again(&world, WORLD_CLASSIC, buf_text(&rules));
    return layers_fetch(world.g, &s->image, world.fake.dir, s->want, n, is_there, NULL, e);
}

static void holds(const struct layer_file *l, const char *text)
{
    struct stat st;
    char found[100] = "";
    assert_true(l->fd >= 0);
    assert_int_equal(l->size, strlen(text));
    assert_int_equal(fstat(l->fd, &st), 0);
    assert_int_equal(st.st_nlink, 0);
    assert_int_equal(st.st_size, strlen(text));
    assert_int_equal(pread(l->fd, found, sizeof found - 1, 0), strlen(text));
    assert_string_equal(found, text);
}

static void gives_both(struct scene *s)
{
    struct err e = { 0 };
    bool is_there = false;
    tar_text_end(&s->tar);
    if (!fetch(s, "", 2, &is_there, &e))
        fail_msg("%s", e.msg);
    assert_true(is_there);
    holds(&s->want[0], FIRST);
    holds(&s->want[1], SECOND);
    stop(s);
}

static void refused(struct scene *s, const char *how, enum err_code code, const char *text)
{
    struct err e = { 0 };
    bool is_there = true;
    assert_false(fetch(s, how, 1, &is_there, &e));
    assert_int_equal(e.code, code);
    if (strstr(e.msg, text) == NULL && strstr(e.hint, text) == NULL)
        fail_msg("%s (%s)", e.msg, e.hint);
    assert_int_equal(s->want[0].fd, -1);
    stop(s);
}

/* ---- shapes ---- */

static void layers_in_folders_of_their_own(void **state)
{
    (void)state;
    struct scene s;
    start(&s);
    tar_text_add(&s.tar, '5', "bbbb/", NULL, "", 0);
    tar_text_file(&s.tar, "bbbb/VERSION", "1.0");
    tar_text_file(&s.tar, "bbbb/layer.tar", SECOND);
    tar_text_add(&s.tar, '2', "cccc/layer.tar", "../bbbb/layer.tar", "", 0);
    tar_text_file(&s.tar, "aaaa/layer.tar", "a layer that nobody wants, longer than all others of this test");
    tar_text_file(&s.tar, "dddd/layer.tar", FIRST);
    tar_text_file(&s.tar, "manifest.json", "[]");
    gives_both(&s);
}

static void sizes_that_are_known_choose(void **state)
{
    (void)state;
    struct scene s;
    start(&s);
    s.want[0].size = strlen(FIRST);
    s.want[1].size = strlen(SECOND);
    tar_text_file(&s.tar, "aaaa/layer.tar", "another layer of that size"); /* as long as FIRST */
    tar_text_file(&s.tar, "bbbb/layer.tar", SECOND);
    tar_text_file(&s.tar, "dddd/layer.tar", FIRST);
    gives_both(&s);
}

static void files_named_by_their_digest(void **state)
{
    (void)state;
    static const char *const shapes[][2] = { { "blobs/sha256/", "" }, { "", ".tar" }, { "", "" } };
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        struct scene s;
        start(&s);
        AUTO(mem_auto) char *first = mem_format("%s%s%s", shapes[i][0], DIGEST_HEX(&s.want[0].diff_id), shapes[i][1]);
        AUTO(mem_auto) char *second = mem_format("%s%s%s", shapes[i][0], DIGEST_HEX(&s.want[1].diff_id), shapes[i][1]);
        AUTO(mem_auto) char *other = mem_format("%s%s%s", shapes[i][0], DIGEST_HEX(&s.image), shapes[i][1]);
        tar_text_file(&s.tar, other, FIRST); /* a name that lies is not looked into */
        tar_text_file(&s.tar, second, SECOND);
        tar_text_file(&s.tar, first, FIRST);
        gives_both(&s);
    }
}

static void blobs_that_are_compressed(void **state)
{
    (void)state;
    struct scene s;
    struct err e = { 0 };
    uint8_t gzip[sizeof first_gzip_hex / 2];
    uint8_t zstd[256];
    size_t n_zstd = 0;
    start(&s);
    for (size_t i = 0; i < sizeof gzip; i++) {
        char pair[3] = { first_gzip_hex[2 * i], first_gzip_hex[2 * i + 1], '\0' };
        gzip[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    AUTO(zstd_packer_free_auto) struct zstd_packer *p = zstd_packer_new(3);
    assert_true(zstd_pack(p, SECOND, strlen(SECOND), zstd, sizeof zstd, &n_zstd, &e));
    AUTO(mem_auto) char *name = mem_format("blobs/sha256/%s", DIGEST_HEX(&s.image)); /* of the compressed bytes */
    tar_text_add(&s.tar, '0', name, NULL, gzip, sizeof gzip);
    tar_text_add(&s.tar, '0', "second", NULL, zstd, n_zstd);
    gives_both(&s);
}

static void what_does_not_inflate_is_passed_over(void **state)
{
    (void)state;
    struct scene s;
    start(&s);
    tar_text_file(&s.tar, "odd", "\x1F\x8B this is no gzip");
    tar_text_file(&s.tar, "aaaa/layer.tar", FIRST);
    tar_text_file(&s.tar, "bbbb/layer.tar", SECOND);
    gives_both(&s);
}

/* ---- engines on a bad day ---- */

static void a_layer_that_hashes_differently_is_told_with_the_way_out(void **state)
{
    (void)state;
    struct scene s;
    start(&s);
    tar_text_file(&s.tar, "aaaa/layer.tar", "content of the First layer");
    tar_text_end(&s.tar);
    refused(&s, "", ERR_INTEGRITY, "no layer with digest sha256:");
    start(&s);
    tar_text_file(&s.tar, "aaaa/layer.tar", "content of the First layer");
    tar_text_end(&s.tar);
    refused(&s, "", ERR_INTEGRITY, "use the full bundle, or the base's own with --base");
}

static void an_image_that_is_gone_is_an_answer(void **state)
{
    (void)state;
    struct scene s;
    struct err e = { 0 };
    bool is_there = true;
    start(&s);
    assert_true(fetch(&s, "\"status\": 404, ", 1, &is_there, &e));
    assert_false(is_there);
    assert_int_equal(s.want[0].fd, -1);
    stop(&s);
}

static void an_engine_that_refuses_is_quoted(void **state)
{
    (void)state;
    struct scene s;
    start(&s);
    buf_adds(&s.tar, "{\"message\":\"disk I/O error\"}");
    refused(&s, "\"status\": 500, ", ERR_ENGINE, "disk I/O error");
}

static void an_archive_that_was_cut_or_is_none(void **state)
{
    (void)state;
    struct scene s;
    start(&s);
    tar_text_file(&s.tar, "aaaa/layer.tar", FIRST);
    s.tar.len = 520; /* in the middle of the content */
    refused(&s, "", ERR_ENGINE, "exported image");
    start(&s);
    for (int i = 0; i < 100; i++)
        buf_adds(&s.tar, "this is no tar archive ");
    refused(&s, "", ERR_ENGINE, "exported image");
}

/* What comes behind the archive, or its part that is wanted, is not waited for: here it never ends. */
static bool fetch_before_flood(struct scene *s, bool *is_there, struct err *e)
{
    AUTO(buf_clear_auto) struct buf rules = BUF_LIMIT(1 << 20);
    AUTO(buf_clear_auto) struct buf head = BUF_LIMIT(1 << 16);
    for (size_t i = 0; i < s->tar.len; i++)
        buf_addf(&head, "\\u%04x", s->tar.data[i]);
    buf_addf(&rules, "{\"call\": \"GET /images/%s/get\", \"lines\": [\"%s\"], \"flood\": [\"\\u0000\", 400000000], \"unfinished\": true},",
             DIGEST_SHOWN(&s->image), buf_text(&head));
    world_again(&world, WORLD_CLASSIC, buf_text(&rules));
    return layers_fetch(world.g, &s->image, world.fake.dir, s->want, 1, is_there, NULL, e);
}

static void the_rest_is_not_listened_to(void **state)
{
    (void)state;
    struct scene s;
    struct err e = { 0 };
    bool is_there = false;
    start(&s);
    tar_text_file(&s.tar, "aaaa/layer.tar", FIRST);
    if (!fetch_before_flood(&s, &is_there, &e))
        fail_msg("%s", e.msg);
    assert_true(is_there);
    holds(&s.want[0], FIRST);
    stop(&s);
}

static void what_follows_an_archive_without_the_layer_is_not_listened_to(void **state)
{
    (void)state;
    struct scene s;
    struct err e = { 0 };
    bool is_there = false;
    start(&s);
    tar_text_file(&s.tar, "aaaa/layer.tar", SECOND);
    tar_text_end(&s.tar);
    assert_false(fetch_before_flood(&s, &is_there, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
    assert_non_null(strstr(e.msg, "among those it gives away"));
    stop(&s);
}

/* A few bytes can inflate to gigabytes: no more of them reach the disk than the layer has. */
static void a_blob_that_inflates_for_ever_ends_at_the_layers_size(void **state)
{
    (void)state;
    enum { MANY = 4 << 20 };
    struct scene s;
    struct err e = { 0 };
    bool is_there = false;
    size_t n = 0;
    AUTO(mem_auto) uint8_t *zeros = mem_new(MANY);
    AUTO(mem_auto) uint8_t *zstd = mem_new(zstd_bound(MANY));
    AUTO(zstd_packer_free_auto) struct zstd_packer *p = zstd_packer_new(3);
    assert_true(zstd_pack(p, zeros, MANY, zstd, zstd_bound(MANY), &n, &e));
    start(&s);
    s.want[0].size = strlen(FIRST);
    tar_text_add(&s.tar, '0', "bomb", NULL, zstd, n);
    tar_text_file(&s.tar, "aaaa/layer.tar", FIRST);
    tar_text_end(&s.tar);
    assert_true(fetch(&s, "", 1, &is_there, &e));
    struct stat st;
    holds(&s.want[0], FIRST);
    assert_int_equal(fstat(s.want[0].fd, &st), 0);
    assert_true(st.st_blocks * 512 <= 64 * 1024); /* the file that the bomb went into is used again */
    stop(&s);
}

/* ---- where they are ---- */

static void add_image(struct buf *list, struct buf *rules, const char *name, const struct digest *const *layers, size_t n)
{
    struct digest id;
    sha256_of(&id, name, strlen(name));
    buf_addf(list, "%s{\"Id\": \"%s\"}", list->len > 0 ? "," : "", DIGEST_SHOWN(&id));
    buf_addf(rules,
             "{\"call\": \"GET /images/%s/json\", \"json\": {\"Id\": \"%s\", \"Os\": \"linux\", \"Architecture\": \"amd64\", \"RootFS\": "
             "{\"Layers\": [",
             DIGEST_SHOWN(&id), DIGEST_SHOWN(&id));
    for (size_t i = 0; i < n; i++)
        buf_addf(rules, "%s\"%s\"", i > 0 ? "," : "", DIGEST_SHOWN(layers[i]));
    buf_adds(rules, "]}}},");
}

static void few_images_are_chosen(void **state)
{
    (void)state;
    struct digest l[4], whole;
    struct layer_place places[4];
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf list = BUF_LIMIT(1 << 16);
    AUTO(buf_clear_auto) struct buf rules = BUF_LIMIT(1 << 16);
    for (size_t i = 0; i < 4; i++)
        sha256_of(&l[i], &i, sizeof i);
    sha256_of(&whole, "whole", 5);
    add_image(&list, &rules, "part", (const struct digest *[]){ &l[0] }, 1);
    add_image(&list, &rules, "whole", (const struct digest *[]){ &l[0], &l[1], &l[2] }, 3);
    add_image(&list, &rules, "other", (const struct digest *[]){ &whole }, 1);
    buf_addf(&rules, "{\"call\": \"GET /images/json\", \"json\": [%s]},", buf_text(&list));
    world_again(&world, WORLD_CLASSIC, buf_text(&rules));
    assert_true(layers_find(world.g, l, places, 4, &e));
    for (size_t i = 0; i < 3; i++)
        assert_true(places[i].is_found && digest_equal(&places[i].image, &whole));
    assert_false(places[3].is_found);
    assert_int_equal(world_calls(&world, "GET /images/sha256"), 3); /* each image is asked once */
}

static void an_image_that_lost_parts_of_itself_does_not_count(void **state)
{
    (void)state;
    struct digest l, id;
    struct layer_place place;
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf list = BUF_LIMIT(1 << 16);
    AUTO(buf_clear_auto) struct buf rules = BUF_LIMIT(1 << 16);
    sha256_of(&l, "layer", 5);
    sha256_of(&id, "lame", 4);
    add_image(&list, &rules, "lame", (const struct digest *[]){ &l }, 1);
    buf_addf(&rules, "{\"call\": \"GET /images/json\", \"json\": [%s]},", buf_text(&list));
    buf_addf(&rules,
             "{\"call\": \"GET /images/json.*\", \"json\": [{\"Id\": \"%s\", \"Manifests\": [{\"ID\": \"%s\", \"Available\": false}]}]},",
             DIGEST_SHOWN(&id), DIGEST_SHOWN(&id));
    world_again(&world, WORLD_CONTAINERD_27, buf_text(&rules));
    assert_true(layers_find(world.g, &l, &place, 1, &e));
    assert_false(place.is_found);
}

static int set_up(void **state)
{
    (void)state;
    world_start(&world, WORLD_CLASSIC, "");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_stop(&world);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_in_folders_of_their_own),
        cmocka_unit_test(sizes_that_are_known_choose),
        cmocka_unit_test(files_named_by_their_digest),
        cmocka_unit_test(blobs_that_are_compressed),
        cmocka_unit_test(what_does_not_inflate_is_passed_over),
        cmocka_unit_test(a_layer_that_hashes_differently_is_told_with_the_way_out),
        cmocka_unit_test(an_image_that_is_gone_is_an_answer),
        cmocka_unit_test(an_engine_that_refuses_is_quoted),
        cmocka_unit_test(an_archive_that_was_cut_or_is_none),
        cmocka_unit_test(the_rest_is_not_listened_to),
        cmocka_unit_test(what_follows_an_archive_without_the_layer_is_not_listened_to),
        cmocka_unit_test(a_blob_that_inflates_for_ever_ends_at_the_layers_size),
        cmocka_unit_test(few_images_are_chosen),
        cmocka_unit_test(an_image_that_lost_parts_of_itself_does_not_count),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
