/* A registry for tests of resolving: documents are added by text, their digests and sizes are computed; then it is asked.
 *
 *     struct thing image = add_image(s, NULL, amd64, "own layer");
 *     ...
 *     listen_now(s);
 *     resolve(s, ":1", "amd64 arm64", &image, &e)                                                               */
#ifndef TESTS_BUNDLER_SETTING_H
#define TESTS_BUNDLER_SETTING_H

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
    struct image_request how;
};

struct thing { /* something in the registry */
    struct digest digest;
    size_t size;
};

static inline void add_rule(struct setting *s, const char *path, const char *text)
{
    buf_addf(&s->script, "%s{\"path\": \"%s\", \"body_hex\": \"", s->script.len > 0 ? ", " : "", path);
    for (; *text != '\0'; text++)
        buf_addf(&s->script, "%02x", (unsigned)(unsigned char)*text);
    buf_adds(&s->script, "\"}");
}

static inline struct thing thing_of(const char *text)
{
    struct thing t = { .size = strlen(text) };
    sha256_of(&t.digest, text, t.size);
    return t;
}

static inline struct thing add_blob(struct setting *s, const char *text)
{
    struct thing t = thing_of(text);
    AUTO(mem_auto) char *path = mem_format("/v2/app/blobs/%s", DIGEST_SHOWN(&t.digest));
    add_rule(s, path, text);
    return t;
}

static inline struct thing add_manifest(struct setting *s, const char *tag, const char *text)
{
    struct thing t = thing_of(text);
    AUTO(mem_auto) char *path = mem_format("/v2/app/manifests/%s", DIGEST_SHOWN(&t.digest));
    AUTO(mem_auto) char *tagged = mem_format("/v2/app/manifests/%s", tag != NULL ? tag : "no-tag");
    add_rule(s, path, text);
    add_rule(s, tagged, text);
    return t;
}

static inline struct thing add_config(struct setting *s, const char *platform, const char *const *diff_ids, size_t n)
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

static inline char *descriptor(const char *type, struct thing t, const char *more)
{
    return mem_format("{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu%s}", type, DIGEST_SHOWN(&t.digest), t.size, more);
}

static inline char *manifest_of(struct thing config, const struct thing *layers, size_t n, const char *layer_type, const char *more)
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
static inline struct thing add_image(struct setting *s, const char *tag, const char *platform, const char *own_layer)
{
    const char *diff_ids[] = { "base layer", own_layer };
    struct thing layers[] = { add_blob(s, "base layer"), add_blob(s, own_layer) };
    struct thing config = add_config(s, platform, diff_ids, 2);
    AUTO(mem_auto) char *text = manifest_of(config, layers, 2, LAYER, "");
    return add_manifest(s, tag, text);
}

static inline char *index_of(const char *entries)
{
    return mem_format("{\"schemaVersion\":2,\"mediaType\":\"" INDEX "\",\"manifests\":[%s]}", entries);
}

static inline void listen_now(struct setting *s)
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

static inline int begin(void **state)
{
    struct setting *s = mem_new(sizeof *s);
    s->script = (struct buf)BUF_LIMIT(16 * MIB);
    snprintf(s->dir, sizeof s->dir, "/tmp/test_images.XXXXXX");
    *state = s;
    return mkdtemp(s->dir) == NULL;
}

static inline int end(void **state)
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

/* platforms: words without "linux/". s->how has the rest of the request. */
static inline bool resolve(struct setting *s, const char *tag, const char *platforms, struct image *out, struct err *e)
{
    AUTO(mem_auto) char *name = mem_format("%s/app%s", s->host, tag);
    struct ref ref;
    struct platform list[8];
    struct image_request rq = s->how;
    assert_true(ref_parse(&ref, name, e));
    for (const char *at = platforms; *at != '\0'; at += strspn(at, " ")) {
        AUTO(mem_auto) char *text = mem_format("linux/%.*s", (int)strcspn(at, " "), at);
        assert_true(platform_parse(&list[rq.n_platforms++], text, e));
        at += strcspn(at, " ");
    }
    rq.ref = &ref;
    rq.platforms = list;
    return s->source->resolve(s->source, &rq, out, e);
}

static inline void accept(struct setting *s, const char *tag, const char *platforms, struct image *out)
{
    struct err e = { 0 };
    if (!resolve(s, tag, platforms, out, &e))
        fail_msg("%s", e.msg);
}

static inline void refuse(struct setting *s, const char *tag, const char *platforms, enum err_code code, const char *part)
{
    struct err e = { 0 };
    struct image image;
    assert_false(resolve(s, tag, platforms, &image, &e));
    if (e.code != code || strstr(e.msg, part) == NULL)
        fail_msg("%s: %s (expected %s: %s)", err_name(e.code), e.msg, err_name(code), part);
    image_clear(&image);
}

#endif
