/* From the engine's archive to blobs and documents. */
#include "bundler/local.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "engine/images.h"
#include "format/jwrite.h"
#include "stream/sink.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/start.h"

#include "base/banned.h"

enum { BUSY_WAIT_MS = 500 };

struct local {
    struct image_source source;
    struct cache *cache;
    const char *socket;
    const struct progress *progress;
    struct engine *engine; /* null until it is needed */
};

/* ---- layers into the cache ---- */

struct taking {
    struct cache *cache;
    const struct export_image *image;
};

/* Named by the archive, or a tar whose digest is the diff_id. */
static const struct digest *digest_of(const struct export_image *x, size_t layer)
{
    return x->layers[layer].has_digest ? &x->layers[layer].digest : &x->c.diff_ids[layer];
}

/* Waits while another run writes the same blob. */
static bool open_part(struct cache *c, const struct digest *d, uint64_t size, struct cache_part **part, struct err *e)
{
    enum cache_part_state state = CACHE_BUSY;
    while (cache_part_open(c, d, size, &state, part, e)) {
        if (state != CACHE_BUSY)
            return true;
        clock_sleep_ms(BUSY_WAIT_MS);
        if (!start_check(e))
            return false;
    }
    return false;
}

static bool write_part(struct cache_part *part, const struct digest *d, uint64_t size, struct source *content, struct err *e)
{
    int fd = cache_part_fd(part);
    if (ftruncate(fd, 0) != 0) /* of a run that was stopped: the archive has it all again */
        return file_fail(e, errno, "truncate", "blob cache");
    AUTO(sink_drop_auto) struct sink *to = sink_limit(size, SINK_EXACT, "layer", sink_sha256(d, "layer", sink_fd(fd, "blob cache")));
    return pump(content, to, e) && sink_finish(to, e) && cache_part_publish(part, e);
}

static bool take_layer(void *ctx, size_t layer, struct source *content, struct err *e)
{
    const struct taking *t = ctx;
    const struct digest *d = digest_of(t->image, layer);
    uint64_t size = t->image->layers[layer].size;
    bool is_there = false;
    AUTO(cache_part_close_auto) struct cache_part *part = NULL;
    if (!cache_find(t->cache, d, size, &is_there, e))
        return false;
    if (is_there)
        return true;
    return open_part(t->cache, d, size, &part, e) && (part == NULL || write_part(part, d, size, content, e));
}

/* ---- the manifest ---- */

/* By the first bytes: an archive does not tell. */
static bool media_type_of(const struct cache *c, const struct digest *d, const char **type, struct err *e)
{
    static const uint8_t gzip[] = { 0x1f, 0x8b };
    static const uint8_t zstd[] = { 0x28, 0xb5, 0x2f, 0xfd };
    uint8_t first[4] = { 0 };
    size_t got = 0;
    AUTO(mem_auto) char *path = cache_path(c, d);
    AUTO(fd_auto) int fd = file_open_read(path, FILE_NO_LINK, e);
    if (fd < 0 || !fd_read_full(fd, first, sizeof first, &got, path, e))
        return false;
    *type = memcmp(first, gzip, sizeof gzip) == 0 ? OCI_TYPE_LAYER "+gzip" : memcmp(first, zstd, sizeof zstd) == 0 ? OCI_TYPE_LAYER "+zstd" : OCI_TYPE_LAYER;
    return true;
}

static bool write_manifest(const struct cache *c, const struct export_image *x, struct buf *out, struct err *e)
{
    struct digest config;
    AUTO(jwrite_free_auto) struct jwrite *w = jwrite_new(JWRITE_COMPACT, LIMIT_OCI_MANIFEST_BYTES);
    sha256_of(&config, buf_text(&x->config), x->config.len);
    jwrite_object(w, NULL);
    jwrite_u64(w, "schemaVersion", 2);
    jwrite_str(w, "mediaType", OCI_TYPE_MANIFEST);
    oci_descriptor_write(w, "config", OCI_TYPE_CONFIG, &config, x->config.len);
    jwrite_array(w, "layers");
    for (size_t i = 0; i < x->n_layers; i++) {
        const char *type = NULL;
        if (!media_type_of(c, digest_of(x, i), &type, e))
            return false;
        oci_descriptor_write(w, NULL, type, digest_of(x, i), x->layers[i].size);
    }
    jwrite_end(w);
    jwrite_end(w);
    return jwrite_done(w, out, "manifest", e);
}

bool local_take(struct cache *c, struct export *x, const struct export_image *from, struct image_platform *p, const char *what, struct err *e)
{
    struct taking t = { c, from };
    p->manifest = (struct buf)BUF_LIMIT(LIMIT_OCI_MANIFEST_BYTES);
    p->config = (struct buf)BUF_LIMIT(LIMIT_OCI_CONFIG_BYTES);
    buf_add(&p->config, buf_text(&from->config), from->config.len);
    if (!export_layers(x, from, take_layer, &t, e) || !write_manifest(c, from, &p->manifest, e))
        return err_in(e, "%s", what);
    sha256_of(&p->manifest_digest, buf_text(&p->manifest), p->manifest.len);
    return image_platform_read(p, what, e);
}

/* ---- the source ---- */

static const char *choose_socket(const char *asked)
{
    const char *host = getenv("DOCKER_HOST");
    return asked != NULL || host == NULL || host[0] == '\0' ? asked : host;
}

static bool open_engine(struct local *l, struct err *e)
{
    if (l->engine == NULL)
        l->engine = engine_open(choose_socket(l->socket), e);
    return l->engine != NULL;
}

static bool find_image(struct local *l, const char *name, struct err *e)
{
    AUTO(engine_image_clear_auto) struct engine_image found = { 0 };
    if (!image_inspect(l->engine, name, &found, e))
        return false;
    if (found.is_found)
        return true;
    err_set(e, ERR_REGISTRY, "%s: the engine at %s has no such image", name, engine_facts(l->engine)->socket);
    return err_hint(e, "docker images lists those that it has");
}

static bool take_platform(struct local *l, struct export *x, struct image_platform *p, const char *what, struct err *e)
{
    struct platform_text asked, found;
    for (size_t i = 0; i < export_n_images(x); i++)
        if (platform_equal(&export_image(x, i)->c.platform, &p->platform))
            return local_take(l->cache, x, export_image(x, i), p, what, e);
    return err_set(e, ERR_REGISTRY, "%s: the engine's image is for %s, expected %s", what, platform_format(&found, &export_image(x, 0)->c.platform),
                   platform_format(&asked, &p->platform));
}

static bool resolve(struct image_source *source, const struct ref *ref, const struct platform *platforms, size_t n_platforms, struct image *out,
                    struct err *e)
{
    struct local *l = (struct local *)source;
    struct ref_text text;
    const char *name = ref_format_tag(&text, ref);
    *out = (struct image){ .ref = *ref, .n_platforms = n_platforms };
    out->platforms = mem_new_array(n_platforms, sizeof *out->platforms);
    if (!open_engine(l, e) || !find_image(l, name, e))
        return false;
    AUTO(export_close_auto) struct export *x = export_fetch(l->engine, name, cache_dir(l->cache), l->progress, e);
    for (size_t i = 0; x != NULL && i < n_platforms; i++) {
        out->platforms[i].platform = platforms[i];
        if (!take_platform(l, x, &out->platforms[i], name, e))
            return false;
    }
    return x != NULL;
}

static void free_local(struct image_source *source)
{
    struct local *l = (struct local *)source;
    engine_close(l->engine);
    mem_free(l);
}

struct image_source *local_images(struct cache *c, const char *socket, const struct progress *progress)
{
    struct local *l = mem_new(sizeof *l);
    *l = (struct local){ .source = { resolve, free_local }, .cache = c, .socket = socket, .progress = progress };
    return &l->source;
}
