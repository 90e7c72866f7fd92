/* A blob is pushed through the inflating stage in pieces so small that what comes out of one fits memory, whatever it is made of: gzip makes at most 1032 bytes of one, zstd 128 KiB of four. */
#include "bundle/exact_reader.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "format/oci_layout.h"

#include "base/banned.h"

enum { PIECE_MAX = 256 * 1024 };
#define INFLATED_MAX (32 * MIB) /* of one piece: 16 MiB for zstd, 17 for gzip, and what a stage had held back */

static const struct form {
    enum inflate_kind kind;
    size_t piece;
} forms[] = {
    [OCI_RAW] = { INFLATE_RAW, PIECE_MAX },
    [OCI_GZIP] = { INFLATE_GZIP, 16 * 1024 },
    [OCI_ZSTD] = { INFLATE_ZSTD, 512 },
};

static bool find_form(const char *media_type, const struct form **form, struct err *e)
{
    enum oci_compression compression;
    if (!oci_layer_compression(media_type, &compression, e))
        return err_as(e, ERR_FORMAT);
    *form = &forms[compression];
    return true;
}

struct sink *exact_prove(const char *media_type, const struct digest *diff_id, struct sink *content, struct err *e)
{
    const struct form *form;
    if (!find_form(media_type, &form, e)) {
        sink_drop(content);
        return NULL;
    }
    struct sink *s = sink_sha256(diff_id, "layer content (diff_id)", content);
    s = sink_limit(LIMIT_LAYER_BYTES, SINK_AT_MOST, "layer content", s);
    return sink_inflate(form->kind, "layer", s);
}

struct source *exact_blob_open(const struct bundle *b, struct chunk_cache *cache, size_t i, size_t k, struct err *e)
{
    const struct manifest *m = bundle_manifest(b);
    return member_reader_open(bundle_index(b), cache, manifest_find_member(m, OCI_BLOB_PATH(&m->layers[i].blobs[k].digest)), e);
}

/* ---- as it is, proven on its way ---- */

struct proven {
    struct source source;
    struct source *blob;
    struct sink *stages;
};

static bool proven_read(struct source *s, void *to, size_t n, size_t *got, struct err *e)
{
    struct proven *p = (struct proven *)s;
    if (!source_read(p->blob, to, n, got, e))
        return false;
    if (*got > 0 ? sink_write(p->stages, to, *got, e) : sink_finish(p->stages, e))
        return true;
    return e->code == ERR_REGISTRY ? err_as(e, ERR_INTEGRITY) : false;
}

static void proven_free(struct source *s)
{
    struct proven *p = (struct proven *)s;
    source_free(p->blob);
    sink_drop(p->stages);
    mem_free(p);
}

static const struct source_ops proven_ops = { proven_read, proven_free };

struct source *exact_proven_open(const struct bundle *b, struct chunk_cache *cache, size_t i, size_t k, struct err *e)
{
    const struct manifest_layer *l = &bundle_manifest(b)->layers[i];
    AUTO(source_free_auto) struct source *blob = exact_blob_open(b, cache, i, k, e);
    struct sink *stages = blob == NULL ? NULL : exact_prove(l->blobs[k].media_type, &l->diff_id, sink_null(), e);
    if (stages == NULL)
        return NULL;
    struct proven *p = mem_new(sizeof *p);
    *p = (struct proven){ { &proven_ops }, TAKE(blob), stages };
    return &p->source;
}

/* ---- inflated ---- */

struct tar {
    struct source source;
    struct source *blob;
    struct sink *stages;
    struct buf out; /* what came out and nobody has read */
    size_t at;
    size_t piece;
    bool is_over;
    uint8_t in[];
};

/* A piece of the blob, or its end: then the verdict. */
static bool advance(struct tar *t, struct err *e)
{
    size_t got = 0;
    buf_reset(&t->out);
    t->at = 0;
    if (!source_read(t->blob, t->in, t->piece, &got, e))
        return false;
    t->is_over = got == 0;
    if (t->is_over ? sink_finish(t->stages, e) : sink_write(t->stages, t->in, got, e))
        return true;
    return e->code == ERR_REGISTRY ? err_as(e, ERR_INTEGRITY) : false;
}

static bool tar_read(struct source *s, void *to, size_t n, size_t *got, struct err *e)
{
    struct tar *t = (struct tar *)s;
    *got = 0;
    while (t->at == t->out.len && !t->is_over)
        if (!advance(t, e))
            return false;
    size_t left = t->out.len - t->at;
    *got = n < left ? n : left;
    if (*got > 0)
        memcpy(to, t->out.data + t->at, *got);
    t->at += *got;
    return true;
}

static void tar_free(struct source *s)
{
    struct tar *t = (struct tar *)s;
    source_free(t->blob);
    sink_drop(t->stages);
    buf_clear(&t->out);
    mem_free(t);
}

static const struct source_ops tar_ops = { tar_read, tar_free };

struct source *exact_layer_open(const struct bundle *b, struct chunk_cache *cache, size_t i, size_t k, struct err *e)
{
    const struct manifest_layer *l = &bundle_manifest(b)->layers[i];
    const struct form *form;
    if (!find_form(l->blobs[k].media_type, &form, e))
        return NULL;
    struct tar *t = mem_new(sizeof *t + form->piece);
    t->source.ops = &tar_ops;
    t->piece = form->piece;
    t->out = (struct buf)BUF_LIMIT(INFLATED_MAX);
    t->blob = exact_blob_open(b, cache, i, k, e);
    t->stages = exact_prove(l->blobs[k].media_type, &l->diff_id, sink_buf(&t->out, "layer"), e);
    if (t->blob != NULL && t->stages != NULL)
        return &t->source;
    tar_free(&t->source);
    return NULL;
}
