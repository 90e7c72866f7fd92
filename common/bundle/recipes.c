/* Checking recipes. They come from a signed manifest's member, so a violation is the maker's mistake; it is refused all the same before
 * anything is loaded, because the window rule bounds what loading costs. */
#include "bundle/recipes.h"

#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "bundle/window.h"

#include "base/banned.h"

enum { HEAD_BYTES = 12, COUNT_BYTES = 4 };

/* What the next bytes are. */
enum part { PART_HEAD, PART_COUNT, PART_EXTENT, PART_END };

struct recipe_check {
    const struct manifest *m;
    const struct table *t;
    const struct data_map *data;
    struct window *window;
    struct err err; /* the first thing that is wrong */
    enum part part;
    uint8_t item[LAYOUT_EXTENT]; /* what has come of it */
    size_t n_item;
    uint64_t at; /* in layers.bin: where the item ends */
    struct recipe *layers;
    size_t layer;
    uint32_t extent;       /* number of the one that is next */
    struct extent before;
    uint64_t layer_at;     /* bytes of the layer so far */
    size_t whole;          /* 1 + index of the base layer that is this layer; 0: none is */
};

void recipes_clear(struct recipes *r)
{
    mem_free(r->layers);
    *r = (struct recipes){ 0 };
}

struct extent extent_read(const uint8_t bytes[LAYOUT_EXTENT])
{
    return (struct extent){ .source = num_le32(bytes), .length = num_le32(bytes + 4), .offset = num_le64(bytes + 8) };
}

struct recipe_check *recipe_check_new(const struct manifest *m, const struct table *t, const struct data_map *data)
{
    struct recipe_check *c = mem_new(sizeof *c);
    *c = (struct recipe_check){ .m = m, .t = t, .data = data, .window = window_new() };
    c->layers = mem_new_array(m->n_layers, sizeof *c->layers);
    return c;
}

void recipe_check_free(struct recipe_check *c)
{
    window_free(c->window);
    mem_free(c->layers);
    mem_free(c);
}

/* --- one extent --------------------------------------------------------------------------------------------------- */

static bool check_window(struct recipe_check *c, const struct extent *x)
{
    for (uint64_t done = 0; done < x->length;) {
        uint64_t left;
        uint64_t raw = data_map_find(c->data, x->offset + done, &left);
        size_t i = table_find(c->t, raw);
        struct table_chunk chunk = table_get(c->t, i);
        uint64_t in_chunk = chunk.raw_offset + chunk.raw_len - raw;
        uint64_t at = c->layer_at + done;
        uint64_t n = x->length - done;
        n = n < left ? n : left;
        n = n < in_chunk ? n : in_chunk;
        if (window_add(c->window, at, at + n, i) > LAYOUT_WINDOW_CHUNKS)
            return err_set(&c->err, ERR_FORMAT, "at layer offset %llu more than %d chunks are needed for %llu bytes", (unsigned long long)at,
                           LAYOUT_WINDOW_CHUNKS, (unsigned long long)LAYOUT_WINDOW);
        done += n;
    }
    return true;
}

static bool is_mergeable(const struct extent *a, const struct extent *b)
{
    return a->source == b->source && a->offset + a->length == b->offset && (uint64_t)a->length + b->length <= UINT32_MAX;
}

/* In a base layer. Nothing bounds how extents jump about there: a base layer is a plain file while it is read. */
static bool check_base(struct recipe_check *c, const struct extent *x, uint64_t end)
{
    struct err *e = &c->err;
    if (x->source > c->m->n_base_layers)
        return err_set(e, ERR_FORMAT, "source %u does not exist", x->source);
    uint64_t size = c->m->base_layers[x->source - 1].size;
    if (end > size)
        return err_set(e, ERR_FORMAT, "ends at %llu, base layer %u at %llu", (unsigned long long)end, x->source, (unsigned long long)size);
    return true;
}

/* A layer that the base has as it is: nothing else may be made of it. */
static bool check_whole(struct recipe_check *c, const struct extent *x)
{
    if (c->whole == 0 || (x->source == c->whole && x->offset == c->layer_at))
        return true;
    return err_set(&c->err, ERR_FORMAT, "the layer is base layer %zu, but this is not read from offset %llu of it", c->whole,
                   (unsigned long long)c->layer_at);
}

static bool check_extent(struct recipe_check *c, const struct extent *x)
{
    struct err *e = &c->err;
    uint64_t end = 0;
    if (x->length == 0 || !num_add(&end, x->offset, (uint64_t)x->length))
        return err_set(e, ERR_FORMAT, "length or offset is not allowed");
    if (!check_whole(c, x) || (x->source != 0 && !check_base(c, x, end)))
        return false;
    if (x->source == 0 && end > c->data->total)
        return err_set(e, ERR_FORMAT, "ends at %llu, the data at %llu", (unsigned long long)end, (unsigned long long)c->data->total);
    if (c->extent > 0 && is_mergeable(&c->before, x))
        return err_set(e, ERR_FORMAT, "is not merged with the one before");
    return x->source != 0 || check_window(c, x);
}

/* --- the parts of the member -------------------------------------------------------------------------------------- */

static size_t part_bytes(enum part part)
{
    static const uint8_t bytes[] = { [PART_HEAD] = HEAD_BYTES, [PART_COUNT] = COUNT_BYTES, [PART_EXTENT] = LAYOUT_EXTENT, [PART_END] = 1 };
    return bytes[part];
}

static void next_layer(struct recipe_check *c)
{
    c->part = c->layer < c->m->n_layers ? PART_COUNT : PART_END;
}

static bool end_layer(struct recipe_check *c)
{
    uint64_t size = c->m->layers[c->layer].size;
    if (c->layer_at != size)
        return err_set(&c->err, ERR_FORMAT, "extents add up to %llu, the layer has %llu", (unsigned long long)c->layer_at,
                       (unsigned long long)size);
    c->layer++;
    next_layer(c);
    return true;
}

static bool take_head(struct recipe_check *c)
{
    if (memcmp(c->item, LAYOUT_RECIPES_MAGIC, 8) != 0)
        return err_set(&c->err, ERR_FORMAT, "does not begin with %s", LAYOUT_RECIPES_MAGIC);
    if (num_le32(c->item + 8) != c->m->n_layers)
        return err_set(&c->err, ERR_FORMAT, "%u layers, expected %zu", num_le32(c->item + 8), c->m->n_layers);
    next_layer(c);
    return true;
}

static bool take_count(struct recipe_check *c)
{
    struct recipe *r = &c->layers[c->layer];
    c->whole = manifest_find_base_layer(c->m, &c->m->layers[c->layer].diff_id) + 1;
    *r = (struct recipe){ .at = c->at, .n = num_le32(c->item), .is_of_base = c->whole != 0 };
    c->extent = 0;
    c->layer_at = 0;
    c->part = PART_EXTENT;
    window_reset(c->window);
    return r->n > 0 || end_layer(c);
}

static bool take_extent(struct recipe_check *c)
{
    struct recipe *r = &c->layers[c->layer];
    struct extent x = extent_read(c->item);
    if (!check_extent(c, &x))
        return err_in(&c->err, "extent %u", c->extent);
    r->needs_base = r->needs_base || x.source != 0;
    c->layer_at += x.length;
    c->before = x;
    return ++c->extent < r->n || end_layer(c);
}

static bool take(struct recipe_check *c)
{
    switch (c->part) {
    case PART_HEAD:
        return take_head(c);
    case PART_COUNT:
        return take_count(c) || err_in(&c->err, "layer %zu", c->layer);
    case PART_EXTENT:
        return take_extent(c) || err_in(&c->err, "layer %zu", c->layer);
    case PART_END:
        break;
    }
    return err_set(&c->err, ERR_FORMAT, "has bytes after the last layer");
}

void recipe_check_feed(struct recipe_check *c, const uint8_t *bytes, size_t n)
{
    while (n > 0 && c->err.code == ERR_NONE) {
        size_t want = part_bytes(c->part) - c->n_item;
        size_t len = n < want ? n : want;
        memcpy(c->item + c->n_item, bytes, len);
        c->n_item += len;
        c->at += len;
        bytes += len;
        n -= len;
        if (len < want)
            return;
        c->n_item = 0;
        if (!take(c))
            return;
    }
}

bool recipe_check_end(struct recipe_check *c, struct recipes *out, struct err *e)
{
    if (c->err.code == ERR_NONE && (c->part != PART_END || c->n_item > 0))
        err_set(&c->err, ERR_FORMAT, "ends at %llu, before layer %zu does", (unsigned long long)c->at, c->layer);
    if (c->err.code != ERR_NONE) {
        *e = c->err;
        return err_in(e, MEMBER_LAYERS);
    }
    out->n = c->m->n_layers;
    out->layers = TAKE(c->layers);
    return true;
}
