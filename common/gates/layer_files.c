/* The spool, and what an image has when its layers are laid over each other. */
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "gates/layer_files_parts.h"
#include "sys/file.h"

#include "base/banned.h"

struct spool {
    int fd;
    atomic_uint_fast64_t end;
};

struct spool *spool_open(const char *dir, struct err *e)
{
    AUTO(fd_auto) int fd = file_temp(dir, e);
    if (fd < 0)
        return NULL;
    struct spool *s = mem_new(sizeof *s);
    s->fd = fd;
    fd = -1;
    return s;
}

void spool_close(struct spool *s)
{
    fd_auto(&s->fd);
    mem_free(s);
}

uint64_t spool_reserve(struct spool *s, uint64_t n)
{
    return atomic_fetch_add(&s->end, n);
}

bool spool_write(struct spool *s, uint64_t at, const void *bytes, size_t n, struct err *e)
{
    return fd_pwrite_all(s->fd, bytes, n, at, "spool of package databases", e);
}

bool spool_read(const struct spool *s, uint64_t at, void *to, size_t n, struct err *e)
{
    return fd_pread_exact(s->fd, to, n, at, "spool of package databases", e);
}

/* ---- laying layers over each other ---- */

bool layer_path_is_below(const char *path, const char *place)
{
    size_t n = strlen(place);
    return n == 0 || (strncmp(path, place, n) == 0 && (path[n] == '\0' || path[n] == '/'));
}

static void file_clear(struct layer_file *f)
{
    mem_free(f->path);
    mem_free(f->link);
}

void layer_files_drop(struct layer_files *f, const char *place)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->n_files; i++) {
        if (layer_path_is_below(f->files[i].path, place))
            file_clear(&f->files[i]);
        else
            f->files[kept++] = f->files[i];
    }
    f->n_files = kept;
}

static void lay_over(struct layer_files *out, const struct layer_files *layer)
{
    for (size_t i = 0; i < layer->n_removed; i++)
        layer_files_drop(out, layer->removed[i]);
    for (size_t i = 0; i < layer->n_files; i++) {
        struct layer_file copy = layer->files[i];
        layer_files_drop(out, copy.path);
        copy.path = mem_text(copy.path);
        copy.link = NULL;
        MEM_PUSH(out->files, out->n_files, out->cap_files) = copy;
    }
}

void layer_files_merge(struct layer_files *out, const struct layer_files *const *layers, size_t n)
{
    *out = (struct layer_files){ 0 };
    for (size_t i = 0; i < n; i++)
        lay_over(out, layers[i]);
}

void layer_files_clear(struct layer_files *f)
{
    for (size_t i = 0; i < f->n_files; i++)
        file_clear(&f->files[i]);
    for (size_t i = 0; i < f->n_removed; i++)
        mem_free(f->removed[i]);
    mem_free(f->files);
    mem_free(f->removed);
    *f = (struct layer_files){ 0 };
}

void layer_files_clear_auto(struct layer_files *f)
{
    layer_files_clear(f);
}
