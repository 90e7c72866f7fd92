/* A bundle as one virtual file over the files it lies in. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "bundle/file_parts.h"
#include "sys/file.h"

#include "base/banned.h"

const char *bundle_file_name(const struct bundle_file *f)
{
    return f->name;
}

uint64_t bundle_file_bytes(const struct bundle_file *f)
{
    return f->bytes;
}

size_t bundle_file_parts(const struct bundle_file *f)
{
    return f->n;
}

uint64_t bundle_file_part_bytes(const struct bundle_file *f)
{
    return f->part_bytes;
}

bool bundle_file_was_copied(const struct bundle_file *f)
{
    bool yes = false;
    for (size_t i = 0; i < f->n; i++)
        yes = yes || f->parts[i].was_copied;
    return yes;
}

/* --- the object --------------------------------------------------------------------------------------------------- */

void bundle_file_grow(struct bundle_file *f, size_t n)
{
    if (n <= f->n)
        return;
    f->parts = mem_resize(f->parts, n * sizeof *f->parts);
    for (; f->n < n; f->n++)
        f->parts[f->n] = (struct part){ .fd = -1 };
}

struct bundle_file *bundle_file_new(const char *name, size_t n)
{
    struct bundle_file *f = mem_new(sizeof *f);
    f->name = mem_text(name);
    bundle_file_grow(f, n);
    return f;
}

void bundle_file_close(struct bundle_file *f)
{
    for (size_t i = 0; i < f->n; i++)
        part_close(&f->parts[i]);
    for (size_t i = 0; i < f->n_folders; i++)
        mem_free(f->folders[i]);
    work_mutex_free(f->lock);
    mem_free(f->folders);
    mem_free(f->spool_dir);
    mem_free(f->base);
    mem_free(f->parts);
    mem_free(f->name);
    mem_free(f);
}

void bundle_file_measure(struct bundle_file *f)
{
    f->part_bytes = 0;
    for (size_t i = 0; i < f->n; i++)
        f->part_bytes = f->parts[i].bytes > f->part_bytes ? f->parts[i].bytes : f->part_bytes;
    f->bytes = f->part_bytes * (f->n - 1) + f->parts[f->n - 1].bytes;
}

struct bundle_file *bundle_file_of_parts(const int *fds, size_t n, const char *name, struct err *e)
{
    AUTO(bundle_file_close_auto) struct bundle_file *f = bundle_file_new(name, n);
    f->is_in_parts = n > 1;
    for (size_t i = 0; i < n; i++) {
        f->parts[i] = (struct part){ .fd = fds[i], .is_borrowed = true };
        if (!part_look(&f->parts[i], name, e))
            return NULL;
    }
    bundle_file_measure(f);
    return TAKE(f);
}

struct bundle_file *bundle_file_of(int fd, const char *name, struct err *e)
{
    return bundle_file_of_parts(&fd, 1, name, e);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static bool read_part(struct bundle_file *f, size_t i, void *to, size_t n, uint64_t at, const char *what, struct err *e)
{
    struct bundle_place nth;
    if (f->parts[i].fd < 0 && !bundle_file_bring(f, i, e))
        return false;
    if (part_read(&f->parts[i], to, n, at, what, e))
        return true;
    return f->is_in_parts ? err_in(e, "%s", bundle_file_nth(f, i, &nth)) : false;
}

static bool read_parts(struct bundle_file *f, uint8_t *to, size_t n, uint64_t at, const char *what, struct err *e)
{
    while (n > 0) {
        uint64_t within = at % f->part_bytes;
        uint64_t room = f->part_bytes - within;
        size_t take = n < room ? n : (size_t)room;
        if (!read_part(f, (size_t)(at / f->part_bytes), to, take, within, what, e))
            return false;
        to += take;
        at += take;
        n -= take;
    }
    return true;
}

bool bundle_file_read(struct bundle_file *f, void *to, size_t n, uint64_t at, const char *what, struct err *e)
{
    if (n > f->bytes || at > f->bytes - n)
        return err_set(e, ERR_INTEGRITY, "%s: ends at %llu, expected %llu", what, (unsigned long long)f->bytes, (unsigned long long)(at + n));
    if (f->lock == NULL)
        return read_parts(f, to, n, at, what, e);
    work_mutex_lock(f->lock);
    bool ok = read_parts(f, to, n, at, what, e);
    work_mutex_unlock(f->lock);
    return ok;
}

void bundle_file_read_ahead(const struct bundle_file *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->parts[i].fd >= 0)
            posix_fadvise(f->parts[i].fd, 0, 0, POSIX_FADV_SEQUENTIAL);
}

bool bundle_file_read_medium(struct bundle_file *f, struct err *e)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->parts[i].fd >= 0 && !part_read_medium(&f->parts[i], f->name, e))
            return false;
    return true;
}

bool bundle_file_unchanged(const struct bundle_file *f, struct err *e)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->parts[i].fd >= 0 && !part_unchanged(&f->parts[i], f->name, e))
            return false;
    return true;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

bool bundle_file_write(struct bundle_file *f, const void *bytes, size_t n, uint64_t at, const char *what, struct err *e)
{
    const uint8_t *from = bytes;
    BUG_IF(n > f->bytes || at > f->bytes - n);
    while (n > 0) {
        uint64_t within = at % f->part_bytes;
        uint64_t room = f->part_bytes - within;
        size_t take = n < room ? n : (size_t)room;
        if (!fd_pwrite_all(f->parts[at / f->part_bytes].fd, from, take, within, what, e))
            return false;
        from += take;
        at += take;
        n -= take;
    }
    return true;
}

bool bundle_file_sync(struct bundle_file *f, const char *what, struct err *e)
{
    for (size_t i = 0; i < f->n; i++)
        if (!fd_sync(f->parts[i].fd, what, e))
            return false;
    return true;
}

/* --- messages ----------------------------------------------------------------------------------------------------- */

const char *bundle_file_nth(const struct bundle_file *f, size_t i, struct bundle_place *out)
{
    if (f->is_settled)
        snprintf(out->text, sizeof out->text, "part %zu of %zu", i + 1, f->n);
    else
        snprintf(out->text, sizeof out->text, "part %zu", i + 1);
    return out->text;
}

const char *bundle_file_place(const struct bundle_file *f, uint64_t at, size_t n, struct bundle_place *out)
{
    out->text[0] = '\0';
    if (!f->is_in_parts)
        return out->text;
    unsigned long long first = at / f->part_bytes + 1;
    unsigned long long last = (at + n - 1) / f->part_bytes + 1;
    if (first == last)
        snprintf(out->text, sizeof out->text, ", part %llu", first);
    else
        snprintf(out->text, sizeof out->text, ", parts %llu to %llu", first, last);
    return out->text;
}
