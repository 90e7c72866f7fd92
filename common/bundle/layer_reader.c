/* Sources over a verified bundle: a range of the raw stream, a layer. */
#include "bundle/exact_reader.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "bundle/tar.h"

#include "base/banned.h"

/* --- a range of the raw tar stream -------------------------------------------------------------------------------- */

struct range {
    struct source source;
    const struct index *index;
    struct chunk_cache *cache;
    uint64_t raw;
    uint64_t left;
};

/* Copies up to n raw bytes from one chunk. */
static bool read_raw(const struct index *x, struct chunk_cache *cache, uint64_t raw, void *to, size_t n, size_t *got, struct err *e)
{
    const struct table *t = index_table(x);
    size_t chunk = table_find(t, raw);
    const uint8_t *bytes = chunk_cache_get(cache, chunk, e);
    if (bytes == NULL)
        return false;
    struct table_chunk at = table_get(t, chunk);
    uint64_t within = raw - at.raw_offset;
    uint64_t room = at.raw_len - within;
    *got = n < room ? n : (size_t)room;
    memcpy(to, bytes + within, *got);
    return true;
}

static bool range_read(struct source *s, void *to, size_t n, size_t *got, struct err *e)
{
    struct range *r = (struct range *)s;
    *got = 0;
    if (r->left == 0)
        return true;
    if (!read_raw(r->index, r->cache, r->raw, to, n < r->left ? n : (size_t)r->left, got, e))
        return false;
    r->raw += *got;
    r->left -= *got;
    return true;
}

static void plain_free(struct source *s)
{
    mem_free(s);
}

static const struct source_ops range_ops = { range_read, plain_free };

struct source *member_reader_open(const struct index *x, struct chunk_cache *cache, size_t i, struct err *e)
{
    const struct manifest *m = index_manifest(x);
    if (i >= m->n_members) {
        err_set(e, ERR_FORMAT, "no such member");
        return NULL;
    }
    struct range *r = mem_new(sizeof *r);
    *r = (struct range){ { &range_ops }, x, cache, m->members[i].raw_offset + LAYOUT_TAR_BLOCK, m->members[i].size };
    return &r->source;
}

bool member_read(const struct index *x, struct chunk_cache *cache, const char *name, struct buf *out, struct err *e)
{
    size_t i = manifest_find_member(index_manifest(x), name);
    if (i == SIZE_MAX)
        return err_set(e, ERR_FORMAT, "%s: has no member %s", index_name(x), SHOWN(name));
    AUTO(source_free_auto) struct source *s = member_reader_open(x, cache, i, e);
    AUTO(sink_drop_auto) struct sink *to = sink_buf(out, name);
    return s != NULL && pump(s, to, e) && sink_finish(to, e);
}

/* --- a layer ------------------------------------------------------------------------------------------------------ */

enum { EXTENTS_HELD = 4096, RUNS_AHEAD = 2048 };

/* Bytes of the layer that lie together in one chunk, or in a base layer. */
struct run {
    uint32_t source;
    uint32_t left;
    uint64_t offset; /* of what is left: in the chunk, or in the base layer */
    size_t chunk;
    size_t place; /* that is claimed for it; SIZE_MAX: none */
};

/* The recipe is followed ahead of what is read. As far as the cache has places what comes soon is on its way already; of what comes after that it is known
 * when it comes, so that it is not dropped for something that comes later. */
struct layer {
    struct source source;
    const struct bundle *bundle;
    struct chunk_cache *cache;
    struct digest diff_id;
    uint64_t recipe_at;   /* raw offset of the extents that are not held yet */
    uint32_t recipe_left; /* their number */
    size_t n_held, at_held;
    uint8_t held[EXTENTS_HELD * LAYOUT_EXTENT];
    struct extent extent; /* what is left of the one that is looked at */
    struct run runs[RUNS_AHEAD]; /* a ring of what comes next */
    size_t first, n_runs, n_claimed;
    struct sha256 *hash;
    bool is_proven;
};

static bool hold_extents(struct layer *l, struct err *e)
{
    l->n_held = l->recipe_left < EXTENTS_HELD ? l->recipe_left : EXTENTS_HELD;
    l->at_held = 0;
    size_t bytes = l->n_held * LAYOUT_EXTENT;
    for (size_t done = 0, got; done < bytes; done += got)
        if (!read_raw(bundle_index(l->bundle), l->cache, l->recipe_at + done, l->held + done, bytes - done, &got, e))
            return false;
    l->recipe_at += bytes;
    l->recipe_left -= (uint32_t)l->n_held;
    return true;
}

/* False at the end, and on failure. */
static bool next_extent(struct layer *l, struct err *e)
{
    if (l->at_held == l->n_held && (l->recipe_left == 0 || !hold_extents(l, e)))
        return false;
    l->extent = extent_read(l->held + l->at_held++ * LAYOUT_EXTENT);
    return true;
}

static bool prove(struct layer *l, struct err *e)
{
    struct digest found;
    if (l->is_proven)
        return true;
    sha256_end(l->hash, &found);
    if (!digest_equal(&found, &l->diff_id))
        return err_set(e, ERR_INTEGRITY, "rebuilt layer has digest %s, expected %s", DIGEST_SHOWN(&found), DIGEST_SHOWN(&l->diff_id));
    l->is_proven = true;
    return true;
}

/* The run at the front of the extent. */
static struct run front_run(const struct layer *l)
{
    struct run r = { .source = l->extent.source, .left = l->extent.length, .offset = l->extent.offset, .place = SIZE_MAX };
    uint64_t left;
    if (r.source != 0)
        return r;
    const struct table *t = index_table(bundle_index(l->bundle));
    uint64_t raw = data_map_find(bundle_data_map(l->bundle), l->extent.offset, &left);
    r.chunk = table_find(t, raw);
    struct table_chunk at = table_get(t, r.chunk);
    r.offset = raw - at.raw_offset;
    left = left < at.raw_len - r.offset ? left : at.raw_len - r.offset;
    r.left = r.left < left ? r.left : (uint32_t)left;
    return r;
}

/* Where the i-th run from now is. */
static size_t at_run(const struct layer *l, size_t i)
{
    return (l->first + i) % RUNS_AHEAD;
}

/* In how many runs the chunk is read. */
static size_t soon(const void *ctx, size_t chunk)
{
    const struct layer *l = ctx;
    for (size_t i = 0; i < l->n_runs; i++) {
        const struct run *r = &l->runs[at_run(l, i)];
        if (r->source == 0 && r->chunk == chunk)
            return i;
    }
    return SIZE_MAX;
}

static bool scout(struct layer *l, struct err *e)
{
    while (l->n_runs < RUNS_AHEAD) {
        if (l->extent.length == 0 && !next_extent(l, e))
            return e->code == ERR_NONE;
        struct run r = front_run(l);
        l->runs[at_run(l, l->n_runs++)] = r;
        l->extent.offset += r.left;
        l->extent.length -= r.left;
    }
    return true;
}

/* The first one needs no claim: it is read at once. */
static void claim(struct layer *l)
{
    for (; l->n_claimed < l->n_runs; l->n_claimed++) {
        struct run *r = &l->runs[at_run(l, l->n_claimed)];
        if (r->source == 0 && !chunk_cache_claim(l->cache, r->chunk, soon, l, &r->place) && l->n_claimed > 0)
            return;
    }
}

static bool look_ahead(struct layer *l, struct err *e)
{
    if (!scout(l, e))
        return false;
    claim(l);
    return true;
}

static void end_run(struct layer *l)
{
    const struct run *r = &l->runs[l->first];
    if (r->place != SIZE_MAX)
        chunk_cache_release(l->cache, r->place);
    l->first = at_run(l, 1);
    l->n_runs--;
    l->n_claimed--;
}

static bool copy_run(struct layer *l, const struct run *r, uint8_t *to, size_t n, struct err *e)
{
    const struct base_layers *base = bundle_base(l->bundle);
    if (r->source != 0)
        return base->read(base->ctx, r->source - 1, r->offset, to, n, e) || err_in(e, "base layer %u", r->source);
    const uint8_t *bytes = r->place == SIZE_MAX ? chunk_cache_get(l->cache, r->chunk, e) : chunk_cache_claimed(l->cache, r->place, e);
    if (bytes != NULL)
        memcpy(to, bytes + r->offset, n);
    return bytes != NULL;
}

/* Some bytes of the run that is next. */
static bool read_run(struct layer *l, uint8_t *to, size_t n, size_t *got, struct err *e)
{
    struct run *r = &l->runs[l->first];
    *got = n < r->left ? n : r->left;
    if (!copy_run(l, r, to, *got, e))
        return false;
    r->offset += *got;
    r->left -= (uint32_t)*got;
    if (r->left == 0)
        end_run(l);
    return true;
}

/* Fills the whole of what was asked for, as runs are short. */
static bool layer_read(struct source *s, void *to, size_t n, size_t *got, struct err *e)
{
    struct layer *l = (struct layer *)s;
    *got = 0;
    if (!look_ahead(l, e))
        return false;
    for (size_t step; *got < n; *got += step) {
        if (l->n_claimed == 0 && !look_ahead(l, e))
            return false;
        if (l->n_claimed == 0)
            break;
        if (!read_run(l, (uint8_t *)to + *got, n - *got, &step, e))
            return false;
    }
    sha256_add(l->hash, to, *got);
    return *got > 0 || prove(l, e);
}

static void layer_free(struct source *s)
{
    struct layer *l = (struct layer *)s;
    while (l->n_claimed > 0)
        end_run(l);
    sha256_free(l->hash);
    mem_free(l);
}

static const struct source_ops layer_ops = { layer_read, layer_free };

struct source *layer_reader_open(const struct bundle *b, struct chunk_cache *cache, size_t i, struct err *e)
{
    const struct manifest *m = bundle_manifest(b);
    const struct recipe *r = &bundle_recipes(b)->layers[i];
    struct manifest_base_text base;
    if (m->mode == MANIFEST_EXACT)
        return exact_layer_open(b, cache, i, 0, e);
    if (r->needs_base && bundle_base(b) == NULL) {
        err_set(e, ERR_POLICY, "layer %s is made from the base of this delta, %s", DIGEST_SHOWN(&m->layers[i].diff_id), manifest_base_text(&base, m));
        err_hint(e, "a host that has it loads this bundle; archon-load consolidate makes a full one of both");
        return NULL;
    }
    struct layer *l = mem_new(sizeof *l);
    l->source.ops = &layer_ops;
    l->bundle = b;
    l->cache = cache;
    l->diff_id = m->layers[i].diff_id;
    l->recipe_at = m->members[m->n_members - 1].raw_offset + LAYOUT_TAR_BLOCK + r->at;
    l->recipe_left = r->n;
    l->hash = sha256_new();
    return &l->source;
}
