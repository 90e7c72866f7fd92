/* Parts: all but the last have the same length, so the longest one that is there tells where each of them lies in the bundle. */
#include "bundle/remains.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundle/parity.h"
#include "bundle/part_name.h"
#include "sys/file.h"

#include "base/banned.h"

enum { MIN_PART = 65536 };

struct piece {
    struct remains_part part;
    int fd;
};

struct remains {
    bool is_whole; /* one file */
    size_t n;
    struct piece *pieces;
};

static void piece_clear(struct piece *p)
{
    fd_auto(&p->fd);
    mem_free(p->part.path);
}

void remains_close(struct remains *m)
{
    for (size_t i = 0; i < m->n; i++)
        piece_clear(&m->pieces[i]);
    mem_free(m->pieces);
    mem_free(m);
}

/* A file that is not there is no error. */
static bool piece_open(struct piece *p, struct err *e)
{
    bool exists = false;
    struct stat st;
    p->fd = -1;
    if (!file_exists(p->part.path, &exists, e))
        return false;
    p->part.is_missing = !exists;
    if (!exists)
        return true;
    p->fd = file_open_read(p->part.path, FILE_PLAIN, e);
    if (p->fd < 0)
        return false;
    if (fstat(p->fd, &st) != 0)
        return file_fail(e, errno, "examine", p->part.path);
    p->part.found = (uint64_t)st.st_size;
    posix_fadvise(p->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return true;
}

/* Where each part lies, when the longest has so many bytes; forgets those beyond the end. */
static void place_parts(struct remains *m, uint64_t part, uint64_t total)
{
    size_t n = (size_t)((total + part - 1) / part);
    while (m->n > n)
        piece_clear(&m->pieces[--m->n]);
    for (size_t i = 0; i < m->n; i++) {
        m->pieces[i].part.at = i * part;
        m->pieces[i].part.bytes = total - i * part < part ? total - i * part : part;
    }
}

static bool open_parts(struct remains *m, const char *path, uint64_t total, struct err *e)
{
    uint64_t longest = 0;
    m->pieces = mem_new_array(LIMIT_PARTS, sizeof *m->pieces);
    for (; m->n < LIMIT_PARTS; m->n++) {
        struct piece *p = &m->pieces[m->n];
        p->part.path = part_name(path, m->n + 1);
        if (!piece_open(p, e)) {
            m->n++;
            return false;
        }
        longest = p->part.found > longest ? p->part.found : longest;
    }
    if (longest < MIN_PART)
        return err_set(e, ERR_IO, "%s: no such file, and no parts of it", SHOWN(path));
    if (longest > total)
        longest = total;
    if (total / longest >= LIMIT_PARTS)
        return err_set(e, ERR_INTEGRITY, "%s: its longest part has %llu bytes: at most %d of them make a bundle", SHOWN(path), (unsigned long long)longest,
                       LIMIT_PARTS);
    place_parts(m, longest, total);
    return true;
}

static bool open_whole(struct remains *m, const char *path, uint64_t total, bool *exists, struct err *e)
{
    m->pieces = mem_new(sizeof *m->pieces);
    m->n = 1;
    m->pieces[0].part = (struct remains_part){ .path = mem_text(path), .bytes = total };
    if (!piece_open(&m->pieces[0], e))
        return false;
    *exists = !m->pieces[0].part.is_missing;
    m->is_whole = *exists;
    return true;
}

struct remains *remains_open(const char *path, uint64_t total, struct err *e)
{
    bool exists = false;
    AUTO(remains_close_auto) struct remains *m = mem_new(sizeof *m);
    if (!open_whole(m, path, total, &exists, e))
        return NULL;
    if (exists)
        return TAKE(m);
    piece_clear(&m->pieces[0]);
    m->n = 0;
    mem_free(TAKE(m->pieces));
    return open_parts(m, path, total, e) ? TAKE(m) : NULL;
}

bool remains_read(const struct remains *m, void *to, size_t n, uint64_t at)
{
    uint8_t *next = to;
    for (size_t i = 0; i < m->n && n > 0; i++) {
        const struct remains_part *p = &m->pieces[i].part;
        if (at >= p->at + p->bytes)
            continue;
        uint64_t left = p->at + p->bytes - at;
        size_t step = left < n ? (size_t)left : n;
        if (p->is_missing || !parity_read_tolerant(m->pieces[i].fd, next, step, at - p->at))
            return false;
        next += step;
        at += step;
        n -= step;
    }
    return n == 0;
}

size_t remains_n_parts(const struct remains *m)
{
    return m->is_whole ? 0 : m->n;
}

const struct remains_part *remains_part(const struct remains *m, size_t i)
{
    return &m->pieces[i].part;
}

uint64_t remains_found(const struct remains *m)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < m->n; i++)
        bytes += m->pieces[i].part.found;
    return bytes;
}
