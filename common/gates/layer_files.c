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

bool spool_reserve(struct spool *s, uint64_t n, uint64_t *at, struct err *e)
{
    BUG_IF(n > LIMIT_SPOOL_BYTES); /* with LIMIT_LAYERS of them the sum is far from its end */
    *at = atomic_fetch_add(&s->end, n);
    return *at <= LIMIT_SPOOL_BYTES - n ||
           err_set(e, ERR_REGISTRY, "the package databases of all layers have more than %llu bytes", (unsigned long long)LIMIT_SPOOL_BYTES);
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

bool layer_files_merge(struct layer_files *out, const struct layer_files *const *layers, size_t n, struct err *e)
{
    size_t kept = 0;
    *out = (struct layer_files){ 0 };
    for (size_t i = 0; i < n; i++)
        kept += layers[i]->n_files + layers[i]->n_removed;
    if (kept > LIMIT_IMAGE_KEPT)
        return err_set(e, ERR_REGISTRY, "%zu package files in %zu layers, at most %d", kept, n, LIMIT_IMAGE_KEPT);
    for (size_t i = 0; i < n; i++)
        lay_over(out, layers[i]);
    return true;
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
