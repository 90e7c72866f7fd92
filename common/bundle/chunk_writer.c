/* Chunks on their way to the file. */
#include "bundle/chunk_writer.h"

#include <string.h>

#include "base/mem.h"
#include "bundle/ring.h"
#include "stream/zstd.h"

#include "base/banned.h"

struct chunk {
    uint8_t *raw;
    uint8_t *packed;
    uint32_t raw_len;
    uint32_t packed_len;
    bool is_stored;
    bool is_light;
    struct digest sha256;
    uint64_t sum;
};

struct mark {
    bool is_set;
    size_t n_cut;
    uint8_t *raw; /* what the chunk that was being filled held; made with the first mark */
    uint32_t raw_len;
};

struct chunk_writer {
    struct output *output;
    uint64_t start; /* of the first chunk in the file */
    const char *path;
    int level;
    bool is_light; /* of chunks that are opened from now on */
    struct ring *ring;
    struct chunk *open; /* the one that is being filled, or null */
    size_t n_cut;
    struct mark mark;
    struct table table; /* the drainer's, until it has settled; so is the rest */
    uint64_t *sums;
    size_t n_sums, sums_cap;
};

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
    const struct chunk_writer *w = ctx;
    return zstd_packer_new(w->level);
}

static void packer_free(void *state)
{
    zstd_packer_free(state);
}

/* docs/FORMAT.md section 1.4 */
static void make_stored(uint8_t frame[LAYOUT_DATA_HEADER_FRAME], const uint8_t header[LAYOUT_TAR_BLOCK])
{
    static const uint8_t prefix[] = { 0x28, 0xB5, 0x2F, 0xFD, 0x60, 0x00, 0x01, 0x01, 0x10, 0x00 };
    memcpy(frame, prefix, sizeof prefix);
    memcpy(frame + sizeof prefix, header, LAYOUT_TAR_BLOCK);
}

static bool chunk_pack(void *item, void *state, struct err *e)
{
    struct chunk *c = item;
    size_t packed = LAYOUT_DATA_HEADER_FRAME;
    if (c->is_stored)
        make_stored(c->packed, c->raw);
    else if (!(c->is_light ? zstd_pack_light : zstd_pack)(state, c->raw, c->raw_len, c->packed, zstd_bound(LIMIT_CHUNK_BYTES), &packed, e))
        return false;
    c->packed_len = (uint32_t)packed;
    c->sum = table_hash(c->packed, c->packed_len, &c->sha256);
    return true;
}

/* In order, in a thread of its own: who cuts need not wait for the disk. */
static bool chunk_drain(void *ctx, void *item, struct err *e)
{
    struct chunk_writer *w = ctx;
    const struct chunk *c = item;
    if (!output_write(w->output, c->packed, c->packed_len, w->start + w->table.packed_len, e))
        return false;
    table_add(&w->table, c->packed_len, c->raw_len, &c->sha256);
    MEM_PUSH(w->sums, w->n_sums, w->sums_cap) = c->sum;
    return true;
}

struct chunk_writer *chunk_writer_new(struct output *o, uint64_t start, const char *path, int level, unsigned jobs)
{
    struct chunk_writer *w = mem_new(sizeof *w);
    *w = (struct chunk_writer){ .output = o, .start = start, .path = path, .level = level };
    struct ring_spec r = { .n_items = jobs + 2, .n_workers = jobs, .item_new = chunk_new, .item_free = chunk_free,
                           .state_new = packer_new, .state_free = packer_free, .work = chunk_pack, .drain = chunk_drain, .ctx = w };
    w->ring = ring_new(&r);
    return w;
}

static void free_buffers(struct chunk_writer *w)
{
    if (w->ring != NULL)
        ring_free(TAKE(w->ring));
    mem_free(TAKE(w->mark.raw));
}

void chunk_writer_free(struct chunk_writer *w)
{
    free_buffers(w);
    table_clear(&w->table);
    mem_free(w->sums);
    mem_free(w);
}

bool chunk_writer_finish(struct chunk_writer *w, struct err *e)
{
    ring_settle(w->ring);
    bool ok = ring_is_well(w->ring, e);
    free_buffers(w);
    return ok;
}

bool chunk_writer_cut(struct chunk_writer *w, struct err *e)
{
    if (w->open == NULL)
        return true;
    if (w->n_cut == LIMIT_CHUNKS)
        return err_set(e, ERR_FORMAT, "%s: more than %d chunks", w->path, LIMIT_CHUNKS);
    w->n_cut++;
    w->open = NULL;
    ring_submit(w->ring);
    return ring_is_well(w->ring, e);
}

static struct chunk *open_chunk(struct chunk_writer *w)
{
    if (w->open != NULL)
        return w->open;
    w->open = ring_next(w->ring);
    w->open->raw_len = 0;
    w->open->is_stored = false;
    w->open->is_light = w->is_light;
    return w->open;
}

bool chunk_writer_put(struct chunk_writer *w, const void *bytes, uint64_t n, struct err *e)
{
    const uint8_t *from = bytes;
    while (n > 0) {
        struct chunk *c = open_chunk(w);
        uint64_t room = LIMIT_CHUNK_BYTES - c->raw_len;
        uint64_t take = n < room ? n : room;
        memcpy(c->raw + c->raw_len, from, (size_t)take);
        c->raw_len += (uint32_t)take;
        from += take;
        n -= take;
        if (c->raw_len == LIMIT_CHUNK_BYTES && !chunk_writer_cut(w, e))
            return false;
    }
    return true;
}

bool chunk_writer_set_light(struct chunk_writer *w, bool is_light, struct err *e)
{
    w->is_light = is_light;
    return chunk_writer_cut(w, e);
}

bool chunk_writer_put_stored(struct chunk_writer *w, const uint8_t header[LAYOUT_TAR_BLOCK], size_t *i, struct err *e)
{
    if (!chunk_writer_cut(w, e))
        return false;
    open_chunk(w)->is_stored = true;
    *i = w->n_cut;
    return chunk_writer_put(w, header, LAYOUT_TAR_BLOCK, e) && chunk_writer_cut(w, e);
}

bool chunk_writer_set_stored(struct chunk_writer *w, size_t i, const uint8_t header[LAYOUT_TAR_BLOCK], struct err *e)
{
    uint8_t frame[LAYOUT_DATA_HEADER_FRAME];
    struct digest sha256;
    BUG_IF(w->ring != NULL);
    make_stored(frame, header);
    w->sums[i] = table_hash(frame, sizeof frame, &sha256);
    table_set_sha256(&w->table, i, &sha256);
    return output_write(w->output, frame, sizeof frame, w->start + table_get(&w->table, i).file_offset, e);
}

void chunk_writer_mark(struct chunk_writer *w)
{
    struct mark *m = &w->mark;
    if (m->raw == NULL)
        m->raw = mem_new(LIMIT_CHUNK_BYTES);
    m->is_set = true;
    m->n_cut = w->n_cut;
    m->raw_len = w->open == NULL ? 0 : w->open->raw_len;
    if (m->raw_len > 0)
        memcpy(m->raw, w->open->raw, m->raw_len);
}

bool chunk_writer_rewind(struct chunk_writer *w, struct err *e)
{
    const struct mark *m = &w->mark;
    BUG_IF(!m->is_set);
    w->open = NULL;
    w->is_light = false;
    ring_settle(w->ring);
    if (!ring_is_well(w->ring, e))
        return false;
    table_truncate(&w->table, m->n_cut);
    w->n_sums = m->n_cut;
    w->n_cut = m->n_cut;
    return output_truncate(w->output, w->start + w->table.packed_len, e) && chunk_writer_put(w, m->raw, m->raw_len, e);
}

const struct table *chunk_writer_table(struct chunk_writer *w)
{
    if (w->ring != NULL)
        ring_settle(w->ring);
    return &w->table;
}

const uint64_t *chunk_writer_sums(const struct chunk_writer *w)
{
    BUG_IF(w->ring != NULL || w->n_sums != w->table.n);
    return w->sums;
}
