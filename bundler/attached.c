/* Attached documents: their names, their limits, their way into the cache and out of it. Only what is being read or written is in memory.
 */
#include "bundler/attached.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "registry/manifests.h"
#include "sys/start.h"

#include "base/banned.h"

static const char *const kind_names[] = { [IMAGE_ATTESTATION] = "attestation", [IMAGE_SIGNATURE] = "signature" };

size_t attached_next_group(const struct image *x, enum image_document_kind kind)
{
    size_t next = 0;
    for (size_t i = 0; i < x->n_documents; i++)
        if (x->documents[i].kind == kind && x->documents[i].group >= next)
            next = x->documents[i].group + 1;
    return next;
}

static bool check_limits(const struct image *x, const struct image_document *d, struct err *e)
{
    uint64_t bytes = d->descriptor.size;
    const char *kind = kind_names[d->kind];
    if (d->descriptor.size > LIMIT_DOCUMENT_BYTES)
        return err_set(e, ERR_REGISTRY, "%s: %s %s has %" PRIu64 " bytes, at most %" PRIu64, REF_SHOWN(&x->ref), kind,
                       DIGEST_SHOWN(&d->descriptor.digest), d->descriptor.size, LIMIT_DOCUMENT_BYTES);
    if (x->n_documents == LIMIT_DOCUMENTS_PER_IMAGE)
        return err_set(e, ERR_REGISTRY, "%s: has more than %d documents of attestations and signatures", REF_SHOWN(&x->ref),
                       LIMIT_DOCUMENTS_PER_IMAGE);
    for (size_t i = 0; i < x->n_documents; i++)
        bytes += x->documents[i].descriptor.size;
    return bytes <= LIMIT_IMAGE_DOCUMENTS_BYTES ||
           err_set(e, ERR_REGISTRY, "%s: its attestations and signatures have more than %" PRIu64 " bytes", REF_SHOWN(&x->ref),
                   LIMIT_IMAGE_DOCUMENTS_BYTES);
}

bool attached_add(struct image *x, const struct image_document *d, const char *part, struct err *e)
{
    struct image_document named = *d;
    if (!check_limits(x, d, e))
        return false;
    int n = snprintf(named.name, sizeof named.name, "%s-%zu/%s.json", kind_names[d->kind], d->group, part);
    BUG_IF(n < 0 || (size_t)n >= sizeof named.name);
    for (size_t i = 0; i < x->n_documents; i++)
        BUG_IF(text_is(x->documents[i].name, named.name));
    MEM_PUSH(x->documents, x->n_documents, x->cap_documents) = named;
    return true;
}

static bool fetch_document(struct registry *r, struct cache *c, const struct image *x, const struct image_document *d, struct err *e)
{
    const struct oci_descriptor *from = &d->descriptor;
    bool is_there = false;
    AUTO(buf_clear_auto) struct buf bytes = BUF_LIMIT((size_t)from->size);
    if (!cache_find(c, &from->digest, from->size, &is_there, e))
        return false;
    if (is_there)
        return true;
    return registry_small_blob(r, &x->ref, &from->digest, from->size, &bytes, e) &&
           cache_write(c, &from->digest, buf_text(&bytes), bytes.len, e);
}

bool attached_fetch(struct registry *r, struct cache *c, const struct image *images, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < images[i].n_documents; k++)
            if (!start_check(e) || !fetch_document(r, c, &images[i], &images[i].documents[k], e))
                return false;
    return true;
}

bool attached_read(const struct cache *c, const struct image_document *d, struct buf *out, struct err *e)
{
    bool is_there = false;
    if (!cache_read(c, &d->descriptor.digest, out, &is_there, e))
        return false;
    if (is_there && out->len == d->descriptor.size)
        return true;
    err_set(e, ERR_IO, "%s: %s is no longer in the cache", d->name, DIGEST_SHOWN(&d->descriptor.digest));
    return err_hint(e, "run the same command again");
}
