/* Opening one file, and the copy of one that could change while it is read. */
#include "bundle/part.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/start.h"

#include "base/banned.h"

enum { COPY_BLOCK = 4 * 1024 * 1024 };

bool part_look(struct part *p, const char *name, struct err *e)
{
    struct stat st;
    if (fstat(p->fd, &st) != 0)
        return file_fail(e, errno, "examine", name);
    p->bytes = (uint64_t)st.st_size;
    p->changed = st.st_mtim;
    return true;
}

static bool open_writable(struct part *p, const char *path, struct err *e)
{
    struct stat st;
    p->fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (p->fd < 0)
        return file_fail(e, errno, "open for writing", path);
    if (fstat(p->fd, &st) != 0)
        return file_fail(e, errno, "examine", path);
    if (!S_ISREG(st.st_mode))
        return file_not_regular(SHOWN(path), st.st_mode, e);
    if (!fd_try_lock(p->fd) && errno == EAGAIN)
        return err_set(e, ERR_LOCKED, "%s: another run is signing it", SHOWN(path));
    return true;
}

bool part_open(struct part *p, const char *path, enum part_mode mode, struct err *e)
{
    *p = (struct part){ .fd = -1 };
    if (mode == PART_WRITE ? !open_writable(p, path, e)
                           : (p->fd = file_open_read(path, mode == PART_REMAINS ? FILE_NO_LINK : FILE_PLAIN, e)) < 0)
        return false;
    return part_look(p, path, e);
}

void part_close(struct part *p)
{
    if (!p->is_borrowed)
        fd_auto(&p->fd);
    p->fd = -1;
}

bool part_read(const struct part *p, void *to, size_t n, uint64_t at, const char *what, struct err *e)
{
    return p->is_direct ? fd_pread_direct(p->fd, to, n, at, what, e) : fd_pread_exact(p->fd, to, n, at, what, e);
}

/* The same file once more, for reads that go past the cache. Some file systems refuse that; then it must do that the cache was dropped. */
static int open_direct(int fd)
{
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    return open(self, O_RDONLY | O_CLOEXEC | O_DIRECT);
}

bool part_read_medium(struct part *p, const char *name, struct err *e)
{
    AUTO(fd_auto) int direct = open_direct(p->fd);
    /* Pages that are not on the medium yet could not be dropped; and a failure is told once only, so it must not get lost here. */
    if (fsync(p->fd) != 0 && errno != EINVAL && errno != EROFS)
        return file_fail(e, errno, "sync", name);
    posix_fadvise(p->fd, 0, 0, POSIX_FADV_DONTNEED);
    if (direct < 0)
        return true;
    part_close(p);
    p->fd = direct;
    p->is_borrowed = false;
    p->is_direct = true;
    direct = -1;
    return part_look(p, name, e);
}

/* Magic numbers from statfs(2): file systems whose content another machine or program may change under us. */
static bool is_remote(int fd)
{
    static const unsigned long remote[] = { 0x6969 /* NFS */, 0xFF534D42 /* CIFS */, 0xFE534D42 /* SMB2 */, 0x517B /* SMB */,
                                            0x65735546 /* FUSE */, 0x01021997 /* 9p */, 0x564c /* NCP */, 0x5346414F /* AFS */ };
    struct statfs fs;
    if (fstatfs(fd, &fs) != 0)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(remote); i++)
        if ((unsigned long)fs.f_type == remote[i])
            return true;
    return false;
}

/* A lease is refused while anybody has the file open for writing. Should somebody open it in this very moment, the kernel tells
 * us with a signal: one that is ignored by default. */
static bool has_writer(int fd)
{
    fcntl(fd, F_SETSIG, SIGURG);
    if (fcntl(fd, F_SETLEASE, F_RDLCK) != 0)
        return errno == EAGAIN;
    fcntl(fd, F_SETLEASE, F_UNLCK);
    return false;
}

const char *part_unsteady(const struct part *p)
{
    if (is_remote(p->fd))
        return "lies on a network or user-space file system";
    return has_writer(p->fd) ? "is open for writing in another program" : NULL;
}

static bool copy_to(int to, const struct part *p, const char *name, struct err *e)
{
    AUTO(mem_auto) uint8_t *block = mem_new(COPY_BLOCK);
    for (uint64_t at = 0; at < p->bytes;) {
        size_t n = p->bytes - at < COPY_BLOCK ? (size_t)(p->bytes - at) : COPY_BLOCK;
        if (!start_check(e) || !fd_pread_exact(p->fd, block, n, at, name, e) || !fd_write_all(to, block, n, "copy of the bundle", e))
            return false;
        at += n;
    }
    return true;
}

bool part_copy(struct part *p, const char *name, const char *spool_dir, struct err *e)
{
    AUTO(fd_auto) int to = file_temp(spool_dir, e);
    if (to < 0 || !copy_to(to, p, name, e))
        return false;
    part_close(p);
    *p = (struct part){ .fd = to, .was_copied = true };
    to = -1;
    return part_look(p, name, e);
}

bool part_unchanged(const struct part *p, const char *name, struct err *e)
{
    struct stat st;
    if (fstat(p->fd, &st) != 0)
        return file_fail(e, errno, "examine", name);
    if ((uint64_t)st.st_size != p->bytes || st.st_mtim.tv_sec != p->changed.tv_sec || st.st_mtim.tv_nsec != p->changed.tv_nsec)
        return err_set(e, ERR_INTEGRITY, "%s: file changed while it was read", SHOWN(name));
    return true;
}
