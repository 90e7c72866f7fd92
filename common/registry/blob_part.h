/* The bytes of one blob as they arrive, by one connection or several; what of them is there, and whether they are the right ones. Knows no network.
 * Private to this folder.
 *
 * Three places: a sink and a small file are filled in order. A large file is filled in units by several cursors; behind the blob's last
 * byte the file then carries a map with a checksum of each unit that is there, so that a run that was killed, or a machine that went down before the disk
 * had everything, costs the units that were under way and no others. When all is there the map is cut off.
 *
 *     p = blob_part_file(fd, size, what);
 *     while (!is_loaded) blob_part_load(p, &is_loaded, e);          what an earlier run left, in slices
 *     blob_part_give(p, c)                                          c->at .. c->end is now this cursor's own
 *     blob_part_take(p, c, bytes, n, e) ...                         as they come
 *     blob_part_hash(p, &is_hashed, e) until is_hashed, then blob_part_is(p, &digest)      when blob_part_is_whole(p) */
#ifndef REGISTRY_BLOB_PART_H
#define REGISTRY_BLOB_PART_H

#include "format/digest.h"
#include "stream/sink.h"

enum {
    BLOB_UNIT_BYTES = 1024 * 1024,         /* what a killed run loses at most on each connection */
    BLOB_RANGE_BYTES = 32 * 1024 * 1024,   /* one request: large, since each costs a way to the registry and its redirect */
    BLOB_RANGE_LEAST = 4 * 1024 * 1024,    /* towards the end they become smaller, so that all connections end together */
    BLOB_LANES = 6,                        /* connections for one blob */
    BLOB_SLICE_BYTES = 16 * 1024 * 1024,   /* read and hashed at once, while other transfers wait */
};

struct blob_part;
struct blob_cursor {
    unsigned lane;         /* from 1: whose units are whose */
    uint64_t at, end;      /* the next byte to come, and the first that is not asked for */
    unsigned generation;   /* of the part, when the range was given */
    uint64_t sum;          /* checksum of what has come of the unit in which `at` is */
};

/* Borrows fd; readable and writable. In units from large_bytes on. */
struct blob_part *blob_part_file(int fd, uint64_t size, uint64_t large_bytes, const char *what);
struct blob_part *blob_part_sink(struct sink *to, uint64_t size, const char *what);
void blob_part_free(struct blob_part *p);

bool blob_part_in_units(const struct blob_part *p);
bool blob_part_goes_back(const struct blob_part *p);    /* false for a sink */
bool blob_part_was_resumed(const struct blob_part *p);  /* some bytes are from an earlier run */
bool blob_part_is_whole(const struct blob_part *p);
uint64_t blob_part_there(const struct blob_part *p);    /* bytes, also of units under way */
uint64_t blob_part_hashed(const struct blob_part *p);   /* bytes from the beginning on */
uint64_t blob_part_free_bytes(const struct blob_part *p); /* neither there nor given to a cursor */

/* What an earlier run left, in slices: a unit counts when its checksum is that of the map; a file without a map is a beginning of the blob. */
MUST_CHECK bool blob_part_load(struct blob_part *p, bool *is_loaded, struct err *e);

/* The lowest bytes that nobody fetches. False: there are none. */
bool blob_part_give(struct blob_part *p, struct blob_cursor *c);
/* The cursor's range is free again, but what it has completed stays. */
void blob_part_give_back(struct blob_part *p, struct blob_cursor *c);
/* The bytes come from the beginning, all of them: those that are there or come on another cursor are skipped. */
void blob_part_rewind(struct blob_part *p, struct blob_cursor *c);
/* n <= c->end - c->at. *n_new: bytes that were not there before. ERR_IO, ERR_SPACE, or what the sink says. */
MUST_CHECK bool blob_part_take(struct blob_part *p, struct blob_cursor *c, const void *bytes, size_t n, size_t *n_new, struct err *e);

/* Hashes a slice of what is there from the beginning on and was not hashed as it came. */
MUST_CHECK bool blob_part_hash(struct blob_part *p, bool *is_hashed, struct err *e);
/* Everything is there and hashed. The hash is used up by this. */
bool blob_part_is(struct blob_part *p, const struct digest *want, struct digest *got);
/* After blob_part_is: the file is the blob and nothing else. */
MUST_CHECK bool blob_part_end(struct blob_part *p, struct err *e);
/* Nothing counts as there. Cursors of an earlier generation must be given back. Not for sinks. */
MUST_CHECK bool blob_part_start_over(struct blob_part *p, struct err *e);
unsigned blob_part_generation(const struct blob_part *p);

/* ---- between blob_part.c and blob_map.c ---- */

enum { UNIT_MISSING = 0, UNIT_THERE = 255 }; /* anything else: the lane that fetches it */
struct blob_part {
    int fd;
    struct sink *sink;
    uint64_t size;
    char *what;
    struct sha256 *whole;
    uint64_t hashed;      /* bytes from the beginning on that whole has seen */
    uint64_t there;
    unsigned generation;
    bool was_resumed;
    uint8_t *units;       /* null: filled in order */
    size_t n_units;
    size_t n_units_there;
    bool is_looked_at;    /* loading has begun */
    bool has_entries;     /* the file came with a map */
    uint64_t loaded;      /* bytes of the file that were looked at */
    uint64_t load_end;
};
uint64_t blob_unit_end(const struct blob_part *p, size_t unit);
/* The unit is in the file. */
MUST_CHECK bool blob_map_note(struct blob_part *p, size_t unit, uint64_t sum, struct err *e);
/* Makes room for a map with nothing in it. */
MUST_CHECK bool blob_map_begin(struct blob_part *p, struct err *e);

#endif
