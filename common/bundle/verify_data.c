#include "bundle/verify_data.h"

#include "base/mem.h"
#include "bundle/chunk_stream.h"
#include "bundle/recipe_walk.h"
#include "sys/start.h"

#include "base/banned.h"

#define RECIPE_CACHE_BYTES (8 * MIB)

struct wanted {
    const struct table *table;
    const struct data_map *data;
    bool *chunks; /* by number */
    uint64_t packed_len; /* of those */
};

static void want_chunk(struct wanted *w, size_t i)
{
    w->packed_len += w->chunks[i] ? 0 : table_get(w->table, i).packed_len;
    w->chunks[i] = true;
}

/* An extent may go on in the next member of data. */
static void want_extent(void *ctx, const struct extent *x)
{
    struct wanted *w = ctx;
    if (x->source > 0)
        return;
    for (uint64_t at = x->offset, end = at + x->length; at < end;) {
        uint64_t left;
        uint64_t raw = data_map_find(w->data, at, &left);
        uint64_t n = left < end - at ? left : end - at;
        size_t last = table_find(w->table, raw + n - 1);
        for (size_t i = table_find(w->table, raw); i <= last; i++)
            want_chunk(w, i);
        at += n;
    }
}

static bool is_unwanted(const void *ctx, const struct table_chunk *c)
{
    const struct wanted *w = ctx;
    return !w->chunks[table_find(w->table, c->raw_offset)];
}

static bool tell(const struct verify_how *how, const struct wanted *w, uint64_t done, bool is_finished, struct err *e)
{
    struct progress_fact fact = { .phase = "verify", .done = done, .total = w->packed_len, .is_finished = is_finished };
    return progress_tell(how->progress, &fact) || err_set(e, ERR_INTERRUPTED, "verification was stopped");
}

static bool check_wanted(const struct bundle *b, const struct wanted *w, const struct verify_how *how, struct err *e)
{
    AUTO(chunk_stream_free_auto) struct chunk_stream *chunks = chunk_stream_new(index_file(bundle_index(b)), w->table, how->jobs);
    const uint8_t *raw;
    uint32_t n;
    uint64_t done = 0;
    chunk_stream_skip(chunks, is_unwanted, w);
    for (size_t i = 0; chunk_stream_next(chunks, &raw, &n, e); i++) {
        done += w->chunks[i] ? table_get(w->table, i).packed_len : 0;
        if (!start_check(e) || !tell(how, w, done, false, e))
            return false;
    }
    return e->code == ERR_NONE && tell(how, w, done, true, e);
}

bool bundle_verify_data(const struct bundle *b, const bool *layers, const struct verify_how *how, struct err *e)
{
    const struct index *x = bundle_index(b);
    if (!bundle_has_data_later(b) || bundle_manifest(b)->mode == MANIFEST_EXACT)
        return true;
    AUTO(chunk_cache_free_auto) struct chunk_cache *cache = chunk_cache_new(x, RECIPE_CACHE_BYTES);
    AUTO(mem_auto) bool *chunks = mem_new_array(index_table(x)->n, sizeof *chunks);
    struct wanted w = { .table = index_table(x), .data = bundle_data_map(b), .chunks = chunks };
    return (recipe_walk(b, cache, layers, want_extent, &w, e) && check_wanted(b, &w, how, e)) || err_in(e, "%s", index_name(x));
}
