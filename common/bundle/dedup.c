/* De-duplication. Pieces lie in the order in which they came, 24 bytes each; slots of a hash table with linear probing over the hash itself (SHA-256 is
 * uniform) hold their numbers. Only the slots, 4 bytes each, are made anew when it grows. */
#include "bundle/dedup.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "bundle/layout.h"
#include "bundle/window.h"
#include "bundle/recipes.h"
#include "sys/file.h"

#include "base/banned.h"

enum {
    SLOTS_AT_START = 1 << 12,
    PIECES_MAX = 1 << 22, /* 96 MiB, and 32 MiB of slots. More come only when the guess of all sizes was far too low; they are stored, and not found again */
    SPOOL_BUFFER = 64 * 1024,
    /* Below LAYOUT_WINDOW_CHUNKS by what 16 MiB of new data can touch after the last reference (5), and some room. */
    DEDUP_WINDOW_CHUNKS = 56,
};

/* Where a piece is: 0, the data stream, or 1 + number of a base layer; and the offset there. One number, as there are millions of them. */
enum { PLACE_OFFSET_BITS = 44 };
static uint64_t place_of(uint64_t base, uint64_t offset)
{
    return base << PLACE_OFFSET_BITS | offset;
}
static uint64_t place_base(uint64_t place)
{
    return place >> PLACE_OFFSET_BITS;
}
static uint64_t place_offset(uint64_t place)
{
    return place & ((UINT64_C(1) << PLACE_OFFSET_BITS) - 1);
}

struct piece {
    uint8_t hash[16];
    uint64_t place;
};

struct moved { /* a piece that was stored again since the mark */
    uint32_t piece;
    uint64_t place; /* where it was */
};

struct mark {
    bool is_set;
    size_t n_pieces;
    uint64_t data_len;
    uint64_t spool_len;
    struct moved *moved;
    size_t n_moved, cap;
};

struct dedup {
    struct piece *pieces;
    size_t n_pieces, cap;
    uint32_t *slots; /* 1 + number of the piece; 0: empty */
    size_t n_slots;  /* a power of two */
    uint64_t data_len;
    struct base_use *base;
    size_t base_layer; /* the one whose pieces come */
    struct window *window;

    uint64_t layer_at; /* offset within the layer */
    struct extent last; /* not written yet; length 0: none */
    uint32_t n_extents;

    int spool;
    char *spool_name; /* for messages */
    uint64_t spool_len;
    uint64_t count_at; /* where the number of extents of this layer goes */
    struct buf pending;
    struct mark mark;
};

struct dedup *dedup_open(const char *dir, size_t n_layers, struct err *e)
{
    if (n_layers > LIMIT_LAYERS) {
        err_set(e, ERR_FORMAT, "%zu layers, at most %d", n_layers, LIMIT_LAYERS);
        return NULL;
    }
    int spool = file_temp(dir, e);
    if (spool < 0)
        return NULL;
    struct dedup *d = mem_new(sizeof *d);
    d->spool = spool;
    d->spool_name = mem_format("spool of recipes in %s", dir);
    d->pending = (struct buf)BUF_LIMIT(SPOOL_BUFFER + LAYOUT_EXTENT);
    d->window = window_new();
    d->base = base_use_new();
    d->n_slots = SLOTS_AT_START;
    d->slots = mem_new_array(d->n_slots, sizeof *d->slots);
    uint8_t head[12] = LAYOUT_RECIPES_MAGIC;
    num_put_le32(head + 8, (uint32_t)n_layers);
    buf_add(&d->pending, head, sizeof head);
    d->spool_len = sizeof head;
    return d;
}

void dedup_close(struct dedup *d)
{
    fd_auto(&d->spool);
    buf_clear(&d->pending);
    window_free(d->window);
    base_use_free(d->base);
    mem_free(d->spool_name);
    mem_free(d->pieces);
    mem_free(d->slots);
    mem_free(d->mark.moved);
    mem_free(d);
}

uint64_t dedup_data_len(const struct dedup *d)
{
    return d->data_len;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

/* The slot of a hash, or the empty one where it goes. */
static uint32_t *probe(const struct dedup *d, const uint8_t hash[16])
{
    size_t at = (size_t)num_le64(hash) & (d->n_slots - 1);
    while (d->slots[at] != 0 && memcmp(d->pieces[d->slots[at] - 1].hash, hash, 16) != 0)
        at = (at + 1) & (d->n_slots - 1);
    return &d->slots[at];
}

static void grow(struct dedup *d)
{
    mem_free(d->slots);
    d->n_slots *= 2;
    d->slots = mem_new_array(d->n_slots, sizeof *d->slots);
    for (size_t i = 0; i < d->n_pieces; i++)
        *probe(d, d->pieces[i].hash) = (uint32_t)i + 1;
}

static void remember(struct dedup *d, const uint8_t hash[16], uint64_t place)
{
    if (d->n_pieces == PIECES_MAX)
        return;
    if (d->n_pieces * 2 >= d->n_slots)
        grow(d);
    MEM_PUSH(d->pieces, d->n_pieces, d->cap) = (struct piece){ .place = place };
    memcpy(d->pieces[d->n_pieces - 1].hash, hash, 16);
    *probe(d, hash) = (uint32_t)d->n_pieces;
}

/* Later layers find the new copy. Of a piece from before the mark the place it had then is kept: each is moved away from there once. */
static void move(struct dedup *d, uint32_t i, uint64_t offset)
{
    struct mark *m = &d->mark;
    uint64_t was = d->pieces[i].place; /* a place in the base is greater than any in the data */
    bool has_moved = was >= m->data_len && place_base(was) == 0;
    if (m->is_set && i < m->n_pieces && !has_moved)
        MEM_PUSH(m->moved, m->n_moved, m->cap) = (struct moved){ i, was };
    d->pieces[i].place = place_of(0, offset);
}

/* The last ones first: with linear probing each leaves the table as it was before it came. */
static void forget_from(struct dedup *d, size_t n)
{
    while (d->n_pieces > n) {
        *probe(d, d->pieces[d->n_pieces - 1].hash) = 0;
        d->n_pieces--;
    }
}

/* --- the spool of recipes ----------------------------------------------------------------------------------------- */

static bool spool_flush(struct dedup *d, struct err *e)
{
    uint64_t at = d->spool_len - d->pending.len;
    if (!fd_pwrite_all(d->spool, d->pending.data, d->pending.len, at, d->spool_name, e))
        return false;
    buf_reset(&d->pending);
    return true;
}

static bool spool_add(struct dedup *d, const uint8_t *bytes, size_t n, struct err *e)
{
    buf_add(&d->pending, bytes, n);
    d->spool_len += n;
    if (d->spool_len > LAYOUT_LAYERS_BIN_MAX)
        return err_set(e, ERR_FORMAT, "recipes: more than %llu bytes", (unsigned long long)LAYOUT_LAYERS_BIN_MAX);
    return d->pending.len < SPOOL_BUFFER || spool_flush(d, e);
}

static bool write_last(struct dedup *d, struct err *e)
{
    uint8_t bytes[LAYOUT_EXTENT];
    if (d->last.length == 0)
        return true;
    num_put_le32(bytes, d->last.source);
    num_put_le32(bytes + 4, d->last.length);
    num_put_le64(bytes + 8, d->last.offset);
    d->n_extents++;
    return spool_add(d, bytes, sizeof bytes, e);
}

static bool add_extent(struct dedup *d, uint32_t source, uint64_t offset, uint32_t n, struct err *e)
{
    if (d->last.length > 0 && d->last.source == source && d->last.offset + d->last.length == offset && (uint64_t)d->last.length + n <= UINT32_MAX) {
        d->last.length += n;
        return true;
    }
    if (!write_last(d, e))
        return false;
    d->last = (struct extent){ .source = source, .length = n, .offset = offset };
    return true;
}

/* --- layers ------------------------------------------------------------------------------------------------------- */

bool dedup_begin(struct dedup *d, struct err *e)
{
    static const uint8_t zeros[4];
    d->layer_at = 0;
    d->n_extents = 0;
    d->last = (struct extent){ 0 };
    window_reset(d->window);
    d->count_at = d->spool_len;
    return spool_add(d, zeros, sizeof zeros, e);
}

/* Data is cut every 4 MiB from the start of each 4 GiB member, so this is a data chunk's number among all data chunks. */
static uint64_t chunk_of(uint64_t data_offset)
{
    return data_offset / LIMIT_CHUNK_BYTES;
}

static bool may_refer(struct dedup *d, uint64_t offset, uint32_t n)
{
    return window_with(d->window, d->layer_at, chunk_of(offset), chunk_of(offset + n - 1)) <= DEDUP_WINDOW_CHUNKS;
}

static void add_runs(struct dedup *d, uint64_t offset, uint32_t n)
{
    for (uint64_t done = 0; done < n;) {
        uint64_t in_chunk = LIMIT_CHUNK_BYTES - (offset + done) % LIMIT_CHUNK_BYTES;
        uint64_t len = n - done < in_chunk ? n - done : in_chunk;
        window_add(d->window, d->layer_at + done, d->layer_at + done + len, chunk_of(offset + done));
        done += len;
    }
}

/* Is there a place where the piece can be read from? */
static bool find(struct dedup *d, uint64_t place, uint32_t n, uint32_t *source, uint64_t *offset)
{
    uint64_t base = place_base(place);
    *offset = place_offset(place);
    *source = base == 0 ? 0 : base_use_ask(d->base, base - 1, n);
    return base == 0 ? may_refer(d, *offset, n) : *source != 0;
}

bool dedup_piece(struct dedup *d, const uint8_t hash[16], uint32_t n, bool *is_new, struct err *e)
{
    uint32_t known = *probe(d, hash); /* 1 + its index */
    uint32_t source = 0;
    uint64_t offset = 0;
    *is_new = known == 0 || !find(d, d->pieces[known - 1].place, n, &source, &offset);
    if (*is_new) {
        offset = d->data_len;
        d->data_len += n;
        if (known != 0)
            move(d, known - 1, offset);
        else
            remember(d, hash, place_of(0, offset));
    }
    if (source == 0)
        add_runs(d, offset, n);
    d->layer_at += n;
    return add_extent(d, source, offset, n, e);
}

bool dedup_end(struct dedup *d, uint64_t *size, struct err *e)
{
    uint8_t count[4];
    if (!write_last(d, e) || !spool_flush(d, e))
        return false;
    num_put_le32(count, d->n_extents);
    *size = d->layer_at;
    return fd_pwrite_all(d->spool, count, sizeof count, d->count_at, d->spool_name, e);
}

/* --- the base ----------------------------------------------------------------------------------------------------- */

size_t dedup_begin_base(struct dedup *d)
{
    d->base_layer = base_use_add(d->base);
    return d->base_layer;
}

void dedup_add_base(struct dedup *d, const uint8_t hash[16], uint32_t n)
{
    if (*probe(d, hash) == 0)
        remember(d, hash, place_of(d->base_layer + 1, base_use_size(d->base, d->base_layer)));
    base_use_grow(d->base, d->base_layer, n);
}

bool dedup_whole(struct dedup *d, size_t base, uint64_t size, struct err *e)
{
    uint32_t source = base_use_take(d->base, base);
    uint64_t found = 0;
    if (!dedup_begin(d, e))
        return false;
    for (uint64_t n; d->layer_at < size; d->layer_at += n) {
        n = size - d->layer_at < UINT32_MAX ? size - d->layer_at : UINT32_MAX;
        if (!add_extent(d, source, d->layer_at, (uint32_t)n, e))
            return false;
    }
    return dedup_end(d, &found, e);
}

struct base_use *dedup_base(struct dedup *d)
{
    return d->base;
}

/* --- going back ---------------------------------------------------------------------------------------------------- */

bool dedup_mark(struct dedup *d, struct err *e)
{
    struct mark *m = &d->mark;
    if (!spool_flush(d, e))
        return false;
    m->is_set = true;
    m->n_pieces = d->n_pieces;
    m->data_len = d->data_len;
    m->spool_len = d->spool_len;
    m->n_moved = 0;
    base_use_mark(d->base);
    return true;
}

bool dedup_rewind(struct dedup *d, struct err *e)
{
    struct mark *m = &d->mark;
    BUG_IF(!m->is_set);
    forget_from(d, m->n_pieces);
    while (m->n_moved > 0) {
        const struct moved *back = &m->moved[--m->n_moved];
        d->pieces[back->piece].place = back->place;
    }
    d->data_len = m->data_len;
    base_use_rewind(d->base);
    buf_reset(&d->pending);
    d->spool_len = m->spool_len;
    return ftruncate(d->spool, (off_t)d->spool_len) == 0 || file_fail(e, errno, "truncate", d->spool_name);
}

bool dedup_recipes(struct dedup *d, int *fd, uint64_t *n_bytes, struct err *e)
{
    if (d->pending.len > 0 && !spool_flush(d, e))
        return false;
    *fd = d->spool;
    *n_bytes = d->spool_len;
    return true;
}
