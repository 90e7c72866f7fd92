/* Lock files: their text, what is refused, and what create and plan do with them against a registry whose tag moves. */
#include "tests/unit/bundler/setting.h"

#include "bundler/lock.h"
#include "sys/file.h"
#include "tests/unit/bundler/run.h"

#include "base/banned.h"

#define A "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define B "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HEAD "lock: 1\nimages:\n"

/* ---- the text ---- */

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    static const char text[] = HEAD "  \"docker-daemon:shop/web:1.4.0\":\n    linux/amd64: " A "\n    linux/arm/v7: " B "\n"
                                    "  \"docker.io/library/busybox:1.36\": " A "\n"
                                    "  \"registry.example/x:1=oci:a \\\"dir\\\"\\\\b:1\": " B "\n";
    struct err e = { 0 };
    AUTO(lock_clear_auto) struct lock l = { 0 };
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(64 * KIB);
    if (!lock_parse(&l, text, sizeof text - 1, "bundle.lock", &e) || !lock_write(&l, &out, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(l.n, 3);
    assert_null(lock_pinned(&l.items[0]));
    assert_string_equal(DIGEST_SHOWN(lock_pinned(lock_find(&l, "docker.io/library/busybox:1.36"))), A);
    assert_non_null(lock_find(&l, "registry.example/x:1=oci:a \"dir\"\\b:1"));
    assert_null(lock_find(&l, "docker.io/library/busybox"));
    assert_true(out.data[0] == '#');
    assert_string_equal(strchr(out.data, '\n') + 1, text);
}

static void the_order_of_the_text_does_not_depend_on_that_of_the_file(void **state)
{
    (void)state;
    static const char text[] = "images: { b: " A ", 'a': '" B "' }\nlock: 1\n";
    struct err e = { 0 };
    AUTO(lock_clear_auto) struct lock l = { 0 };
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(64 * KIB);
    assert_true(lock_parse(&l, text, sizeof text - 1, "bundle.lock", &e) && lock_write(&l, &out, &e));
    assert_non_null(strstr(out.data, "\n" HEAD "  \"a\": " B "\n  \"b\": " A "\n"));
}

static void files_that_are_no_lock_files_are_refused_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        { "", "bundle.lock" },
        { "- x\n", "bundle.lock:1:1: is not a lock file" },
        { "images: {}\n", "is not a lock file: expected lock: 1" },
        { "lock: 2\nimages: {}\n", "bundle.lock:1:7: lock file of version 2, this program knows 1" },
        { "lock: {}\nimages: {}\n", "is not a lock file" },
        { "lock: 1\n", "images: missing" },
        { "lock: 1\nimages: []\n", "bundle.lock:2:9: images: expected a map" },
        { "lock: 1\nimages: {}\nimage: {}\n", "unknown key \"image\"" },
        { HEAD "  a: sha256:short\n", "bundle.lock:3:6: a: expected sha256: and 64 hex digits" },
        { HEAD "  a: sha512:" B "\n", "expected sha256:" },
        { HEAD "  a: sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD\n", "expected sha256:" },
        { HEAD "  a: [" A "]\n", "expected sha256:" },
        { HEAD "  a: " A "\n  a: " A "\n", "bundle.lock:4" },
        { HEAD "  a: {}\n", "a: has 0 digests" },
        { HEAD "  a: { linux/amd64: " A ", linux/x86_64: " A " }\n", "a: linux/x86_64 twice" },
        { HEAD "  a:\n    amd64: " A "\n", "a: \"amd64\" is not a platform" },
        { HEAD "  a:\n    linux/amd64:\n      b: " A "\n", "a: expected sha256:" },
        { HEAD "<<<<<<< ours\n  a: " A "\n=======\n", "bundle.lock:" },
        { HEAD "  a: " A "\n---\nlock: 1\n", "bundle.lock:" },
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = { 0 };
        struct lock l;
        if (lock_parse(&l, bad[i].text, strlen(bad[i].text), "bundle.lock", &e))
            fail_msg("accepted %s", bad[i].text);
        assert_int_equal(e.code, ERR_CONFIG);
        if (strstr(e.msg, bad[i].says) == NULL)
            fail_msg("%s: %s", bad[i].text, e.msg);
        assert_int_equal(l.n, 0);
        assert_null(l.items);
    }
}

static void images_have_the_name_they_were_given(void **state)
{
    (void)state;
    static const struct {
        const char *given, *name;
    } cases[] = {
        { "busybox", "docker.io/library/busybox:latest" },
        { "docker://quay.io/a/b:1", "quay.io/a/b:1" },
        { "quay.io/a/b:1@" A, "quay.io/a/b:1@" A },
        { "docker-daemon:shop/web:1.4.0", "docker-daemon:shop/web:1.4.0" },
        { "quay.io/a/b:1=oci:images/b:1", "quay.io/a/b:1=oci:images/b:1" },
        { "quay.io/a/b:1=docker-daemon:b:2", "quay.io/a/b:1=docker-daemon:b:2" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = { 0 };
        struct findings f = { 0 };
        struct application_options o = { .version = "1.0.0" };
        AUTO(application_free_auto) struct application *app = application_from_images(&cases[i].given, 1, NULL, &o, &f, &e);
        if (app == NULL)
            fail_msg("%s: %s", cases[i].given, e.msg);
        AUTO(mem_auto) char *name = lock_image_name(&app->images[0]);
        assert_string_equal(name, cases[i].name);
        findings_clear(&f);
    }
}

static void an_engine_image_is_locked_for_each_of_its_platforms(void **state)
{
    (void)state;
    struct err e = { 0 };
    static const char text[] = HEAD "  a:\n    linux/amd64: " A "\n    linux/arm64: " B "\n";
    AUTO(lock_clear_auto) struct lock l = { 0 };
    struct image_platform platforms[2] = { { .platform = { "linux", "arm64", "" } }, { .platform = { "linux", "amd64", "" } } };
    struct image image = { .n_platforms = 2, .platforms = platforms };
    assert_true(lock_parse(&l, text, sizeof text - 1, "x", &e));
    assert_true(digest_parse(&platforms[0].manifest_digest, B, "x", &e) && digest_parse(&platforms[1].manifest_digest, A, "x", &e));
    assert_true(lock_agrees(&l.items[0], &image, &e));
    platforms[0].manifest_digest.bytes[0] ^= 1;
    assert_false(lock_agrees(&l.items[0], &image, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
    assert_non_null(strstr(e.msg, "the lock file says " B));
    e = (struct err){ 0 };
    image.n_platforms = 1;
    assert_false(lock_agrees(&l.items[0], &image, &e));
    assert_int_equal(e.code, ERR_CONFIG);
}

/* ---- create and plan ---- */

struct shop {
    struct setting *s;
    char *definition, *lock, *cache, *out;
};

static char *in_dir(const struct shop *x, const char *name)
{
    return mem_format("%s/%s", x->s->dir, name);
}

static void write_file(const char *path, const char *text)
{
    struct err e = { 0 };
    if (!file_publish(path, text, strlen(text), 0644, &e))
        fail_msg("%s", e.msg);
}

static char *read_text(const char *path)
{
    struct err e = { 0 };
    struct buf b = BUF_LIMIT(64 * MIB);
    if (!file_read(path, FILE_PLAIN, 64 * MIB, &b, &e))
        fail_msg("%s", e.msg);
    return buf_take(&b);
}

static struct digest digest_of_file(const char *path)
{
    struct err e = { 0 };
    struct digest d;
    AUTO(buf_clear_auto) struct buf b = BUF_LIMIT(64 * MIB);
    assert_true(file_read(path, FILE_PLAIN, 64 * MIB, &b, &e));
    sha256_of(&d, b.data, b.len);
    return d;
}

/* An index with one image in it that create can pack. */
static struct thing add_packable(struct setting *s, const char *layer_text)
{
    struct thing layer = add_blob(s, layer_text);
    struct thing config = add_config(s, amd64, &layer_text, 1);
    AUTO(mem_auto) char *text = manifest_of(config, &layer, 1, "application/vnd.oci.image.layer.v1.tar", "");
    AUTO(mem_auto)
    char *entry = descriptor(MANIFEST, add_manifest(s, NULL, text), ",\"platform\":{\"architecture\":\"amd64\",\"os\":\"linux\"}");
    AUTO(mem_auto) char *index = index_of(entry);
    struct thing t = add_manifest(s, NULL, index);
    AUTO(mem_auto)
    char *rule = mem_format(", {\"path\": \"/v2/app/manifests/1\", \"times\": 1, \"headers\": [[\"Content-Type\", \"" INDEX
                            "\"]], \"body_hex\": \"");
    buf_adds(&s->script, rule);
    for (const char *p = index; *p != '\0'; p++)
        buf_addf(&s->script, "%02x", (unsigned)(unsigned char)*p);
    buf_adds(&s->script, "\"}");
    return t;
}

static void shop_open(struct shop *x, struct setting *s, const char *more)
{
    listen_now(s);
    *x = (struct shop){ .s = s };
    x->definition = in_dir(x, "bundle.yaml");
    x->lock = in_dir(x, "bundle.lock");
    x->cache = in_dir(x, "cache");
    x->out = in_dir(x, "x.bundle.tar.zst");
    AUTO(mem_auto) char *text = mem_format("name: shop\nversion: 1.0.0\nimages: [%s/app:1%s]\n", s->host, more);
    write_file(x->definition, text);
}

static void shop_close(struct shop *x)
{
    mem_free(x->definition);
    mem_free(x->lock);
    mem_free(x->cache);
    mem_free(x->out);
}

static struct said create(const struct shop *x, const char *more)
{
    return run("create", "-f", x->definition, "-o", x->out, "--cache", x->cache, "--no-loader", "--plain-http", x->s->host, more, NULL);
}

static void expect(struct said said, int status, const char *says)
{
    if (said.status != status || strstr(said.err, says) == NULL)
        fail_msg("%d: %s (expected %d: %s)", said.status, said.err, status, says);
    said_clear(&said);
}

static void a_locked_rebuild_is_the_same_bundle_though_the_tag_moved(void **state)
{
    struct setting *s = *state;
    struct shop x;
    struct thing first = add_packable(s, "first layer"), second = add_packable(s, "second layer");
    shop_open(&x, s, "");
    expect(create(&x, NULL), 0, "");
    struct digest made = digest_of_file(x.out);
    AUTO(mem_auto) char *locked = read_text(x.lock);
    AUTO(mem_auto) char *line = mem_format(HEAD "  \"%s/app:1\": %s\n", s->host, DIGEST_SHOWN(&first.digest));
    assert_non_null(strstr(locked, line));
    assert_int_equal(fake_count(&s->f, "manifests/1\""), 1);

    expect(create(&x, "--locked"), 0, "");
    struct digest again = digest_of_file(x.out);
    assert_true(digest_equal(&made, &again));
    expect(run("plan", "-f", x.definition, "--cache", x.cache, "--plain-http", s->host, "--locked", NULL), 0, "");
    assert_int_equal(fake_count(&s->f, "manifests/1\""), 1); /* no tag was asked for */

    AUTO(mem_auto) char *change = mem_format("/app:1 changed: %s was %s", DIGEST_SHOWN(&second.digest), DIGEST_SHOWN(&first.digest));
    expect(create(&x, NULL), 0, change);
    again = digest_of_file(x.out);
    assert_false(digest_equal(&made, &again));
    AUTO(mem_auto) char *after = read_text(x.lock);
    assert_non_null(strstr(after, DIGEST_SHOWN(&second.digest)));
    write_file(x.lock, locked); /* an older file gives the older bundle */
    expect(create(&x, "--locked"), 0, "");
    again = digest_of_file(x.out);
    assert_true(digest_equal(&made, &again));
    AUTO(mem_auto) char *kept = read_text(x.lock);
    assert_string_equal(kept, locked);
    shop_close(&x);
}

static void a_lock_file_must_name_exactly_the_images_asked_for(void **state)
{
    struct setting *s = *state;
    struct shop x;
    struct thing first = add_packable(s, "first layer");
    shop_open(&x, s, "");
    AUTO(mem_auto) char *missing = mem_format("bundle.lock: has no %s/app:1", s->host);
    AUTO(mem_auto) char *both = mem_format(HEAD "  %s/app:1: %s\n  other: " A "\n", s->host, DIGEST_SHOWN(&first.digest));
    expect(create(&x, "--locked"), 3, "bundle.lock: does not exist");
    write_file(x.lock, HEAD "  other: " A "\n");
    expect(create(&x, "--locked"), 3, missing);
    expect(run("plan", "-f", x.definition, "--cache", x.cache, "--plain-http", s->host, "--locked", NULL), 3, "without --locked");
    write_file(x.lock, both);
    expect(create(&x, "--locked"), 3, "bundle.lock: has other, which is not asked for");
    write_file(x.lock, "not ours\n");
    expect(create(&x, NULL), 3, "bundle.lock:1:1: is not a lock file"); /* and it is left alone */
    AUTO(mem_auto) char *kept = read_text(x.lock);
    assert_string_equal(kept, "not ours\n");
    assert_int_equal(fake_count(&s->f, "\"method\""), 0);
    shop_close(&x);
}

static void a_digest_that_the_registry_no_longer_has_is_said_so(void **state)
{
    struct setting *s = *state;
    struct shop x;
    add_packable(s, "first layer");
    shop_open(&x, s, "");
    AUTO(mem_auto) char *gone = mem_format(HEAD "  %s/app:1: " A "\n", s->host);
    AUTO(mem_auto) char *says = mem_format("locked image %s/app:1: %s/app@" A, s->host, s->host);
    write_file(x.lock, gone);
    expect(create(&x, "--locked"), 22, says);
    expect(create(&x, "--locked"), 22, "create without --locked");
    assert_int_equal(fake_count(&s->f, "manifests/1\""), 0);
    shop_close(&x);
}

static void a_create_that_fails_leaves_the_lock_file_as_it_was(void **state)
{
    struct setting *s = *state;
    struct shop x;
    const char *never = "never uploaded";
    struct thing layer = thing_of(never), config = add_config(s, amd64, &never, 1);
    AUTO(mem_auto) char *text = manifest_of(config, &layer, 1, "application/vnd.oci.image.layer.v1.tar", "");
    add_manifest(s, "1", text);
    shop_open(&x, s, "");
    expect(create(&x, NULL), 22, "app"); /* none before, */
    assert_int_equal(access(x.lock, F_OK), -1);
    write_file(x.lock, HEAD "  old: " A "\n"); /* or an old one */
    expect(create(&x, NULL), 22, "app");
    AUTO(mem_auto) char *kept = read_text(x.lock);
    assert_string_equal(kept, HEAD "  old: " A "\n");
    shop_close(&x);
}

static void images_alone_have_the_lock_file_that_is_named(void **state)
{
    struct setting *s = *state;
    struct shop x;
    struct thing first = add_packable(s, "first layer");
    shop_open(&x, s, "");
    AUTO(mem_auto) char *image = mem_format("%s/app:1", s->host);
    AUTO(mem_auto) char *own = in_dir(&x, "own.lock");
    AUTO(mem_auto) char *nowhere = in_dir(&x, "none/own.lock");
    expect(run("create", image, "--locked", "--version", "1.0.0", "--no-loader", "-o", x.out, "--cache", x.cache, "--plain-http", s->host,
               NULL),
           2, "--lock FILE");
    expect(run("create", image, "--lock", nowhere, "--version", "1.0.0", "--no-loader", "-o", x.out, "--cache", x.cache, "--plain-http",
               s->host, NULL),
           60, "none");
    assert_int_equal(fake_count(&s->f, "\"method\""), 0);
    expect(run("create", image, "--lock", own, "--version", "1.0.0", "--no-loader", "-o", x.out, "--cache", x.cache, "--plain-http",
               s->host, NULL),
           0, "");
    AUTO(mem_auto) char *text = read_text(own);
    assert_non_null(strstr(text, DIGEST_SHOWN(&first.digest)));
    expect(run("create", image, "--lock", own, "--locked", "--version", "1.0.0", "--no-loader", "-o", x.out, "--cache", x.cache,
               "--plain-http", s->host, NULL),
           0, "");
    assert_int_equal(fake_count(&s->f, "manifests/1\""), 1);
    assert_int_equal(access(x.lock, F_OK), -1);
    shop_close(&x);
}

static void a_digest_in_the_definition_and_another_in_the_file_do_not_fit(void **state)
{
    struct setting *s = *state;
    struct shop x;
    add_packable(s, "first layer");
    shop_open(&x, s, "@" A);
    AUTO(mem_auto) char *text = mem_format(HEAD "  %s/app:1@" A ": " B "\n", s->host);
    write_file(x.lock, text);
    expect(create(&x, "--locked"), 3, "is " B ", the definition says " A);
    shop_close(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(the_order_of_the_text_does_not_depend_on_that_of_the_file),
        cmocka_unit_test(files_that_are_no_lock_files_are_refused_with_their_place),
        cmocka_unit_test(images_have_the_name_they_were_given),
        cmocka_unit_test(an_engine_image_is_locked_for_each_of_its_platforms),
        cmocka_unit_test_setup_teardown(a_locked_rebuild_is_the_same_bundle_though_the_tag_moved, begin, end),
        cmocka_unit_test_setup_teardown(a_lock_file_must_name_exactly_the_images_asked_for, begin, end),
        cmocka_unit_test_setup_teardown(a_digest_that_the_registry_no_longer_has_is_said_so, begin, end),
        cmocka_unit_test_setup_teardown(a_create_that_fails_leaves_the_lock_file_as_it_was, begin, end),
        cmocka_unit_test_setup_teardown(images_alone_have_the_lock_file_that_is_named, begin, end),
        cmocka_unit_test_setup_teardown(a_digest_in_the_definition_and_another_in_the_file_do_not_fit, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
