/* A bundle as one virtual file over the files it lies in. */
#include "bundle/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundle/part.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

struct bundle_file {
    char *name;
    uint64_t bytes;      /* of all parts */
    uint64_t part_bytes; /* of every part but the last */
    size_t n;
    struct part *parts;
};

const char *bundle_file_name(const struct bundle_file *f)
{
    return f->name;
}

uint64_t bundle_file_bytes(const struct bundle_file *f)
{
    return f->bytes;
}

bool bundle_file_was_copied(const struct bundle_file *f)
{
    bool yes = false;
    for (size_t i = 0; i < f->n; i++)
        yes = yes || f->parts[i].was_copied;
    return yes;
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

static struct bundle_file *file_new(const char *name, size_t n)
{
    struct bundle_file *f = mem_new(sizeof *f);
    f->name = mem_text(name);
    f->n = n;
    f->parts = mem_new_array(n, sizeof *f->parts);
    for (size_t i = 0; i < n; i++)
        f->parts[i].fd = -1;
    return f;
}

void bundle_file_close(struct bundle_file *f)
{
    for (size_t i = 0; i < f->n; i++)
        part_close(&f->parts[i]);
    mem_free(f->parts);
    mem_free(f->name);
    mem_free(f);
}

/* All parts but the last have the size of the largest; one that is shorter is found when it is read. */
static void measure(struct bundle_file *f)
{
    for (size_t i = 0; i < f->n; i++)
        f->part_bytes = f->parts[i].bytes > f->part_bytes ? f->parts[i].bytes : f->part_bytes;
    f->bytes = f->part_bytes * (f->n - 1) + f->parts[f->n - 1].bytes;
}

static bool copy_here(struct bundle_file *f, const char *why, const char *spool_dir, struct err *e)
{
    uint64_t room = 0;
    if (!file_free_bytes(spool_dir, &room, e))
        return false;
    if (room < f->bytes)
        return err_set(e, ERR_SPACE, "%s: %llu bytes are needed for a private copy of the bundle, %llu are free", spool_dir,
                       (unsigned long long)f->bytes, (unsigned long long)room);
    log_info("%s %s: copying it to %s first", SHOWN(f->name), why, spool_dir);
    for (size_t i = 0; i < f->n; i++)
        if (!part_copy(&f->parts[i], f->name, spool_dir, e))
            return false;
    return true;
}

struct bundle_file *bundle_file_open(const char *path, const char *spool_dir, struct err *e)
{
    AUTO(bundle_file_close_auto) struct bundle_file *f = file_new(path_base(path), 1);
    if (!part_open(&f->parts[0], path, e))
        return NULL;
    measure(f);
    const char *why = spool_dir == NULL ? NULL : part_unsteady(&f->parts[0]);
    if (why != NULL && !copy_here(f, why, spool_dir, e))
        return NULL;
    return TAKE(f);
}

struct bundle_file *bundle_file_of_parts(const int *fds, size_t n, const char *name, struct err *e)
{
    AUTO(bundle_file_close_auto) struct bundle_file *f = file_new(name, n);
    for (size_t i = 0; i < n; i++) {
        f->parts[i] = (struct part){ .fd = fds[i], .is_borrowed = true };
        if (!part_look(&f->parts[i], name, e))
            return NULL;
    }
    measure(f);
    return TAKE(f);
}

struct bundle_file *bundle_file_of(int fd, const char *name, struct err *e)
{
    return bundle_file_of_parts(&fd, 1, name, e);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static bool read_part(struct bundle_file *f, size_t i, void *to, size_t n, uint64_t at, const char *what, struct err *e)
{
    if (fd_pread_exact(f->parts[i].fd, to, n, at, what, e))
        return true;
    return f->n == 1 ? false : err_in(e, "part %zu", i + 1);
}

bool bundle_file_read(struct bundle_file *f, void *to, size_t n, uint64_t at, const char *what, struct err *e)
{
    uint8_t *into = to;
    if (n > f->bytes || at > f->bytes - n)
        return err_set(e, ERR_INTEGRITY, "%s: ends at %llu, expected %llu", what, (unsigned long long)f->bytes, (unsigned long long)(at + n));
    while (n > 0) {
        size_t i = (size_t)(at / f->part_bytes);
        uint64_t within = at % f->part_bytes;
        uint64_t room = f->part_bytes - within;
        size_t take = n < room ? n : (size_t)room;
        if (!read_part(f, i, into, take, within, what, e))
            return false;
        into += take;
        at += take;
        n -= take;
    }
    return true;
}

void bundle_file_read_ahead(const struct bundle_file *f)
{
    for (size_t i = 0; i < f->n; i++)
        posix_fadvise(f->parts[i].fd, 0, 0, POSIX_FADV_SEQUENTIAL);
}

bool bundle_file_unchanged(const struct bundle_file *f, struct err *e)
{
    for (size_t i = 0; i < f->n; i++)
        if (!part_unchanged(&f->parts[i], f->name, e))
            return false;
    return true;
}

const char *bundle_file_place(const struct bundle_file *f, uint64_t at, size_t n, struct bundle_place *out)
{
    out->text[0] = '\0';
    if (f->n == 1)
        return out->text;
    unsigned long long first = at / f->part_bytes + 1;
    unsigned long long last = (at + n - 1) / f->part_bytes + 1;
    if (first == last)
        snprintf(out->text, sizeof out->text, ", part %llu", first);
    else
        snprintf(out->text, sizeof out->text, ", parts %llu to %llu", first, last);
    return out->text;
}
