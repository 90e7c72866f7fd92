/* Reading all chunks, ahead and in parallel. */
#include "bundle/chunk_stream.h"

#include <string.h>

#include "base/mem.h"
#include "bundle/ring.h"
#include "stream/zstd.h"
#include "sys/file.h"

#include "base/banned.h"

/* Each has a chunk of 8 MiB in its hands, and four are faster than any disk. */
enum { MAX_WORKERS = 4 };

struct item {
    const struct table *table;
    size_t index;
    struct table_chunk chunk;
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

bool chunk_read(int fd, const struct table_chunk *chunk, size_t i, size_t n_chunks, uint8_t *packed, struct err *e)
{
    if (fd_pread_exact(fd, packed, chunk->packed_len, chunk->file_offset, "bundle", e))
        return true;
    return err_in(e, "chunk %zu of %zu at offset %llu", i, n_chunks, (unsigned long long)chunk->file_offset);
}

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
    if (!zstd_unpack(u, packed, chunk->packed_len, raw, chunk->raw_len, true, e))
        return err_in(e, "chunk %zu of %zu at offset %llu", i, n_chunks, (unsigned long long)chunk->file_offset);
    return true;
}

static void *item_new(void *ctx)
{
    const struct chunk_stream *s = ctx;
    struct item *x = mem_new(sizeof *x);
    x->table = s->table;
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
    return chunk_check(&x->chunk, x->index, x->table->n, x->packed, x->raw, state, e);
}

struct chunk_stream *chunk_stream_new(int fd, const struct table *t, unsigned jobs)
{
    struct chunk_stream *s = mem_new(sizeof *s);
    unsigned n_workers = jobs < MAX_WORKERS ? jobs : MAX_WORKERS;
    s->fd = fd;
    s->table = t;
    struct ring_spec r = { .n_items = n_workers + 2, .n_workers = n_workers, .item_new = item_new, .item_free = item_free, .state_new = unpacker_new,
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
        struct item *x = ring_next(s->ring);
        x->index = s->n_read;
        x->chunk = table_get(s->table, s->n_read);
        if (!chunk_read(s->fd, &x->chunk, x->index, s->table->n, x->packed, e))
            return false;
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
    *raw = x->raw;
    *n = x->chunk.raw_len;
    s->packed += x->chunk.packed_len;
    return true;
}

uint64_t chunk_stream_packed(const struct chunk_stream *s)
{
    return s->packed;
}
