/* Reading a parity file. One head that is right, wherever it is, tells the shape, and so where all the others are. Those of one row should all say the same of the bundle; after a
 * signing that was interrupted some speak of the header before it and some of the one after: the majority is believed. */
#include "bundle/parity.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "bundle/part_name.h"
#include "bundle/spread.h"
#include "sys/file.h"
#include "sys/path.h"
#include "sys/start.h"

#include "base/banned.h"

enum { SCAN_BYTES = 256 * 1024 };

struct parity {
    int fd;
    char *name;
    uint64_t bytes;
    struct parity_shape shape;
    struct parity_hash *hashes; /* rows of k */
    struct parity_hash *own;    /* rows of m: of the blocks of parity */
    uint8_t *has_row;
    uint8_t *state; /* rows of m */
};

char *parity_bundle_path(const char *path)
{
    size_t n = 0;
    bool is_part = part_name_number(path, &n) > 0;
    return mem_text_n(path, is_part ? n : strlen(path));
}

char *parity_path(const char *path)
{
    AUTO(mem_auto) char *bundle = parity_bundle_path(path);
    return mem_format("%s" PARITY_SUFFIX, bundle);
}

bool parity_read_tolerant(int fd, void *to, size_t n, uint64_t at)
{
    for (size_t done = 0; done < n;) {
        ssize_t step = pread(fd, (char *)to + done, n - done, (off_t)(at + done));
        if (step < 0 && errno == EINTR)
            continue;
        if (step <= 0)
            return false;
        done += (size_t)step;
    }
    return true;
}

/* --- the shape ---------------------------------------------------------------------------------------------------- */

/* Is there a head at this place, and is it the place of its record? */
static bool shape_at(struct parity *p, uint64_t at)
{
    uint8_t bytes[LAYOUT_PARITY_HEAD_MAX];
    struct parity_head h;
    size_t n = p->bytes - at < sizeof bytes ? (size_t)(p->bytes - at) : sizeof bytes;
    return parity_read_tolerant(p->fd, bytes, n, at) && parity_head_read(bytes, n, &p->shape, &h) && parity_record_at(&p->shape, h.row, h.slice) == at;
}

/* Looks in a piece, from its first byte on, for the magic of a record. */
static bool shape_within(struct parity *p, const uint8_t *piece, size_t n, uint64_t at)
{
    for (size_t i = 0; i + LAYOUT_PARITY_UNIT <= n; i += LAYOUT_PARITY_UNIT)
        if (memcmp(piece + i, LAYOUT_PARITY_MAGIC, strlen(LAYOUT_PARITY_MAGIC)) == 0 && shape_at(p, at + i))
            return true;
    return false;
}

static bool find_shape(struct parity *p, struct err *e)
{
    AUTO(mem_auto) uint8_t *piece = mem_new(SCAN_BYTES);
    for (uint64_t at = 0; at < p->bytes; at += SCAN_BYTES) {
        size_t n = p->bytes - at < SCAN_BYTES ? (size_t)(p->bytes - at) : SCAN_BYTES;
        if (!start_check(e))
            return false;
        bool is_read = parity_read_tolerant(p->fd, piece, n, at);
        for (size_t i = 0; !is_read && i + LAYOUT_PARITY_UNIT <= n; i += LAYOUT_PARITY_UNIT)
            if (!parity_read_tolerant(p->fd, piece + i, LAYOUT_PARITY_UNIT, at + i))
                memset(piece + i, 0, LAYOUT_PARITY_UNIT);
        if (shape_within(p, piece, n, at))
            return true;
    }
    err_set(e, ERR_FORMAT, "%s: is not a parity file, or nothing of one is left", SHOWN(p->name));
    return err_hint(e, "copy it and the bundle again");
}

/* --- the rows ----------------------------------------------------------------------------------------------------- */

/* The heads of one row, as they were read. */
struct heads {
    uint8_t *bytes; /* of m */
    bool *is_right;
    struct parity_head *at;
};

static void heads_read(struct parity *p, uint32_t row, struct heads *h)
{
    size_t n = parity_head_bytes(&p->shape);
    for (uint32_t j = 0; j < p->shape.m; j++) {
        struct parity_shape s;
        h->is_right[j] = parity_read_tolerant(p->fd, h->bytes + j * n, n, parity_record_at(&p->shape, row, j)) &&
                         parity_head_read(h->bytes + j * n, n, &s, &h->at[j]) && parity_shape_equal(&s, &p->shape) && h->at[j].row == row &&
                         h->at[j].slice == j;
    }
}

/* The hashes that most heads have, by the vote of Boyer and Moore; null without any. */
static const uint8_t *majority(const struct parity *p, const struct heads *h)
{
    size_t n = (size_t)p->shape.k * LAYOUT_PARITY_HASH;
    const uint8_t *candidate = NULL;
    uint32_t votes = 0;
    for (uint32_t j = 0; j < p->shape.m; j++) {
        if (!h->is_right[j])
            continue;
        if (votes == 0)
            candidate = h->at[j].hashes;
        votes += memcmp(candidate, h->at[j].hashes, n) == 0 ? 1 : (uint32_t)-1;
    }
    return candidate;
}

static void row_settle(struct parity *p, uint32_t row, const struct heads *h)
{
    const struct parity_shape *s = &p->shape;
    size_t n = (size_t)s->k * LAYOUT_PARITY_HASH;
    const uint8_t *hashes = majority(p, h);
    p->has_row[row] = hashes != NULL;
    if (hashes == NULL)
        return;
    memcpy(&p->hashes[(size_t)row * s->k], hashes, n);
    for (uint32_t j = 0; j < s->m; j++)
        if (h->is_right[j] && memcmp(h->at[j].hashes, hashes, n) == 0) {
            p->state[(size_t)row * s->m + j] = PARITY_HEAD;
            p->own[(size_t)row * s->m + j] = h->at[j].own;
        }
}

static bool read_rows(struct parity *p, struct err *e)
{
    const struct parity_shape *s = &p->shape;
    AUTO(mem_auto) uint8_t *bytes = mem_new((size_t)s->m * parity_head_bytes(s));
    AUTO(mem_auto) bool *is_right = mem_new_array(s->m, sizeof *is_right);
    AUTO(mem_auto) struct parity_head *at = mem_new_array(s->m, sizeof *at);
    struct heads h = { bytes, is_right, at };
    p->hashes = mem_new_array((size_t)s->rows * s->k, sizeof *p->hashes);
    p->own = mem_new_array((size_t)s->rows * s->m, sizeof *p->own);
    p->state = mem_new((size_t)s->rows * s->m);
    p->has_row = mem_new(s->rows);
    for (uint32_t row = 0; row < s->rows; row++) {
        if (!start_check(e))
            return false;
        heads_read(p, row, &h);
        row_settle(p, row, &h);
    }
    return true;
}

struct parity *parity_open(const char *path, struct err *e)
{
    struct stat st;
    AUTO(parity_close_auto) struct parity *p = mem_new(sizeof *p);
    p->name = mem_text(path_base(path));
    p->fd = file_open_read(path, FILE_PLAIN, e);
    if (p->fd < 0)
        return NULL;
    if (fstat(p->fd, &st) != 0) {
        file_fail(e, errno, "examine", p->name);
        return NULL;
    }
    p->bytes = (uint64_t)st.st_size;
    return find_shape(p, e) && read_rows(p, e) ? TAKE(p) : NULL;
}

void parity_close(struct parity *p)
{
    fd_auto(&p->fd);
    mem_free(p->name);
    mem_free(p->hashes);
    mem_free(p->own);
    mem_free(p->has_row);
    mem_free(p->state);
    mem_free(p);
}

/* --- facts -------------------------------------------------------------------------------------------------------- */

const struct parity_shape *parity_shape_of(const struct parity *p)
{
    return &p->shape;
}

const char *parity_name(const struct parity *p)
{
    return p->name;
}

const struct parity_hash *parity_row(const struct parity *p, uint32_t row)
{
    return p->has_row[row] ? &p->hashes[(size_t)row * p->shape.k] : NULL;
}

enum parity_record parity_state(const struct parity *p, uint32_t row, uint32_t slice)
{
    return p->state[(size_t)row * p->shape.m + slice];
}

bool parity_read_block(const struct parity *p, uint32_t row, uint32_t slice, void *to, size_t n, size_t at)
{
    return parity_read_tolerant(p->fd, to, n, parity_record_at(&p->shape, row, slice) + parity_head_bytes(&p->shape) + at);
}

/* --- checking ----------------------------------------------------------------------------------------------------- */

static bool check_records(void *ctx, uint64_t first, uint64_t end, uint8_t *block, struct err *e)
{
    (void)e;
    struct parity *p = ctx;
    const struct parity_shape *s = &p->shape;
    for (uint64_t i = first; i < end; i++) { /* in the order of the file */
        uint32_t j = (uint32_t)(i / s->rows);
        uint32_t row = (uint32_t)(i % s->rows);
        size_t at = (size_t)row * s->m + j;
        if (p->state[at] != PARITY_HEAD)
            continue;
        bool is_whole = parity_read_block(p, row, j, block, s->block, 0);
        struct parity_hash found = is_whole ? parity_hash_of(block, s->block) : (struct parity_hash){ { 0 } };
        p->state[at] = is_whole && parity_hash_equal(&found, &p->own[at]) ? PARITY_WHOLE : PARITY_LOST;
    }
    return true;
}

bool parity_check(struct parity *p, const struct parity_how *how, struct err *e)
{
    const struct parity_shape *s = &p->shape;
    struct spread all = { .n = (uint64_t)s->rows * s->m,
                          .step = MIB / s->block + 1,
                          .buffer_bytes = s->block,
                          .jobs = parity_threads(how),
                          .progress = how->progress,
                          .phase = "check parity",
                          .unit_bytes = s->block,
                          .run = check_records,
                          .ctx = p };
    return spread_run(&all, e);
}
