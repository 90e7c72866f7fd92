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

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundler/fetch.h"
#include "bundler/resolve.h"
#include "sys/path.h"
#include "tests/support/fake.h"

#include "base/banned.h"

#define INDEX "application/vnd.oci.image.index.v1+json"
#define MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define CONFIG "application/vnd.oci.image.config.v1+json"
#define LAYER "application/vnd.oci.image.layer.v1.tar+gzip"

struct setting {
    struct buf script;
    struct fake f;
    char dir[64];
    char host[64];
    const char *plain[1];
    struct registry *r;
    struct cache *cache;
    struct image_source *source;
};

struct thing { /* something in the registry */
    struct digest digest;
    size_t size;
};

static void add_rule(struct setting *s, const char *path, const char *text)
{
    buf_addf(&s->script, "%s{\"path\": \"%s\", \"body_hex\": \"", s->script.len > 0 ? ", " : "", path);
    for (; *text != '\0'; text++)
        buf_addf(&s->script, "%02x", (unsigned)(unsigned char)*text);
    buf_adds(&s->script, "\"}");
}

static struct thing thing_of(const char *text)
{
    struct thing t = { .size = strlen(text) };
    sha256_of(&t.digest, text, t.size);
    return t;
}

static struct thing add_blob(struct setting *s, const char *text)
{
    struct thing t = thing_of(text);
    AUTO(mem_auto) char *path = mem_format("/v2/app/blobs/%s", DIGEST_SHOWN(&t.digest));
    add_rule(s, path, text);
    return t;
}

static struct thing add_manifest(struct setting *s, const char *tag, const char *text)
{
    struct thing t = thing_of(text);
    AUTO(mem_auto) char *path = mem_format("/v2/app/manifests/%s", DIGEST_SHOWN(&t.digest));
    AUTO(mem_auto) char *tagged = mem_format("/v2/app/manifests/%s", tag != NULL ? tag : "no-tag");
    add_rule(s, path, text);
    add_rule(s, tagged, text);
    return t;
}

static struct thing add_config(struct setting *s, const char *platform, const char *const *diff_ids, size_t n)
{
    AUTO(buf_clear_auto) struct buf b = BUF_LIMIT(4096);
    buf_addf(&b, "{%s,\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[", platform);
    for (size_t i = 0; i < n; i++) {
        struct thing t = thing_of(diff_ids[i]);
        buf_addf(&b, "%s\"%s\"", i > 0 ? "," : "", DIGEST_SHOWN(&t.digest));
    }
    buf_adds(&b, "]},\"config\":{}}");
    return add_blob(s, buf_text(&b));
}

static char *descriptor(const char *type, struct thing t, const char *more)
{
    return mem_format("{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu%s}", type, DIGEST_SHOWN(&t.digest), t.size, more);
}

static char *manifest_of(struct thing config, const struct thing *layers, size_t n, const char *layer_type, const char *more)
{
    AUTO(buf_clear_auto) struct buf b = BUF_LIMIT(8192);
    AUTO(mem_auto) char *c = descriptor(CONFIG, config, "");
    buf_addf(&b, "{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST "\",\"config\":%s,\"layers\":[", c);
    for (size_t i = 0; i < n; i++) {
        AUTO(mem_auto) char *l = descriptor(layer_type, layers[i], more);
        buf_addf(&b, "%s%s", i > 0 ? "," : "", l);
    }
    buf_adds(&b, "]}");
    return buf_take(&b);
}

static const char *const amd64 = "\"architecture\":\"amd64\",\"os\":\"linux\"";
static const char *const arm64 = "\"architecture\":\"arm64\",\"os\":\"linux\",\"variant\":\"v8\"";

/* A whole image of two layers, the first shared by all. Returns its manifest. */
static struct thing add_image(struct setting *s, const char *tag, const char *platform, const char *own_layer)
{
    const char *diff_ids[] = { "base layer", own_layer };
    struct thing layers[] = { add_blob(s, "base layer"), add_blob(s, own_layer) };
    struct thing config = add_config(s, platform, diff_ids, 2);
    AUTO(mem_auto) char *text = manifest_of(config, layers, 2, LAYER, "");
    return add_manifest(s, tag, text);
}

static char *index_of(const char *entries)
{
    return mem_format("{\"schemaVersion\":2,\"mediaType\":\"" INDEX "\",\"manifests\":[%s]}", entries);
}

static void listen_now(struct setting *s)
{
    struct err e = { 0 };
    AUTO(mem_auto) char *script = mem_format("{\"rules\": [%s, {\"status\": 404}]}", buf_text(&s->script));
    fake_start(&s->f, script);
    snprintf(s->host, sizeof s->host, "127.0.0.1:%u", s->f.ports[0]);
    s->plain[0] = s->host;
    struct registry_options o = { .plain_http = s->plain, .n_plain_http = 1, .tries = UINT_MAX, .stall_timeout_ms = 5000 };
    s->r = registry_open(&o, &e);
    s->cache = cache_open(s->dir, &e);
    assert_true(s->r != NULL && s->cache != NULL);
    s->source = resolve_in_registries(s->r, s->cache);
}

static int begin(void **state)
{
    struct setting *s = mem_new(sizeof *s);
    s->script = (struct buf)BUF_LIMIT(MIB);
    snprintf(s->dir, sizeof s->dir, "/tmp/test_images.XXXXXX");
    *state = s;
    return mkdtemp(s->dir) == NULL;
}

static int end(void **state)
{
    struct setting *s = *state;
    struct err e = { 0 };
    image_source_free(s->source);
    registry_free(s->r);
    cache_close(s->cache);
    buf_clear(&s->script);
    if (s->f.pid > 0)
        fake_stop(&s->f);
    bool is_good = path_remove_tree(s->dir, &e);
    mem_free(s);
    return is_good ? 0 : -1;
}

static bool resolve(struct setting *s, const char *tag, const char *platforms, struct image *out, struct err *e)
{
    AUTO(mem_auto) char *name = mem_format("%s/app%s", s->host, tag);
    struct ref ref;
    struct platform list[2];
    size_t n = 0;
    assert_true(ref_parse(&ref, name, e));
    if (strstr(platforms, "amd64") != NULL)
        assert_true(platform_parse(&list[n++], "linux/amd64", e));
    if (strstr(platforms, "arm64") != NULL)
        assert_true(platform_parse(&list[n++], "linux/arm64", e));
    struct image_request rq = { .ref = &ref, .platforms = list, .n_platforms = n };
    return s->source->resolve(s->source, &rq, out, e);
}

static void refuse(struct setting *s, const char *tag, const char *platforms, enum err_code code, const char *part)
{
    struct err e = { 0 };
    struct image image;
    assert_false(resolve(s, tag, platforms, &image, &e));
    if (e.code != code || strstr(e.msg, part) == NULL)
        fail_msg("%s: %s (expected %s: %s)", err_name(e.code), e.msg, err_name(code), part);
    image_clear(&image);
}

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
    assert_true(fetch_plan(s->cache, images, 2, &totals, &e));
    assert_int_equal(totals.n_blobs, 3);
    assert_int_equal(totals.n_missing, 3);
    assert_int_equal(totals.bytes, 10 + 5 + 6);
    for (int round = 0; round < 2; round++) {
        int n_before = fake_count(&s->f, "/blobs/");
        struct facts facts = { 0 };
        struct progress progress = { take_fact, &facts };
        if (!fetch_layers(s->r, s->cache, images, 2, 4, &progress, &e))
            fail_msg("%s", e.msg);
        assert_int_equal(fake_count(&s->f, "/blobs/") - n_before, round == 0 ? 3 : 0);
        assert_int_equal(facts.n_items, 3);
        assert_int_equal(facts.n_from_cache, round == 0 ? 0 : 3);
        assert_int_equal(facts.n_phase_ends, 1);
        assert_int_equal(facts.last_done, 21);
        assert_int_equal(facts.last_total, 21);
    }
    assert_true(fetch_plan(s->cache, images, 2, &totals, &e));
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
    assert_false(fetch_layers(s->r, s->cache, images, 1, 1, NULL, &e));
    assert_int_equal(e.code, ERR_REGISTRY);
    assert_non_null(strstr(e.msg, DIGEST_SHOWN(&layers[1].digest)));
    struct fetch_totals totals;
    assert_true(fetch_plan(s->cache, images, 1, &totals, &e));
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
    assert_false(fetch_plan(s->cache, images, 2, &totals, &e));
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
