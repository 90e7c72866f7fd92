/* The files are found as those of every bundle are; what they should be follows from the length that the bundle must have. */
#include "bundle/remains.h"

#include "base/mem.h"
#include "base/text.h"
#include "bundle/file_parts.h"
#include "bundle/parity.h"
#include "bundle/part_layout.h"

#include "base/banned.h"

struct remains {
    struct bundle_file *file;
    uint64_t part_bytes; /* of every part but the last */
    size_t n;
    struct remains_part *parts;
};

void remains_close(struct remains *m)
{
    if (m->file != NULL)
        bundle_file_close(m->file);
    mem_free(m->parts);
    mem_free(m);
}

static bool lay_out(const struct bundle_file *f, uint64_t total, struct part_layout *layout, struct err *e)
{
    *layout = (struct part_layout){ .n = 1, .part_bytes = total };
    if (!f->is_in_parts)
        return true;
    AUTO(mem_auto) uint64_t *sizes = mem_new_array(f->n, sizeof *sizes);
    for (size_t i = 0; i < f->n; i++)
        sizes[i] = f->parts[i].bytes;
    return part_layout_of(sizes, f->n, total, layout, e) || err_in(e, "%s", SHOWN(f->name));
}

struct remains *remains_open(const struct bundle_where *where, uint64_t total, struct err *e)
{
    struct part_layout layout;
    AUTO(remains_close_auto) struct remains *m = mem_new(sizeof *m);
    m->file = bundle_file_open_what_is_there(where, PART_REMAINS, e);
    if (m->file == NULL || !lay_out(m->file, total, &layout, e))
        return NULL;
    bundle_file_read_ahead(m->file);
    bundle_file_grow(m->file, layout.n);
    m->n = layout.n;
    m->part_bytes = layout.part_bytes;
    m->parts = mem_new_array(m->n, sizeof *m->parts);
    for (size_t i = 0; i < m->n; i++) {
        const struct part *p = &m->file->parts[i];
        m->parts[i] = (struct remains_part){
            .at = i * layout.part_bytes, .bytes = part_layout_bytes(&layout, i, total), .found = p->bytes, .is_missing = p->fd < 0
        };
    }
    return TAKE(m);
}

bool remains_read(const struct remains *m, void *to, size_t n, uint64_t at)
{
    uint8_t *next = to;
    for (size_t i = (size_t)(at / m->part_bytes); i < m->n && n > 0; i++) {
        const struct remains_part *p = &m->parts[i];
        uint64_t left = p->at + p->bytes - at;
        size_t step = left < n ? (size_t)left : n;
        if (p->is_missing || !parity_read_tolerant(m->file->parts[i].fd, next, step, at - p->at))
            return false;
        next += step;
        at += step;
        n -= step;
    }
    return n == 0;
}

size_t remains_n_parts(const struct remains *m)
{
    return m->file->is_in_parts ? m->n : 0;
}

const struct remains_part *remains_part(const struct remains *m, size_t i)
{
    return &m->parts[i];
}

bool remains_is_too_many(const struct remains *m, size_t i)
{
    return i >= m->n && i < m->file->n && m->file->parts[i].fd >= 0;
}

uint64_t remains_found(const struct remains *m)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < m->file->n; i++)
        bytes += m->file->parts[i].bytes;
    return bytes;
}

bool remains_is_of(const struct remains *m, const struct stat *file)
{
    struct stat own;
    for (size_t i = 0; i < m->file->n; i++)
        if (m->file->parts[i].fd >= 0 && fstat(m->file->parts[i].fd, &own) == 0 && own.st_dev == file->st_dev && own.st_ino == file->st_ino)
            return true;
    return false;
}
