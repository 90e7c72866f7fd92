/* The map behind a large blob that is being fetched: a header, then the checksum of each unit that is there, zero for the others. An entry is written
 * after the unit; what the disk really has is asked when it is read again, so no order of writing has to be forced. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "registry/blob_part.h"
#include "stream/checksum.h"
#include "sys/file.h"

#include "base/banned.h"

enum { HEADER_BYTES = 32, ENTRY_BYTES = 8 };

static const char magic[] = "archon-map-2\n";

static void make_header(const struct blob_part *p, uint8_t out[HEADER_BYTES])
{
    memset(out, 0, HEADER_BYTES);
    memcpy(out, magic, sizeof magic - 1);
    num_put_le64(out + 16, p->size);
    num_put_le64(out + 24, BLOB_UNIT_BYTES);
}

static uint64_t entry_at(const struct blob_part *p, size_t unit)
{
    return p->size + HEADER_BYTES + (uint64_t)unit * ENTRY_BYTES;
}

bool blob_map_begin(struct blob_part *p, struct err *e)
{
    uint8_t header[HEADER_BYTES];
    make_header(p, header);
    if (ftruncate(p->fd, (off_t)entry_at(p, p->n_units)) != 0)
        return file_fail(e, errno, "make room for", p->what);
    return fd_pwrite_all(p->fd, header, sizeof header, p->size, p->what, e);
}

bool blob_map_note(struct blob_part *p, size_t unit, uint64_t sum, struct err *e)
{
    uint8_t entry[ENTRY_BYTES];
    num_put_le64(entry, sum);
    p->units[unit] = UNIT_THERE;
    p->n_units_there++;
    return fd_pwrite_all(p->fd, entry, sizeof entry, entry_at(p, unit), p->what, e);
}

/* Loading */

static bool has_our_header(const struct blob_part *p, bool *yes, struct err *e)
{
    uint8_t wanted[HEADER_BYTES], found[HEADER_BYTES];
    make_header(p, wanted);
    if (!fd_pread_exact(p->fd, found, sizeof found, p->size, p->what, e))
        return false;
    *yes = memcmp(wanted, found, sizeof wanted) == 0;
    return true;
}

/* What kind of file it is, and how much of it is to be looked at. */
static bool look(struct blob_part *p, struct err *e)
{
    struct stat st;
    bool is_ours = false;
    if (fstat(p->fd, &st) != 0)
        return file_fail(e, errno, "look at", p->what);
    uint64_t n = st.st_size > 0 ? (uint64_t)st.st_size : 0;
    if (p->units != NULL && n == entry_at(p, p->n_units)) {
        if (!has_our_header(p, &is_ours, e))
            return false;
        p->has_entries = is_ours;
        p->load_end = p->size;
    } else {
        is_ours = n <= p->size; /* a beginning of the blob, or all of it */
        p->load_end = n;
    }
    if (!is_ours)
        return blob_part_start_over(p, e);
    return p->units == NULL || p->has_entries || blob_map_begin(p, e);
}

/* One unit of an earlier run. A file that had no map has no entries: then all that it holds is taken for good, and the digest of the whole will tell. */
static bool load_unit(struct blob_part *p, uint8_t *bytes, size_t unit, struct err *e)
{
    uint64_t from = (uint64_t)unit * BLOB_UNIT_BYTES;
    size_t n = (size_t)(blob_unit_end(p, unit) - from);
    uint8_t entry[ENTRY_BYTES] = { 0 };
    if (p->has_entries && !fd_pread_exact(p->fd, entry, sizeof entry, entry_at(p, unit), p->what, e))
        return false;
    if (p->has_entries && num_le64(entry) == 0)
        return true;
    if (!fd_pread_exact(p->fd, bytes, n, from, p->what, e))
        return false;
    uint64_t sum = checksum_add(0, bytes, n);
    if (p->has_entries && sum != num_le64(entry))
        return true;
    if (p->hashed == from) {
        sha256_add(p->whole, bytes, n);
        p->hashed += n;
    }
    p->there += n;
    return blob_map_note(p, unit, sum, e);
}

static bool load_units(struct blob_part *p, struct err *e)
{
    AUTO(mem_auto) uint8_t *bytes = mem_new(BLOB_UNIT_BYTES);
    uint64_t stop = p->loaded + BLOB_SLICE_BYTES;
    while (p->loaded < p->load_end && p->loaded < stop) {
        size_t unit = (size_t)(p->loaded / BLOB_UNIT_BYTES);
        if (blob_unit_end(p, unit) > p->load_end) {
            p->loaded = p->load_end; /* a unit that was cut: fetched again */
            break;
        }
        if (!load_unit(p, bytes, unit, e))
            return false;
        p->loaded = blob_unit_end(p, unit);
    }
    return true;
}

static bool load_beginning(struct blob_part *p, struct err *e)
{
    uint64_t before = p->hashed;
    bool is_hashed = false;
    p->there = p->load_end;
    if (!blob_part_hash(p, &is_hashed, e))
        return false;
    p->loaded += p->hashed - before;
    return true;
}

bool blob_part_load(struct blob_part *p, bool *is_loaded, struct err *e)
{
    *is_loaded = p->sink != NULL;
    if (*is_loaded)
        return true;
    if (!p->is_looked_at) {
        p->is_looked_at = true;
        if (!look(p, e))
            return false;
    }
    if (p->units != NULL ? !load_units(p, e) : !load_beginning(p, e))
        return false;
    *is_loaded = p->loaded == p->load_end;
    p->was_resumed = p->there > 0;
    return true;
}
