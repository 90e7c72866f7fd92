/* From a reference through indexes, as deep as they are nested, to a manifest and a config for each platform. */
#include "bundler/resolve.h"

#include "base/mem.h"
#include "base/text.h"
#include "registry/manifests.h"

#include "base/banned.h"

enum { INDEX_DEPTH_MAX = 4 }; /* an index in an index is legal and rare */

struct registry_source {
    struct image_source source;
    struct registry *registry;
    struct cache *cache;
};

struct lookup {
    struct registry_source *s;
    const struct ref *ref;
    struct image *image;
    const char *what; /* the reference, for messages */
};

/* An index or manifest by digest: from the cache, else from the registry and then kept. */
static bool get_by_digest(struct lookup *l, const struct digest *d, struct registry_document *out, struct err *e)
{
    bool is_there = false;
    registry_document_clear(out);
    out->bytes = (struct buf)BUF_LIMIT(LIMIT_OCI_MANIFEST_BYTES);
    if (!cache_read(l->s->cache, d, &out->bytes, &is_there, e))
        return false;
    if (is_there) {
        out->digest = *d;
        return oci_kind_of(buf_text(&out->bytes), out->bytes.len, NULL, &out->kind, e) || err_in(e, "%s", l->what);
    }
    return registry_manifest(l->s->registry, l->ref, d, out, e) &&
           cache_write(l->s->cache, d, buf_text(&out->bytes), out->bytes.len, e);
}

static bool get_config(struct lookup *l, struct image_platform *p, struct err *e)
{
    const struct oci_descriptor *config = &p->m.config;
    bool is_there = false;
    p->config = (struct buf)BUF_LIMIT((size_t)config->size);
    if (!cache_read(l->s->cache, &config->digest, &p->config, &is_there, e))
        return false;
    if (is_there && p->config.len == config->size)
        return true;
    buf_reset(&p->config);
    return registry_small_blob(l->s->registry, l->ref, &config->digest, config->size, &p->config, e) &&
           cache_write(l->s->cache, &config->digest, buf_text(&p->config), p->config.len, e);
}

/* Takes the bytes out of d. */
static struct buf take_bytes(struct registry_document *d)
{
    struct buf bytes = d->bytes;
    d->bytes = (struct buf){ 0 };
    return bytes;
}

static void keep_index(struct lookup *l, struct registry_document *d)
{
    struct image *i = l->image;
    for (size_t k = 0; k < i->n_indexes; k++)
        if (digest_equal(&i->indexes[k].digest, &d->digest))
            return;
    MEM_PUSH(i->indexes, i->n_indexes, i->cap_indexes) = (struct image_index){ .digest = d->digest, .bytes = take_bytes(d) };
}

/* Goes down from an index to the manifest for a platform; d is that manifest then. */
static bool descend(struct lookup *l, const struct platform *platform, struct registry_document *d, struct err *e)
{
    for (int depth = 0; d->kind == OCI_KIND_INDEX; depth++) {
        if (depth == INDEX_DEPTH_MAX)
            return err_set(e, ERR_REGISTRY, "%s: indexes are nested more than %d deep", l->what, INDEX_DEPTH_MAX);
        struct oci_index index = { 0 };
        const struct oci_index_entry *entry = NULL;
        if (oci_index_read(&index, buf_text(&d->bytes), d->bytes.len, l->what, e))
            entry = oci_index_pick(&index, platform, l->what, e);
        struct oci_descriptor chosen = entry != NULL ? entry->descriptor : (struct oci_descriptor){ 0 };
        oci_index_clear(&index);
        if (entry == NULL)
            return false;
        keep_index(l, d);
        if (!get_by_digest(l, &chosen.digest, d, e))
            return false;
        if (d->bytes.len != chosen.size)
            return err_set(e, ERR_INTEGRITY, "%s: manifest of %zu bytes, the index says %llu", l->what, d->bytes.len,
                           (unsigned long long)chosen.size);
    }
    return true;
}

/* A copy, since every platform starts from the document that the reference names. */
static void copy_document(struct registry_document *to, const struct registry_document *from)
{
    registry_document_clear(to);
    to->kind = from->kind;
    to->digest = from->digest;
    to->bytes = (struct buf)BUF_LIMIT(LIMIT_OCI_MANIFEST_BYTES);
    buf_add(&to->bytes, buf_text(&from->bytes), from->bytes.len);
}

static bool resolve_platform(struct lookup *l, const struct registry_document *top, struct image_platform *p, struct err *e)
{
    AUTO(registry_document_clear_auto) struct registry_document d = { 0 };
    copy_document(&d, top);
    if (!descend(l, &p->platform, &d, e))
        return false;
    p->manifest_digest = d.digest;
    p->manifest = take_bytes(&d);
    return image_platform_read_manifest(p, l->what, e) && get_config(l, p, e) && image_platform_read(p, l->what, e);
}

static bool resolve(struct image_source *source, const struct ref *ref, const struct platform *platforms, size_t n_platforms,
                    struct image *out, struct err *e)
{
    struct ref_text text;
    struct lookup l = { .s = (struct registry_source *)source, .ref = ref, .image = out, .what = ref_format(&text, ref) };
    AUTO(registry_document_clear_auto) struct registry_document top = { 0 };
    *out = (struct image){ .ref = *ref, .n_platforms = n_platforms };
    out->platforms = mem_new_array(n_platforms > 0 ? n_platforms : 1, sizeof *out->platforms);
    if (!(ref->has_digest ? get_by_digest(&l, &ref->digest, &top, e) : registry_manifest(l.s->registry, ref, NULL, &top, e)))
        return false;
    for (size_t i = 0; i < n_platforms; i++) {
        out->platforms[i].platform = platforms[i];
        if (!resolve_platform(&l, &top, &out->platforms[i], e))
            return false;
    }
    return true;
}

static void free_source(struct image_source *s)
{
    mem_free(s);
}

struct image_source *resolve_in_registries(struct registry *r, struct cache *c)
{
    struct registry_source *s = mem_new(sizeof *s);
    s->source.resolve = resolve;
    s->source.free = free_source;
    s->registry = r;
    s->cache = c;
    return &s->source;
}
