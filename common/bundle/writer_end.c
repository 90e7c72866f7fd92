/* The end of a bundle: recipes, the sizes of data members, and last the header, which has all the digests. */
#include "bundle/writer_parts.h"

#include "base/mem.h"
#include "bundle/tar.h"
#include "sys/file.h"
#include "sys/start.h"

#include "base/banned.h"

enum { END_BLOCK = 4 * 1024 * 1024, SPARE_MANIFEST = 64 };

static bool put_recipes(struct writer *w, struct err *e)
{
    int fd;
    uint64_t n;
    AUTO(mem_auto) uint8_t *block = mem_new(END_BLOCK);
    if (!dedup_recipes(w->dedup, &fd, &n, e))
        return false;
    struct manifest_member *x = writer_new_member(w, MEMBER_LAYERS, n, e);
    if (x == NULL || !writer_put_header(w, x, e))
        return false;
    AUTO(sha256_free_auto) struct sha256 *h = sha256_new();
    for (uint64_t at = 0; at < n;) {
        size_t take = n - at < END_BLOCK ? (size_t)(n - at) : END_BLOCK;
        if (!fd_pread_exact(fd, block, take, at, "spool of recipes", e) || !chunk_writer_put(w->chunks, block, take, e))
            return false;
        sha256_add(h, block, take);
        at += take;
    }
    x->has_sha256 = true;
    sha256_end(h, &x->sha256);
    return writer_put_zeros(w, tar_fill(n), e);
}

/* The base layers that recipes came to use, in the order of their sources. */
static void list_base(struct writer *w)
{
    const struct base_use *use = dedup_base(w->dedup);
    size_t n = base_use_count(use);
    w->m.has_base = n > 0;
    w->m.base_layers = mem_new_array(n, sizeof *w->m.base_layers);
    for (w->m.n_base_layers = 0; w->m.n_base_layers < n; w->m.n_base_layers++) {
        size_t i = base_use_candidate(use, w->m.n_base_layers);
        w->m.base_layers[w->m.n_base_layers] = (struct manifest_base_layer){ w->base_ids[i], base_use_size(use, i) };
    }
}

/* The tar headers of data members carry their sizes, which are known now. */
static bool patch_data_headers(struct writer *w, struct err *e)
{
    for (size_t i = 0; i < w->n_data; i++) {
        const struct writer_data_header *at = &w->data_headers[i];
        uint8_t header[LAYOUT_TAR_BLOCK];
        tar_header(header, w->m.members[at->member].name, w->m.members[at->member].size, false);
        if (!chunk_writer_set_stored(w->chunks, at->chunk, header, e))
            return false;
    }
    return true;
}

/* Moves the payload towards the end, last block first, so that nothing is overwritten before it was read. */
static bool move_payload(struct writer *w, uint64_t new_header_len, struct err *e)
{
    AUTO(mem_auto) uint8_t *block = mem_new(END_BLOCK);
    for (uint64_t left = chunk_writer_table(w->chunks)->packed_len; left > 0;) {
        size_t n = left < END_BLOCK ? (size_t)left : END_BLOCK;
        left -= n;
        if (!start_check(e) || !output_read(w->output, block, n, w->m.header_len + left, e) ||
            !output_write(w->output, block, n, new_header_len + left, e))
            return false;
    }
    w->m.header_len = new_header_len;
    return true;
}

static bool write_manifest(struct writer *w, struct buf *text, struct err *e)
{
    const struct table *t = chunk_writer_table(w->chunks);
    w->m.total_len = w->m.header_len + t->packed_len;
    w->m.n_chunks = t->n;
    w->m.raw_len = t->raw_len;
    sha256_of(&w->m.chunks_sha256, t->entries, t->n * LAYOUT_TABLE_ENTRY);
    buf_reset(text);
    return manifest_write(&w->m, text, e);
}

/* The manifest, moving the payload first when the header would not fit. */
static bool settle_header(struct writer *w, struct buf *text, struct err *e)
{
    if (!write_manifest(w, text, e))
        return false;
    uint64_t need = header_len_for(text->len + SPARE_MANIFEST, chunk_writer_table(w->chunks)->n * LAYOUT_TABLE_ENTRY);
    if (need <= w->m.header_len)
        return true;
    return move_payload(w, need, e) && write_manifest(w, text, e);
}

static bool write_header(struct writer *w, writer_sign_fn sign, void *ctx, struct err *e)
{
    const struct table *t = chunk_writer_table(w->chunks);
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_MANIFEST_BYTES);
    AUTO(buf_clear_auto) struct buf region = BUF_LIMIT(LAYOUT_HEADER_MAX);
    AUTO(header_clear_auto) struct header h = { 0 };
    if (!settle_header(w, &text, e))
        return false;
    h.manifest_bytes = text.len;
    h.manifest = (uint8_t *)buf_take(&text);
    h.table_bytes = t->n * LAYOUT_TABLE_ENTRY;
    h.table = mem_copy(t->entries, h.table_bytes);
    if (sign != NULL && !sign(ctx, h.manifest, h.manifest_bytes, &h, e))
        return false;
    return header_build(&h, w->m.header_len, &region, e) && output_write(w->output, region.data, region.len, 0, e);
}

bool writer_finish(struct writer *w, writer_sign_fn sign, void *ctx, struct err *e)
{
    if (w->dedup != NULL)
        list_base(w);
    bool ok = writer_close_data(w, e) && (w->dedup == NULL || put_recipes(w, e)) && writer_put_zeros(w, LAYOUT_TAR_END, e) && chunk_writer_cut(w->chunks, e) &&
              chunk_writer_finish(w->chunks, e) && patch_data_headers(w, e) && write_header(w, sign, ctx, e);
    if (ok && w->dedup != NULL) { /* reading back needs memory, too */
        w->new_bytes = dedup_data_len(w->dedup);
        dedup_close(TAKE(w->dedup));
    }
    return writer_result(w, ok, e);
}
