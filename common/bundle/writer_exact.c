/* Blobs into an exact bundle. What is large and compressed already lies in chunks of its own, which cost no time to make. */
#include "bundle/writer_parts.h"

#include <inttypes.h>

#include "base/mem.h"
#include "bundle/tar.h"
#include "format/oci_layout.h"

#include "base/banned.h"

enum { SMALL_BLOB = 256 * 1024 }; /* smaller ones are packed together with their neighbours */

bool writer_begin_blob(struct writer *w, const struct digest *digest, uint64_t size, bool is_packed, struct err *e)
{
    BUG_IF(w->m.mode != MANIFEST_EXACT || w->member_hash != NULL || w->is_in_blob);
    struct manifest_member *x = writer_new_member(w, OCI_BLOB_PATH(digest), size, e);
    if (x == NULL)
        return false;
    x->has_sha256 = true;
    x->sha256 = *digest;
    w->is_in_blob = true;
    w->is_blob_light = is_packed && size >= SMALL_BLOB;
    w->member_left = size;
    bool ok = writer_put_header(w, x, e) && (!w->is_blob_light || chunk_writer_set_light(w->chunks, true, e));
    return writer_result(w, ok, e);
}

static bool wrong_size(const struct writer *w, struct err *e)
{
    const struct manifest_member *x = &w->m.members[w->m.n_members - 1];
    return err_set(e, ERR_INTEGRITY, "%s: has another number of bytes than %" PRIu64, x->name, x->size);
}

bool writer_put_blob(struct writer *w, const void *bytes, size_t n, struct err *e)
{
    BUG_IF(!w->is_in_blob);
    if (n > w->member_left)
        return wrong_size(w, e);
    w->member_left -= n;
    return writer_result(w, chunk_writer_put(w->chunks, bytes, n, e), e);
}

bool writer_end_blob(struct writer *w, struct err *e)
{
    uint64_t size = w->m.members[w->m.n_members - 1].size;
    BUG_IF(!w->is_in_blob);
    if (w->member_left > 0)
        return wrong_size(w, e);
    w->is_in_blob = false;
    w->new_bytes += size;
    return writer_result(w, (!w->is_blob_light || chunk_writer_set_light(w->chunks, false, e)) && writer_put_zeros(w, tar_fill(size), e), e);
}

bool writer_add_exact_layer(struct writer *w, const struct manifest_layer *layer, struct err *e)
{
    BUG_IF(w->m.mode != MANIFEST_EXACT || w->is_in_blob);
    if (w->m.n_layers >= LIMIT_LAYERS)
        return err_set(e, ERR_FORMAT, "more than %d layers", LIMIT_LAYERS);
    struct manifest_layer copy = { .diff_id = layer->diff_id, .n_blobs = layer->n_blobs };
    copy.blobs = mem_copy(layer->blobs, layer->n_blobs * sizeof *layer->blobs);
    MEM_PUSH(w->m.layers, w->m.n_layers, w->layers_cap) = copy;
    return true;
}
