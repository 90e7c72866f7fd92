/* Making a bundle from images that were resolved and fetched: what is in it, in which order, always the same bytes; and what happens when the cache
 * or a file of the definition is not what it was. The registry's part is replaced by images that are made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "bundle/verify.h"
#include "bundler/create.h"
#include "bundler/attached.h"
#include "show/inspect.h"
#include "tests/unit/show/golden.h"

#define RAW_LAYER "application/vnd.oci.image.layer.v1.tar"

enum { LAYER_BYTES = 300000, N_IMAGES = 2 };

struct world {
    struct scratch *s;
    struct heard heard;
    struct create_options o;
    struct create c;
    char *definition, *cache, *out;
};

/* ---- images ---- */

/* A layer into the cache. In no way a tar, which nothing looks at. */
static struct digest add_layer(struct world *w, unsigned seed)
{
    struct err e = { 0 };
    struct digest d;
    AUTO(mem_auto) uint8_t *bytes = mem_new(LAYER_BYTES);
    uint32_t x = seed;
    for (size_t i = 0; i < LAYER_BYTES; i++) {
        x = x * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(x >> 24);
    }
    sha256_of(&d, bytes, LAYER_BYTES);
    assert_true(cache_write(w->c.registries.cache, &d, bytes, LAYER_BYTES, &e));
    return d;
}

static void write_config(struct buf *out, const char *architecture, const char *created, const struct digest *layers, size_t n)
{
    buf_addf(out, "{\"architecture\":\"%s\",\"os\":\"linux\",\"created\":\"%s\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[", architecture, created);
    for (size_t i = 0; i < n; i++)
        buf_addf(out, "%s\"%s\"", i == 0 ? "" : ",", DIGEST_SHOWN(&layers[i]));
    buf_adds(out, "]}}");
}

static void write_manifest(struct buf *out, const struct buf *config, const struct digest *layers, size_t n)
{
    struct digest d;
    sha256_of(&d, config->data, config->len);
    buf_addf(out, "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"config\":{\"mediaType\":\"" OCI_TYPE_CONFIG "\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[",
             DIGEST_SHOWN(&d), config->len);
    for (size_t i = 0; i < n; i++)
        buf_addf(out, "%s{\"mediaType\":\"" RAW_LAYER "\",\"digest\":\"%s\",\"size\":%d}", i == 0 ? "" : ",", DIGEST_SHOWN(&layers[i]), LAYER_BYTES);
    buf_adds(out, "]}");
}

static void make_platform(struct image_platform *p, const char *platform, const char *created, const struct digest *layers, size_t n)
{
    struct err e = { 0 };
    assert_true(platform_parse(&p->platform, platform, &e));
    p->config = (struct buf)BUF_LIMIT(LIMIT_OCI_CONFIG_BYTES);
    p->manifest = (struct buf)BUF_LIMIT(LIMIT_OCI_MANIFEST_BYTES);
    write_config(&p->config, p->platform.architecture, created, layers, n);
    write_manifest(&p->manifest, &p->config, layers, n);
    sha256_of(&p->manifest_digest, p->manifest.data, p->manifest.len);
    if (!image_platform_read(p, "image", &e))
        fail_msg("%s", e.msg);
}

/* Two images that share their first layer, for each platform of the definition. */
static void make_images(struct world *w)
{
    struct application *app = w->c.app;
    struct digest layers[3] = { add_layer(w, 1), add_layer(w, 2), add_layer(w, 3) };
    struct digest first[] = { layers[0], layers[1] };
    struct digest second[] = { layers[0], layers[2] };
    static const char *const dates[] = { "2024-05-06T07:08:09.123Z", "2024-05-06T09:00:00+02:00", "rubbish", "" };
    assert_int_equal(app->n_images, N_IMAGES);
    w->c.images = mem_new_array(N_IMAGES, sizeof *w->c.images);
    for (size_t i = 0; i < N_IMAGES; i++) {
        struct image *x = &w->c.images[i];
        x->ref = app->images[i].original;
        x->n_platforms = app->definition.n_platforms;
        x->platforms = mem_new_array(x->n_platforms, sizeof *x->platforms);
        for (size_t k = 0; k < x->n_platforms; k++)
            make_platform(&x->platforms[k], platform_format(&(struct platform_text){ { 0 } }, &app->definition.platforms[k]), dates[i + 2 * k],
                          i == 0 ? first : second, 2);
    }
}

/* ---- a run ---- */

static const char definition[] = "name: pair\nversion: 1.2.3\nplatforms: [linux/amd64]\n"
                                 "images: [registry.example/one:1, registry.example/two:1]\nfiles: [config]\n";

static void world_start(struct world *w, struct scratch *s, const char *out)
{
    struct err e = { 0 };
    *w = (struct world){ .s = s, .cache = mem_format("%s/cache", s->dir), .out = mem_format("%s/%s", s->dir, out) };
    AUTO(mem_auto) char *config = mem_format("%s/config", s->dir);
    assert_true(path_make_dirs(config, 0700, &e));
    scratch_text(s, "config/site.conf", "listen 80;\n", 0644);
    scratch_text(s, "config/run.sh", "#!/bin/sh\n", 0755);
    w->definition = mem_text(scratch_text(s, "bundle.yaml", definition, 0644));
    w->o = (struct create_options){ .level = 3, .jobs = 2, .output = w->out, .is_without_loader = true, .input = { .file = w->definition } };
    heard_open(&w->heard, NULL);
    w->c = (struct create){ .ctx = &w->heard.ctx, .o = &w->o };
}

static void world_end(struct world *w)
{
    create_clear(&w->c);
    heard_close(&w->heard);
    mem_free(w->definition);
    mem_free(w->cache);
    mem_free(w->out);
}

/* create_run without the registry. */
static bool prepare(struct world *w, struct err *e)
{
    if (!create_read(&w->c, e) || !create_prepare(&w->c, e))
        return false;
    w->c.registries.cache = cache_open(w->cache, e);
    assert_non_null(w->c.registries.cache);
    make_images(w);
    return create_describe(&w->c, e) && create_list_layers(&w->c, e);
}

static bool make(struct world *w, struct err *e)
{
    return prepare(w, e) && create_write(&w->c, e) && create_prove(&w->c, e) && writer_publish(w->c.writer, w->c.may_replace, e);
}

static void must(bool ok, const struct err *e)
{
    if (!ok)
        fail_msg("%s", e->msg);
}

static struct index *open_made(struct world *w)
{
    return golden_open(w->out);
}

/* create until the first question: the key that it would ask a passphrase for, and the base, are not even there. */
static void expect_refused_early(struct scratch *s, struct create_options how, enum err_code code, const char *words)
{
    const char *missing[] = { "/missing/release.key", "/missing/base" };
    struct world w;
    struct err e = { 0 };
    world_start(&w, s, "pair.bundle.tar.zst");
    how.input = w.o.input;
    how.is_without_loader = true;
    how.keys = (struct cli_list){ .items = &missing[0], .n = 1 };
    how.base.bundles = how.base.bundles.n > 0 ? (struct cli_list){ .items = &missing[1], .n = 1 } : (struct cli_list){ 0 };
    w.o = how;
    must(create_read(&w.c, &e), &e);
    assert_false(create_prepare(&w.c, &e));
    if (e.code != code || strstr(e.msg, words) == NULL)
        fail_msg("\"%s\", expected \"%s\"", e.msg, words);
    world_end(&w);
}

/* ---- tests ---- */

static void a_wrong_place_is_told_before_a_passphrase_is_asked_for(void **state)
{
    struct scratch *s = *state;
    const struct base_options base = { .bundles = { .n = 1 } };
    AUTO(mem_auto) char *folder = mem_format("%s/missing/", s->dir);
    AUTO(mem_auto) char *file = mem_format("%s/missing/x", s->dir);
    expect_refused_early(s, (struct create_options){ .output = folder }, ERR_IO, "missing: is not an existing directory");
    expect_refused_early(s, (struct create_options){ .output = file, .base = base }, ERR_IO, "missing: is not an existing directory");
    expect_refused_early(s, (struct create_options){ .output = folder, .base = base }, ERR_IO, "missing: is not an existing directory");
    expect_refused_early(s, (struct create_options){ .output = "/proc/", .base = base }, ERR_IO, "/proc/pair");
    expect_refused_early(s, (struct create_options){ .output = "-" }, ERR_USAGE, "not a pipe");
    expect_refused_early(s, (struct create_options){ .output = s->dir, .base = base, .part_bytes = 5 }, ERR_USAGE, "--split");
    expect_refused_early(s, (struct create_options){ .output = s->dir, .parity = "99%" }, ERR_USAGE, "--parity");
    expect_refused_early(s, (struct create_options){ .output = s->dir }, ERR_CONFIG, "release.key");
}

/* The folder of the result has one of the application's name in it: that is where the author works. */
static void a_folder_of_the_applications_name_is_in_nobodys_way(void **state)
{
    struct scratch *s = *state;
    struct world w;
    struct err e = { 0 };
    assert_true(path_make_dirs(scratch_at(s, "pair"), 0700, &e));
    world_start(&w, s, "");
    must(make(&w, &e), &e);
    assert_true(scratch_has(s, "pair-1.2.3.bundle.tar.zst"));
    world_end(&w);
}

static void members_are_in_the_order_of_the_format(void **state)
{
    static const char *const names[] = { "release.json", "app/config/run.sh", "app/config/site.conf", "images/0/manifest.json", "images/0/config.json",
                                         "images/1/manifest.json", "images/1/config.json", "docs/README.txt", "data/00000.bin", "layers.bin" };
    struct world w;
    struct err e = { 0 };
    world_start(&w, *state, "pair.bundle.tar.zst");
    must(make(&w, &e), &e);
    AUTO(index_close_auto) struct index *x = open_made(&w);
    const struct manifest *m = index_manifest(x);
    assert_int_equal(m->n_members, ARRAY_LEN(names));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_string_equal(m->members[i].name, names[i]);
    assert_true(m->members[1].is_executable);
    assert_false(m->members[2].is_executable);
    assert_string_equal(m->name, "pair");
    assert_string_equal(m->version, "1.2.3");
    assert_int_equal(index_header(x)->n_signatures, 0);
    world_end(&w);
}

static void a_shared_layer_is_there_once(void **state)
{
    struct world w;
    struct err e = { 0 };
    world_start(&w, *state, "pair.bundle.tar.zst");
    must(make(&w, &e), &e);
    const struct manifest *m = writer_manifest(w.c.writer);
    assert_int_equal(m->n_layers, 3);
    assert_true(digest_equal(&m->layers[0].diff_id, &w.c.images[0].platforms[0].c.diff_ids[0]));
    assert_true(digest_equal(&m->layers[1].diff_id, &w.c.images[0].platforms[0].c.diff_ids[1]));
    assert_true(digest_equal(&m->layers[2].diff_id, &w.c.images[1].platforms[0].c.diff_ids[1]));
    assert_int_equal(m->layers[0].n_blobs, 1);
    world_end(&w);
}

static void every_form_of_a_layer_is_named_once(void **state)
{
    struct world w;
    struct err e = { 0 };
    world_start(&w, *state, "pair.bundle.tar.zst");
    must(prepare(&w, &e), &e);
    for (size_t i = 0; i < w.c.n_layers; i++) {
        mem_free(w.c.layers[i].blobs);
        mem_free(w.c.layers[i].forms[0].path);
        mem_free(w.c.layers[i].forms);
    }
    mem_free(TAKE(w.c.layers));
    w.c.n_layers = 0;
    w.c.images[1].platforms[0].m.layers[0].digest.bytes[0] ^= 1; /* the shared layer, as another registry has it */
    must(create_list_layers(&w.c, &e), &e);
    assert_int_equal(w.c.n_layers, 3);
    assert_int_equal(w.c.layers[0].n_blobs, 2);
    assert_true(digest_equal(&w.c.layers[0].blobs[0].digest, &w.c.layers[0].diff_id));
    assert_int_equal(w.c.layers[1].n_blobs, 1);
    world_end(&w);
}

static void the_date_is_that_of_the_newest_image(void **state)
{
    struct world w;
    struct err e = { 0 };
    world_start(&w, *state, "pair.bundle.tar.zst");
    must(prepare(&w, &e), &e);
    assert_int_equal(w.c.created, 1714979289); /* 2024-05-06T07:08:09Z: the other one is of 07:00 */
    world_end(&w);
}

static void source_date_epoch_beats_the_images(void **state)
{
    struct world w;
    struct err e = { 0 };
    assert_int_equal(setenv("SOURCE_DATE_EPOCH", "1000000000", 1), 0);
    world_start(&w, *state, "pair.bundle.tar.zst");
    must(prepare(&w, &e), &e);
    assert_int_equal(w.c.created, 1000000000);
    assert_int_equal(setenv("SOURCE_DATE_EPOCH", "yesterday", 1), 0);
    assert_false(create_describe(&w.c, &e));
    assert_int_equal(e.code, ERR_USAGE);
    assert_int_equal(unsetenv("SOURCE_DATE_EPOCH"), 0);
    world_end(&w);
}

static void the_same_inputs_give_the_same_bytes(void **state)
{
    struct scratch *s = *state;
    static const unsigned jobs[] = { 1, 8, 2 };
    struct digest found[3];
    for (size_t i = 0; i < 3; i++) {
        struct world w;
        struct err e = { 0 };
        AUTO(buf_clear_auto) struct buf bytes = BUF_LIMIT(64 << 20);
        world_start(&w, s, "pair.bundle.tar.zst");
        w.o.jobs = jobs[i];
        must(make(&w, &e), &e);
        assert_true(file_read(w.out, FILE_PLAIN, 64 << 20, &bytes, &e));
        sha256_of(&found[i], bytes.data, bytes.len);
        world_end(&w);
    }
    assert_true(digest_equal(&found[0], &found[1]));
    assert_true(digest_equal(&found[0], &found[2]));
}

static void documents_of_several_platforms_are_told_apart(void **state)
{
    static const char *const names[] = { "images/0/manifest-linux-amd64.json", "images/0/config-linux-amd64.json", "images/0/manifest-linux-arm-v7.json",
                                         "images/0/config-linux-arm-v7.json" };
    struct world w;
    struct err e = { 0 };
    world_start(&w, *state, "pair.bundle.tar.zst");
    w.o.input.platforms = "linux/amd64,linux/arm/v7";
    must(make(&w, &e), &e);
    AUTO(index_close_auto) struct index *x = open_made(&w);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_int_equal(manifest_find_member(index_manifest(x), names[i]), 3 + i);
    assert_int_equal(index_manifest(x)->n_platforms, 2);
    assert_string_equal(index_manifest(x)->platforms[1], "linux/arm/v7");
    world_end(&w);
}

static void attach(struct world *w, struct image *x, enum image_document_kind kind, size_t group, const char *part, const char *text)
{
    struct err e = { 0 };
    struct image_document d = { .kind = kind, .group = group, .descriptor = { .media_type = "application/json", .size = strlen(text) },
                                .subject = x->platforms[0].manifest_digest };
    sha256_of(&d.descriptor.digest, text, strlen(text));
    assert_true(cache_write(w->c.registries.cache, &d.descriptor.digest, text, strlen(text), &e));
    assert_true(attached_add(x, &d, part, &e));
}

static void what_speaks_of_an_image_travels_with_it(void **state)
{
    static const char *const names[] = { "images/0/attestation-0/manifest.json", "images/0/attestation-0/statement-0.json",
                                         "images/0/attestation-1/manifest.json", "images/0/signature-0/manifest.json", "images/1/manifest.json" };
    struct world w;
    struct err e = { 0 };
    world_start(&w, *state, "pair.bundle.tar.zst");
    must(prepare(&w, &e), &e);
    struct image *x = &w.c.images[0];
    attach(&w, x, IMAGE_ATTESTATION, attached_next_group(x, IMAGE_ATTESTATION), "manifest", "first");
    attach(&w, x, IMAGE_ATTESTATION, 0, "statement-0", "{\"predicateType\": \"x\"}");
    attach(&w, x, IMAGE_ATTESTATION, attached_next_group(x, IMAGE_ATTESTATION), "manifest", "first"); /* the same bytes again are no trouble */
    attach(&w, x, IMAGE_SIGNATURE, attached_next_group(x, IMAGE_SIGNATURE), "manifest", "signed");
    must(create_write(&w.c, &e) && create_prove(&w.c, &e) && writer_publish(w.c.writer, true, &e), &e);
    AUTO(index_close_auto) struct index *made = open_made(&w);
    const struct manifest *m = index_manifest(made);
    size_t at = manifest_find_member(m, "images/0/config.json");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_string_equal(m->members[at + 1 + i].name, names[i]);
    assert_true(digest_equal(&m->members[at + 2].sha256, &x->documents[1].descriptor.digest));
    struct heard h = { 0 };
    heard_open(&h, NULL);
    assert_true(show_inspect(&h.ctx, made, NULL, &e));
    assert_non_null(strstr(heard_out(&h), "with 2 attestations and 1 signature, as"));
    assert_null(strstr(heard_out(&h), "0 attestations"));
    heard_close(&h);
    world_end(&w);
}

static void a_document_that_left_the_cache_ends_the_run(void **state)
{
    struct world w;
    struct err e = { 0 };
    world_start(&w, *state, "pair.bundle.tar.zst");
    must(prepare(&w, &e), &e);
    attach(&w, &w.c.images[1], IMAGE_SIGNATURE, 0, "manifest", "signed");
    assert_true(cache_remove(w.c.registries.cache, &w.c.images[1].documents[0].descriptor.digest, &e));
    assert_false(create_write(&w.c, &e));
    assert_int_equal(e.code, ERR_IO);
    assert_non_null(strstr(e.msg, "signature-0/manifest.json"));
    world_end(&w);
}

static void documents_of_an_image_have_limits(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct image x = { .ref = { .host = "registry.example", .repository = "app", .tag = "1" } };
    struct image_document d = { .kind = IMAGE_ATTESTATION, .descriptor = { .size = LIMIT_DOCUMENT_BYTES + 1 } };
    assert_false(attached_add(&x, &d, "manifest", &e));
    assert_int_equal(e.code, ERR_REGISTRY);
    assert_non_null(strstr(e.msg, "registry.example/app:1: attestation sha256:"));
    e = (struct err){ 0 };
    d.descriptor.size = LIMIT_DOCUMENT_BYTES;
    for (; d.group < 8; d.group++)
        must(attached_add(&x, &d, "manifest", &e), &e);
    d.descriptor.size = 1;
    assert_false(attached_add(&x, &d, "manifest", &e));
    assert_non_null(strstr(e.msg, "more than 268435456 bytes"));
    image_clear(&x);
    e = (struct err){ 0 };
    for (d.group = 0; d.group < LIMIT_DOCUMENTS_PER_IMAGE; d.group++)
        must(attached_add(&x, &d, "manifest", &e), &e);
    assert_false(attached_add(&x, &d, "manifest", &e));
    assert_non_null(strstr(e.msg, "more than 512 documents"));
    image_clear(&x);
}

static void a_signed_bundle_is_one_that_its_key_vouches_for(void **state)
{
    struct scratch *s = *state;
    struct world w;
    struct err e = { 0 };
    struct verdict v = { 0 };
    AUTO(mem_auto) char *name = mem_format("%s/release", s->dir);
    AUTO(mem_auto) char *private_file = mem_format("%s.key", name);
    AUTO(mem_auto) char *public_file = mem_format("%s.pub", name);
    AUTO(key_private_free_auto) struct key_private *key = key_private_generate(KEY_ED25519, &e);
    assert_true(key_private_write_pair(key, name, NULL, &e));
    world_start(&w, s, "pair.bundle.tar.zst");
    w.o.keys = (struct cli_list){ .items = (const char *[]){ private_file }, .n = 1 };
    must(make(&w, &e), &e);
    const char *const paths[] = { public_file };
    AUTO(keyring_free_auto) struct keyring *keys = keyring_from_files(paths, 1, &e);
    AUTO(bundle_close_auto) struct bundle *b = bundle_verify(bundle_file_open(w.out, NULL, &e), keys, &(struct verify_how){ .jobs = 1 }, &v, &e);
    assert_non_null(b);
    assert_int_equal(v.n_keys, 1);
    assert_true(digest_equal(&v.keys[0].id, key_public_id(key_private_public(key))));
    world_end(&w);
}

/* Before anything is fetched: it would be refused at the end as well. */
static void an_output_that_is_no_file_is_refused_at_once(void **state)
{
    struct scratch *s = *state;
    scratch_text(s, "victim", "mine", 0600);
    AUTO(mem_auto) char *victim = mem_text(scratch_at(s, "victim"));
    assert_int_equal(mkfifo(scratch_at(s, "pipe.bundle.tar.zst"), 0600), 0);
    assert_int_equal(symlink(victim, scratch_at(s, "link.bundle.tar.zst")), 0);
    assert_int_equal(symlink("/nowhere", scratch_at(s, "dangling.bundle.tar.zst")), 0);
    static const char *const names[] = { "pipe.bundle.tar.zst", "link.bundle.tar.zst", "dangling.bundle.tar.zst" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct world w;
        struct err e = { 0 };
        world_start(&w, s, names[i]);
        assert_true(create_read(&w.c, &e));
        assert_false(create_prepare(&w.c, &e));
        assert_int_equal(e.code, ERR_IO);
        assert_non_null(strstr(e.msg, "expected a regular file"));
        world_end(&w);
    }
    AUTO(mem_auto) char *content = scratch_content(s, "victim");
    assert_string_equal(content, "mine");
}

static void a_damaged_blob_leaves_the_cache_and_no_bundle(void **state)
{
    struct scratch *s = *state;
    struct world w;
    struct err e = { 0 };
    bool is_there = true;
    world_start(&w, s, "pair.bundle.tar.zst");
    must(prepare(&w, &e), &e);
    int fd = open(w.c.layers[1].forms[0].path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "x", 1, 1000), 1);
    close(fd);
    assert_false(create_write(&w.c, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
    assert_non_null(strstr(e.hint, "1 damaged blob was removed"));
    struct err none = { 0 };
    assert_true(cache_find(w.c.registries.cache, &w.c.layers[1].blobs[0].digest, LAYER_BYTES, &is_there, &none));
    assert_false(is_there);
    assert_true(cache_find(w.c.registries.cache, &w.c.layers[0].blobs[0].digest, LAYER_BYTES, &is_there, &none));
    assert_true(is_there);
    world_end(&w);
    assert_false(scratch_has(s, "pair.bundle.tar.zst"));
}

static void a_file_that_changes_meanwhile_is_an_error(void **state)
{
    static const char *const texts[] = { "listen 81;\n", "listen 80; more\n", "" };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct scratch *s = *state;
        struct world w;
        struct err e = { 0 };
        world_start(&w, s, "pair.bundle.tar.zst");
        must(prepare(&w, &e), &e);
        scratch_text(s, "config/site.conf", texts[i], 0644);
        assert_false(create_write(&w.c, &e));
        assert_int_equal(e.code, ERR_CONFIG);
        assert_non_null(strstr(e.msg, "changed while it was read"));
        world_end(&w);
        assert_false(scratch_has(s, "pair.bundle.tar.zst"));
    }
}

static void a_named_file_is_replaced_one_in_a_directory_is_not(void **state)
{
    struct scratch *s = *state;
    struct world w;
    struct err e = { 0 };
    scratch_text(s, "pair-1.2.3.bundle.tar.zst", "old", 0600);
    world_start(&w, s, "pair-1.2.3.bundle.tar.zst");
    must(make(&w, &e), &e);
    world_end(&w);
    world_start(&w, s, "");
    assert_false(make(&w, &e));
    assert_int_equal(e.code, ERR_IO);
    assert_non_null(strstr(e.hint, "-o"));
    world_end(&w);
}

static void a_place_that_does_not_exist_is_found_out_first(void **state)
{
    struct world w;
    struct err e = { 0 };
    world_start(&w, *state, "none/x.bundle.tar.zst");
    assert_true(create_read(&w.c, &e));
    assert_false(create_prepare(&w.c, &e));
    assert_int_equal(e.code, ERR_IO);
    world_end(&w);
}

static void the_loader_must_be_there_or_be_left_out(void **state)
{
    struct world w;
    struct err e = { 0 };
    world_start(&w, *state, "pair.bundle.tar.zst");
    w.o.is_without_loader = false;
    assert_true(create_read(&w.c, &e));
    assert_false(create_prepare(&w.c, &e));
    assert_int_equal(e.code, ERR_CONFIG);
    assert_non_null(strstr(e.hint, "--no-loader"));
    world_end(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_wrong_place_is_told_before_a_passphrase_is_asked_for),
        SCRATCH_TEST(a_folder_of_the_applications_name_is_in_nobodys_way),
        SCRATCH_TEST(members_are_in_the_order_of_the_format),
        SCRATCH_TEST(a_shared_layer_is_there_once),
        SCRATCH_TEST(every_form_of_a_layer_is_named_once),
        SCRATCH_TEST(the_date_is_that_of_the_newest_image),
        SCRATCH_TEST(source_date_epoch_beats_the_images),
        SCRATCH_TEST(the_same_inputs_give_the_same_bytes),
        SCRATCH_TEST(documents_of_several_platforms_are_told_apart),
        SCRATCH_TEST(what_speaks_of_an_image_travels_with_it),
        SCRATCH_TEST(a_document_that_left_the_cache_ends_the_run),
        SCRATCH_TEST(documents_of_an_image_have_limits),
        SCRATCH_TEST(a_signed_bundle_is_one_that_its_key_vouches_for),
        SCRATCH_TEST(an_output_that_is_no_file_is_refused_at_once),
        SCRATCH_TEST(a_damaged_blob_leaves_the_cache_and_no_bundle),
        SCRATCH_TEST(a_file_that_changes_meanwhile_is_an_error),
        SCRATCH_TEST(a_named_file_is_replaced_one_in_a_directory_is_not),
        SCRATCH_TEST(a_place_that_does_not_exist_is_found_out_first),
        SCRATCH_TEST(the_loader_must_be_there_or_be_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
