/* Files: opening with conditions, bounded reads, questions. */
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "sys/path.h"

#include "base/banned.h"

static const char *kind_of(mode_t mode)
{
    if (S_ISDIR(mode))
        return "a directory";
    if (S_ISLNK(mode))
        return "a symbolic link";
    if (S_ISFIFO(mode))
        return "a pipe";
    if (S_ISSOCK(mode))
        return "a socket";
    return "a device";
}

bool file_not_regular(const char *path, mode_t mode, struct err *e)
{
    return err_set(e, ERR_IO, "%s: is %s, expected a regular file", path, kind_of(mode));
}

static bool check_owner_and_mode(const char *path, const struct stat *st, unsigned flags, struct err *e)
{
    unsigned mode = st->st_mode & 07777;
    if ((flags & (FILE_PRIVATE | FILE_TRUSTED)) != 0 && st->st_uid != 0 && st->st_uid != geteuid()) {
        err_set(e, ERR_CONFIG, "%s: belongs to user %u, expected root or user %u", path, (unsigned)st->st_uid, (unsigned)geteuid());
        return err_hint(e, "chown %u %s", (unsigned)geteuid(), path);
    }
    if ((flags & FILE_PRIVATE) != 0 && (mode & 077) != 0) {
        err_set(e, ERR_CONFIG, "%s: mode is %04o, others could read it", path, mode);
        return err_hint(e, "chmod 600 %s", path);
    }
    if ((flags & FILE_TRUSTED) != 0 && (mode & 022) != 0) {
        err_set(e, ERR_CONFIG, "%s: mode is %04o, others could change it", path, mode);
        return err_hint(e, "chmod go-w %s", path);
    }
    return true;
}

int file_open_read(const char *path, unsigned flags, struct err *e)
{
    /* Without O_NONBLOCK a FIFO would hold us until somebody writes to it. */
    int extra = (flags & FILE_NO_LINK) != 0 ? O_NOFOLLOW : 0;
    AUTO(fd_auto) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | extra);
    struct stat st;
    if (fd < 0 && errno == ELOOP && extra != 0 && lstat(path, &st) == 0 && S_ISLNK(st.st_mode)) {
        err_set(e, ERR_CONFIG, "%s: is a symbolic link, expected a regular file", path);
        return -1;
    }
    if (fd < 0 || fstat(fd, &st) != 0) {
        file_fail(e, errno, "open", path);
        return -1;
    }
    if (!S_ISREG(st.st_mode)) {
        file_not_regular(path, st.st_mode, e);
        return -1;
    }
    if (!check_owner_and_mode(path, &st, flags, e))
        return -1;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    int opened = fd;
    fd = -1;
    return opened;
}

static bool too_long(const char *path, uint64_t n, const char *at_least, uint64_t limit, struct err *e)
{
    return err_set(e, ERR_CONFIG, "%s: %s%llu bytes, at most %llu are read", path, at_least, (unsigned long long)n,
                   (unsigned long long)limit);
}

bool file_read(const char *path, unsigned flags, uint64_t limit, struct buf *out, struct err *e)
{
    AUTO(fd_auto) int fd = file_open_read(path, flags, e);
    struct stat st;
    if (fd < 0)
        return false;
    if (fstat(fd, &st) != 0)
        return file_fail(e, errno, "read", path);
    if ((uint64_t)st.st_size > limit)
        return too_long(path, (uint64_t)st.st_size, "", limit, e);
    /* The size is a hint: the file may grow meanwhile, and files of the kernel say 0. */
    uint64_t total = 0;
    for (;;) {
        char piece[16384];
        size_t got;
        if (!fd_read_full(fd, piece, sizeof piece, &got, path, e))
            return false;
        total += got;
        if (total > limit)
            return too_long(path, total, "at least ", limit, e);
        buf_add(out, piece, got);
        if (got < sizeof piece)
            return buf_done(out, path, e);
    }
}

bool file_exists(const char *path, bool *yes, struct err *e)
{
    struct stat st;
    *yes = lstat(path, &st) == 0;
    if (!*yes && errno != ENOENT && errno != ENOTDIR)
        return file_fail(e, errno, "look at", path);
    return true;
}

bool file_remove(const char *path, struct err *e)
{
    if (unlink(path) != 0 && errno != ENOENT)
        return file_fail(e, errno, "remove", path);
    return true;
}

void file_allow_open(size_t n)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= n)
        return;
    limit.rlim_cur = n < limit.rlim_max ? n : limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

uint64_t file_max_bytes(int fd)
{
    static const struct {
        unsigned long magic; /* statfs(2) */
        uint64_t max;
    } limited[] = { { 0x4d44 /* FAT */, 4 * GIB - 1 } };
    struct statfs fs;
    if (fstatfs(fd, &fs) == 0)
        for (size_t i = 0; i < ARRAY_LEN(limited); i++)
            if ((unsigned long)fs.f_type == limited[i].magic)
                return limited[i].max;
    return UINT64_MAX;
}

bool file_max_bytes_in(const char *dir, uint64_t *bytes, struct err *e)
{
    AUTO(fd_auto) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return file_fail(e, errno, "open directory", dir);
    *bytes = file_max_bytes(fd);
    return true;
}

bool file_free_bytes(const char *path, uint64_t *bytes, struct err *e)
{
    AUTO(mem_auto) char *at = mem_text(path);
    struct statvfs fs;
    while (statvfs(at, &fs) != 0) {
        if (errno != ENOENT || strcmp(at, "/") == 0 || strcmp(at, ".") == 0)
            return file_fail(e, errno, "ask for free space at", path);
        char *parent = path_dir(at);
        mem_free(at);
        at = parent;
    }
    *bytes = (uint64_t)fs.f_bavail * (uint64_t)fs.f_frsize;
    return true;
}
