/* Descriptors: whole reads and writes. The kernel may do less than it was asked for, and a signal may come in between;
 * both are handled here and nowhere else. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/file.h"

#include "base/banned.h"

/* The kernel moves at most about 2 GiB at once; a smaller piece also lets a signal be seen in time. */
enum { PIECE_BYTES = 1 << 24 };

bool file_fail(struct err *e, int number, const char *verb, const char *what)
{
    bool is_space = number == ENOSPC || number == EDQUOT || number == EFBIG;
    return err_set(e, is_space ? ERR_SPACE : ERR_IO, "%s %s: %s", verb, what, strerror(number));
}

void fd_auto(int *fd)
{
    int saved = errno;
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = saved;
}

bool fd_close(int *fd, const char *what, struct err *e)
{
    int closing = *fd;
    *fd = -1;
    /* After EINTR the descriptor is gone on Linux: closing again could close a stranger's. */
    if (close(closing) != 0 && errno != EINTR)
        return file_fail(e, errno, "close", what);
    return true;
}

static size_t piece_of(size_t n)
{
    return n < PIECE_BYTES ? n : PIECE_BYTES;
}

bool fd_read_full(int fd, void *to, size_t n, size_t *got, const char *what, struct err *e)
{
    *got = 0;
    while (*got < n) {
        ssize_t step = read(fd, (char *)to + *got, piece_of(n - *got));
        if (step < 0 && errno == EINTR)
            continue;
        if (step < 0)
            return file_fail(e, errno, "read", what);
        if (step == 0)
            break;
        *got += (size_t)step;
    }
    return true;
}

bool fd_pread_exact(int fd, void *to, size_t n, uint64_t at, const char *what, struct err *e)
{
    size_t done = 0;
    while (done < n) {
        ssize_t step = pread(fd, (char *)to + done, piece_of(n - done), (off_t)(at + done));
        if (step < 0 && errno == EINTR)
            continue;
        if (step < 0)
            return file_fail(e, errno, "read", what);
        if (step == 0)
            return err_set(e, ERR_INTEGRITY, "%s: ends at %llu, expected %llu", what, (unsigned long long)(at + done),
                           (unsigned long long)(at + n));
        done += (size_t)step;
    }
    return true;
}

/* Memory, places and lengths of direct reads are multiples of what the device has as its block: at most 4 KiB. */
enum { DIRECT_UNIT = 4096, DIRECT_BLOCK = 1 << 20 };

/* One aligned read that covers [at, at + n), of which as much as there is goes to *got bytes at to. */
static bool direct_block(int fd, uint8_t *block, uint8_t *to, size_t n, uint64_t at, size_t *got, const char *what, struct err *e)
{
    size_t skip = (size_t)(at % DIRECT_UNIT);
    size_t room = DIRECT_BLOCK - skip;
    size_t want = n < room ? n : room;
    ssize_t step = pread(fd, block, (skip + want + DIRECT_UNIT - 1) / DIRECT_UNIT * DIRECT_UNIT, (off_t)(at - skip));
    while (step < 0 && errno == EINTR)
        step = pread(fd, block, (skip + want + DIRECT_UNIT - 1) / DIRECT_UNIT * DIRECT_UNIT, (off_t)(at - skip));
    if (step < 0)
        return file_fail(e, errno, "read", what);
    *got = (size_t)step <= skip ? 0 : (size_t)step - skip;
    *got = *got < want ? *got : want;
    memcpy(to, block + skip, *got);
    return true;
}

bool fd_pread_direct(int fd, void *to, size_t n, uint64_t at, const char *what, struct err *e)
{
    AUTO(mem_auto) uint8_t *memory = mem_new(DIRECT_BLOCK + DIRECT_UNIT);
    uint8_t *block = memory + (DIRECT_UNIT - (uintptr_t)memory % DIRECT_UNIT);
    for (size_t done = 0, got = 0; done < n; done += got) {
        if (!direct_block(fd, block, (uint8_t *)to + done, n - done, at + done, &got, what, e))
            return false;
        if (got == 0)
            return err_set(e, ERR_INTEGRITY, "%s: ends at %llu, expected %llu", what, (unsigned long long)(at + done), (unsigned long long)(at + n));
    }
    return true;
}

bool fd_write_all(int fd, const void *bytes, size_t n, const char *what, struct err *e)
{
    size_t done = 0;
    while (done < n) {
        ssize_t step = write(fd, (const char *)bytes + done, piece_of(n - done));
        if (step < 0 && errno == EINTR)
            continue;
        if (step < 0)
            return file_fail(e, errno, "write", what);
        done += (size_t)step;
    }
    return true;
}

bool fd_pwrite_all(int fd, const void *bytes, size_t n, uint64_t at, const char *what, struct err *e)
{
    size_t done = 0;
    while (done < n) {
        ssize_t step = pwrite(fd, (const char *)bytes + done, piece_of(n - done), (off_t)(at + done));
        if (step < 0 && errno == EINTR)
            continue;
        if (step < 0)
            return file_fail(e, errno, "write", what);
        done += (size_t)step;
    }
    return true;
}

void fd_begin_sync(int fd, uint64_t at, uint64_t n)
{
    int before = errno;
    if (sync_file_range(fd, (off_t)at, (off_t)n, SYNC_FILE_RANGE_WRITE) != 0)
        errno = before; /* pipes and some file systems cannot */
}

bool fd_sync(int fd, const char *what, struct err *e)
{
    while (fsync(fd) != 0)
        if (errno != EINTR)
            return file_fail(e, errno, "sync", what);
    return true;
}

bool fd_try_lock(int fd)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    if (fcntl(fd, F_OFD_SETLK, &whole) == 0)
        return true;
    if (errno == EACCES)
        errno = EAGAIN;
    return false;
}
