/* Chunks on their way to the file. */
#include "bundle/chunk_writer.h"

#include <string.h>

#include "base/mem.h"
#include "bundle/ring.h"
#include "stream/zstd.h"
#include "sys/file.h"

#include "base/banned.h"

struct chunk {
    uint8_t *raw;
    uint8_t *packed;
    uint32_t raw_len;
    uint32_t packed_len;
    bool is_stored;
    struct digest sha256;
};

struct chunk_writer {
    int fd;
    const char *path;
    int level;
    struct ring *ring;
    struct chunk *open; /* the one that is being filled, or null */
    size_t n_cut;
    struct table table;
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

void chunk_writer_stored(uint8_t frame[LAYOUT_DATA_HEADER_FRAME], const uint8_t header[LAYOUT_TAR_BLOCK])
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
        chunk_writer_stored(c->packed, c->raw);
    else if (!zstd_pack(state, c->raw, c->raw_len, c->packed, zstd_bound(LIMIT_CHUNK_BYTES), &packed, e))
        return false;
    c->packed_len = (uint32_t)packed;
    sha256_of(&c->sha256, c->packed, packed);
    return true;
}

struct chunk_writer *chunk_writer_new(int fd, const char *path, int level, unsigned jobs)
{
    struct chunk_writer *w = mem_new(sizeof *w);
    *w = (struct chunk_writer){ .fd = fd, .path = path, .level = level };
    struct ring_spec r = { .n_items = jobs + 2, .n_workers = jobs, .item_new = chunk_new, .item_free = chunk_free,
                           .state_new = packer_new, .state_free = packer_free, .work = chunk_pack, .ctx = w };
    w->ring = ring_new(&r);
    return w;
}

void chunk_writer_free(struct chunk_writer *w)
{
    ring_free(w->ring);
    table_clear(&w->table);
    mem_free(w);
}

static bool drain_one(struct chunk_writer *w, struct err *e)
{
    const struct chunk *c = ring_take(w->ring, e);
    if (c == NULL || !fd_write_all(w->fd, c->packed, c->packed_len, w->path, e))
        return false;
    table_add(&w->table, c->packed_len, c->raw_len, &c->sha256);
    return true;
}

bool chunk_writer_drain(struct chunk_writer *w, struct err *e)
{
    while (!ring_is_empty(w->ring))
        if (!drain_one(w, e))
            return false;
    return true;
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
    return !ring_is_full(w->ring) || drain_one(w, e);
}

static struct chunk *open_chunk(struct chunk_writer *w)
{
    if (w->open != NULL)
        return w->open;
    w->open = ring_next(w->ring);
    w->open->raw_len = 0;
    w->open->is_stored = false;
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

bool chunk_writer_put_stored(struct chunk_writer *w, const uint8_t header[LAYOUT_TAR_BLOCK], size_t *i, struct err *e)
{
    if (!chunk_writer_cut(w, e))
        return false;
    open_chunk(w)->is_stored = true;
    *i = w->n_cut;
    return chunk_writer_put(w, header, LAYOUT_TAR_BLOCK, e) && chunk_writer_cut(w, e);
}

struct table *chunk_writer_table(struct chunk_writer *w)
{
    return &w->table;
}
