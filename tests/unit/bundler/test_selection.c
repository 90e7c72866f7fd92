/* Which of the things that a reference leads to are taken: platforms and their variants, nested indexes, attestations, foreign layers; and
 * what is refused. */
#include "tests/unit/bundler/setting.h"

#include "bundler/attached.h"

#include "base/banned.h"

#define ON(arch) ",\"platform\":{\"architecture\":\"" arch "\",\"os\":\"linux\"}"
#define ON_VARIANT(arch, variant) ",\"platform\":{\"architecture\":\"" arch "\",\"os\":\"linux\",\"variant\":\"" variant "\"}"

static const char *const arm_v6 = "\"architecture\":\"arm\",\"os\":\"linux\",\"variant\":\"v6\"";
static const char *const arm_old = "\"architecture\":\"arm\",\"os\":\"linux\""; /* as old programs write it */

/* An index of entries, null-terminated; frees nothing. */
static struct thing add_index(struct setting *s, const char *tag, const char *const *entries)
{
    AUTO(buf_clear_auto) struct buf all = BUF_LIMIT(64 * KIB);
    for (size_t i = 0; entries[i] != NULL; i++)
        buf_addf(&all, "%s%s", i > 0 ? "," : "", entries[i]);
    AUTO(mem_auto) char *text = index_of(buf_text(&all));
    return add_manifest(s, tag, text);
}

/* ---- platforms ---- */

static void several_platforms_and_variants_are_taken_in_the_order_asked_for(void **state)
{
    struct setting *s = *state;
    AUTO(mem_auto) char *a = descriptor(MANIFEST, add_image(s, NULL, amd64, "amd"), ON("amd64"));
    AUTO(mem_auto) char *b = descriptor(MANIFEST, add_image(s, NULL, arm64, "arm64"), ON_VARIANT("arm64", "v8"));
    AUTO(mem_auto) char *c = descriptor(MANIFEST, add_image(s, NULL, arm_v6, "arm6"), ON_VARIANT("arm", "v6"));
    add_index(s, "1", (const char *const[]){ a, b, c, NULL });
    listen_now(s);
    struct image x;
    struct platform_text name;
    accept(s, ":1", "arm/v7 arm64/v8 x86_64", &x);
    assert_int_equal(x.n_platforms, 3);
    assert_string_equal(platform_format(&name, &x.platforms[0].platform), "linux/arm/v6"); /* runs on a v7 */
    assert_string_equal(platform_format(&name, &x.platforms[1].platform), "linux/arm64");
    assert_string_equal(platform_format(&name, &x.platforms[2].platform), "linux/amd64");
    image_clear(&x);
    accept(s, ":1", "amd64/v3 amd64", &x); /* one image for both */
    assert_int_equal(x.n_platforms, 1);
    assert_string_equal(platform_format(&name, &x.platforms[0].platform), "linux/amd64");
    image_clear(&x);
    refuse(s, ":1", "amd64 arm/v5", ERR_REGISTRY, "app:1: has no linux/arm/v5, it has: linux/amd64, linux/arm64, linux/arm/v6");
    refuse(s, ":1", "s390x", ERR_REGISTRY, "has no linux/s390x");
}

static void an_image_without_an_index_must_do_for_every_platform(void **state)
{
    struct setting *s = *state;
    add_image(s, "1", amd64, "amd");
    add_image(s, "6", arm_v6, "arm");
    listen_now(s);
    struct image x;
    struct platform_text name;
    accept(s, ":1", "amd64 amd64/v2", &x);
    assert_int_equal(x.n_platforms, 1);
    image_clear(&x);
    accept(s, ":6", "arm", &x);
    assert_string_equal(platform_format(&name, &x.platforms[0].platform), "linux/arm/v6");
    image_clear(&x);
    refuse(s, ":1", "amd64 arm64", ERR_REGISTRY, "app:1: is for linux/amd64 alone, expected linux/arm64");
    refuse(s, ":1", "arm64", ERR_REGISTRY, "app:1: is for linux/amd64, expected linux/arm64");
    refuse(s, ":6", "arm/v5", ERR_REGISTRY, "is for linux/arm/v6, expected linux/arm/v5");
}

static void the_index_is_believed_where_the_config_says_nothing_and_not_where_it_says_otherwise(void **state)
{
    struct setting *s = *state;
    AUTO(mem_auto) char *old = descriptor(MANIFEST, add_image(s, NULL, arm_old, "old"), ON_VARIANT("arm", "v6"));
    AUTO(mem_auto) char *liar = descriptor(MANIFEST, add_image(s, NULL, arm64, "liar"), ON("amd64"));
    AUTO(mem_auto) char *variant = descriptor(MANIFEST, add_image(s, NULL, arm_v6, "variant"), ON_VARIANT("arm", "v5"));
    AUTO(mem_auto) char *untold = descriptor(MANIFEST, add_image(s, NULL, arm64, "untold"), "");
    add_index(s, "1", (const char *const[]){ old, liar, NULL });
    add_index(s, "2", (const char *const[]){ variant, NULL });
    add_index(s, "3", (const char *const[]){ untold, NULL });
    listen_now(s);
    struct image x;
    struct platform_text name;
    accept(s, ":1", "arm/v6", &x);
    assert_string_equal(platform_format(&name, &x.platforms[0].platform), "linux/arm/v6");
    image_clear(&x);
    refuse(s, ":1", "amd64", ERR_REGISTRY, "app:1: is for linux/arm64, expected linux/amd64");
    refuse(s, ":2", "arm/v5", ERR_REGISTRY, "is for linux/arm/v6, expected linux/arm/v5");
    accept(s, ":3", "arm64", &x);
    image_clear(&x);
    refuse(s, ":3", "amd64", ERR_REGISTRY, "is for linux/arm64, expected linux/amd64");
}

/* ---- indexes ---- */

static void indexes_side_by_side_are_looked_through(void **state)
{
    struct setting *s = *state;
    AUTO(mem_auto) char *a = descriptor(MANIFEST, add_image(s, NULL, amd64, "amd"), ON("amd64"));
    AUTO(mem_auto) char *b = descriptor(MANIFEST, add_image(s, NULL, arm64, "arm64"), ""); /* told by the index that it stands in */
    AUTO(mem_auto) char *x86 = descriptor(INDEX, add_index(s, NULL, (const char *const[]){ a, NULL }), "");
    AUTO(mem_auto) char *arms = descriptor(INDEX, add_index(s, NULL, (const char *const[]){ b, NULL }), ON("arm64"));
    struct thing top = add_index(s, "1", (const char *const[]){ x86, arms, x86, NULL });
    listen_now(s);
    struct image x;
    accept(s, ":1", "arm64", &x);
    assert_int_equal(x.n_indexes, 2); /* those on the way, not the other one */
    assert_true(digest_equal(&x.indexes[0].digest, &top.digest));
    assert_string_equal(x.platforms[0].c.platform.architecture, "arm64");
    image_clear(&x);
    accept(s, ":1", "amd64 arm64", &x);
    assert_int_equal(x.n_indexes, 3);
    image_clear(&x);
    refuse(s, ":1", "riscv64", ERR_REGISTRY, "has no linux/riscv64, it has: linux/amd64, linux/arm64");
}

static void an_index_that_cannot_be_is_refused(void **state)
{
    struct setting *s = *state;
    struct thing image = add_image(s, NULL, amd64, "amd"), other = add_image(s, NULL, amd64, "other"), self = thing_of("not yet known");
    AUTO(mem_auto) char *one = descriptor(MANIFEST, image, ON("amd64"));
    AUTO(mem_auto) char *two = descriptor(MANIFEST, other, ON("amd64"));
    AUTO(mem_auto) char *said_index = descriptor(INDEX, image, "");
    add_index(s, "two", (const char *const[]){ one, two, NULL });
    add_index(s, "kind", (const char *const[]){ said_index, NULL });
    /* What claims to contain itself is another document than the one with that digest. */
    AUTO(mem_auto) char *loop = descriptor(INDEX, self, "");
    AUTO(mem_auto) char *text = index_of(loop);
    AUTO(mem_auto) char *path = mem_format("/v2/app/manifests/%s", DIGEST_SHOWN(&self.digest));
    add_manifest(s, "self", text);
    add_rule(s, path, text);
    AUTO(buf_clear_auto) struct buf many = BUF_LIMIT(4 * MIB);
    for (int i = 0; i < 1001; i++)
        buf_addf(&many, "%s%s", i > 0 ? "," : "", one);
    AUTO(mem_auto) char *crowd = index_of(buf_text(&many));
    add_manifest(s, "many", crowd);
    listen_now(s);
    refuse(s, ":two", "amd64", ERR_REGISTRY, "has two entries for linux/amd64: ");
    refuse(s, ":kind", "amd64", ERR_REGISTRY, "is a manifest, the index says " INDEX);
    refuse(s, ":self", "amd64", ERR_INTEGRITY, "expected sha256:");
    refuse(s, ":many", "amd64", ERR_REGISTRY, "manifests: 1001 items, at most 1000");
}

static void a_tag_that_moves_during_a_run_was_looked_up_once(void **state)
{
    struct setting *s = *state;
    AUTO(mem_auto) char *a = descriptor(MANIFEST, add_image(s, NULL, amd64, "amd"), ON("amd64"));
    AUTO(mem_auto) char *b = descriptor(MANIFEST, add_image(s, NULL, arm64, "arm64"), ON("arm64"));
    struct thing before = add_index(s, "1", (const char *const[]){ a, b, NULL });
    listen_now(s);
    struct image x;
    accept(s, ":1", "amd64 arm64", &x);
    assert_int_equal(fake_count(&s->f, "manifests/1\""), 1);
    assert_true(digest_equal(&x.indexes[0].digest, &before.digest));
    image_clear(&x);
    s->how.pinned = &before.digest; /* what the lock file does: the tag is not asked for at all */
    accept(s, ":1", "amd64", &x);
    assert_int_equal(fake_count(&s->f, "manifests/1\""), 1);
    image_clear(&x);
}

static void a_body_that_is_not_what_was_pinned_is_refused_whatever_the_header_says(void **state)
{
    struct setting *s = *state;
    struct thing wanted = thing_of("what was signed");
    AUTO(mem_auto)
    char *path = mem_format("{\"path\": \"/v2/app/manifests/%s\", \"headers\": [[\"Docker-Content-Digest\", \"%s\"]], \"body\": \"{}\"}",
                            DIGEST_SHOWN(&wanted.digest), DIGEST_SHOWN(&wanted.digest));
    buf_adds(&s->script, path);
    listen_now(s);
    AUTO(mem_auto) char *pinned = mem_format(":1@%s", DIGEST_SHOWN(&wanted.digest));
    refuse(s, pinned, "amd64", ERR_INTEGRITY, "expected sha256:");
}

/* ---- attestations ---- */

static const char provenance[] = "{\"_type\":\"https://in-toto.io/Statement/v0.1\",\"predicateType\":\"https://slsa.dev/provenance/v0.2\"}";
static const char sbom[] = "{\"_type\":\"https://in-toto.io/Statement/v0.1\",\"predicateType\":\"https://spdx.dev/Document\"}";

/* As BuildKit writes them. Returns the entry of the index; owned. */
static char *add_attestation(struct setting *s, struct thing subject, const char *layer_type, const char *const *statements, size_t n)
{
    struct thing layers[4];
    for (size_t i = 0; i < n; i++)
        layers[i] = add_blob(s, statements[i]);
    AUTO(mem_auto)
    char *config_text =
        mem_format("{\"architecture\":\"unknown\",\"os\":\"unknown\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}",
                   DIGEST_SHOWN(&subject.digest));
    AUTO(mem_auto) char *text = manifest_of(add_blob(s, config_text), layers, n, layer_type, "");
    AUTO(mem_auto)
    char *notes = mem_format(",\"platform\":{\"architecture\":\"unknown\",\"os\":\"unknown\"},\"annotations\":{\"vnd.docker.reference."
                             "type\":\"attestation-manifest\",\"vnd.docker.reference.digest\":\"%s\"}",
                             DIGEST_SHOWN(&subject.digest));
    return descriptor(MANIFEST, add_manifest(s, NULL, text), notes);
}

static void attestations_of_what_is_packed_are_carried(void **state)
{
    struct setting *s = *state;
    struct thing amd = add_image(s, NULL, amd64, "amd"), arm = add_image(s, NULL, arm64, "arm");
    AUTO(mem_auto) char *a = descriptor(MANIFEST, amd, ON("amd64"));
    AUTO(mem_auto) char *b = descriptor(MANIFEST, arm, ON("arm64"));
    AUTO(mem_auto) char *of_amd = add_attestation(s, amd, "application/vnd.in-toto+json", (const char *const[]){ provenance, sbom }, 2);
    AUTO(mem_auto) char *of_arm = add_attestation(s, arm, "application/vnd.in-toto+json", (const char *const[]){ provenance }, 1);
    add_index(s, "1", (const char *const[]){ a, b, of_amd, of_arm, of_amd, NULL });
    listen_now(s);
    struct err e = { 0 };
    struct image *x = mem_new(sizeof *x);
    accept(s, ":1", "amd64", x);
    static const char *const names[] = { "attestation-0/manifest.json", "attestation-0/config.json", "attestation-0/statement-0.json",
                                         "attestation-0/statement-1.json" };
    assert_int_equal(x->n_documents, ARRAY_LEN(names));
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_string_equal(x->documents[i].name, names[i]);
        assert_int_equal(x->documents[i].kind, IMAGE_ATTESTATION);
        assert_true(digest_equal(&x->documents[i].subject, &amd.digest));
    }
    /* plan asks for documents only: no statement yet, */
    struct thing fetched_later = thing_of(sbom);
    assert_int_equal(fake_count(&s->f, DIGEST_SHOWN(&fetched_later.digest)), 0);
    /* create for all of it, once. */
    for (int round = 0; round < 2; round++)
        if (!attached_fetch(s->r, s->cache, x, 1, &e))
            fail_msg("%s", e.msg);
    assert_int_equal(fake_count(&s->f, DIGEST_SHOWN(&fetched_later.digest)), 1);
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_DOCUMENT_BYTES);
    assert_true(attached_read(s->cache, &x->documents[3], &text, &e));
    assert_string_equal(buf_text(&text), sbom);
    images_clear(x, 1);
    struct image both;
    accept(s, ":1", "amd64 arm64", &both);
    assert_int_equal(both.n_documents, 4 + 3);
    assert_string_equal(both.documents[4].name, "attestation-1/manifest.json");
    image_clear(&both);
    s->how.is_without_attestations = true;
    accept(s, ":1", "amd64", &both);
    assert_int_equal(both.n_documents, 0);
    image_clear(&both);
}

static void an_attestation_that_cannot_be_carried_stops_the_run_and_says_how_to_go_on(void **state)
{
    struct setting *s = *state;
    struct thing amd = add_image(s, NULL, amd64, "amd");
    AUTO(mem_auto) char *a = descriptor(MANIFEST, amd, ON("amd64"));
    AUTO(mem_auto)
    char *notes =
        mem_format(",\"annotations\":{\"vnd.docker.reference.type\":\"attestation-manifest\",\"vnd.docker.reference.digest\":\"%s\"}",
                   DIGEST_SHOWN(&amd.digest));
    AUTO(mem_auto) char *gone = descriptor(MANIFEST, thing_of("gone"), notes);
    AUTO(mem_auto) char *odd = add_attestation(s, amd, "application/x-executable", (const char *const[]){ provenance }, 1);
    struct thing huge = { .size = LIMIT_DOCUMENT_BYTES + 1 };
    AUTO(mem_auto) char *big_text = manifest_of(add_blob(s, "{}"), &huge, 1, "application/vnd.in-toto+json", "");
    AUTO(mem_auto) char *big = descriptor(MANIFEST, add_manifest(s, NULL, big_text), notes);
    add_index(s, "gone", (const char *const[]){ a, gone, NULL });
    add_index(s, "odd", (const char *const[]){ a, odd, NULL });
    add_index(s, "big", (const char *const[]){ a, big, NULL });
    listen_now(s);
    static const struct {
        const char *tag, *says;
    } cases[] = { { ":gone", "has no such" },
                  { ":odd", "holds application/x-executable, expected JSON" },
                  { ":big", "has 33554433 bytes, at most 33554432" } };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = { 0 };
        struct image x;
        assert_false(resolve(s, cases[i].tag, "amd64", &x, &e));
        assert_int_equal(e.code, ERR_REGISTRY);
        if (strstr(e.msg, cases[i].says) == NULL || strstr(e.msg, "attestation of sha256:") == NULL)
            fail_msg("%s", e.msg);
        assert_non_null(strstr(e.hint, "--attestations skip"));
        image_clear(&x);
    }
    s->how.is_without_attestations = true;
    struct image x;
    accept(s, ":gone", "amd64", &x);
    image_clear(&x);
}

/* ---- what is no image, or asks too much ---- */

static void foreign_layers_are_taken_only_when_asked(void **state)
{
    struct setting *s = *state;
    static const char foreign_type[] = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    const char *ids[] = { "base layer" };
    struct thing layer = add_blob(s, "base layer"), config = add_config(s, amd64, ids, 1);
    AUTO(mem_auto) char *urls = manifest_of(config, &layer, 1, LAYER, ",\"urls\":[\"http://127.0.0.1:1/x\"]");
    AUTO(mem_auto) char *foreign = manifest_of(config, &layer, 1, foreign_type, "");
    AUTO(mem_auto) char *unknown = manifest_of(config, &layer, 1, "application/wasm", "");
    add_manifest(s, "urls", urls);
    add_manifest(s, "foreign", foreign);
    add_manifest(s, "wasm", unknown);
    listen_now(s);
    refuse(s, ":urls", "amd64", ERR_REGISTRY, "is a foreign layer");
    refuse(s, ":foreign", "amd64", ERR_REGISTRY, "layer 0 (application/vnd.docker.image.rootfs.foreign.diff.tar.gzip) is a foreign layer");
    s->how.takes_foreign_layers = true;
    refuse(s, ":wasm", "amd64", ERR_REGISTRY, "layer type application/wasm is not known");
    static const char *const tags[] = { ":urls", ":foreign" };
    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        struct err e = { 0 };
        struct image *x = mem_new(sizeof *x);
        accept(s, tags[i], "amd64", x);
        assert_int_equal(x->platforms[0].compression[0], OCI_GZIP);
        if (!fetch_layers(s->r, s->cache, x, 1, NULL, 1, NULL, NULL, &e)) /* from the registry: the other address answers nobody */
            fail_msg("%s", e.msg);
        images_clear(x, 1);
    }
}

static void things_that_are_no_images_are_refused_by_name(void **state)
{
    struct setting *s = *state;
    AUTO(mem_auto) char *chart_config = descriptor("application/vnd.cncf.helm.config.v1+json", add_blob(s, "{}"), "");
    AUTO(mem_auto)
    char *chart = mem_format("{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST "\",\"config\":%s,\"layers\":[]}", chart_config);
    add_manifest(s, "chart", chart);
    add_manifest(s, "schema1",
                 "{\"schemaVersion\":1,\"name\":\"app\",\"tag\":\"1\",\"architecture\":\"amd64\",\"fsLayers\":[],\"history\":[]}");
    listen_now(s);
    refuse(s, ":chart", "amd64", ERR_REGISTRY,
           "app:chart: config.mediaType: application/vnd.cncf.helm.config.v1+json is a Helm chart, expected a container image");
    refuse(s, ":schema1", "amd64", ERR_REGISTRY, "schema 1, which engines no longer load");
}

static void configs_that_ask_for_what_no_image_may_are_refused(void **state)
{
    struct setting *s = *state;
    static const struct {
        const char *tag, *config, *says;
    } bad[] = {
        { "label", "\"Labels\":{\"containerd.io/restart.loguri\":\"binary:///x\"}", "label \"containerd.io/restart.loguri\" is reserved" },
        { "volume", "\"Volumes\":{\"/\":{}}", "volume \"/\" is the root of the file system" },
        { "user", "\"User\":\"4294967296\"", "\"4294967296\" is not a user number" },
        { "twice", "\"User\":\"1\",\"User\":\"0\"", "duplicate key" },
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        AUTO(mem_auto)
        char *config = mem_format("{%s,\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]},\"config\":{%s}}", amd64, bad[i].config);
        AUTO(mem_auto) char *text = manifest_of(add_blob(s, config), NULL, 0, LAYER, "");
        add_manifest(s, bad[i].tag, text);
    }
    listen_now(s);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        AUTO(mem_auto) char *tag = mem_format(":%s", bad[i].tag);
        refuse(s, tag, "amd64", ERR_REGISTRY, bad[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(several_platforms_and_variants_are_taken_in_the_order_asked_for, begin, end),
        cmocka_unit_test_setup_teardown(an_image_without_an_index_must_do_for_every_platform, begin, end),
        cmocka_unit_test_setup_teardown(the_index_is_believed_where_the_config_says_nothing_and_not_where_it_says_otherwise, begin, end),
        cmocka_unit_test_setup_teardown(indexes_side_by_side_are_looked_through, begin, end),
        cmocka_unit_test_setup_teardown(an_index_that_cannot_be_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(a_tag_that_moves_during_a_run_was_looked_up_once, begin, end),
        cmocka_unit_test_setup_teardown(a_body_that_is_not_what_was_pinned_is_refused_whatever_the_header_says, begin, end),
        cmocka_unit_test_setup_teardown(attestations_of_what_is_packed_are_carried, begin, end),
        cmocka_unit_test_setup_teardown(an_attestation_that_cannot_be_carried_stops_the_run_and_says_how_to_go_on, begin, end),
        cmocka_unit_test_setup_teardown(foreign_layers_are_taken_only_when_asked, begin, end),
        cmocka_unit_test_setup_teardown(things_that_are_no_images_are_refused_by_name, begin, end),
        cmocka_unit_test_setup_teardown(configs_that_ask_for_what_no_image_may_are_refused, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
