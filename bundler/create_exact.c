/* create --layers=exact: blobs instead of pieces, and the documents of an OCI layout around them (docs/FORMAT.md section 3.7). */
#include <inttypes.h>

#include "base/mem.h"
#include "base/text.h"
#include "bundle/exact_layout.h"
#include "bundler/attached.h"
#include "bundler/create.h"
#include "bundler/pack_exact.h"
#include "format/oci_layout.h"

#include "base/banned.h"

enum { LAYOUT_DOCUMENTS = 3 };

bool create_is_exact(const struct create *c)
{
    return c->o->layers == MANIFEST_EXACT;
}

/* ---- what a bundle can hold ---- */

static bool check_layer(const struct image *x, const struct oci_descriptor *layer, struct err *e)
{
    char size[24];
    if (layer->size <= LIMIT_MEMBER_BYTES)
        return true;
    err_set(e, ERR_CONFIG, "%s: layer %s has %s, at most 8 GiB with --layers=exact", REF_SHOWN(&x->ref), DIGEST_SHOWN(&layer->digest), text_bytes(size, layer->size));
    return err_hint(e, "--layers=dedup takes layers of any size");
}

bool create_check_exact(const struct create *c, struct err *e)
{
    for (size_t i = 0; create_is_exact(c) && i < c->app->n_images; i++)
        for (size_t k = 0; k < c->images[i].n_platforms; k++)
            for (size_t l = 0; l < c->images[i].platforms[k].m.n_layers; l++)
                if (!check_layer(&c->images[i], &c->images[i].platforms[k].m.layers[l], e))
                    return false;
    return true;
}

/* ---- documents ---- */

static bool put_document(struct create *c, const struct digest *d, const struct buf *bytes, struct digest_set *written, struct err *e)
{
    if (digest_set_has(written, d))
        return true;
    digest_set_add(written, d);
    return writer_begin_blob(c->writer, d, bytes->len, false, e) && writer_put_blob(c->writer, buf_text(bytes), bytes->len, e) && writer_end_blob(c->writer, e);
}

static bool put_attached(struct create *c, const struct image_document *d, struct digest_set *written, struct err *e)
{
    AUTO(buf_clear_auto) struct buf bytes = BUF_LIMIT(LIMIT_DOCUMENT_BYTES);
    return digest_set_has(written, &d->descriptor.digest) ||
           (attached_read(c->registries.cache, d, &bytes, e) && put_document(c, &d->descriptor.digest, &bytes, written, e));
}

static bool put_documents(struct create *c, const struct image *x, struct digest_set *written, struct err *e)
{
    for (size_t i = 0; i < x->n_indexes; i++)
        if (!put_document(c, &x->indexes[i].digest, &x->indexes[i].bytes, written, e))
            return false;
    for (size_t i = 0; i < x->n_platforms; i++)
        if (!put_document(c, &x->platforms[i].manifest_digest, &x->platforms[i].manifest, written, e) ||
            !put_document(c, &x->platforms[i].m.config.digest, &x->platforms[i].config, written, e))
            return false;
    for (size_t i = 0; i < x->n_documents; i++)
        if (!put_attached(c, &x->documents[i], written, e))
            return false;
    return true;
}

/* ---- blobs ---- */

bool create_pack_exact(struct create *c, const struct pack_how *how, struct err *e)
{
    struct digest_set written = { 0 };
    bool ok = true;
    for (size_t i = 0; i < c->app->n_images && ok; i++)
        ok = put_documents(c, &c->images[i], &written, e);
    for (size_t i = 0; i < c->layout.n_finders && ok; i++)
        ok = put_document(c, &c->layout.finders[i].digest, &c->layout.finders[i].bytes, &written, e);
    ok = ok && pack_exact(c->writer, c->layers, c->n_layers, how, &written, e);
    digest_set_clear(&written);
    return ok;
}

/* ---- the layout ---- */

static const struct buf *find_document(const struct image *x, const struct digest *d)
{
    for (size_t i = 0; i < x->n_indexes; i++)
        if (digest_equal(&x->indexes[i].digest, d))
            return &x->indexes[i].bytes;
    for (size_t i = 0; i < x->n_platforms; i++)
        if (digest_equal(&x->platforms[i].manifest_digest, d))
            return &x->platforms[i].manifest;
    return NULL;
}

static bool read_document(void *ctx, const struct digest *d, struct buf *out, struct err *e)
{
    const struct create *c = ctx;
    for (size_t i = 0; i < c->app->n_images; i++) {
        const struct buf *found = find_document(&c->images[i], d);
        if (found != NULL) {
            buf_add(out, buf_text(found), found->len);
            return buf_done(out, "document", e);
        }
    }
    return err_set(e, ERR_INTERNAL, "document %s is not there", DIGEST_SHOWN(d));
}

bool create_make_layout(struct create *c, struct err *e)
{
    c->layout = (struct exact_layout){ .read = read_document, .ctx = c };
    return !create_is_exact(c) || exact_layout_make(&c->layout, buf_text(&c->release), c->release.len, e);
}

bool create_write_finder(struct create *c, size_t image, struct err *e)
{
    for (size_t i = 0; i < c->layout.n_finders; i++) {
        const struct exact_finder *f = &c->layout.finders[i];
        AUTO(mem_auto) char *name = mem_format(EXACT_FINDER_MEMBER, f->image);
        if (f->image == image && !writer_add_member(c->writer, name, buf_text(&f->bytes), f->bytes.len, false, e))
            return false;
    }
    return true;
}

bool create_write_layout(struct create *c, struct err *e)
{
    const struct exact_layout *x = &c->layout;
    return !create_is_exact(c) || (writer_add_member(c->writer, OCI_LAYOUT_MEMBER, OCI_LAYOUT_TEXT, sizeof OCI_LAYOUT_TEXT - 1, false, e) &&
                                   writer_add_member(c->writer, OCI_INDEX_MEMBER, buf_text(&x->index), x->index.len, false, e) &&
                                   writer_add_member(c->writer, DOCKER_MANIFEST_MEMBER, buf_text(&x->docker), x->docker.len, false, e));
}

/* ---- how much that is ---- */

void create_measure_exact(const struct create *c, size_t *n, uint64_t *bytes)
{
    *n = LAYOUT_DOCUMENTS + 2 * c->layout.n_finders;
    *bytes = 0;
    for (size_t i = 0; i < c->n_layers; i++)
        for (size_t k = 0; k < c->layers[i].n_blobs; k++) {
            *n += 1;
            *bytes += c->layers[i].blobs[k].size;
        }
    for (size_t i = 0; i < c->app->n_images; i++) {
        const struct image *x = &c->images[i];
        *n += x->n_indexes + 2 * x->n_platforms + x->n_documents;
        for (size_t k = 0; k < x->n_documents; k++)
            *bytes += x->documents[k].descriptor.size;
    }
}
