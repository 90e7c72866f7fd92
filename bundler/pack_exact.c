/* From the cache (or the registry) into the file. */
#include "bundler/pack_exact.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundle/exact_reader.h"
#include "sys/file.h"
#include "sys/start.h"

#include "base/banned.h"

enum { READ_BYTES = 1024 * 1024 };

struct packing {
    struct writer *writer;
    const struct pack_how *how;
    struct digest_set *written;
    uint8_t *block;
    struct progress_fact fact;
};

static bool tell(struct packing *p, size_t n, struct err *e)
{
    p->fact.done += n;
    return progress_tell(p->how->progress, &p->fact) || err_set(e, ERR_INTERRUPTED, "packing was stopped");
}

static bool put(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct packing *p = ctx;
    return start_check(e) && tell(p, n, e) && writer_put_blob(p->writer, bytes, n, e);
}

/* Into the file, and inflated into the tap if there is one. */
static struct sink *ways(struct packing *p, const struct pack_layer *l, size_t form, struct err *e)
{
    struct sink *file = sink_call(put, p);
    if (form > 0 || l->tap.open == NULL)
        return file;
    struct sink *tar = exact_prove(l->blobs[form].media_type, &l->diff_id, l->tap.open(l->tap.ctx), e);
    if (tar != NULL)
        return sink_tee(file, tar);
    sink_drop(file);
    return NULL;
}

static bool read_file(struct packing *p, const char *path, struct sink *to, struct err *e)
{
    AUTO(fd_auto) int fd = file_open_read(path, FILE_PLAIN, e);
    if (fd < 0)
        return false;
    for (size_t got = READ_BYTES; got == READ_BYTES;)
        if (!fd_read_full(fd, p->block, READ_BYTES, &got, path, e) || (got > 0 && !sink_write(to, p->block, got, e)))
            return false;
    return true;
}

static bool put_blob(struct packing *p, const struct pack_layer *l, size_t form, bool *is_worth_trying, struct err *e)
{
    const struct manifest_blob *blob = &l->blobs[form];
    const struct pack_source *from = p->how->source;
    const char *path = l->forms[form].path;
    *is_worth_trying = false;
    bool is_brought = path == NULL || l->forms[form].arrival != NULL;
    AUTO(sink_drop_auto) struct sink *to = ways(p, l, form, e);
    if (to == NULL || !writer_begin_blob(p->writer, &blob->digest, blob->size, l->forms[form].compression != OCI_RAW, e))
        return false;
    bool ok = is_brought ? from->bring(from->ctx, l, form, to, is_worth_trying, e) : read_file(p, path, to, e);
    return ok && sink_finish(to, e) && writer_end_blob(p->writer, e);
}

/* Bytes that are brought are known to be right only at their end: until then the writer can go back to where the blob began. */
static bool bring_blob(struct packing *p, const struct pack_layer *l, size_t form, struct err *e)
{
    bool is_worth_trying;
    uint64_t done = p->fact.done;
    unsigned tries = p->how->source->tries;
    if (!writer_checkpoint(p->writer, e))
        return false;
    while (!put_blob(p, l, form, &is_worth_trying, e)) {
        if (!is_worth_trying || --tries == 0)
            return false;
        log_warn("layer %s: %s: trying again from the start", DIGEST_SHOWN(&l->blobs[form].digest), e->msg);
        *e = (struct err){ 0 };
        p->fact.done = done;
        if (!writer_rewind(p->writer, e))
            return false;
    }
    digest_set_add(p->written, &l->blobs[form].digest);
    return true;
}

static bool pack_layer(struct packing *p, const struct pack_layer *l, struct err *e)
{
    for (size_t i = 0; i < l->n_blobs; i++) {
        const struct ref *from = l->forms[i].from;
        if (digest_set_has(p->written, &l->blobs[i].digest) || bring_blob(p, l, i, e))
            continue;
        err_in(e, "layer %s", DIGEST_SHOWN(&l->blobs[i].digest));
        return from == NULL ? false : err_in(e, "%s", REF_SHOWN(from));
    }
    struct manifest_layer layer = { .diff_id = l->diff_id, .blobs = l->blobs, .n_blobs = l->n_blobs };
    return writer_add_exact_layer(p->writer, &layer, e);
}

bool pack_exact(struct writer *w, const struct pack_layer *layers, size_t n, const struct pack_how *how, struct digest_set *written, struct err *e)
{
    BUG_IF(how->source == NULL);
    AUTO(mem_auto) uint8_t *block = mem_new(READ_BYTES);
    struct packing p = { .writer = w, .how = how, .written = written, .block = block, .fact = { .phase = "pack" } };
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < layers[i].n_blobs; k++)
            p.fact.total += layers[i].blobs[k].size;
    for (size_t i = 0; i < n; i++)
        if (!pack_layer(&p, &layers[i], e))
            return false;
    p.fact.is_finished = true;
    return tell(&p, 0, e);
}
