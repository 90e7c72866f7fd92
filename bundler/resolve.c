/* From a reference through indexes, as deep as they are nested, to a manifest and a config for each platform. */
#include "bundler/resolve.h"

#include <stddef.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundler/attached.h"
#include "bundler/indexes.h"
#include "format/artifact.h"

#include "base/banned.h"

struct lookup {
    struct documents *from;
    const struct image_request *rq;
    struct image *image;
    const char *what; /* the reference, for messages */
};

/* ---- platforms ---- */

/* An index, after those that lead to it. The first is the one that the reference names. */
static void keep_indexes(struct lookup *l, const struct indexes *x, size_t node)
{
    struct image *i = l->image;
    const struct registry_document *d = &x->nodes[node].document;
    struct buf copy = BUF_LIMIT(LIMIT_OCI_MANIFEST_BYTES);
    for (size_t k = 0; k < i->n_indexes; k++)
        if (digest_equal(&i->indexes[k].digest, &d->digest))
            return;
    if (node != 0)
        keep_indexes(l, x, x->nodes[node].parent); /* at most as deep as indexes_read goes */
    buf_add(&copy, buf_text(&d->bytes), d->bytes.len);
    MEM_PUSH(i->indexes, i->n_indexes, i->cap_indexes) = (struct image_index){ .digest = d->digest, .bytes = copy };
}

/* Takes the bytes out of d. */
static void take_manifest(struct image_platform *p, struct registry_document *d)
{
    p->manifest_digest = d->digest;
    p->manifest = d->bytes;
    d->bytes = (struct buf){ 0 };
}

static bool get_config(struct lookup *l, struct image_platform *p, struct err *e)
{
    const struct oci_descriptor *config = &p->m.config;
    p->config = (struct buf)BUF_LIMIT((size_t)config->size);
    return l->from->get_blob(l->from, l->rq->ref, &config->digest, config->size, &p->config, e);
}

/* An image that states its platform nowhere but in its config, or that has no index, must be what was asked for or run there. */
static bool take_platform_of_config(struct lookup *l, struct image_platform *p, struct err *e)
{
    struct platform_text asked, found;
    struct oci_config c = { 0 };
    AUTO(mem_auto) char *name = mem_format("%s: config", l->what);
    if (!oci_config_read(&c, buf_text(&p->config), p->config.len, name, e))
        return false;
    struct platform has = c.platform;
    oci_config_clear(&c);
    if (platform_suits(&has, &p->platform) == 0) {
        err_set(e, ERR_REGISTRY, "%s: is for %s, expected %s", l->what, SHOWN(platform_format(&found, &has)), platform_format(&asked, &p->platform));
        return err_hint(e, "it has no other platform: --platform %s", platform_format(&found, &has));
    }
    p->platform = has;
    return true;
}

static void tell_of_other_platform(const struct lookup *l, const struct platform *asked, const struct platform *found)
{
    struct platform_text a, b;
    if (!platform_equal(asked, found))
        log_info("%s: has no %s, and %s runs there too", l->what, platform_format(&a, asked), platform_format(&b, found));
}

/* p->platform is what was asked for, then what was found. */
static bool read_platform(struct lookup *l, struct image_platform *p, struct registry_document *manifest, bool is_told, struct err *e)
{
    take_manifest(p, manifest);
    p->takes_foreign_layers = l->rq->takes_foreign_layers;
    return image_platform_read_manifest(p, l->what, e) && get_config(l, p, e) && (is_told || take_platform_of_config(l, p, e)) && image_platform_read(p, l->what, e);
}

/* The same manifest for two platforms that were asked for is packed once. */
static bool is_there_already(const struct image *x, const struct digest *manifest)
{
    for (size_t i = 0; i < x->n_platforms; i++)
        if (digest_equal(&x->platforms[i].manifest_digest, manifest))
            return true;
    return false;
}

static bool pick_platform(struct lookup *l, const struct indexes *x, const struct platform *asked, struct err *e)
{
    AUTO(registry_document_clear_auto) struct registry_document manifest = { 0 };
    const struct oci_index_entry *entry = oci_index_pick(&x->all, asked, l->what, e);
    if (entry == NULL)
        return err_hint(e, "--platform names those to pack, in place of the definition's");
    bool is_told = entry->has_platform;
    if (is_told)
        tell_of_other_platform(l, asked, &entry->platform);
    if (is_there_already(l->image, &entry->descriptor.digest))
        return true;
    keep_indexes(l, x, x->node_of[entry - x->all.entries]);
    if (!indexes_get(l->from, l->rq->ref, l->what, &entry->descriptor, &manifest, e))
        return false;
    struct image_platform *p = &l->image->platforms[l->image->n_platforms++];
    p->platform = is_told ? entry->platform : *asked;
    return read_platform(l, p, &manifest, is_told, e);
}

/* ---- attestations ---- */

static bool add_parts(struct lookup *l, const struct image_document *manifest, const struct artifact *a, struct err *e)
{
    struct image_document d = *manifest;
    d.descriptor = a->config;
    if (!attached_add(l->image, &d, "config", e))
        return false;
    for (size_t i = 0; i < a->n_layers; i++) {
        AUTO(mem_auto) char *part = mem_format("statement-%zu", i);
        d.descriptor = a->layers[i].descriptor;
        if (!text_ends(d.descriptor.media_type, "json"))
            return err_set(e, ERR_REGISTRY, "%s: attestation %s holds %s, expected JSON", l->what, DIGEST_SHOWN(&manifest->descriptor.digest), d.descriptor.media_type);
        if (!attached_add(l->image, &d, part, e))
            return false;
    }
    return true;
}

static bool add_attestation(struct lookup *l, const struct oci_index_entry *entry, struct err *e)
{
    AUTO(registry_document_clear_auto) struct registry_document manifest = { 0 };
    AUTO(artifact_clear_auto) struct artifact a = { 0 };
    struct image_document d = { .kind = IMAGE_ATTESTATION, .group = attached_next_group(l->image, IMAGE_ATTESTATION), .descriptor = entry->descriptor,
                                .subject = entry->subject };
    return indexes_get(l->from, l->rq->ref, l->what, &entry->descriptor, &manifest, e) &&
           artifact_read(&a, buf_text(&manifest.bytes), manifest.bytes.len, l->what, e) && attached_add(l->image, &d, "manifest", e) && add_parts(l, &d, &a, e);
}

static bool is_attached(const struct image *x, const struct oci_index_entry *entry)
{
    for (size_t i = 0; i < x->n_documents; i++)
        if (digest_equal(&x->documents[i].descriptor.digest, &entry->descriptor.digest) && digest_equal(&x->documents[i].subject, &entry->subject))
            return true;
    return false;
}

/* Those of platforms that are packed; those of others would speak of something that is not there. */
static bool add_attestations(struct lookup *l, const struct indexes *x, struct err *e)
{
    for (size_t i = 0; i < x->all.n && !l->rq->is_without_attestations; i++) {
        const struct oci_index_entry *entry = &x->all.entries[i];
        if (!entry->has_subject || !is_there_already(l->image, &entry->subject) || is_attached(l->image, entry))
            continue;
        keep_indexes(l, x, x->node_of[i]);
        if (!add_attestation(l, entry, e)) {
            err_in(e, "attestation of %s", DIGEST_SHOWN(&entry->subject));
            e->hint[0] = '\0'; /* the image itself was found: what helps with that does not help here */
            return err_hint(e, "--attestations skip packs the images without them");
        }
    }
    return true;
}

/* ---- the whole ---- */

static bool resolve_index(struct lookup *l, struct registry_document *top, struct err *e)
{
    AUTO(indexes_clear_auto) struct indexes x = { 0 };
    if (!indexes_read(&x, l->from, l->rq->ref, l->what, top, e))
        return false;
    for (size_t i = 0; i < l->rq->n_platforms; i++)
        if (!pick_platform(l, &x, &l->rq->platforms[i], e))
            return false;
    return add_attestations(l, &x, e);
}

/* One manifest without an index: it must do for every platform that is asked for. */
static bool resolve_manifest(struct lookup *l, struct registry_document *top, struct err *e)
{
    struct image_platform *p = &l->image->platforms[l->image->n_platforms++];
    p->platform = l->rq->platforms[0];
    if (!read_platform(l, p, top, false, e))
        return false;
    for (size_t i = 0; i < l->rq->n_platforms; i++) {
        struct platform_text asked, found;
        if (platform_suits(&p->platform, &l->rq->platforms[i]) == 0) {
            err_set(e, ERR_REGISTRY, "%s: is for %s alone, expected %s, too", l->what, platform_format(&found, &p->platform),
                    platform_format(&asked, &l->rq->platforms[i]));
            return err_hint(e, "it has no other platform: --platform %s", platform_format(&found, &p->platform));
        }
        tell_of_other_platform(l, &l->rq->platforms[i], &p->platform);
    }
    return true;
}

bool resolve_image(struct documents *from, const struct image_request *rq, const char *what, struct image *out, struct err *e)
{
    struct lookup l = { .from = from, .rq = rq, .image = out, .what = what };
    AUTO(registry_document_clear_auto) struct registry_document top = { 0 };
    BUG_IF(rq->n_platforms == 0);
    *out = (struct image){ .ref = *rq->ref };
    out->platforms = mem_new_array(rq->n_platforms, sizeof *out->platforms);
    if (!from->get(from, rq->ref, rq->ref->has_digest ? &rq->ref->digest : rq->pinned, &top, e))
        return false;
    return top.kind == OCI_KIND_INDEX ? resolve_index(&l, &top, e) : resolve_manifest(&l, &top, e);
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

static bool resolve(struct image_source *source, const struct image_request *rq, struct image *out, struct err *e)
{
    struct registry_source *s = (struct registry_source *)source;
    struct ref_text text;
    return resolve_image(&s->documents, rq, ref_format(&text, rq->ref), out, e);
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
