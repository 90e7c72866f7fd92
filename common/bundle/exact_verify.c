/* Verification of exact bundles. */
#include "bundle/exact_verify.h"

#include "base/mem.h"
#include "base/text.h"
#include "bundle/exact_layout.h"
#include "bundle/exact_reader.h"
#include "format/oci_layout.h"
#include "sys/start.h"

#include "base/banned.h"

enum { CACHE_BYTES = 16 * 1024 * 1024, BLOCK = 256 * 1024 };

struct reading {
    const struct bundle *b;
    struct chunk_cache *cache;
};

static bool read_document(void *ctx, const struct digest *d, struct buf *out, struct err *e)
{
    const struct reading *r = ctx;
    return member_read(bundle_index(r->b), r->cache, OCI_BLOB_PATH(d), out, e);
}

static bool check_document(const struct manifest *m, const char *name, const void *bytes, size_t n, struct err *e)
{
    struct digest expected;
    const struct manifest_member *x = &m->members[manifest_find_member(m, name)];
    sha256_of(&expected, bytes, n);
    if (x->size == n && digest_equal(&x->sha256, &expected))
        return true;
    return err_set(e, ERR_FORMAT, "%s: does not list the images of release.json as it should: has digest %s, expected %s", name, DIGEST_SHOWN(&x->sha256),
                   DIGEST_SHOWN(&expected));
}

static bool check_finders(const struct manifest *m, const struct exact_layout *x, struct err *e)
{
    for (size_t i = 0; i < x->n_finders; i++) {
        AUTO(mem_auto) char *name = mem_format(EXACT_FINDER_MEMBER, x->finders[i].image);
        size_t at = manifest_find_member(m, name);
        if (at == SIZE_MAX)
            return err_set(e, ERR_FORMAT, "%s: is missing", name);
        if (!check_document(m, name, buf_text(&x->finders[i].bytes), x->finders[i].bytes.len, e))
            return false;
    }
    return true;
}

bool exact_verify(const struct bundle *b, struct err *e)
{
    const struct manifest *m = bundle_manifest(b);
    size_t n;
    const char *release = bundle_release_text(b, &n);
    AUTO(chunk_cache_free_auto) struct chunk_cache *cache = chunk_cache_new(bundle_index(b), CACHE_BYTES);
    struct reading r = { b, cache };
    AUTO(exact_layout_clear_auto) struct exact_layout x = { .read = read_document, .ctx = &r, .manifest = m };
    return exact_layout_make(&x, release, n, e) && check_document(m, OCI_LAYOUT_MEMBER, OCI_LAYOUT_TEXT, sizeof OCI_LAYOUT_TEXT - 1, e) &&
           check_document(m, OCI_INDEX_MEMBER, buf_text(&x.index), x.index.len, e) &&
           check_document(m, DOCKER_MANIFEST_MEMBER, buf_text(&x.docker), x.docker.len, e) && check_finders(m, &x, e);
}

/* ---- layers ---- */

struct deep {
    const struct bundle *b;
    struct chunk_cache *cache;
    const struct progress *progress;
    uint8_t *block;
    uint64_t done, total; /* bytes of blobs */
};

static bool pass(struct deep *d, struct source *from, struct sink *to, struct err *e)
{
    for (size_t got = BLOCK; got > 0; d->done += got) {
        struct progress_fact fact = { .phase = "rebuild", .done = d->done, .total = d->total };
        if (!progress_tell(d->progress, &fact))
            return err_set(e, ERR_INTERRUPTED, "verification was stopped");
        if (!start_check(e) || !source_read(from, d->block, BLOCK, &got, e) || (got > 0 && !sink_write(to, d->block, got, e)))
            return false;
    }
    return sink_finish(to, e);
}

static bool prove_form(struct deep *d, size_t i, size_t k, struct err *e)
{
    const struct manifest_layer *l = &bundle_manifest(d->b)->layers[i];
    AUTO(source_free_auto) struct source *blob = exact_blob_open(d->b, d->cache, i, k, e);
    AUTO(sink_drop_auto) struct sink *stages = blob == NULL ? NULL : exact_prove(l->blobs[k].media_type, &l->diff_id, sink_null(), e);
    if (stages != NULL && pass(d, blob, stages, e))
        return true;
    return (e->code == ERR_REGISTRY ? err_as(e, ERR_INTEGRITY) : false) || err_in(e, "blob %s", DIGEST_SHOWN(&l->blobs[k].digest));
}

bool exact_verify_layers(const struct bundle *b, uint64_t cache_bytes, const struct progress *progress, uint64_t *bytes, struct err *e)
{
    const struct manifest *m = bundle_manifest(b);
    AUTO(chunk_cache_free_auto) struct chunk_cache *cache = chunk_cache_new(bundle_index(b), cache_bytes);
    AUTO(mem_auto) uint8_t *block = mem_new(BLOCK);
    struct deep d = { .b = b, .cache = cache, .progress = progress, .block = block };
    for (size_t i = 0; i < m->n_layers; i++)
        for (size_t k = 0; k < m->layers[i].n_blobs; k++)
            d.total += m->layers[i].blobs[k].size;
    for (size_t i = 0; i < m->n_layers; i++)
        for (size_t k = 0; k < m->layers[i].n_blobs; k++)
            if (!prove_form(&d, i, k, e))
                return err_in(e, "layer %zu", i);
    *bytes = d.total;
    return true;
}
