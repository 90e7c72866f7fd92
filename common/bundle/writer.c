/* Members, data and layers: what goes where. One thread (the caller's) decides; what is behind chunk_writer compresses. */
#include "bundle/writer_parts.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"
#include "bundle/tar.h"
#include "sys/path.h"

#include "base/banned.h"

bool writer_result(const struct writer *w, bool ok, struct err *e)
{
    char written[24];
    char need[24];
    if (ok || e->code != ERR_SPACE || w->expected_bytes == 0)
        return ok;
    text_bytes(written, w->m.header_len + chunk_writer_table(w->chunks)->packed_len);
    return err_hint(e, "about %s are needed in all, %s were written", text_bytes(need, w->expected_bytes), written);
}

/* --- members ------------------------------------------------------------------------------------------------------ */

struct manifest_member *writer_new_member(struct writer *w, const char *name, uint64_t size, struct err *e)
{
    if (!tar_name_check(name, e))
        return NULL;
    if (w->m.n_members >= LIMIT_MEMBERS || size > LIMIT_MEMBER_BYTES) {
        err_set(e, ERR_FORMAT, "member %s: too large, or more than %d members", name, LIMIT_MEMBERS);
        return NULL;
    }
    MEM_PUSH(w->m.members, w->m.n_members, w->members_cap) = (struct manifest_member){ .size = size };
    struct manifest_member *x = &w->m.members[w->m.n_members - 1];
    BUG_IF(!text_copy(x->name, sizeof x->name, name));
    return x;
}

bool writer_put_header(struct writer *w, const struct manifest_member *x, struct err *e)
{
    uint8_t header[LAYOUT_TAR_BLOCK];
    tar_header(header, x->name, x->size, x->is_executable);
    return chunk_writer_put(w->chunks, header, sizeof header, e);
}

bool writer_put_zeros(struct writer *w, uint64_t n, struct err *e)
{
    static const uint8_t zeros[LAYOUT_TAR_END];
    BUG_IF(n > sizeof zeros);
    return chunk_writer_put(w->chunks, zeros, n, e);
}

bool writer_begin_member(struct writer *w, const char *name, uint64_t size, bool is_executable, struct err *e)
{
    BUG_IF(w->member_hash != NULL || w->is_in_layer || w->is_in_blob);
    if (w->m.n_layers > 0 && !writer_close_data(w, e)) /* made from layers: behind the data */
        return writer_result(w, false, e);
    struct manifest_member *x = writer_new_member(w, name, size, e);
    if (x == NULL)
        return false;
    x->is_executable = is_executable;
    w->member_left = size;
    w->member_hash = sha256_new();
    return writer_result(w, writer_put_header(w, x, e), e);
}

static bool member_changed(const struct writer *w, struct err *e)
{
    return err_set(e, ERR_CONFIG, "%s: changed while it was read", w->m.members[w->m.n_members - 1].name);
}

bool writer_put_member(struct writer *w, const void *bytes, size_t n, struct err *e)
{
    if (n > w->member_left)
        return member_changed(w, e);
    w->member_left -= n;
    sha256_add(w->member_hash, bytes, n);
    return writer_result(w, chunk_writer_put(w->chunks, bytes, n, e), e);
}

bool writer_end_member(struct writer *w, struct digest *sha256, struct err *e)
{
    struct manifest_member *x = &w->m.members[w->m.n_members - 1];
    if (w->member_left > 0)
        return member_changed(w, e);
    sha256_end(w->member_hash, &x->sha256);
    sha256_free(TAKE(w->member_hash));
    x->has_sha256 = true;
    if (sha256 != NULL)
        *sha256 = x->sha256;
    return writer_result(w, writer_put_zeros(w, tar_fill(x->size), e), e);
}

bool writer_add_member(struct writer *w, const char *name, const void *bytes, size_t n, bool is_executable, struct err *e)
{
    return writer_begin_member(w, name, n, is_executable, e) && writer_put_member(w, bytes, n, e) && writer_end_member(w, NULL, e);
}

/* --- data --------------------------------------------------------------------------------------------------------- */

/* Its header is a place-holder: the size is known when the member is full or the last layer has ended. */
static bool open_data(struct writer *w, struct err *e)
{
    char name[32];
    static const uint8_t empty[LAYOUT_TAR_BLOCK];
    size_t chunk = 0;
    snprintf(name, sizeof name, FOLDER_DATA "%05zu.bin", w->n_data);
    if (writer_new_member(w, name, 0, e) == NULL || !chunk_writer_put_stored(w->chunks, empty, &chunk, e))
        return false;
    MEM_PUSH(w->data_headers, w->n_data, w->data_headers_cap) = (struct writer_data_header){ chunk, w->m.n_members - 1 };
    w->data_in_member = 0;
    return true;
}

/* Of the last data member. */
static bool end_data_member(struct writer *w, struct err *e)
{
    w->m.members[w->m.n_members - 1].size = w->data_in_member;
    return chunk_writer_cut(w->chunks, e) && writer_put_zeros(w, tar_fill(w->data_in_member), e);
}

bool writer_close_data(struct writer *w, struct err *e)
{
    bool is_open = w->n_data > 0 && !w->is_data_closed;
    w->is_data_closed = true;
    return !is_open || end_data_member(w, e);
}

static bool put_data(struct writer *w, const uint8_t *bytes, uint64_t n, struct err *e)
{
    while (n > 0) {
        bool is_full = w->n_data > 0 && w->data_in_member == w->data_member_bytes;
        if ((is_full && !end_data_member(w, e)) || ((is_full || w->n_data == 0) && !open_data(w, e)))
            return false;
        uint64_t room = w->data_member_bytes - w->data_in_member;
        uint64_t take = n < room ? n : room;
        if (!chunk_writer_put(w->chunks, bytes, take, e))
            return false;
        w->data_in_member += take;
        bytes += take;
        n -= take;
    }
    return true;
}

/* --- layers ------------------------------------------------------------------------------------------------------- */

static void add_layer(struct writer *w, const struct manifest_layer *layer, uint64_t size)
{
    struct manifest_layer copy = *layer;
    copy.size = size;
    copy.blobs = mem_copy(layer->blobs, layer->n_blobs * sizeof *layer->blobs);
    MEM_PUSH(w->m.layers, w->m.n_layers, w->layers_cap) = copy;
}

bool writer_begin_layer(struct writer *w, struct err *e)
{
    BUG_IF(w->is_data_closed || w->is_in_layer);
    w->is_in_layer = true;
    return writer_result(w, dedup_begin(w->dedup, e), e);
}

bool writer_add_piece(struct writer *w, const uint8_t hash[16], const void *bytes, uint32_t n, struct err *e)
{
    bool is_new = false;
    bool ok = dedup_piece(w->dedup, hash, n, &is_new, e) && (!is_new || put_data(w, bytes, n, e));
    return writer_result(w, ok, e);
}

bool writer_end_layer(struct writer *w, const struct manifest_layer *layer, struct err *e)
{
    uint64_t size = 0;
    if (!dedup_end(w->dedup, &size, e))
        return writer_result(w, false, e);
    w->is_in_layer = false;
    add_layer(w, layer, size);
    return true;
}

/* --- what the host has -------------------------------------------------------------------------------------------- */

void writer_begin_base(struct writer *w, const struct digest *diff_id)
{
    BUG_IF(w->m.n_layers > 0 || w->is_in_layer);
    BUG_IF(dedup_begin_base(w->dedup) != w->n_base_ids);
    MEM_PUSH(w->base_ids, w->n_base_ids, w->base_ids_cap) = *diff_id;
}

void writer_add_base_piece(struct writer *w, const uint8_t hash[16], uint32_t n)
{
    dedup_add_base(w->dedup, hash, n);
}

static size_t find_begun(const struct writer *w, const struct digest *diff_id)
{
    for (size_t i = 0; i < w->n_base_ids; i++)
        if (digest_equal(&w->base_ids[i], diff_id))
            return i;
    return SIZE_MAX;
}

uint64_t writer_base_bytes(struct writer *w, const struct digest *diff_id)
{
    size_t i = find_begun(w, diff_id);
    BUG_IF(i == SIZE_MAX);
    return base_use_size(dedup_base(w->dedup), i);
}

/* Of a host's inventory only the digests are known. */
static size_t find_base(struct writer *w, const struct digest *diff_id, uint64_t size)
{
    size_t i = find_begun(w, diff_id);
    if (i != SIZE_MAX)
        return i;
    MEM_PUSH(w->base_ids, w->n_base_ids, w->base_ids_cap) = *diff_id;
    i = dedup_begin_base(w->dedup);
    base_use_grow(dedup_base(w->dedup), i, size);
    return i;
}

bool writer_add_whole(struct writer *w, const struct manifest_layer *layer, uint64_t size, struct err *e)
{
    BUG_IF(w->is_data_closed || w->is_in_layer);
    if (!dedup_whole(w->dedup, find_base(w, &layer->diff_id, size), size, e))
        return writer_result(w, false, e);
    add_layer(w, layer, size);
    return true;
}

/* --- going back ----------------------------------------------------------------------------------------------------- */

bool writer_checkpoint(struct writer *w, struct err *e)
{
    BUG_IF(w->member_hash != NULL || w->is_in_layer || w->is_in_blob || w->is_data_closed);
    chunk_writer_mark(w->chunks);
    w->checkpoint = (struct writer_checkpoint){ true, w->new_bytes, w->data_in_member, w->n_data, w->m.n_members, w->m.n_layers, w->n_base_ids };
    return w->dedup == NULL || writer_result(w, dedup_mark(w->dedup, e), e);
}

bool writer_rewind(struct writer *w, struct err *e)
{
    const struct writer_checkpoint *to = &w->checkpoint;
    BUG_IF(!to->is_set || w->is_data_closed);
    w->is_in_layer = false;
    w->is_in_blob = false;
    w->new_bytes = to->new_bytes;
    while (w->m.n_layers > to->n_layers)
        mem_free(w->m.layers[--w->m.n_layers].blobs);
    w->m.n_members = to->n_members;
    w->n_base_ids = to->n_base_ids;
    w->n_data = to->n_data;
    w->data_in_member = to->data_in_member;
    bool ok = chunk_writer_rewind(w->chunks, e) && (w->dedup == NULL || dedup_rewind(w->dedup, e));
    return writer_result(w, ok, e);
}

/* --- facts, and the name ------------------------------------------------------------------------------------------- */

struct output *writer_output(const struct writer *w)
{
    return w->output;
}

const uint64_t *writer_sums(const struct writer *w)
{
    return chunk_writer_sums(w->chunks);
}

const struct manifest *writer_manifest(const struct writer *w)
{
    return &w->m;
}

uint64_t writer_new_bytes(const struct writer *w)
{
    return w->dedup == NULL ? w->new_bytes : dedup_data_len(w->dedup);
}

bool writer_publish(struct writer *w, bool may_replace, struct err *e)
{
    return writer_result(w, output_publish(w->output, may_replace, e), e);
}

/* --- the beginning ------------------------------------------------------------------------------------------------ */

static void copy_head(struct manifest *to, const struct manifest *from)
{
    *to = *from;
    to->platforms = mem_copy(from->platforms, from->n_platforms * sizeof *from->platforms);
    to->has_base = false; /* until something of it is used */
    to->base_layers = NULL;
    to->n_base_layers = 0;
    to->base_by_id = NULL;
    to->members = NULL;
    to->members_by_name = NULL;
    to->n_members = 0;
    to->layers = NULL;
    to->layers_by_id = NULL;
    to->n_layers = 0;
}

static uint64_t estimate_header(const struct writer_spec *s, uint64_t data_member_bytes)
{
    uint64_t n_data = s->raw_estimate / data_member_bytes + 1;
    uint64_t n_chunks = s->raw_estimate / LIMIT_CHUNK_BYTES + 2 * n_data + 16;
    if (n_chunks > LIMIT_CHUNKS)
        n_chunks = LIMIT_CHUNKS;
    uint64_t manifest = manifest_bound(s->n_members + (size_t)n_data + 1, s->n_layers, s->n_blobs, s->head->n_platforms,
                                       s->n_base_layers);
    return header_len_for(manifest < LIMIT_MANIFEST_BYTES ? manifest : LIMIT_MANIFEST_BYTES, n_chunks * LAYOUT_TABLE_ENTRY);
}

struct writer *writer_open(const struct writer_spec *s, struct err *e)
{
    AUTO(writer_drop_auto) struct writer *w = mem_new(sizeof *w);
    AUTO(mem_auto) char *dir = path_dir(s->path);
    w->path = mem_text(s->path);
    w->expected_bytes = s->expected_bytes;
    w->data_member_bytes = s->data_member_bytes == 0 ? LAYOUT_DATA_MEMBER : s->data_member_bytes;
    BUG_IF(w->data_member_bytes % LIMIT_CHUNK_BYTES != 0 || w->data_member_bytes > LAYOUT_DATA_MEMBER);
    copy_head(&w->m, s->head);
    w->m.header_len = estimate_header(s, w->data_member_bytes);
    w->output = output_open(s->path, s->part_bytes, e);
    if (w->output == NULL)
        return NULL;
    if (w->m.mode == MANIFEST_DEDUP && (w->dedup = dedup_open(dir, s->n_layers, e)) == NULL)
        return NULL;
    w->chunks = chunk_writer_new(w->output, w->m.header_len, w->path, s->level, s->jobs);
    return TAKE(w);
}

void writer_drop(struct writer *w)
{
    if (w->chunks != NULL)
        chunk_writer_free(w->chunks);
    if (w->dedup != NULL)
        dedup_close(w->dedup);
    if (w->output != NULL)
        output_drop(w->output);
    sha256_free(w->member_hash);
    manifest_clear(&w->m);
    mem_free(w->data_headers);
    mem_free(w->base_ids);
    mem_free(w->path);
    mem_free(w);
}
