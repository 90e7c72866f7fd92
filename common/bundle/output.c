/* Writing to one file or to parts. A part is opened when the first byte in it is written; all stay open until they get their names. */
#include "bundle/output.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundle/part_name.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

enum { SPARE_FILES = 128 }; /* that the rest of a program has open */

struct output {
    char *path;
    uint64_t part_bytes; /* 0: one file */
    uint64_t end;        /* behind the last byte that was written */
    uint64_t file_max;   /* what the file system can hold in one file */
    size_t n;
    size_t cap;
    struct publish **parts;
};

/* The name of part i, from 0 (mem_free). */
static char *path_in(const char *path, uint64_t part_bytes, size_t i)
{
    return part_bytes == 0 ? mem_text(path) : part_name(path, i + 1);
}

static char *path_of(const struct output *o, size_t i)
{
    return path_in(o->path, o->part_bytes, i);
}

static size_t count_names(uint64_t part_bytes)
{
    return part_bytes == 0 ? 1 : LIMIT_PARTS;
}

bool output_check_free(const char *path, uint64_t part_bytes, struct err *e)
{
    for (size_t i = 0; i < count_names(part_bytes); i++) {
        bool exists = false;
        AUTO(mem_auto) char *name = path_in(path, part_bytes, i);
        if (!file_exists(name, &exists, e))
            return false;
        if (exists)
            return err_set(e, ERR_IO, "%s: exists already", SHOWN(name)) || err_hint(e, "move it away, or replace it: -o %s", path);
    }
    return true;
}

bool output_clean(const char *path, uint64_t part_bytes, struct err *e)
{
    for (size_t i = 0; i < count_names(part_bytes); i++) {
        AUTO(mem_auto) char *name = path_in(path, part_bytes, i);
        if (!publish_clean(name, e))
            return false;
    }
    return true;
}

static bool open_next(struct output *o, struct err *e)
{
    if (o->n == LIMIT_PARTS) {
        err_set(e, ERR_SPACE, "%s: more than %d parts of %llu bytes", SHOWN(o->path), LIMIT_PARTS, (unsigned long long)o->part_bytes);
        return err_hint(e, "choose larger parts");
    }
    file_allow_open(2 * o->n + SPARE_FILES); /* each has its directory open, too */
    AUTO(mem_auto) char *path = path_of(o, o->n);
    AUTO(publish_drop_auto) struct publish *p = publish_open(path, 0644, e);
    if (p == NULL)
        return false;
    MEM_PUSH(o->parts, o->n, o->cap) = TAKE(p);
    return true;
}

struct output *output_open(const char *path, uint64_t part_bytes, struct err *e)
{
    AUTO(output_drop_auto) struct output *o = mem_new(sizeof *o);
    *o = (struct output){ .path = mem_text(path), .part_bytes = part_bytes };
    if (!open_next(o, e))
        return NULL;
    o->file_max = file_max_bytes(publish_fd(o->parts[0]));
    return TAKE(o);
}

void output_drop(struct output *o)
{
    while (o->n > 0)
        publish_drop(o->parts[--o->n]);
    mem_free(o->parts);
    mem_free(o->path);
    mem_free(o);
}

/* --- which part --------------------------------------------------------------------------------------------------- */

/* A piece of [at, at + n) that lies in one file. */
struct piece {
    size_t part;
    uint64_t at; /* in it */
    size_t n;
};

static struct piece first_piece(const struct output *o, uint64_t at, size_t n)
{
    if (o->part_bytes == 0)
        return (struct piece){ .at = at, .n = n };
    uint64_t within = at % o->part_bytes;
    uint64_t room = o->part_bytes - within;
    return (struct piece){ .part = (size_t)(at / o->part_bytes), .at = within, .n = n < room ? n : (size_t)room };
}

static bool write_piece(struct output *o, const void *bytes, const struct piece *x, struct err *e)
{
    while (o->n <= x->part)
        if (!open_next(o, e))
            return false;
    if (x->at + x->n > o->file_max) {
        err_set(e, ERR_SPACE, "%s: no file on this file system can have more than %llu bytes", SHOWN(o->path), (unsigned long long)o->file_max);
        return err_hint(e, o->part_bytes == 0 ? "write it in parts: --split 4095MiB" : "choose smaller parts: 4095MiB");
    }
    int fd = publish_fd(o->parts[x->part]);
    if (fd_pwrite_all(fd, bytes, x->n, x->at, o->path, e)) {
        fd_begin_sync(fd, x->at, x->n);
        return true;
    }
    if (errno == EFBIG)
        err_hint(e, o->part_bytes == 0 ? "write it in parts: --split 4095MiB" : "choose smaller parts: 4095MiB");
    return o->part_bytes == 0 ? false : err_in(e, "part %zu", x->part + 1);
}

bool output_write(struct output *o, const void *bytes, size_t n, uint64_t at, struct err *e)
{
    const uint8_t *from = bytes;
    while (n > 0) {
        struct piece x = first_piece(o, at, n);
        if (!write_piece(o, from, &x, e))
            return false;
        from += x.n;
        at += x.n;
        n -= x.n;
    }
    if (at > o->end)
        o->end = at;
    return true;
}

bool output_read(struct output *o, void *to, size_t n, uint64_t at, struct err *e)
{
    uint8_t *into = to;
    BUG_IF(at + n > o->end);
    while (n > 0) {
        struct piece x = first_piece(o, at, n);
        if (!fd_pread_exact(publish_fd(o->parts[x.part]), into, x.n, x.at, o->path, e))
            return false;
        into += x.n;
        at += x.n;
        n -= x.n;
    }
    return true;
}

bool output_truncate(struct output *o, uint64_t end, struct err *e)
{
    struct piece last = first_piece(o, end, 0);
    size_t n = last.at > 0 || last.part == 0 ? last.part + 1 : last.part; /* no empty part but the first */
    while (o->n > n)
        publish_drop(o->parts[--o->n]);
    o->end = end < o->end ? end : o->end;
    if (o->n <= last.part)
        return true;
    return ftruncate(publish_fd(o->parts[last.part]), (off_t)last.at) == 0 || file_fail(e, errno, "truncate", o->path);
}

struct bundle_file *output_file(const struct output *o, struct err *e)
{
    AUTO(mem_auto) int *fds = mem_new_array(o->n, sizeof *fds);
    for (size_t i = 0; i < o->n; i++)
        fds[i] = publish_fd(o->parts[i]);
    return bundle_file_of_parts(fds, o->n, path_base(o->path), e);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

/* What this run has named is taken away again: half a set is of no use to anybody. */
static void remove_from(const struct output *o, size_t i)
{
    for (; i < o->n; i++) {
        struct err ignored = { 0 };
        AUTO(mem_auto) char *path = path_of(o, i);
        if (!file_remove(path, &ignored))
            log_warn("%s", ignored.msg);
    }
}

/* An earlier set: its first part, without which nothing of it is read, and those behind our last one, also behind a gap: they would be
 * taken for parts of this bundle. */
static bool remove_earlier(const struct output *o, struct err *e)
{
    for (size_t i = 0; i < LIMIT_PARTS && o->part_bytes != 0; i = i == 0 ? o->n : i + 1) {
        AUTO(mem_auto) char *path = path_of(o, i);
        if (!file_remove(path, e))
            return false;
    }
    return true;
}

static bool sync_all(const struct output *o, struct err *e)
{
    for (size_t i = 0; i < o->n; i++)
        if (!fd_sync(publish_fd(o->parts[i]), o->path, e))
            return false;
    return true;
}

bool output_publish(struct output *o, bool may_replace, struct err *e)
{
    if (!sync_all(o, e) || (may_replace && !remove_earlier(o, e)))
        return false;
    for (size_t i = o->n; i-- > 0;) /* the first part last: without it nothing can be read */
        if (!publish_commit(o->parts[i], may_replace ? PUBLISH_REPLACE : PUBLISH_NEW, e)) {
            remove_from(o, i + 1);
            return false;
        }
    return true;
}

size_t output_parts(const struct output *o)
{
    return o->part_bytes == 0 ? 0 : o->n;
}

int output_fd(const struct output *o, size_t i)
{
    return publish_fd(o->parts[i]);
}
