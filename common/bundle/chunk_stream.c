/* Reading all chunks, ahead and in parallel. */
#include "bundle/chunk_stream.h"

#include <string.h>

#include "base/mem.h"
#include "bundle/part_judge.h"
#include "bundle/ring.h"
#include "stream/zstd.h"

#include "base/banned.h"

/* Each has a chunk of 8 MiB in its hands, and four are faster than any disk. */
enum { MAX_WORKERS = 4 };

struct item {
    struct chunk_id id;
    bool is_skipped;
    uint8_t *packed;
    uint8_t *raw;
};

struct chunk_stream {
    struct bundle_file *file;
    const struct table *table;
    struct ring *ring;
    size_t n_read;
    uint64_t packed;
    chunk_skip_fn is_skipped; /* null: none is */
    const void *skip_ctx;
};

/* "chunk 812 of 2560 at offset 3408921600, part 2" before whatever e says. Returns false always. */
static bool in_chunk(const struct chunk_id *id, const struct table_chunk *chunk, const char *how, struct err *e)
{
    struct bundle_place place;
    return err_in(e, "chunk %zu of %zu at offset %llu%s%s", id->i, id->table->n, (unsigned long long)chunk->file_offset,
                  bundle_file_place(id->file, chunk->file_offset, chunk->packed_len, &place), how);
}

bool chunk_read(const struct chunk_id *id, uint8_t *packed, struct err *e)
{
    struct table_chunk chunk = table_get(id->table, id->i);
    return bundle_file_read(id->file, packed, chunk.packed_len, chunk.file_offset, "bundle", e) ||
           err_in(e, "chunk %zu of %zu at offset %llu", id->i, id->table->n, (unsigned long long)chunk.file_offset);
}

static bool check_frame(const struct chunk_id *id, const struct table_chunk *chunk, const uint8_t *packed, struct err *e)
{
    struct digest found;
    const uint64_t *sums = id->table->sums;
    if (sums != NULL && sums[id->i] == table_sum(packed, chunk->packed_len, &chunk->sha256))
        return true;
    sha256_of(&found, packed, chunk->packed_len);
    if (digest_equal(&found, &chunk->sha256))
        return true;
    if (!part_judge(id, e))
        return in_chunk(id, chunk, " is damaged", e);
    err_set(e, ERR_INTEGRITY, "digest is %s, expected %s", DIGEST_SHOWN(&found), DIGEST_SHOWN(&chunk->sha256));
    err_hint(e, "copy the bundle again, then verify it");
    return in_chunk(id, chunk, " is damaged", e);
}

bool chunk_check(const struct chunk_id *id, const uint8_t *packed, uint8_t *raw, struct zstd_unpacker *u, struct err *e)
{
    struct table_chunk chunk = table_get(id->table, id->i);
    if (!check_frame(id, &chunk, packed, e))
        return false;
    return zstd_unpack(u, packed, chunk.packed_len, raw, chunk.raw_len, true, e) || in_chunk(id, &chunk, "", e);
}

static void *item_new(void *ctx)
{
    const struct chunk_stream *s = ctx;
    struct item *x = mem_new(sizeof *x);
    x->id = (struct chunk_id){ .file = s->file, .table = s->table };
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

/* What was just written. */
static bool is_workers_to_read(const struct table *t)
{
    return t->sums != NULL;
}

static bool item_work(void *item, void *state, struct err *e)
{
    struct item *x = item;
    if (x->is_skipped)
        return true;
    bool is_read = !is_workers_to_read(x->id.table) || chunk_read(&x->id, x->packed, e);
    return is_read && chunk_check(&x->id, x->packed, x->raw, state, e);
}

struct chunk_stream *chunk_stream_new(struct bundle_file *f, const struct table *t, unsigned jobs)
{
    struct chunk_stream *s = mem_new(sizeof *s);
    unsigned n_workers = jobs < MAX_WORKERS ? jobs : MAX_WORKERS;
    s->file = f;
    s->table = t;
    unsigned ahead = n_workers > 1 ? 2 : 1; /* one processor has nothing from a second one, and its caches have less room */
    struct ring_spec r = { .n_items = n_workers + ahead, .n_workers = n_workers, .item_new = item_new, .item_free = item_free, .state_new = unpacker_new,
                           .state_free = unpacker_free, .work = item_work, .ctx = s };
    s->ring = ring_new(&r);
    return s;
}

void chunk_stream_skip(struct chunk_stream *s, chunk_skip_fn is_skipped, const void *ctx)
{
    s->is_skipped = is_skipped;
    s->skip_ctx = ctx;
}

void chunk_stream_free(struct chunk_stream *s)
{
    ring_free(s->ring);
    mem_free(s);
}

static bool read_one(const struct chunk_stream *s, struct item *x, struct err *e)
{
    struct table_chunk chunk = table_get(s->table, x->id.i);
    x->is_skipped = s->is_skipped != NULL && s->is_skipped(s->skip_ctx, &chunk);
    return x->is_skipped || is_workers_to_read(s->table) || chunk_read(&x->id, x->packed, e);
}

static bool read_ahead(struct chunk_stream *s, struct err *e)
{
    /* The caller is done with the item of the last call: its slot may be filled again. */
    while (s->n_read < s->table->n && !ring_is_full(s->ring)) {
        struct item *x = ring_next(s->ring);
        x->id.i = s->n_read;
        if (!read_one(s, x, e))
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
    struct table_chunk chunk = table_get(s->table, x->id.i);
    *raw = x->is_skipped ? NULL : x->raw;
    *n = chunk.raw_len;
    s->packed += chunk.packed_len;
    return true;
}

uint64_t chunk_stream_packed(const struct chunk_stream *s)
{
    return s->packed;
}
