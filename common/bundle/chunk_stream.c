/* Reading all chunks, ahead and in parallel. */
#include "bundle/chunk_stream.h"

#include <string.h>

#include "base/mem.h"
#include "bundle/ring.h"
#include "stream/zstd.h"
#include "sys/file.h"

#include "base/banned.h"

struct item {
    struct chunk_stream *stream;
    size_t index;
    uint8_t *packed;
    uint8_t *raw;
};

struct chunk_stream {
    int fd;
    const struct table *table;
    struct ring *ring;
    size_t n_read;
    uint64_t packed;
};

bool chunk_check(const struct table_chunk *chunk, size_t i, size_t n_chunks, const uint8_t *packed, uint8_t *raw, struct zstd_unpacker *u,
                 struct err *e)
{
    struct digest found;
    sha256_of(&found, packed, chunk->packed_len);
    if (!digest_equal(&found, &chunk->sha256)) {
        err_set(e, ERR_INTEGRITY, "chunk %zu of %zu at offset %llu is damaged: digest is %s, expected %s", i, n_chunks,
                (unsigned long long)chunk->file_offset, DIGEST_SHOWN(&found), DIGEST_SHOWN(&chunk->sha256));
        return err_hint(e, "copy the bundle again, then verify it");
    }
    static const uint8_t data_header[] = { 0x28, 0xB5, 0x2F, 0xFD, 0x60, 0x00, 0x01, 0x01, 0x10, 0x00 };
    bool is_data_header = chunk->packed_len == LAYOUT_DATA_HEADER_FRAME && memcmp(packed, data_header, sizeof data_header) == 0;
    if (!zstd_unpack(u, packed, chunk->packed_len, raw, chunk->raw_len, is_data_header, e))
        return err_in(e, "chunk %zu of %zu at offset %llu", i, n_chunks, (unsigned long long)chunk->file_offset);
    return true;
}

static void *item_new(void *ctx)
{
    struct item *x = mem_new(sizeof *x);
    x->stream = ctx;
    x->packed = mem_new(LAYOUT_FRAME_MAX);
    x->raw = mem_new(LIMIT_CHUNK_BYTES);
    return x;
}

static void item_free(void *item)
{
    struct item *x = item;
    mem_free(x->packed);
    mem_free(x->raw);
    mem_free(x);
}

static void *unpacker_new(void *ctx)
{
    (void)ctx;
    return zstd_unpacker_new();
}

static void unpacker_free(void *state)
{
    zstd_unpacker_free(state);
}

static bool item_work(void *item, void *state, struct err *e)
{
    struct item *x = item;
    const struct table *t = x->stream->table;
    return chunk_check(&t->chunks[x->index], x->index, t->n, x->packed, x->raw, state, e);
}

struct chunk_stream *chunk_stream_new(int fd, const struct table *t, unsigned jobs)
{
    struct chunk_stream *s = mem_new(sizeof *s);
    s->fd = fd;
    s->table = t;
    struct ring_spec r = { .n_items = jobs + 2, .n_workers = jobs, .item_new = item_new, .item_free = item_free, .state_new = unpacker_new,
                           .state_free = unpacker_free, .work = item_work, .ctx = s };
    s->ring = ring_new(&r);
    return s;
}

void chunk_stream_free(struct chunk_stream *s)
{
    ring_free(s->ring);
    mem_free(s);
}

static bool read_ahead(struct chunk_stream *s, struct err *e)
{
    /* The caller is done with the item of the last call: its slot may be filled again. */
    while (s->n_read < s->table->n && !ring_is_full(s->ring)) {
        const struct table_chunk *c = &s->table->chunks[s->n_read];
        struct item *x = ring_next(s->ring);
        x->index = s->n_read;
        if (!fd_pread_exact(s->fd, x->packed, c->packed_len, c->file_offset, "bundle", e))
            return err_in(e, "chunk %zu of %zu", s->n_read, s->table->n);
        s->n_read++;
        ring_submit(s->ring);
    }
    return true;
}

bool chunk_stream_next(struct chunk_stream *s, const uint8_t **raw, uint32_t *n, struct err *e)
{
    if (!read_ahead(s, e) || ring_is_empty(s->ring))
        return false;
    const struct item *x = ring_take(s->ring, e);
    if (x == NULL)
        return false;
    const struct table_chunk *c = &s->table->chunks[x->index];
    *raw = x->raw;
    *n = c->raw_len;
    s->packed += c->packed_len;
    return true;
}

uint64_t chunk_stream_packed(const struct chunk_stream *s)
{
    return s->packed;
}
