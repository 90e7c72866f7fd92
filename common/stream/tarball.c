/* One pass for the table of contents, and one for each thing that is read: over a plain file that is a seek per entry. */
#include "stream/tarball.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "stream/untar.h"
#include "sys/file.h"

#include "base/banned.h"

enum { LINKS_MAX = 8 };
#define NAMES_MAX (32 * MIB) /* of all entries together: an image has a few hundred */
#define SPACE_RESERVE_BYTES (64 * MIB) /* left free where an archive is unpacked */

struct tarball {
    int fd;
    char *what;
    struct tarball_file *files; /* sorted by path */
    size_t n_files, cap_files;
};

void tarball_close(struct tarball *t)
{
    for (size_t i = 0; i < t->n_files; i++) {
        mem_free(t->files[i].path);
        mem_free(t->files[i].target);
    }
    mem_free(t->files);
    mem_free(t->what);
    fd_auto(&t->fd);
    mem_free(t);
}

const char *tarball_what(const struct tarball *t)
{
    return t->what;
}

/* ---- table of contents ---- */

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const struct tarball_file *)a)->path, ((const struct tarball_file *)b)->path);
}

static bool check_size(struct tarball *t, const struct untar_entry *entry, uint64_t file_bytes, struct err *e)
{
    if (entry->kind != UNTAR_FILE || entry->size <= file_bytes)
        return true;
    return err_set(e, ERR_REGISTRY, "%s: %s has %ju bytes, the whole archive %ju", t->what, SHOWN(entry->path), (uintmax_t)entry->size, (uintmax_t)file_bytes);
}

static bool check_names(const struct tarball *t, const struct untar_entry *entry, uint64_t *sum, struct err *e)
{
    *sum += strlen(entry->path) + (entry->target == NULL ? 0 : strlen(entry->target));
    return *sum <= NAMES_MAX || err_set(e, ERR_REGISTRY, "%s: the names of its entries are longer than %ju bytes together", t->what, (uintmax_t)NAMES_MAX);
}

static bool list_files(struct tarball *t, uint64_t file_bytes, struct err *e)
{
    AUTO(untar_close_auto) struct untar *u = untar_open(t->fd, t->what, e);
    struct untar_entry entry;
    uint64_t name_bytes = 0;
    while (u != NULL && untar_next(u, &entry, e) && check_size(t, &entry, file_bytes, e) && check_names(t, &entry, &name_bytes, e))
        if (entry.kind != UNTAR_OTHER)
            MEM_PUSH(t->files, t->n_files, t->cap_files) = (struct tarball_file){ .path = mem_text(entry.path), .target = mem_text(entry.target),
                                                                                  .size = entry.size, .is_link = entry.kind == UNTAR_LINK };
    if (e->code != ERR_NONE)
        return false;
    if (t->n_files > 0)
        qsort(t->files, t->n_files, sizeof *t->files, compare_files);
    for (size_t i = 1; i < t->n_files; i++)
        if (text_is(t->files[i - 1].path, t->files[i].path))
            return err_set(e, ERR_REGISTRY, "%s: has %s twice", t->what, SHOWN(t->files[i].path));
    return true;
}

struct tarball *tarball_open(int fd, const char *what, struct err *e)
{
    AUTO(tarball_close_auto) struct tarball *t = mem_new(sizeof *t);
    struct stat st;
    t->fd = fd;
    t->what = mem_text(what);
    if (fstat(fd, &st) != 0) {
        file_fail(e, errno, "read", what);
        return NULL;
    }
    return list_files(t, (uint64_t)st.st_size, e) ? TAKE(t) : NULL;
}

/* ---- compressed ones ---- */

static bool is_compressed(int fd, bool *yes, const char *path, struct err *e)
{
    static const struct {
        uint8_t bytes[4];
        size_t n;
        const char *refused;
    } magics[] = {
        { { 0x1f, 0x8b }, 2, NULL },
        { { 0x28, 0xb5, 0x2f, 0xfd }, 4, NULL },
        { { 0xfd, '7', 'z', 'X' }, 4, "xz" },
        { { 'B', 'Z', 'h' }, 3, "bzip2" },
    };
    uint8_t first[4] = { 0 };
    size_t got = 0;
    if (!fd_read_full(fd, first, sizeof first, &got, path, e))
        return false;
    *yes = false;
    for (size_t i = 0; i < ARRAY_LEN(magics); i++) {
        if (memcmp(first, magics[i].bytes, magics[i].n) != 0)
            continue;
        if (magics[i].refused != NULL) {
            err_set(e, ERR_REGISTRY, "%s: is compressed with %s, expected tar, or tar with gzip or zstd", SHOWN(path), magics[i].refused);
            return err_hint(e, "unpack it first: %s -dk FILE", magics[i].refused);
        }
        *yes = true;
    }
    return true;
}

/* An archive that would fill the disk is stopped before it does. */
static bool unpack(int from, const char *path, const char *tmp_dir, int to, struct err *e)
{
    uint64_t room = 0;
    char size[24];
    if (!file_free_bytes(tmp_dir, &room, e))
        return false;
    uint64_t max = room > SPACE_RESERVE_BYTES ? room - SPACE_RESERVE_BYTES : 0;
    if (max > LIMIT_LAYER_BYTES)
        max = LIMIT_LAYER_BYTES;
    if (lseek(from, 0, SEEK_SET) != 0)
        return file_fail(e, errno, "seek in", path);
    AUTO(source_free_auto) struct source *source = source_fd(from, path);
    AUTO(sink_drop_auto) struct sink *chain = sink_inflate(INFLATE_DETECT, path, sink_limit(max, SINK_AT_MOST, path, sink_fd(to, tmp_dir)));
    if (pump(source, chain, e) && sink_finish(chain, e))
        return true;
    if (e->code != ERR_INTEGRITY)
        return false;
    *e = (struct err){ 0 };
    err_set(e, ERR_SPACE, "%s: unpacks to more than %s, which is what %s has room for", SHOWN(path), text_bytes(size, max), SHOWN(tmp_dir));
    return err_hint(e, "unpack it where there is more room, and name the plain tar file");
}

static int take(int *fd)
{
    int own = *fd;
    *fd = -1;
    return own;
}

struct tarball *tarball_open_path(const char *path, const char *tmp_dir, struct err *e)
{
    bool yes = false;
    AUTO(fd_auto) int fd = file_open_read(path, FILE_PLAIN, e);
    if (fd < 0 || !is_compressed(fd, &yes, path, e))
        return NULL;
    if (yes) {
        AUTO(fd_auto) int plain = file_temp(tmp_dir, e);
        if (plain < 0 || !unpack(fd, path, tmp_dir, plain, e))
            return NULL;
        fd_auto(&fd);
        fd = take(&plain);
    }
    return tarball_open(take(&fd), path, e);
}

/* ---- finding and reading ---- */

const struct tarball_file *tarball_find(const struct tarball *t, const char *path)
{
    for (int i = 0; i < LINKS_MAX && path != NULL && t->n_files > 0; i++) {
        struct tarball_file key = { .path = (char *)(uintptr_t)path };
        const struct tarball_file *found = bsearch(&key, t->files, t->n_files, sizeof *t->files, compare_files);
        if (found == NULL || !found->is_link)
            return found;
        path = found->target;
    }
    return NULL;
}

bool tarball_read(struct tarball *t, const struct tarball_file *file, struct buf *out, struct err *e)
{
    AUTO(untar_close_auto) struct untar *u = untar_open(t->fd, t->what, e);
    struct untar_entry entry;
    if (file->size > out->max)
        return err_set(e, ERR_REGISTRY, "%s: %s has %ju bytes, at most %zu", t->what, SHOWN(file->path), (uintmax_t)file->size, out->max);
    while (u != NULL && untar_next(u, &entry, e)) {
        if (entry.kind != UNTAR_FILE || !text_is(entry.path, file->path))
            continue;
        AUTO(source_free_auto) struct source *from = untar_content(u);
        AUTO(sink_drop_auto) struct sink *to = sink_buf(out, file->path);
        return pump(from, to, e) && sink_finish(to, e);
    }
    return err_set(e, ERR_REGISTRY, "%s: has no file %s any more", t->what, SHOWN(file->path));
}

bool tarball_each(struct tarball *t, tarball_fn fn, void *ctx, struct err *e)
{
    AUTO(untar_close_auto) struct untar *u = untar_open(t->fd, t->what, e);
    struct untar_entry entry;
    while (u != NULL && untar_next(u, &entry, e)) {
        if (entry.kind != UNTAR_FILE)
            continue;
        AUTO(source_free_auto) struct source *content = untar_content(u);
        if (!fn(ctx, entry.path, content, e))
            return false;
    }
    return e->code == ERR_NONE;
}
