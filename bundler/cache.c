/* The blob cache. Several runs may use one: the lock on a .part decides who fetches. */
#include "bundler/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

struct cache {
    char *dir;
    char *blobs; /* dir/sha256 */
};

struct cache_part {
    int fd;
    char *path;  /* .part */
    char *final;
};

static char *below(const char *variable, const char *path)
{
    const char *dir = getenv(variable);
    return dir != NULL && dir[0] == '/' ? mem_format("%s%s", dir, path) : NULL;
}

static char *default_dir(struct err *e)
{
    char *dir = below("XDG_CACHE_HOME", "/archon-bundle");
    if (dir == NULL)
        dir = below("HOME", "/.cache/archon-bundle");
    if (dir == NULL) {
        err_set(e, ERR_USAGE, "blob cache: neither XDG_CACHE_HOME nor HOME is set");
        err_hint(e, "name a directory: --cache DIR");
    }
    return dir;
}

struct cache *cache_open(const char *dir, struct err *e)
{
    AUTO(cache_close_auto) struct cache *c = mem_new(sizeof *c);
    c->dir = dir != NULL ? mem_text(dir) : default_dir(e);
    if (c->dir == NULL)
        return NULL;
    c->blobs = path_join(c->dir, "sha256");
    if (!path_make_dirs(c->blobs, 0700, e)) {
        err_in(e, "blob cache");
        return NULL;
    }
    return TAKE(c);
}

void cache_close(struct cache *c)
{
    if (c == NULL)
        return;
    mem_free(c->dir);
    mem_free(c->blobs);
    mem_free(c);
}

const char *cache_dir(const struct cache *c)
{
    return c->dir;
}

char *cache_path(const struct cache *c, const struct digest *d)
{
    return path_join(c->blobs, DIGEST_HEX(d));
}

static bool failed(const char *path, struct err *e)
{
    return err_set(e, ERR_IO, "blob cache: %s: %s", path, strerror(errno));
}

bool cache_find(const struct cache *c, const struct digest *d, uint64_t size, bool *is_there, struct err *e)
{
    AUTO(mem_auto) char *path = cache_path(c, d);
    struct stat st;
    *is_there = false;
    if (lstat(path, &st) != 0)
        return errno == ENOENT || failed(path, e);
    *is_there = S_ISREG(st.st_mode) && (uint64_t)st.st_size == size;
    return *is_there || cache_remove(c, d, e);
}

bool cache_remove(const struct cache *c, const struct digest *d, struct err *e)
{
    AUTO(mem_auto) char *path = cache_path(c, d);
    return file_remove(path, e) || err_in(e, "blob cache");
}

bool cache_read(const struct cache *c, const struct digest *d, struct buf *out, bool *is_there, struct err *e)
{
    AUTO(mem_auto) char *path = cache_path(c, d);
    if (!file_exists(path, is_there, e))
        return err_in(e, "blob cache");
    if (!*is_there)
        return true;
    struct err trouble = { 0 };
    struct digest got = { { 0 } };
    if (file_read(path, FILE_NO_LINK, out->max, out, &trouble))
        sha256_of(&got, buf_text(out), out->len);
    *is_there = trouble.code == ERR_NONE && digest_equal(&got, d);
    if (*is_there)
        return true;
    buf_reset(out); /* too long, damaged, not a file: as if it were not there */
    return cache_remove(c, d, e);
}

bool cache_write(const struct cache *c, const struct digest *d, const void *bytes, size_t n, struct err *e)
{
    AUTO(mem_auto) char *path = cache_path(c, d);
    return file_publish(path, bytes, n, 0600, e) || err_in(e, "blob cache");
}

/* Opens and locks p->path. A run that published in between took the file away under its final name: then we hold the lock
 * of something that is no longer the .part, and look again. */
static bool open_and_lock(struct cache_part *p, bool *is_busy, struct err *e)
{
    for (;;) {
        p->fd = open(p->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
        struct stat ours, named;
        if (p->fd < 0 || fstat(p->fd, &ours) != 0)
            return failed(p->path, e);
        if (!S_ISREG(ours.st_mode))
            return err_set(e, ERR_IO, "blob cache: %s: is not a regular file", p->path);
        *is_busy = !fd_try_lock(p->fd);
        if (*is_busy)
            return true;
        if (lstat(p->path, &named) == 0 && named.st_ino == ours.st_ino && named.st_dev == ours.st_dev)
            return true;
        fd_auto(&p->fd);
    }
}

bool cache_part_open(const struct cache *c, const struct digest *d, uint64_t size, enum cache_part_state *state, struct cache_part **part,
                     struct err *e)
{
    AUTO(cache_part_close_auto) struct cache_part *p = mem_new(sizeof *p);
    bool is_busy = false, is_there = false;
    p->fd = -1;
    p->final = cache_path(c, d);
    p->path = mem_format("%s.part", p->final);
    if (!open_and_lock(p, &is_busy, e) || !cache_find(c, d, size, &is_there, e))
        return false;
    *state = is_there ? CACHE_PRESENT : is_busy ? CACHE_BUSY : CACHE_PART;
    if (is_there && !is_busy && unlink(p->path) != 0 && errno != ENOENT)
        return failed(p->path, e);
    *part = *state == CACHE_PART ? TAKE(p) : NULL;
    return true;
}

int cache_part_fd(const struct cache_part *p)
{
    return p->fd;
}

bool cache_part_publish(struct cache_part *p, struct err *e)
{
    return fd_sync(p->fd, p->path, e) && file_move(p->path, p->final, e) && fd_close(&p->fd, p->final, e);
}

void cache_part_close(struct cache_part *p)
{
    if (p == NULL)
        return;
    fd_auto(&p->fd);
    mem_free(p->path);
    mem_free(p->final);
    mem_free(p);
}
