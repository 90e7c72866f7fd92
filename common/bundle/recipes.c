/* Reading recipes. They come from a signed manifest's member, so a violation is the maker's mistake; it is refused all the same before
 * anything is loaded, because the window rule bounds what loading costs. */
#include "bundle/recipes.h"

#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "bundle/tar.h"
#include "bundle/window.h"

#include "base/banned.h"

void recipes_clear(struct recipes *r)
{
    mem_free(r->bytes);
    mem_free(r->layers);
    *r = (struct recipes){ 0 };
}

struct extent recipe_extent(const struct recipe *r, uint32_t i)
{
    const uint8_t *p = r->extents + (size_t)i * LAYOUT_EXTENT;
    return (struct extent){ .source = num_le32(p), .length = num_le32(p + 4), .offset = num_le64(p + 8) };
}

void data_map_make(struct data_map *d, const struct manifest *m)
{
    size_t cap = 0;
    uint64_t raw = 0;
    *d = (struct data_map){ 0 };
    for (size_t i = 0; i < m->n_members; i++) {
        const struct manifest_member *x = &m->members[i];
        if (manifest_is_data(x)) {
            MEM_PUSH(d->parts, d->n, cap) = (struct data_part){ d->total, raw + LAYOUT_TAR_BLOCK, x->size };
            d->total += x->size;
        }
        raw += tar_member_bytes(x->size);
    }
}

void data_map_clear(struct data_map *d)
{
    mem_free(d->parts);
    *d = (struct data_map){ 0 };
}

uint64_t data_map_find(const struct data_map *d, uint64_t data_offset, uint64_t *left)
{
    size_t low = 0;
    size_t high = d->n;
    BUG_IF(data_offset >= d->total);
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (d->parts[mid].data_offset <= data_offset)
            low = mid;
        else
            high = mid;
    }
    uint64_t within = data_offset - d->parts[low].data_offset;
    *left = d->parts[low].size - within;
    return d->parts[low].raw_offset + within;
}

struct check {
    const struct manifest *m;
    const struct table *t;
    const struct data_map *data;
    struct window *window;
};

static bool check_window(struct check *c, const struct extent *x, uint64_t at, struct err *e)
{
    for (uint64_t done = 0; done < x->length;) {
        uint64_t left;
        uint64_t raw = data_map_find(c->data, x->offset + done, &left);
        size_t chunk = table_find(c->t, raw);
        struct table_chunk at_chunk = table_get(c->t, chunk);
        uint64_t in_chunk = at_chunk.raw_offset + at_chunk.raw_len - raw;
        uint64_t n = x->length - done;
        n = n < left ? n : left;
        n = n < in_chunk ? n : in_chunk;
        if (window_add(c->window, at + done, at + done + n, chunk) > LAYOUT_WINDOW_CHUNKS)
            return err_set(e, ERR_FORMAT, "at layer offset %llu more than %d chunks are needed for %llu bytes",
                           (unsigned long long)(at + done), LAYOUT_WINDOW_CHUNKS, (unsigned long long)LAYOUT_WINDOW);
        done += n;
    }
    return true;
}

static bool check_extent(struct check *c, const struct extent *x, const struct extent *before, struct err *e)
{
    uint64_t end = 0;
    if (x->length == 0 || !num_add(&end, x->offset, (uint64_t)x->length))
        return err_set(e, ERR_FORMAT, "length or offset is not allowed");
    if (x->source > c->m->n_base_layers)
        return err_set(e, ERR_FORMAT, "source %u does not exist", x->source);
    if (x->source == 0 && end > c->data->total)
        return err_set(e, ERR_FORMAT, "ends at %llu, the data at %llu", (unsigned long long)end, (unsigned long long)c->data->total);
    if (before != NULL && before->source == x->source && before->offset + before->length == x->offset &&
        (uint64_t)before->length + x->length <= UINT32_MAX)
        return err_set(e, ERR_FORMAT, "is not merged with the one before");
    return true;
}

static bool check_recipe(struct check *c, const struct recipe *r, uint64_t size, struct err *e)
{
    struct extent before = { 0 };
    uint64_t at = 0;
    window_reset(c->window);
    for (uint32_t i = 0; i < r->n; i++) {
        struct extent x = recipe_extent(r, i);
        if (!check_extent(c, &x, i == 0 ? NULL : &before, e) || (x.source == 0 && !check_window(c, &x, at, e)))
            return err_in(e, "extent %u", i);
        at += x.length;
        before = x;
    }
    if (at != size)
        return err_set(e, ERR_FORMAT, "extents add up to %llu, the layer has %llu", (unsigned long long)at, (unsigned long long)size);
    return true;
}

/* Finds the recipes in the bytes. */
static bool find_recipes(struct recipes *r, size_t n_bytes, const struct manifest *m, struct err *e)
{
    size_t at = 12;
    if (n_bytes < at || memcmp(r->bytes, LAYOUT_RECIPES_MAGIC, 8) != 0)
        return err_set(e, ERR_FORMAT, "does not begin with %s", LAYOUT_RECIPES_MAGIC);
    if (num_le32(r->bytes + 8) != m->n_layers)
        return err_set(e, ERR_FORMAT, "%u layers, expected %zu", num_le32(r->bytes + 8), m->n_layers);
    r->n = m->n_layers;
    r->layers = mem_new_array(r->n, sizeof *r->layers);
    for (size_t i = 0; i < r->n; i++) {
        if (n_bytes - at < 4)
            return err_set(e, ERR_FORMAT, "ends before layer %zu", i);
        r->layers[i].n = num_le32(r->bytes + at);
        at += 4;
        if (r->layers[i].n > (n_bytes - at) / LAYOUT_EXTENT)
            return err_set(e, ERR_FORMAT, "ends within layer %zu", i);
        r->layers[i].extents = r->bytes + at;
        at += (size_t)r->layers[i].n * LAYOUT_EXTENT;
    }
    if (at != n_bytes)
        return err_set(e, ERR_FORMAT, "%zu bytes after the last layer", n_bytes - at);
    return true;
}

bool recipes_read(struct recipes *r, uint8_t *bytes, size_t n_bytes, const struct manifest *m, const struct table *t, struct err *e)
{
    struct data_map data;
    r->bytes = bytes;
    if (!find_recipes(r, n_bytes, m, e))
        return err_in(e, MEMBER_LAYERS);
    data_map_make(&data, m);
    AUTO(window_free_auto) struct window *window = window_new();
    struct check c = { m, t, &data, window };
    bool ok = true;
    for (size_t i = 0; ok && i < r->n; i++)
        if (!check_recipe(&c, &r->layers[i], m->layers[i].size, e))
            ok = err_in(e, "%s: layer %zu", MEMBER_LAYERS, i);
    data_map_clear(&data);
    return ok;
}
