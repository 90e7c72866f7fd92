/* How a file appears under its final name.
 *
 * A file under construction has no name at all where the file system can do that (O_TMPFILE), else it is NAME.partial.
 * Whoever holds the lock on NAME.partial owns it; one that nobody holds is left from a run that was killed, and is
 * removed. The final name always appears by one link or rename, after the bytes are on the disk; the directory is synced
 * afterwards. Nothing else in the project renames. */
#define BASE_RENAMES
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "sys/path.h"

#include "base/banned.h"

struct publish {
    int fd;
    int dir_fd;
    mode_t mode;
    char *path;    /* for messages */
    char *name;    /* final name in dir_fd */
    char *partial; /* name of the unfinished file */
    bool is_named; /* the unfinished file has that name now */
};

static bool has_no_tmpfile(int number)
{
    /* EISDIR: kernels before 3.11; EINVAL: some network file systems. */
    return number == EOPNOTSUPP || number == EISDIR || number == EINVAL || number == ENOENT;
}

/* Removes a NAME.partial that nobody works on. */
static bool remove_stale(struct publish *p, struct err *e)
{
    AUTO(fd_auto) int old = openat(p->dir_fd, p->partial, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (old >= 0 && !fd_try_lock(old) && errno == EAGAIN)
        return err_set(e, ERR_LOCKED, "%s: another run is writing it", p->path);
    if (unlinkat(p->dir_fd, p->partial, 0) != 0 && errno != ENOENT) {
        AUTO(mem_auto) char *shown = mem_format("%s.partial", p->path);
        return file_fail(e, errno, "remove", shown);
    }
    return true;
}

static bool open_partial(struct publish *p, struct err *e)
{
    for (int i = 0; i < 3; i++) {
        p->fd = openat(p->dir_fd, p->partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        p->is_named = p->fd >= 0;
        if (p->is_named)
            return fd_try_lock(p->fd) || err_set(e, ERR_LOCKED, "%s: another run is writing it", p->path);
        if (errno != EEXIST)
            break;
        if (!remove_stale(p, e))
            return false;
        errno = EEXIST;
    }
    return file_fail(e, errno, "create", p->path);
}

static bool open_unfinished(struct publish *p, struct err *e)
{
    p->fd = openat(p->dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (p->fd >= 0)
        return fd_try_lock(p->fd) || file_fail(e, errno, "lock", p->path);
    if (!has_no_tmpfile(errno))
        return file_fail(e, errno, "create", p->path);
    return open_partial(p, e);
}

/* A symbolic link, a device or a pipe under the final name is not what anybody wants replaced. */
static bool check_final_name(const struct publish *p, struct err *e)
{
    struct stat st;
    if (fstatat(p->dir_fd, p->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT || file_fail(e, errno, "look at", p->path);
    return S_ISREG(st.st_mode) || file_not_regular(p->path, st.st_mode, e);
}

/* Takes dir_fd over. */
static struct publish *publish_start(int dir_fd, const char *name, const char *path, mode_t mode, struct err *e)
{
    AUTO(publish_drop_auto) struct publish *p = mem_new(sizeof *p);
    *p = (struct publish){ .fd = -1, .dir_fd = dir_fd, .mode = mode, .path = mem_text(path), .name = mem_text(name) };
    p->partial = mem_format("%s.partial", name);
    if (!check_final_name(p, e) || !open_unfinished(p, e))
        return NULL;
    return TAKE(p);
}

struct publish *publish_open(const char *path, mode_t mode, struct err *e)
{
    const char *name = path_base(path);
    if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        err_set(e, ERR_IO, "%s: is a directory, expected the name of a file", path);
        return NULL;
    }
    AUTO(mem_auto) char *dir = path_dir(path);
    int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0) {
        file_fail(e, errno, "open directory", dir);
        return NULL;
    }
    return publish_start(dir_fd, name, path, mode, e);
}

struct publish *publish_open_at(int dir_fd, const char *name, const char *path, mode_t mode, struct err *e)
{
    int own = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0) {
        file_fail(e, errno, "open", path);
        return NULL;
    }
    return publish_start(own, name, path, mode, e);
}

bool publish_clean(const char *path, struct err *e)
{
    AUTO(mem_auto) char *partial = mem_format("%s.partial", path);
    AUTO(fd_auto) int old = open(partial, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (old < 0) /* none, or nothing that a run left */
        return true;
    return (!fd_try_lock(old) && errno == EAGAIN) || file_remove(partial, e);
}

int publish_fd(const struct publish *p)
{
    return p->fd;
}

/* Gives a file without a name one. */
static bool link_name(const struct publish *p, const char *name)
{
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", p->fd);
    if (linkat(AT_FDCWD, self, p->dir_fd, name, AT_SYMLINK_FOLLOW) == 0)
        return true;
    /* Without /proc root can still do it. */
    return errno == ENOENT && linkat(p->fd, "", p->dir_fd, name, AT_EMPTY_PATH) == 0;
}

static bool already_exists(const struct publish *p, struct err *e)
{
    return err_set(e, ERR_IO, "%s: exists already", p->path);
}

static bool commit_new(struct publish *p, struct err *e)
{
    if (!p->is_named)
        return link_name(p, p->name) || (errno == EEXIST ? already_exists(p, e) : file_fail(e, errno, "create", p->path));
    if (renameat2(p->dir_fd, p->partial, p->dir_fd, p->name, RENAME_NOREPLACE) == 0) {
        p->is_named = false;
        return true;
    }
    if (errno == EEXIST)
        return already_exists(p, e);
    if (errno != EINVAL && errno != ENOSYS)
        return file_fail(e, errno, "rename", p->path);
    /* A file system that cannot refuse to replace: a hard link can. The partial name is removed by publish_drop. */
    if (linkat(p->dir_fd, p->partial, p->dir_fd, p->name, 0) == 0)
        return true;
    return errno == EEXIST ? already_exists(p, e) : file_fail(e, errno, "create", p->path);
}

static bool commit_replace(struct publish *p, struct err *e)
{
    while (!p->is_named) {
        p->is_named = link_name(p, p->partial);
        if (!p->is_named && (errno != EEXIST ? !file_fail(e, errno, "create", p->path) : !remove_stale(p, e)))
            return false;
    }
    if (!check_final_name(p, e))
        return false;
    if (renameat(p->dir_fd, p->partial, p->dir_fd, p->name) != 0)
        return file_fail(e, errno, "rename", p->path);
    p->is_named = false;
    return true;
}

static bool set_mode(const struct publish *p, struct err *e)
{
    if (fchmod(p->fd, p->mode) == 0)
        return true;
    /* FAT has no modes; that is only a danger for what must stay private. */
    return (errno == EPERM && (p->mode & 077) != 0) || file_fail(e, errno, "set the mode of", p->path);
}

static bool sync_directory(const struct publish *p, struct err *e)
{
    /* Some file systems cannot sync a directory, and say so with EINVAL. */
    return fsync(p->dir_fd) == 0 || errno == EINVAL || file_fail(e, errno, "sync the directory of", p->path);
}

bool publish_commit(struct publish *p, enum publish_how how, struct err *e)
{
    return set_mode(p, e) && fd_sync(p->fd, p->path, e) &&
           (how == PUBLISH_NEW ? commit_new(p, e) : commit_replace(p, e)) &&
           fd_close(&p->fd, p->path, e) && sync_directory(p, e);
}

void publish_drop(struct publish *p)
{
    if (p == NULL)
        return;
    if (p->is_named && unlinkat(p->dir_fd, p->partial, 0) != 0 && errno != ENOENT)
        log_warn("remove %s.partial: %s", p->path, strerror(errno));
    fd_auto(&p->fd);
    fd_auto(&p->dir_fd);
    mem_free(p->path);
    mem_free(p->name);
    mem_free(p->partial);
    mem_free(p);
}

static bool write_and_commit(struct publish *p, const void *bytes, size_t n, struct err *e)
{
    return fd_write_all(p->fd, bytes, n, p->path, e) && publish_commit(p, PUBLISH_REPLACE, e);
}

bool file_publish(const char *path, const void *bytes, size_t n, mode_t mode, struct err *e)
{
    AUTO(publish_drop_auto) struct publish *p = publish_open(path, mode, e);
    return p != NULL && write_and_commit(p, bytes, n, e);
}

bool file_publish_at(int dir_fd, const char *name, const char *path, const void *bytes, size_t n, mode_t mode, struct err *e)
{
    AUTO(publish_drop_auto) struct publish *p = publish_open_at(dir_fd, name, path, mode, e);
    return p != NULL && write_and_commit(p, bytes, n, e);
}

bool file_move(const char *from, const char *to, struct err *e)
{
    AUTO(mem_auto) char *dir = path_dir(to);
    AUTO(fd_auto) int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return file_fail(e, errno, "open directory", dir);
    if (rename(from, to) != 0)
        return file_fail(e, errno, "rename", from);
    return fsync(dir_fd) == 0 || errno == EINVAL || file_fail(e, errno, "sync the directory of", to);
}

int file_temp(const char *dir, struct err *e)
{
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    if (!has_no_tmpfile(errno)) {
        file_fail(e, errno, "create a temporary file in", dir);
        return -1;
    }
    AUTO(mem_auto) char *name = mem_format("%s/.archon-XXXXXX", dir);
    fd = mkostemp(name, O_CLOEXEC);
    if (fd < 0) {
        file_fail(e, errno, "create a temporary file in", dir);
        return -1;
    }
    unlink(name);
    return fd;
}
