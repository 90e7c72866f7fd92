/* Filling a file or a sink. Bytes that come in order are hashed as they come. Units are hashed when they are there, read back from the file (from memory,
 * as ranges are given out from the beginning on): a unit may be fetched again, and then the hash must be of the bytes that stay. */
#include "registry/blob_part.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "stream/checksum.h"
#include "sys/file.h"

#include "base/banned.h"

enum {
    READ_BYTES = 1024 * 1024,
    HASH_PER_UNIT = 2 * BLOB_UNIT_BYTES, /* more than comes, so that the hash keeps up */
};

static struct blob_part *part_new(uint64_t size, const char *what)
{
    struct blob_part *p = mem_new(sizeof *p);
    *p = (struct blob_part){ .fd = -1, .size = size, .what = mem_text(what), .whole = sha256_new() };
    return p;
}

struct blob_part *blob_part_file(int fd, uint64_t size, uint64_t large_bytes, const char *what)
{
    struct blob_part *p = part_new(size, what);
    p->fd = fd;
    if (size < large_bytes)
        return p;
    p->n_units = (size_t)((size + BLOB_UNIT_BYTES - 1) / BLOB_UNIT_BYTES);
    p->units = mem_new_array(p->n_units, 1);
    return p;
}

struct blob_part *blob_part_sink(struct sink *to, uint64_t size, const char *what)
{
    struct blob_part *p = part_new(size, what);
    p->sink = to;
    return p;
}

void blob_part_free(struct blob_part *p)
{
    if (p == NULL)
        return;
    sha256_free(p->whole);
    mem_free(p->units);
    mem_free(p->what);
    mem_free(p);
}

bool blob_part_in_units(const struct blob_part *p)
{
    return p->units != NULL;
}

bool blob_part_goes_back(const struct blob_part *p)
{
    return p->sink == NULL;
}

bool blob_part_was_resumed(const struct blob_part *p)
{
    return p->was_resumed;
}

bool blob_part_is_whole(const struct blob_part *p)
{
    return p->units != NULL ? p->n_units_there == p->n_units : p->there == p->size;
}

uint64_t blob_part_there(const struct blob_part *p)
{
    return p->there;
}

uint64_t blob_part_hashed(const struct blob_part *p)
{
    return p->hashed;
}

unsigned blob_part_generation(const struct blob_part *p)
{
    return p->generation;
}

uint64_t blob_unit_end(const struct blob_part *p, size_t unit)
{
    uint64_t end = ((uint64_t)unit + 1) * BLOB_UNIT_BYTES;
    return end < p->size ? end : p->size;
}

/* Ranges */

uint64_t blob_part_free_bytes(const struct blob_part *p)
{
    uint64_t n = 0;
    for (size_t u = 0; u < p->n_units; u++)
        n += p->units[u] == UNIT_MISSING ? BLOB_UNIT_BYTES : 0;
    return n;
}

static size_t units_at_once(const struct blob_part *p)
{
    uint64_t share = blob_part_free_bytes(p) / (2 * BLOB_LANES);
    uint64_t bytes = share > BLOB_RANGE_BYTES ? BLOB_RANGE_BYTES : share < BLOB_RANGE_LEAST ? BLOB_RANGE_LEAST : share;
    return (size_t)(bytes / BLOB_UNIT_BYTES);
}

static bool give_units(struct blob_part *p, struct blob_cursor *c)
{
    size_t from = 0;
    while (from < p->n_units && p->units[from] != UNIT_MISSING)
        from++;
    if (from == p->n_units)
        return false;
    size_t most = units_at_once(p), n = 0;
    for (; n < most && from + n < p->n_units && p->units[from + n] == UNIT_MISSING; n++)
        p->units[from + n] = (uint8_t)c->lane;
    c->at = (uint64_t)from * BLOB_UNIT_BYTES;
    c->end = blob_unit_end(p, from + n - 1);
    return true;
}

bool blob_part_give(struct blob_part *p, struct blob_cursor *c)
{
    BUG_IF(c->lane == UNIT_MISSING || c->lane >= UNIT_THERE);
    c->generation = p->generation;
    if (p->units != NULL)
        return give_units(p, c);
    c->at = p->there;
    c->end = p->size;
    return c->at < c->end;
}

/* What the cursor has of a unit that is not complete counts no more. */
static void forget_begun(struct blob_part *p, struct blob_cursor *c)
{
    if (p->units == NULL)
        return;
    size_t unit = (size_t)(c->at / BLOB_UNIT_BYTES);
    if (c->generation == p->generation && unit < p->n_units && p->units[unit] == c->lane)
        p->there -= c->at % BLOB_UNIT_BYTES;
    c->sum = 0;
}

void blob_part_give_back(struct blob_part *p, struct blob_cursor *c)
{
    forget_begun(p, c);
    for (size_t u = 0; u < p->n_units; u++)
        if (p->units[u] == c->lane)
            p->units[u] = UNIT_MISSING;
    c->at = c->end = 0;
}

void blob_part_rewind(struct blob_part *p, struct blob_cursor *c)
{
    forget_begun(p, c);
    c->at = 0;
    c->end = p->size;
}

/* The digest of the whole */

/* How far the bytes are there without a gap. */
static uint64_t known_end(const struct blob_part *p)
{
    if (p->units == NULL)
        return p->there;
    size_t unit = (size_t)(p->hashed / BLOB_UNIT_BYTES);
    uint64_t end = p->hashed;
    for (; unit < p->n_units && p->units[unit] == UNIT_THERE && end < p->hashed + BLOB_SLICE_BYTES; unit++)
        end = blob_unit_end(p, unit);
    return end;
}

static bool hash_more(struct blob_part *p, uint64_t most, struct err *e)
{
    uint64_t end = known_end(p);
    if (end > p->hashed + most)
        end = p->hashed + most;
    if (p->hashed == end)
        return true;
    AUTO(mem_auto) uint8_t *piece = mem_new(READ_BYTES);
    while (p->hashed < end) {
        size_t n = end - p->hashed < READ_BYTES ? (size_t)(end - p->hashed) : READ_BYTES;
        if (!fd_pread_exact(p->fd, piece, n, p->hashed, p->what, e))
            return false;
        sha256_add(p->whole, piece, n);
        p->hashed += n;
    }
    return true;
}

bool blob_part_hash(struct blob_part *p, bool *is_hashed, struct err *e)
{
    if (!hash_more(p, BLOB_SLICE_BYTES, e))
        return false;
    *is_hashed = p->hashed == p->size;
    return true;
}


/* Bytes */

static bool write_bytes(struct blob_part *p, uint64_t at, const void *bytes, size_t n, struct err *e)
{
    p->there += n;
    return p->sink != NULL ? sink_write(p->sink, bytes, n, e) : fd_pwrite_all(p->fd, bytes, n, at, p->what, e);
}

/* In order: what comes again is skipped. */
static bool take_next(struct blob_part *p, struct blob_cursor *c, const uint8_t *bytes, size_t n, size_t *n_new, struct err *e)
{
    size_t known = 0;
    if (c->at < p->there)
        known = n < p->there - c->at ? n : (size_t)(p->there - c->at);
    *n_new = n - known;
    c->at += n;
    if (*n_new == 0)
        return true;
    sha256_add(p->whole, bytes + known, *n_new);
    p->hashed += *n_new;
    return write_bytes(p, p->there, bytes + known, *n_new, e);
}

/* Bytes that end in one unit. */
static bool take_in_unit(struct blob_part *p, struct blob_cursor *c, const uint8_t *bytes, size_t n, size_t *n_new, struct err *e)
{
    size_t unit = (size_t)(c->at / BLOB_UNIT_BYTES);
    if (p->units[unit] == UNIT_MISSING && c->at % BLOB_UNIT_BYTES == 0)
        p->units[unit] = (uint8_t)c->lane;
    if (p->units[unit] != c->lane) {
        c->at += n;
        return true;
    }
    if (!write_bytes(p, c->at, bytes, n, e))
        return false;
    c->sum = checksum_add(c->sum, bytes, n);
    c->at += n;
    *n_new += n;
    if (c->at < blob_unit_end(p, unit))
        return true;
    uint64_t sum = c->sum;
    c->sum = 0;
    fd_begin_sync(p->fd, (uint64_t)unit * BLOB_UNIT_BYTES, BLOB_UNIT_BYTES);
    return blob_map_note(p, unit, sum, e) && hash_more(p, HASH_PER_UNIT, e);
}

bool blob_part_take(struct blob_part *p, struct blob_cursor *c, const void *bytes, size_t n, size_t *n_new, struct err *e)
{
    const uint8_t *from = bytes;
    BUG_IF(n > c->end - c->at || c->generation != p->generation);
    *n_new = 0;
    if (p->units == NULL)
        return take_next(p, c, from, n, n_new, e);
    while (n > 0) {
        uint64_t room = blob_unit_end(p, (size_t)(c->at / BLOB_UNIT_BYTES)) - c->at;
        size_t piece = n < room ? n : (size_t)room;
        if (!take_in_unit(p, c, from, piece, n_new, e))
            return false;
        from += piece;
        n -= piece;
    }
    return true;
}

bool blob_part_is(struct blob_part *p, const struct digest *want, struct digest *got)
{
    BUG_IF(p->hashed != p->size);
    sha256_end(p->whole, got);
    return digest_equal(got, want);
}

bool blob_part_end(struct blob_part *p, struct err *e)
{
    return p->units == NULL || ftruncate(p->fd, (off_t)p->size) == 0 || file_fail(e, errno, "cut", p->what);
}

bool blob_part_start_over(struct blob_part *p, struct err *e)
{
    struct digest ignored;
    BUG_IF(p->sink != NULL);
    sha256_end(p->whole, &ignored);
    p->hashed = p->there = p->loaded = p->load_end = 0;
    p->was_resumed = p->has_entries = false;
    p->generation++;
    p->n_units_there = 0;
    if (p->units != NULL)
        memset(p->units, UNIT_MISSING, p->n_units);
    if (ftruncate(p->fd, 0) != 0)
        return file_fail(e, errno, "truncate", p->what);
    return p->units == NULL || blob_map_begin(p, e);
}
