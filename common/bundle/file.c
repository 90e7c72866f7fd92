/* Opening a file that may be a bundle. */
#include "bundle/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/path.h"
#include "sys/start.h"

#include "base/banned.h"

enum { COPY_BLOCK = 4 * 1024 * 1024 };

struct bundle_file {
    int fd;
    bool is_borrowed;
    bool was_copied;
    char *name;
    uint64_t bytes;
    struct timespec changed;
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
    return f->was_copied;
}

static bool look(struct bundle_file *f, struct err *e)
{
    struct stat st;
    if (fstat(f->fd, &st) != 0)
        return file_fail(e, errno, "examine", f->name);
    f->bytes = (uint64_t)st.st_size;
    f->changed = st.st_mtim;
    return true;
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

/* Why its bytes could change under us, or null. */
static const char *unsteady(int fd)
{
    if (is_remote(fd))
        return "lies on a network or user-space file system";
    return has_writer(fd) ? "is open for writing in another program" : NULL;
}

static bool copy_to(int to, const struct bundle_file *f, struct err *e)
{
    AUTO(mem_auto) uint8_t *block = mem_new(COPY_BLOCK);
    for (uint64_t at = 0; at < f->bytes;) {
        size_t n = f->bytes - at < COPY_BLOCK ? (size_t)(f->bytes - at) : COPY_BLOCK;
        if (!start_check(e) || !fd_pread_exact(f->fd, block, n, at, f->name, e) || !fd_write_all(to, block, n, "copy of the bundle", e))
            return false;
        at += n;
    }
    return true;
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
    AUTO(fd_auto) int to = file_temp(spool_dir, e);
    if (to < 0 || !copy_to(to, f, e))
        return false;
    close(f->fd);
    f->fd = to;
    to = -1;
    f->was_copied = true;
    return look(f, e);
}

struct bundle_file *bundle_file_open(const char *path, const char *spool_dir, struct err *e)
{
    AUTO(bundle_file_close_auto) struct bundle_file *f = mem_new(sizeof *f);
    f->name = mem_text(path_base(path));
    f->fd = file_open_read(path, FILE_PLAIN, e);
    if (f->fd < 0 || !look(f, e))
        return NULL;
    const char *why = spool_dir == NULL ? NULL : unsteady(f->fd);
    if (why != NULL && !copy_here(f, why, spool_dir, e))
        return NULL;
    return TAKE(f);
}

struct bundle_file *bundle_file_of(int fd, const char *name, struct err *e)
{
    AUTO(bundle_file_close_auto) struct bundle_file *f = mem_new(sizeof *f);
    f->fd = fd;
    f->is_borrowed = true;
    f->name = mem_text(name);
    return look(f, e) ? TAKE(f) : NULL;
}

bool bundle_file_read(struct bundle_file *f, void *to, size_t n, uint64_t at, const char *what, struct err *e)
{
    return fd_pread_exact(f->fd, to, n, at, what, e);
}

void bundle_file_read_ahead(const struct bundle_file *f)
{
    posix_fadvise(f->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
}

void bundle_file_close(struct bundle_file *f)
{
    if (!f->is_borrowed)
        fd_auto(&f->fd);
    mem_free(f->name);
    mem_free(f);
}

bool bundle_file_unchanged(const struct bundle_file *f, struct err *e)
{
    struct stat st;
    if (fstat(f->fd, &st) != 0)
        return file_fail(e, errno, "examine", f->name);
    if ((uint64_t)st.st_size != f->bytes || st.st_mtim.tv_sec != f->changed.tv_sec || st.st_mtim.tv_nsec != f->changed.tv_nsec)
        return err_set(e, ERR_INTEGRITY, "%s: file changed while it was read", SHOWN(f->name));
    return true;
}
