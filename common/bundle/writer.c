/* The writer: one thread (the caller's) decides what goes where and writes in order; a ring of threads compresses chunks ahead of it. */
#include "bundle/writer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "bundle/dedup.h"
#include "bundle/ring.h"
#include "bundle/table.h"
#include "bundle/tar.h"
#include "stream/zstd.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

enum { MOVE_BLOCK = 4 * 1024 * 1024, SPARE_MANIFEST = 64 };

/* A chunk on its way. */
struct chunk {
    uint8_t *raw;
    uint8_t *packed;
    uint32_t raw_len;
    uint32_t packed_len;
    bool is_data_header; /* stored by us, patched at the end */
    struct digest sha256;
};

struct data_header {
    size_t chunk;  /* index in the table */
    size_t member; /* index in the manifest */
};

struct writer {
    struct publish *publish;
    struct ring *ring;
    struct dedup *dedup;
    struct manifest m;
    size_t members_cap;
    size_t layers_cap;
    struct table table;
    uint64_t file_len; /* bytes written so far, from the start of the file */
    uint64_t data_in_member;
    size_t n_data;
    struct data_header *data_headers;
    size_t n_data_headers, data_headers_cap;
    uint8_t *raw; /* of the chunk that is being filled, or null */
    uint32_t raw_len;
    struct sha256 *member_hash; /* of the member that is being written, or null */
    uint64_t member_left;
};

/* --- chunks ------------------------------------------------------------------------------------------------------- */

static void *chunk_new(void *ctx)
{
    (void)ctx;
    struct chunk *c = mem_new(sizeof *c);
    c->raw = mem_new(LIMIT_CHUNK_BYTES);
    c->packed = mem_new(zstd_bound(LIMIT_CHUNK_BYTES));
    return c;
}

static void chunk_free(void *item)
{
    struct chunk *c = item;
    mem_free(c->raw);
    mem_free(c->packed);
    mem_free(c);
}

static void *packer_new(void *ctx)
{
    const int *level = ctx;
    return zstd_packer_new(*level);
}

static void packer_free(void *state)
{
    zstd_packer_free(state);
}

/* One stored block: its length does not depend on its content (docs/FORMAT.md section 1.4). */
static void pack_data_header(uint8_t out[LAYOUT_DATA_HEADER_FRAME], const uint8_t header[LAYOUT_TAR_BLOCK])
{
    static const uint8_t prefix[] = { 0x28, 0xB5, 0x2F, 0xFD, 0x60, 0x00, 0x01, 0x01, 0x10, 0x00 };
    memcpy(out, prefix, sizeof prefix);
    memcpy(out + sizeof prefix, header, LAYOUT_TAR_BLOCK);
}

static bool chunk_pack(void *item, void *state, struct err *e)
{
    struct chunk *c = item;
    size_t packed = LAYOUT_DATA_HEADER_FRAME;
    if (c->is_data_header)
        pack_data_header(c->packed, c->raw);
    else if (!zstd_pack(state, c->raw, c->raw_len, c->packed, zstd_bound(LIMIT_CHUNK_BYTES), &packed, e))
        return false;
    c->packed_len = (uint32_t)packed;
    sha256_of(&c->sha256, c->packed, packed);
    return true;
}

static bool drain_one(struct writer *w, struct err *e)
{
    const struct chunk *c = ring_take(w->ring, e);
    if (c == NULL || !fd_write_all(publish_fd(w->publish), c->packed, c->packed_len, "bundle", e))
        return false;
    if (w->table.n >= LIMIT_CHUNKS)
        return err_set(e, ERR_FORMAT, "bundle: more than %d chunks", LIMIT_CHUNKS);
    table_add(&w->table, c->packed_len, c->raw_len, &c->sha256);
    w->file_len += c->packed_len;
    return true;
}

static bool drain_all(struct writer *w, struct err *e)
{
    while (!ring_is_empty(w->ring))
        if (!drain_one(w, e))
            return false;
    return true;
}

static bool submit(struct writer *w, bool is_data_header, struct err *e)
{
    struct chunk *c = ring_next(w->ring);
    c->raw_len = w->raw_len;
    c->is_data_header = is_data_header;
    ring_submit(w->ring);
    w->raw = NULL;
    w->raw_len = 0;
    return !ring_is_full(w->ring) || drain_one(w, e);
}

/* Ends the chunk that is being filled, if it holds anything. */
static bool flush(struct writer *w, struct err *e)
{
    return w->raw_len == 0 || submit(w, false, e);
}

static bool put(struct writer *w, const void *bytes, uint64_t n, struct err *e)
{
    const uint8_t *from = bytes;
    while (n > 0) {
        if (w->raw == NULL)
            w->raw = ((struct chunk *)ring_next(w->ring))->raw;
        uint64_t room = LIMIT_CHUNK_BYTES - w->raw_len;
        uint64_t take = n < room ? n : room;
        memcpy(w->raw + w->raw_len, from, (size_t)take);
        w->raw_len += (uint32_t)take;
        from += take;
        n -= take;
        if (w->raw_len == LIMIT_CHUNK_BYTES && !flush(w, e))
            return false;
    }
    return true;
}

static bool put_zeros(struct writer *w, uint64_t n, struct err *e)
{
    static const uint8_t zeros[LAYOUT_TAR_END];
    BUG_IF(n > sizeof zeros);
    return put(w, zeros, n, e);
}

/* --- members ------------------------------------------------------------------------------------------------------ */

static struct manifest_member *new_member(struct writer *w, const char *name, uint64_t size, struct err *e)
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

static bool put_header(struct writer *w, const char *name, uint64_t size, bool is_executable, struct err *e)
{
    uint8_t header[LAYOUT_TAR_BLOCK];
    tar_header(header, name, size, is_executable);
    return put(w, header, sizeof header, e);
}

bool writer_begin_member(struct writer *w, const char *name, uint64_t size, bool is_executable, struct err *e)
{
    struct manifest_member *x = new_member(w, name, size, e);
    if (x == NULL)
        return false;
    BUG_IF(w->n_data > 0 || w->m.n_layers > 0 || w->member_hash != NULL);
    x->is_executable = is_executable;
    w->member_left = size;
    w->member_hash = sha256_new();
    return put_header(w, name, size, is_executable, e);
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
    return put(w, bytes, n, e);
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
    return put_zeros(w, tar_fill(x->size), e);
}

bool writer_add_member(struct writer *w, const char *name, const void *bytes, size_t n, bool is_executable, struct err *e)
{
    return writer_begin_member(w, name, n, is_executable, e) && writer_put_member(w, bytes, n, e) && writer_end_member(w, NULL, e);
}

/* --- data --------------------------------------------------------------------------------------------------------- */

static bool open_data_member(struct writer *w, struct err *e)
{
    char name[32];
    uint8_t empty[LAYOUT_TAR_BLOCK] = { 0 };
    snprintf(name, sizeof name, FOLDER_DATA "%05zu.bin", w->n_data++);
    if (new_member(w, name, 0, e) == NULL || !flush(w, e) || !put(w, empty, sizeof empty, e) || !submit(w, true, e) || !drain_all(w, e))
        return false;
    MEM_PUSH(w->data_headers, w->n_data_headers, w->data_headers_cap) = (struct data_header){ w->table.n - 1, w->m.n_members - 1 };
    w->data_in_member = 0;
    return true;
}

static bool close_data_member(struct writer *w, struct err *e)
{
    if (w->n_data == 0)
        return true;
    w->m.members[w->m.n_members - 1].size = w->data_in_member;
    return flush(w, e) && put_zeros(w, tar_fill(w->data_in_member), e);
}

static bool put_data(struct writer *w, const uint8_t *bytes, uint64_t n, struct err *e)
{
    while (n > 0) {
        bool is_full = w->n_data > 0 && w->data_in_member == LAYOUT_DATA_MEMBER;
        if ((is_full && !close_data_member(w, e)) || ((is_full || w->n_data == 0) && !open_data_member(w, e)))
            return false;
        uint64_t room = LAYOUT_DATA_MEMBER - w->data_in_member;
        uint64_t take = n < room ? n : room;
        if (!put(w, bytes, take, e))
            return false;
        w->data_in_member += take;
        bytes += take;
        n -= take;
    }
    return true;
}

void writer_begin_layer(struct writer *w)
{
    dedup_begin(w->dedup);
}

bool writer_add_piece(struct writer *w, const uint8_t hash[16], const void *bytes, uint32_t n, struct err *e)
{
    bool is_new;
    if (!dedup_piece(w->dedup, hash, n, &is_new, e))
        return false;
    return !is_new || put_data(w, bytes, n, e);
}

bool writer_end_layer(struct writer *w, const struct manifest_layer *layer, struct err *e)
{
    struct manifest_layer copy = *layer;
    if (!dedup_end(w->dedup, &copy.size, e))
        return false;
    copy.blobs = mem_copy(layer->blobs, layer->n_blobs * sizeof *layer->blobs);
    MEM_PUSH(w->m.layers, w->m.n_layers, w->layers_cap) = copy;
    return true;
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static bool put_recipes(struct writer *w, struct err *e)
{
    int fd;
    uint64_t n;
    AUTO(mem_auto) uint8_t *block = mem_new(MOVE_BLOCK);
    if (!dedup_recipes(w->dedup, &fd, &n, e))
        return false;
    if (new_member(w, MEMBER_LAYERS, n, e) == NULL || !put_header(w, MEMBER_LAYERS, n, false, e))
        return false;
    AUTO(sha256_free_auto) struct sha256 *h = sha256_new();
    for (uint64_t at = 0; at < n;) {
        size_t take = n - at < MOVE_BLOCK ? (size_t)(n - at) : MOVE_BLOCK;
        if (!fd_pread_exact(fd, block, take, at, "spool of recipes", e) || !put(w, block, take, e))
            return false;
        sha256_add(h, block, take);
        at += take;
    }
    struct manifest_member *x = &w->m.members[w->m.n_members - 1];
    x->has_sha256 = true;
    sha256_end(h, &x->sha256);
    return put_zeros(w, tar_fill(n), e);
}

/* The tar headers of data members carry their sizes, which are known now. */
static bool patch_data_headers(struct writer *w, struct err *e)
{
    for (size_t i = 0; i < w->n_data_headers; i++) {
        const struct manifest_member *x = &w->m.members[w->data_headers[i].member];
        struct table_chunk *c = &w->table.chunks[w->data_headers[i].chunk];
        uint8_t header[LAYOUT_TAR_BLOCK], frame[LAYOUT_DATA_HEADER_FRAME];
        tar_header(header, x->name, x->size, false);
        pack_data_header(frame, header);
        sha256_of(&c->sha256, frame, sizeof frame);
        if (!fd_pwrite_all(publish_fd(w->publish), frame, sizeof frame, w->m.header_len + c->file_offset, "bundle", e))
            return false;
    }
    return true;
}

/* Moves the payload towards the end, last block first, so that nothing is overwritten before it was read. */
static bool move_payload(struct writer *w, uint64_t new_header_len, struct err *e)
{
    int fd = publish_fd(w->publish);
    uint64_t by = new_header_len - w->m.header_len;
    AUTO(mem_auto) uint8_t *block = mem_new(MOVE_BLOCK);
    for (uint64_t left = w->file_len - w->m.header_len; left > 0;) {
        size_t n = left < MOVE_BLOCK ? (size_t)left : MOVE_BLOCK;
        left -= n;
        if (!fd_pread_exact(fd, block, n, w->m.header_len + left, "bundle", e) ||
            !fd_pwrite_all(fd, block, n, w->m.header_len + left + by, "bundle", e))
            return false;
    }
    w->m.header_len = new_header_len;
    w->file_len += by;
    return true;
}

static bool write_manifest(struct writer *w, const struct buf *table, struct buf *text, struct err *e)
{
    w->m.total_len = w->file_len;
    w->m.n_chunks = w->table.n;
    w->m.raw_len = table_raw_len(&w->table);
    sha256_of(&w->m.chunks_sha256, table->data, table->len);
    buf_reset(text);
    return manifest_write(&w->m, text, e);
}

/* The manifest, moving the payload first when the header would not fit. */
static bool settle_header(struct writer *w, const struct buf *table, struct buf *text, struct err *e)
{
    if (!write_manifest(w, table, text, e))
        return false;
    uint64_t need = header_len_for(text->len + SPARE_MANIFEST, table->len);
    if (need <= w->m.header_len)
        return true;
    return move_payload(w, need, e) && write_manifest(w, table, text, e);
}

static bool write_header(struct writer *w, writer_sign_fn sign, void *ctx, struct err *e)
{
    AUTO(buf_clear_auto) struct buf table = BUF_LIMIT((uint64_t)LAYOUT_TABLE_ENTRY * LIMIT_CHUNKS);
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_MANIFEST_BYTES);
    AUTO(buf_clear_auto) struct buf region = BUF_LIMIT(LAYOUT_HEADER_MAX);
    AUTO(header_clear_auto) struct header h = { 0 };
    table_write(&w->table, &table);
    if (!settle_header(w, &table, &text, e))
        return false;
    h.manifest_bytes = text.len;
    h.manifest = (uint8_t *)buf_take(&text);
    h.table_bytes = table.len;
    h.table = (uint8_t *)buf_take(&table);
    if (sign != NULL && !sign(ctx, h.manifest, h.manifest_bytes, &h, e))
        return false;
    return header_build(&h, w->m.header_len, &region, e) &&
           fd_pwrite_all(publish_fd(w->publish), region.data, region.len, 0, "bundle", e);
}

bool writer_finish(struct writer *w, writer_sign_fn sign, void *ctx, struct err *e)
{
    return close_data_member(w, e) && put_recipes(w, e) && put_zeros(w, LAYOUT_TAR_END, e) && flush(w, e) && drain_all(w, e) &&
           patch_data_headers(w, e) && write_header(w, sign, ctx, e);
}

int writer_fd(const struct writer *w)
{
    return publish_fd(w->publish);
}

const struct manifest *writer_manifest(const struct writer *w)
{
    return &w->m;
}

uint64_t writer_new_bytes(const struct writer *w)
{
    return dedup_data_len(w->dedup);
}

bool writer_publish(struct writer *w, bool may_replace, struct err *e)
{
    return publish_commit(w->publish, may_replace ? PUBLISH_REPLACE : PUBLISH_NEW, e);
}

/* --- the beginning ------------------------------------------------------------------------------------------------ */

static void copy_head(struct manifest *to, const struct manifest *from)
{
    *to = *from;
    to->platforms = mem_copy(from->platforms, from->n_platforms * sizeof *from->platforms);
    to->base_layers = mem_copy(from->base_layers, from->n_base_layers * sizeof *from->base_layers);
    to->members = NULL;
    to->n_members = 0;
    to->layers = NULL;
    to->n_layers = 0;
}

static uint64_t estimate_header(const struct writer_spec *s)
{
    uint64_t n_data = s->raw_estimate / LAYOUT_DATA_MEMBER + 1;
    uint64_t n_chunks = s->raw_estimate / LIMIT_CHUNK_BYTES + 2 * n_data + 16;
    if (n_chunks > LIMIT_CHUNKS)
        n_chunks = LIMIT_CHUNKS;
    uint64_t manifest = manifest_bound(s->n_members + (size_t)n_data + 1, s->n_layers, s->n_blobs, s->head->n_platforms);
    return header_len_for(manifest < LIMIT_MANIFEST_BYTES ? manifest : LIMIT_MANIFEST_BYTES, n_chunks * LAYOUT_TABLE_ENTRY);
}

static struct ring *ring_for(const struct writer_spec *s)
{
    int level = s->level;
    struct ring_spec r = { .n_items = s->jobs + 2, .n_workers = s->jobs, .item_new = chunk_new, .item_free = chunk_free,
                           .state_new = packer_new, .state_free = packer_free, .work = chunk_pack, .ctx = &level };
    return ring_new(&r);
}

struct writer *writer_open(const struct writer_spec *s, struct err *e)
{
    AUTO(writer_drop_auto) struct writer *w = mem_new(sizeof *w);
    AUTO(mem_auto) char *dir = path_dir(s->path);
    copy_head(&w->m, s->head);
    w->m.header_len = estimate_header(s);
    w->file_len = w->m.header_len;
    w->publish = publish_open(s->path, 0644, e);
    if (w->publish == NULL)
        return NULL;
    w->dedup = dedup_open(dir, (uint32_t)s->n_layers, e);
    if (w->dedup == NULL)
        return NULL;
    if (lseek(publish_fd(w->publish), (off_t)w->m.header_len, SEEK_SET) < 0) {
        err_set(e, ERR_IO, "%s: cannot seek", s->path);
        return NULL;
    }
    w->ring = ring_for(s);
    return TAKE(w);
}

void writer_drop(struct writer *w)
{
    if (w->ring != NULL)
        ring_free(w->ring);
    if (w->dedup != NULL)
        dedup_close(w->dedup);
    if (w->publish != NULL)
        publish_drop(w->publish);
    if (w->member_hash != NULL)
        sha256_free(w->member_hash);
    manifest_clear(&w->m);
    table_clear(&w->table);
    mem_free(w->data_headers);
    mem_free(w);
}
