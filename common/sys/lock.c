/* Locks: a kernel lock on a file that stays. It is never removed: a file that is unlinked while another process opens it would
 * give two processes one lock each. */
#include "sys/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "sys/clock.h"
#include "sys/file.h"

#include "base/banned.h"

enum { HOLDER_BYTES = 300 };

struct lock {
    int fd;
};

static bool held_by_another(int fd, const char *path, struct err *e)
{
    char holder[HOLDER_BYTES + 1] = { 0 };
    ssize_t n = pread(fd, holder, HOLDER_BYTES, 0);
    size_t shown = n > 0 ? strcspn(holder, "\n") : 0;
    err_set(e, ERR_LOCKED, "%s: held by %s", path, shown > 0 ? SHOWN_N(holder, shown) : "another process");
    return err_hint(e, "wait until it ends, then run the same command again");
}

/* The holder's line is for people; when it cannot be written the lock is held all the same. */
static bool write_holder(int fd, const char *path, const char *what, struct err *e)
{
    char since[32];
    time_t now = (time_t)clock_unix();
    struct tm utc;
    strftime(since, sizeof since, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    AUTO(mem_auto) char *line = mem_format("pid %d (%.100s) since %s\n", (int)getpid(), what, since);
    if (ftruncate(fd, 0) != 0)
        return file_fail(e, errno, "write", path);
    return fd_pwrite_all(fd, line, strlen(line), 0, path, e);
}

struct lock *lock_take(const char *path, const char *what, struct err *e)
{
    AUTO(fd_auto) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        file_fail(e, errno, "open", path);
        return NULL;
    }
    if (!S_ISREG(st.st_mode)) {
        file_not_regular(path, st.st_mode, e);
        return NULL;
    }
    if (!fd_try_lock(fd)) {
        if (errno == EAGAIN)
            held_by_another(fd, path, e);
        else
            file_fail(e, errno, "lock", path);
        return NULL;
    }
    if (!write_holder(fd, path, what, e))
        return NULL;
    struct lock *l = mem_new(sizeof *l);
    l->fd = fd;
    fd = -1;
    return l;
}

void lock_release(struct lock *l)
{
    if (l == NULL)
        return;
    /* Who reads the file later must not find a holder that is gone; failing to say so harms nobody. */
    if (ftruncate(l->fd, 0) != 0)
        errno = 0;
    fd_auto(&l->fd);
    mem_free(l);
}
