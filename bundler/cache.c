/* The blob cache. Several runs may use one: the lock on a .part decides who fetches. */
#include "bundler/cache_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

enum { WRITE_TRIES = 200, WRITE_WAIT_MS = 50 };

struct cache_part {
    struct cache *cache;
    struct digest digest;
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

static bool open_dir(struct cache *c, struct err *e)
{
    c->blobs = path_join(c->dir, "sha256");
    AUTO(mem_auto) char *lock = path_join(c->dir, CACHE_HOLDS);
    if (path_make_dirs(c->blobs, 0700, e))
        c->holds = holds_open(lock, e);
    return c->holds != NULL || err_in(e, "blob cache");
}

struct cache *cache_open(const char *dir, struct err *e)
{
    AUTO(cache_close_auto) struct cache *c = mem_new(sizeof *c);
    c->dir = dir != NULL ? mem_text(dir) : default_dir(e);
    return c->dir != NULL && open_dir(c, e) ? TAKE(c) : NULL;
}

struct cache *cache_open_passing(void)
{
    struct cache *c = mem_new(sizeof *c);
    c->is_passing = true;
    return c;
}

bool cache_is_passing(const struct cache *c)
{
    return c->is_passing;
}

static void close_passing(struct cache *c)
{
    struct err trouble = { 0 };
    for (size_t i = 0; i < c->n_documents; i++)
        buf_clear(&c->documents[i].bytes);
    mem_free(c->documents);
    if (c->dir != NULL && !path_remove_tree(c->dir, &trouble))
        log_warn("%s", trouble.msg);
}

void cache_close(struct cache *c)
{
    if (c == NULL)
        return;
    if (c->is_passing)
        close_passing(c);
    holds_close(c->holds);
    digest_set_clear(&c->proven);
    mem_free(c->dir);
    mem_free(c->blobs);
    mem_free(c);
}

void cache_release(struct cache *c)
{
    if (c->holds != NULL)
        holds_release_all(c->holds);
}

const char *cache_dir(const struct cache *c)
{
    return c->dir != NULL ? c->dir : "memory";
}

/* Only a passing cache may be without one. */
static bool make_dir(struct cache *c, struct err *e)
{
    if (c->dir != NULL)
        return true;
    AUTO(mem_auto) char *dir = mem_text("/var/tmp/archon-bundle-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return file_fail(e, errno, "create", dir);
    c->dir = TAKE(dir);
    return open_dir(c, e);
}

bool cache_work_dir(struct cache *c, const char **dir, struct err *e)
{
    bool is_good = make_dir(c, e);
    *dir = c->dir;
    return is_good;
}

char *cache_path(const struct cache *c, const struct digest *d)
{
    BUG_IF(c->blobs == NULL);
    return path_join(c->blobs, DIGEST_HEX(d));
}

static bool failed(const char *path, struct err *e)
{
    return err_set(e, ERR_IO, "blob cache: %s: %s", path, strerror(errno));
}

/* ---- in use ---- */

uint64_t cache_number(const struct digest *d)
{
    return num_le64(d->bytes);
}

static bool hold(const struct cache *c, const struct digest *d, struct err *e)
{
    return holds_share(c->holds, cache_number(d), e) || err_in(e, "blob cache");
}

/* A cache that cannot be written serves all the same. */
static void used_now(const char *path)
{
    static const struct timespec now[2] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW } };
    if (utimensat(AT_FDCWD, path, now, AT_SYMLINK_NOFOLLOW) != 0)
        errno = 0;
}

/* ---- blobs ---- */

static const struct cache_document *find_document(const struct cache *c, const struct digest *d)
{
    for (size_t i = 0; i < c->n_documents; i++)
        if (digest_equal(&c->documents[i].digest, d))
            return &c->documents[i];
    return NULL;
}

static bool find_on_disk(const struct cache *c, const struct digest *d, uint64_t size, bool *is_there, struct err *e)
{
    struct stat st;
    *is_there = false;
    if (c->dir == NULL)
        return true;
    AUTO(mem_auto) char *path = cache_path(c, d);
    if (!hold(c, d, e))
        return false;
    if (lstat(path, &st) != 0)
        return errno == ENOENT || failed(path, e);
    *is_there = S_ISREG(st.st_mode) && (uint64_t)st.st_size == size;
    if (!*is_there)
        return cache_remove(c, d, e);
    used_now(path);
    return true;
}

bool cache_find(const struct cache *c, const struct digest *d, uint64_t size, bool *is_there, struct err *e)
{
    const struct cache_document *document = find_document(c, d);
    *is_there = document != NULL && document->bytes.len == size;
    return *is_there || find_on_disk(c, d, size, is_there, e);
}

bool cache_find_file(const struct cache *c, const struct digest *d, uint64_t size, char **path, struct err *e)
{
    bool is_there = false;
    if (!find_on_disk(c, d, size, &is_there, e))
        return false;
    *path = is_there ? cache_path(c, d) : NULL;
    return true;
}

bool cache_remove(const struct cache *c, const struct digest *d, struct err *e)
{
    if (c->dir == NULL)
        return true;
    AUTO(mem_auto) char *path = cache_path(c, d);
    return file_remove(path, e) || err_in(e, "blob cache");
}

bool cache_read(const struct cache *c, const struct digest *d, struct buf *out, bool *is_there, struct err *e)
{
    const struct cache_document *document = find_document(c, d);
    *is_there = document != NULL && document->bytes.len <= out->max;
    if (*is_there)
        buf_add(out, buf_text(&document->bytes), document->bytes.len);
    if (*is_there || c->dir == NULL)
        return true;
    AUTO(mem_auto) char *path = cache_path(c, d);
    if (!hold(c, d, e) || !file_exists(path, is_there, e))
        return err_in(e, "blob cache");
    if (!*is_there)
        return true;
    struct err trouble = { 0 };
    struct digest got = { { 0 } };
    if (file_read(path, FILE_NO_LINK, out->max, out, &trouble))
        sha256_of(&got, buf_text(out), out->len);
    *is_there = trouble.code == ERR_NONE && digest_equal(&got, d);
    if (*is_there) {
        used_now(path);
        return true;
    }
    buf_reset(out); /* too long, damaged, not a file: as if it were not there */
    return cache_remove(c, d, e);
}

static void keep_document(struct cache *c, const struct digest *d, const void *bytes, size_t n)
{
    struct cache_document document = { .digest = *d, .bytes = BUF_LIMIT(CACHE_MEMORY_BYTES) };
    buf_add(&document.bytes, bytes, n);
    c->document_bytes += n;
    MEM_PUSH(c->documents, c->n_documents, c->cap) = document;
}

bool cache_write(struct cache *c, const struct digest *d, const void *bytes, size_t n, struct err *e)
{
    if (c->is_passing && n <= CACHE_MEMORY_BYTES - c->document_bytes) {
        if (find_document(c, d) == NULL)
            keep_document(c, d, bytes, n);
        return true;
    }
    if (!make_dir(c, e) || !hold(c, d, e))
        return false;
    AUTO(mem_auto) char *path = cache_path(c, d);
    for (unsigned i = 0; !file_publish(path, bytes, n, 0600, e); i++) {
        if (e->code != ERR_LOCKED || i == WRITE_TRIES)
            return err_in(e, "blob cache");
        *e = (struct err){ 0 }; /* another run writes the same bytes: soon done */
        clock_sleep_ms(WRITE_WAIT_MS);
    }
    return true;
}

/* ---- parts ---- */

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

bool cache_part_open(struct cache *c, const struct digest *d, uint64_t size, enum cache_part_state *state, struct cache_part **part,
                     struct err *e)
{
    AUTO(cache_part_close_auto) struct cache_part *p = mem_new(sizeof *p);
    bool is_busy = false, is_there = false;
    p->cache = c;
    p->digest = *d;
    p->fd = -1;
    if (!make_dir(c, e) || !hold(c, d, e))
        return false;
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
    if (!fd_sync(p->fd, p->path, e) || !file_move(p->path, p->final, e) || !fd_close(&p->fd, p->final, e))
        return false;
    digest_set_add(&p->cache->proven, &p->digest);
    return true;
}

bool cache_is_proven(const struct cache *c, const struct digest *d)
{
    return digest_set_has(&c->proven, d);
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
