/* The cache of decompressed chunks: a list in order of use and an index by chunk number. */
#include "bundle/layer_reader.h"

#include "base/mem.h"
#include "bundle/chunk_stream.h"
#include "stream/zstd.h"

#include "base/banned.h"

struct held {
    size_t chunk;
    uint64_t used; /* clock of the last use */
    uint8_t *raw;  /* null: nothing held */
};

struct chunk_cache {
    const struct index *index;
    struct zstd_unpacker *unpacker;
    uint8_t *packed;
    size_t n;
    struct held *held;
    uint64_t clock;
    bool *was_read; /* of each chunk */
};

struct chunk_cache *chunk_cache_new(const struct index *x, uint64_t limit_bytes)
{
    struct chunk_cache *c = mem_new(sizeof *c);
    c->index = x;
    c->unpacker = zstd_unpacker_new();
    c->packed = mem_new(LAYOUT_FRAME_MAX);
    c->n = limit_bytes / LIMIT_CHUNK_BYTES < 2 ? 2 : (size_t)(limit_bytes / LIMIT_CHUNK_BYTES);
    c->held = mem_new_array(c->n, sizeof *c->held);
    c->was_read = mem_new_array(index_table(x)->n, sizeof *c->was_read);
    return c;
}

void chunk_cache_free(struct chunk_cache *c)
{
    for (size_t i = 0; i < c->n; i++)
        mem_free(c->held[i].raw);
    zstd_unpacker_free(c->unpacker);
    mem_free(c->packed);
    mem_free(c->held);
    mem_free(c->was_read);
    mem_free(c);
}

/* The slot that holds the chunk, or the one to use for it: an empty one, else the least recently used. */
static struct held *find_slot(struct chunk_cache *c, size_t chunk)
{
    struct held *best = &c->held[0];
    for (size_t i = 0; i < c->n; i++) {
        struct held *h = &c->held[i];
        if (h->raw != NULL && h->used > 0 && h->chunk == chunk)
            return h;
        if (h->used < best->used)
            best = h;
    }
    return best;
}

const uint8_t *chunk_cache_get(struct chunk_cache *c, size_t i, struct err *e)
{
    struct held *h = find_slot(c, i);
    if (h->used == 0 || h->chunk != i) {
        if (h->raw == NULL)
            h->raw = mem_new(LIMIT_CHUNK_BYTES);
        h->used = 0; /* not valid until the read has succeeded */
        h->chunk = i;
        struct chunk_id id = { .file = index_file(c->index), .table = index_table(c->index), .i = i };
        if (!chunk_read(&id, c->packed, e) || !chunk_check(&id, c->packed, h->raw, c->unpacker, e)) {
            err_in(e, "%s", index_name(c->index));
            return NULL;
        }
    }
    h->used = ++c->clock;
    c->was_read[i] = true;
    return h->raw;
}

bool chunk_cache_has_read(const struct chunk_cache *c, size_t i)
{
    return c->was_read[i];
}
