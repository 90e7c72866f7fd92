/* From references to layers: resolve and fetch against a registry that is told what to say. The registry is made here: documents
 * are added by text, their digests and sizes are computed. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/bundler/setting.h"

#include "base/banned.h"

static void an_image_of_one_platform_is_resolved(void **state)
{
    struct setting *s = *state;
    struct thing manifest = add_image(s, "1", amd64, "own layer");
    listen_now(s);
    struct err e = { 0 };
    struct image image;
    if (!resolve(s, ":1", "amd64", &image, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(image.n_indexes, 0);
    assert_int_equal(image.n_platforms, 1);
    const struct image_platform *p = &image.platforms[0];
    assert_true(digest_equal(&p->manifest_digest, &manifest.digest));
    assert_int_equal(p->manifest.len, manifest.size);
    assert_int_equal(p->m.n_layers, 2);
    assert_int_equal(p->c.n_diff_ids, 2);
    assert_int_equal(p->compression[1], OCI_GZIP);
    struct digest config;
    sha256_of(&config, buf_text(&p->config), p->config.len);
    assert_true(digest_equal(&config, &p->m.config.digest));
    image_clear(&image);
    refuse(s, ":1", "arm64", ERR_REGISTRY, "linux/amd64, expected linux/arm64");
    refuse(s, ":1", "amd64 arm64", ERR_REGISTRY, "expected linux/arm64");
    refuse(s, ":absent", "amd64", ERR_REGISTRY, "app:absent");
}

static void an_index_gives_every_platform_that_is_asked_for(void **state)
{
    struct setting *s = *state;
    AUTO(mem_auto) char *a = descriptor(MANIFEST, add_image(s, NULL, amd64, "amd layer"), ",\"platform\":{\"architecture\":\"amd64\",\"os\":\"linux\"}");
    AUTO(mem_auto) char *b = descriptor(MANIFEST, add_image(s, NULL, arm64, "arm layer"), ",\"platform\":{\"architecture\":\"arm64\",\"os\":\"linux\",\"variant\":\"v8\"}");
    AUTO(mem_auto) char *both = mem_format("%s,%s", a, b);
    AUTO(mem_auto) char *text = index_of(both);
    struct thing index = add_manifest(s, "1", text);
    listen_now(s);
    struct err e = { 0 };
    struct image image;
    if (!resolve(s, ":1", "amd64 arm64", &image, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(image.n_indexes, 1);
    assert_true(digest_equal(&image.indexes[0].digest, &index.digest));
    assert_string_equal(buf_text(&image.indexes[0].bytes), text);
    assert_string_equal(image.platforms[1].c.platform.architecture, "arm64");
    assert_false(digest_equal(&image.platforms[0].manifest_digest, &image.platforms[1].manifest_digest));
    image_clear(&image);
    /* By digest, and from the cache, the tag is not asked again and nothing below it. */
    int n_before = fake_count(&s->f, "\"method\"");
    AUTO(mem_auto) char *pinned = mem_format("@%s", DIGEST_SHOWN(&index.digest));
    for (int i = 0; i < 2; i++) {
        struct err e2 = { 0 };
        if (!resolve(s, pinned, "arm64", &image, &e2))
            fail_msg("%s", e2.msg);
        image_clear(&image);
    }
    assert_int_equal(fake_count(&s->f, "\"method\""), n_before + 1);
}

static void platforms_that_are_missing_are_named(void **state)
{
    struct setting *s = *state;
    AUTO(mem_auto) char *a = descriptor(MANIFEST, add_image(s, NULL, amd64, "amd layer"), ",\"platform\":{\"architecture\":\"amd64\",\"os\":\"linux\"}");
    AUTO(mem_auto) char *text = index_of(a);
    add_manifest(s, "1", text);
    listen_now(s);
    refuse(s, ":1", "arm64", ERR_REGISTRY, "has no linux/arm64");
}

static void an_index_in_an_index_is_followed_a_few_times(void **state)
{
    struct setting *s = *state;
    struct thing image_thing = add_image(s, NULL, amd64, "x");
    AUTO(mem_auto) char *inner_entry = descriptor(MANIFEST, image_thing, ",\"platform\":{\"architecture\":\"amd64\",\"os\":\"linux\"}");
    AUTO(mem_auto) char *text = index_of(inner_entry);
    for (int depth = 0; depth < 5; depth++) {
        AUTO(mem_auto) char *tag = mem_format("%d", depth);
        AUTO(mem_auto) char *entry = descriptor(INDEX, add_manifest(s, tag, text), "");
        mem_free(text);
        text = index_of(entry);
    }
    listen_now(s);
    struct err e = { 0 };
    struct image image;
    if (!resolve(s, ":3", "amd64", &image, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(image.n_indexes, 4);
    image_clear(&image);
    refuse(s, ":4", "amd64", ERR_REGISTRY, "nested more than 4 deep");
}

static void documents_that_do_not_fit_together_are_refused(void **state)
{
    struct setting *s = *state;
    const char *one[] = { "base layer" };
    struct thing layers[] = { add_blob(s, "base layer"), add_blob(s, "second") };
    struct thing config = add_config(s, amd64, one, 1);
    struct thing huge = { .digest = config.digest, .size = 21 * 1024 * 1024 }, lies = { .digest = config.digest, .size = config.size + 1 };
    static const char docker_foreign[] = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    AUTO(mem_auto) char *count = manifest_of(config, layers, 2, LAYER, "");
    AUTO(mem_auto) char *urls = manifest_of(config, layers, 1, LAYER, ",\"urls\":[\"https://elsewhere.example/x\"]");
    AUTO(mem_auto) char *foreign = manifest_of(config, layers, 1, docker_foreign, "");
    AUTO(mem_auto) char *too_big = manifest_of(huge, layers, 1, LAYER, "");
    AUTO(mem_auto) char *wrong_size = manifest_of(lies, layers, 1, LAYER, "");
    add_manifest(s, "count", count);
    add_manifest(s, "urls", urls);
    add_manifest(s, "foreign", foreign);
    add_manifest(s, "big", too_big);
    add_manifest(s, "size", wrong_size);
    listen_now(s);
    refuse(s, ":count", "amd64", ERR_REGISTRY, "the manifest has 2 layers, its config 1");
    refuse(s, ":urls", "amd64", ERR_REGISTRY, "layer 0 (application/vnd.oci.image.layer.v1.tar+gzip) is a foreign layer");
    refuse(s, ":foreign", "amd64", ERR_REGISTRY, "foreign");
    refuse(s, ":big", "amd64", ERR_REGISTRY, "config.size");
    refuse(s, ":size", "amd64", ERR_INTEGRITY, "bytes, expected");
}

static void an_index_that_lies_about_sizes_is_refused(void **state)
{
    struct setting *s = *state;
    struct thing t = add_image(s, NULL, amd64, "x");
    t.size++;
    AUTO(mem_auto) char *entry = descriptor(MANIFEST, t, ",\"platform\":{\"architecture\":\"amd64\",\"os\":\"linux\"}");
    AUTO(mem_auto) char *text = index_of(entry);
    add_manifest(s, "1", text);
    listen_now(s);
    refuse(s, ":1", "amd64", ERR_INTEGRITY, "the index says");
}

struct facts {
    int n_items, n_from_cache, n_phase_ends;
    uint64_t last_done, last_total;
};

static bool take_fact(void *ctx, const struct progress_fact *fact)
{
    struct facts *f = ctx;
    assert_string_equal(fact->phase, "fetch");
    assert_true(fact->done <= fact->total);
    if (fact->item != NULL && fact->is_finished) {
        f->n_items++;
        f->n_from_cache += fact->is_from_cache;
    }
    if (fact->item == NULL) {
        f->last_done = fact->done;
        f->last_total = fact->total;
        f->n_phase_ends += fact->is_finished;
    }
    return true;
}

static void distinct_layers_are_fetched_once_and_the_second_time_not_at_all(void **state)
{
    struct setting *s = *state;
    add_image(s, "1", amd64, "first");
    add_image(s, "2", amd64, "second");
    listen_now(s);
    struct err e = { 0 };
    struct image *images = mem_new_array(2, sizeof *images);
    if (!resolve(s, ":1", "amd64", &images[0], &e) || !resolve(s, ":2", "amd64", &images[1], &e))
        fail_msg("%s", e.msg);
    struct fetch_totals totals;
    assert_true(fetch_plan(s->cache, images, 2, NULL, &totals, &e));
    assert_int_equal(totals.n_blobs, 3);
    assert_int_equal(totals.n_missing, 3);
    assert_int_equal(totals.bytes, 10 + 5 + 6);
    for (int round = 0; round < 2; round++) {
        int n_before = fake_count(&s->f, "/blobs/");
        struct facts facts = { 0 };
        struct progress progress = { take_fact, &facts };
        if (!fetch_layers(s->r, s->cache, images, 2, NULL, 4, NULL, &progress, &e))
            fail_msg("%s", e.msg);
        assert_int_equal(fake_count(&s->f, "/blobs/") - n_before, round == 0 ? 3 : 0);
        assert_int_equal(facts.n_items, 3);
        assert_int_equal(facts.n_from_cache, round == 0 ? 0 : 3);
        assert_int_equal(facts.n_phase_ends, 1);
        assert_int_equal(facts.last_done, 21);
        assert_int_equal(facts.last_total, 21);
    }
    assert_true(fetch_plan(s->cache, images, 2, NULL, &totals, &e));
    assert_int_equal(totals.n_missing, 0);
    AUTO(mem_auto) char *path = cache_path(s->cache, &images[0].platforms[0].m.layers[1].digest);
    assert_int_equal(access(path, R_OK), 0);
    images_clear(images, 2);
}

static void a_layer_that_is_missing_stops_the_run_and_keeps_the_rest(void **state)
{
    struct setting *s = *state;
    const char *ids[] = { "base layer", "never uploaded" };
    struct thing layers[] = { add_blob(s, "base layer"), thing_of("never uploaded") };
    struct thing config = add_config(s, amd64, ids, 2);
    AUTO(mem_auto) char *text = manifest_of(config, layers, 2, LAYER, "");
    add_manifest(s, "1", text);
    listen_now(s);
    struct err e = { 0 };
    struct image *images = mem_new_array(1, sizeof *images);
    assert_true(resolve(s, ":1", "amd64", &images[0], &e));
    assert_false(fetch_layers(s->r, s->cache, images, 1, NULL, 1, NULL, NULL, &e));
    assert_int_equal(e.code, ERR_REGISTRY);
    assert_non_null(strstr(e.msg, DIGEST_SHOWN(&layers[1].digest)));
    struct fetch_totals totals;
    assert_true(fetch_plan(s->cache, images, 1, NULL, &totals, &e));
    assert_int_equal(totals.n_missing, 1);
    images_clear(images, 1);
}

static void one_digest_with_two_sizes_is_refused(void **state)
{
    struct setting *s = *state;
    const char *ids[] = { "base layer" };
    struct thing layer = add_blob(s, "base layer"), liar = layer;
    liar.size++;
    struct thing config = add_config(s, amd64, ids, 1);
    AUTO(mem_auto) char *one = manifest_of(config, &layer, 1, LAYER, "");
    AUTO(mem_auto) char *two = manifest_of(config, &liar, 1, LAYER, "");
    add_manifest(s, "1", one);
    add_manifest(s, "2", two);
    listen_now(s);
    struct err e = { 0 };
    struct image *images = mem_new_array(2, sizeof *images);
    assert_true(resolve(s, ":1", "amd64", &images[0], &e) && resolve(s, ":2", "amd64", &images[1], &e));
    struct fetch_totals totals;
    assert_false(fetch_plan(s->cache, images, 2, NULL, &totals, &e));
    assert_int_equal(e.code, ERR_REGISTRY);
    assert_non_null(strstr(e.msg, "11 bytes here and 10 in"));
    images_clear(images, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_image_of_one_platform_is_resolved, begin, end),
        cmocka_unit_test_setup_teardown(an_index_gives_every_platform_that_is_asked_for, begin, end),
        cmocka_unit_test_setup_teardown(platforms_that_are_missing_are_named, begin, end),
        cmocka_unit_test_setup_teardown(an_index_in_an_index_is_followed_a_few_times, begin, end),
        cmocka_unit_test_setup_teardown(documents_that_do_not_fit_together_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(an_index_that_lies_about_sizes_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(distinct_layers_are_fetched_once_and_the_second_time_not_at_all, begin, end),
        cmocka_unit_test_setup_teardown(a_layer_that_is_missing_stops_the_run_and_keeps_the_rest, begin, end),
        cmocka_unit_test_setup_teardown(one_digest_with_two_sizes_is_refused, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
