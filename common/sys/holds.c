/* Locks on single bytes. They belong to the open file (OFD locks), so that two parts of one process do not overwrite each other's. */
#include "sys/holds.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/start.h"

#include "base/banned.h"

enum { WAIT_MS = 5 }; /* who removes something is done after one system call or two */
#define NUMBERS (UINT64_C(1) << 62) /* as far as a file may reach */

struct holds {
    int fd; /* -1: cannot be written */
    char *path;
};

struct holds *holds_open(const char *path, struct err *e)
{
    AUTO(fd_auto) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    struct stat st = { 0 };
    if (fd < 0 ? errno != EROFS && errno != EACCES : fstat(fd, &st) != 0) {
        file_fail(e, errno, "open", path);
        return NULL;
    }
    if (fd >= 0 && !S_ISREG(st.st_mode)) {
        file_not_regular(path, st.st_mode, e);
        return NULL;
    }
    struct holds *h = mem_new(sizeof *h);
    *h = (struct holds){ .fd = fd, .path = mem_text(path) };
    fd = -1;
    return h;
}

void holds_close(struct holds *h)
{
    if (h == NULL)
        return;
    fd_auto(&h->fd);
    mem_free(h->path);
    mem_free(h);
}

static struct flock byte_of(uint64_t number, short type)
{
    return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)(number % NUMBERS), .l_len = 1 };
}

bool holds_share(struct holds *h, uint64_t number, struct err *e)
{
    struct flock byte = byte_of(number, F_RDLCK);
    while (h->fd >= 0 && fcntl(h->fd, F_OFD_SETLK, &byte) != 0) {
        if (errno != EAGAIN && errno != EACCES && errno != EINTR)
            return file_fail(e, errno, "lock", h->path);
        if (!start_check(e))
            return false;
        clock_sleep_ms(WAIT_MS);
    }
    return true;
}

bool holds_take(struct holds *h, uint64_t number)
{
    struct flock byte = byte_of(number, F_WRLCK);
    return h->fd < 0 || fcntl(h->fd, F_OFD_SETLK, &byte) == 0;
}

void holds_release(struct holds *h, uint64_t number)
{
    struct flock byte = byte_of(number, F_UNLCK);
    if (h->fd >= 0 && fcntl(h->fd, F_OFD_SETLK, &byte) != 0)
        errno = 0; /* the descriptor's end is the lock's end */
}

void holds_release_all(struct holds *h)
{
    struct flock all = { .l_type = F_UNLCK, .l_whence = SEEK_SET };
    if (h->fd >= 0 && fcntl(h->fd, F_OFD_SETLK, &all) != 0)
        errno = 0;
}

bool holds_is_used(const struct holds *h, uint64_t number)
{
    struct flock byte = byte_of(number, F_WRLCK);
    return h->fd >= 0 && (fcntl(h->fd, F_OFD_GETLK, &byte) != 0 || byte.l_type != F_UNLCK);
}
