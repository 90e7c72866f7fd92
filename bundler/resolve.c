/* From a reference through indexes, as deep as they are nested, to a manifest and a config for each platform. */
#include "bundler/resolve.h"

#include <stddef.h>

#include "base/mem.h"
#include "base/text.h"
#include "registry/manifests.h"

#include "base/banned.h"

enum { INDEX_DEPTH_MAX = 4 }; /* an index in an index is legal and rare */

struct lookup {
    struct documents *from;
    const struct ref *ref;
    struct image *image;
    const char *what; /* the reference, for messages */
};

static bool get_document(struct lookup *l, const struct digest *digest, struct registry_document *out, struct err *e)
{
    registry_document_clear(out);
    return l->from->get(l->from, l->ref, digest, out, e);
}

static bool get_config(struct lookup *l, struct image_platform *p, struct err *e)
{
    const struct oci_descriptor *config = &p->m.config;
    p->config = (struct buf)BUF_LIMIT((size_t)config->size);
    return l->from->get_blob(l->from, l->ref, &config->digest, config->size, &p->config, e);
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
        if (!get_document(l, &chosen.digest, d, e))
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

bool resolve_image(struct documents *from, const struct ref *ref, const char *what, const struct platform *platforms, size_t n_platforms,
                   struct image *out, struct err *e)
{
    struct lookup l = { .from = from, .ref = ref, .image = out, .what = what };
    AUTO(registry_document_clear_auto) struct registry_document top = { 0 };
    *out = (struct image){ .ref = *ref, .n_platforms = n_platforms };
    out->platforms = mem_new_array(n_platforms > 0 ? n_platforms : 1, sizeof *out->platforms);
    if (!get_document(&l, ref->has_digest ? &ref->digest : NULL, &top, e))
        return false;
    for (size_t i = 0; i < n_platforms; i++) {
        out->platforms[i].platform = platforms[i];
        if (!resolve_platform(&l, &top, &out->platforms[i], e))
            return false;
    }
    return true;
}

/* ---- registries, with the cache before them ---- */

struct registry_source {
    struct image_source source;
    struct documents documents;
    struct registry *registry;
    struct cache *cache;
};

static struct registry_source *source_of(struct documents *d)
{
    return (struct registry_source *)((char *)d - offsetof(struct registry_source, documents));
}

/* Kept when it was asked for by digest. */
static bool get_from_registry(struct documents *from, const struct ref *ref, const struct digest *d, struct registry_document *out,
                              struct err *e)
{
    struct registry_source *s = source_of(from);
    struct ref_text text;
    bool is_there = false;
    if (d == NULL)
        return registry_manifest(s->registry, ref, NULL, out, e);
    out->bytes = (struct buf)BUF_LIMIT(LIMIT_OCI_MANIFEST_BYTES);
    if (!cache_read(s->cache, d, &out->bytes, &is_there, e))
        return false;
    if (!is_there)
        return registry_manifest(s->registry, ref, d, out, e) && cache_write(s->cache, d, buf_text(&out->bytes), out->bytes.len, e);
    out->digest = *d;
    return oci_kind_of(buf_text(&out->bytes), out->bytes.len, NULL, &out->kind, e) || err_in(e, "%s", ref_format(&text, ref));
}

static bool get_blob_from_registry(struct documents *from, const struct ref *ref, const struct digest *d, uint64_t size, struct buf *out,
                                   struct err *e)
{
    struct registry_source *s = source_of(from);
    bool is_there = false;
    if (!cache_read(s->cache, d, out, &is_there, e))
        return false;
    if (is_there && out->len == size)
        return true;
    buf_reset(out);
    return registry_small_blob(s->registry, ref, d, size, out, e) && cache_write(s->cache, d, buf_text(out), out->len, e);
}

static bool resolve(struct image_source *source, const struct ref *ref, const struct image_place *place, const struct platform *platforms, size_t n_platforms,
                    struct image *out, struct err *e)
{
    (void)place; /* the reference says it */
    struct registry_source *s = (struct registry_source *)source;
    struct ref_text text;
    return resolve_image(&s->documents, ref, ref_format(&text, ref), platforms, n_platforms, out, e);
}

static void free_source(struct image_source *s)
{
    mem_free(s);
}

struct image_source *resolve_in_registries(struct registry *r, struct cache *c)
{
    struct registry_source *s = mem_new(sizeof *s);
    *s = (struct registry_source){
        .source = { .resolve = resolve, .free = free_source }, .documents = { get_from_registry, get_blob_from_registry }, .registry = r, .cache = c
    };
    return &s->source;
}
