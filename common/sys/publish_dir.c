/* The unfinished directory holds a file with a lock on it: whoever has the lock works there. */
#define BASE_RENAMES
#include "sys/publish_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

#define LOCK_NAME ".lock"

struct publish_dir {
    char *path;
    char *partial;
    char *parent;
    int lock;
    bool is_made; /* the unfinished directory is ours */
};

static bool check_final_name(const struct publish_dir *p, struct err *e)
{
    bool exists = false;
    if (!file_exists(p->path, &exists, e))
        return false;
    return !exists || err_set(e, ERR_IO, "%s: exists already", SHOWN(p->path));
}

/* What has the lock in it is of a run like this one; so is what is still empty. Anything else is somebody's own. */
static bool remove_stale(const struct publish_dir *p, const char *lock, struct err *e)
{
    AUTO(fd_auto) int old = open(lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (old >= 0 && !fd_try_lock(old) && errno == EAGAIN)
        return err_set(e, ERR_LOCKED, "%s: another run is writing it", SHOWN(p->path));
    if (old >= 0)
        return path_remove_tree(p->partial, e);
    if (rmdir(p->partial) == 0)
        return true;
    err_set(e, ERR_IO, "%s: is in the way, and not what a run like this one left", SHOWN(p->partial));
    return err_hint(e, "name another place, or move it away");
}

static bool make(struct publish_dir *p, struct err *e)
{
    AUTO(mem_auto) char *lock = path_join(p->partial, LOCK_NAME);
    bool is_made = mkdir(p->partial, 0700) == 0;
    if (!is_made && errno == EEXIST) {
        if (!remove_stale(p, lock, e))
            return false;
        is_made = mkdir(p->partial, 0700) == 0;
    }
    if (!is_made)
        return file_fail(e, errno, "make directory", p->partial);
    p->is_made = true;
    p->lock = open(lock, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (p->lock < 0)
        return file_fail(e, errno, "create", lock);
    return fd_try_lock(p->lock) || file_fail(e, errno, "lock", lock);
}

struct publish_dir *publish_dir_open(const char *path, struct err *e)
{
    AUTO(publish_dir_drop_auto) struct publish_dir *p = mem_new(sizeof *p);
    *p = (struct publish_dir){ .path = path_trim(path), .lock = -1 };
    p->partial = mem_format("%s.partial", p->path);
    p->parent = path_dir(p->path);
    return check_final_name(p, e) && make(p, e) ? TAKE(p) : NULL;
}

const char *publish_dir_path(const struct publish_dir *p)
{
    return p->partial;
}

static bool sync_directory(const char *path, struct err *e)
{
    AUTO(fd_auto) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return file_fail(e, errno, "open directory", path);
    /* Some file systems cannot sync a directory, and say so with EINVAL. */
    return fsync(fd) == 0 || errno == EINVAL || file_fail(e, errno, "sync the directory", path);
}

/* Not every file system can refuse to replace; a directory replaces nothing but an empty one. */
static bool give_name(struct publish_dir *p, struct err *e)
{
    int done = renameat2(AT_FDCWD, p->partial, AT_FDCWD, p->path, RENAME_NOREPLACE);
    if (done != 0 && (errno == EINVAL || errno == ENOSYS)) {
        if (!check_final_name(p, e))
            return false;
        done = renameat(AT_FDCWD, p->partial, AT_FDCWD, p->path);
    }
    if (done == 0) {
        p->is_made = false;
        return true;
    }
    return errno == EEXIST || errno == ENOTEMPTY ? err_set(e, ERR_IO, "%s: exists already", SHOWN(p->path))
                                                 : file_fail(e, errno, "rename", p->partial);
}

bool publish_dir_commit(struct publish_dir *p, struct err *e)
{
    AUTO(mem_auto) char *lock = path_join(p->partial, LOCK_NAME);
    if (chmod(p->partial, 0755) != 0 && errno != EPERM) /* FAT has no modes */
        return file_fail(e, errno, "set the mode of", p->partial);
    return file_remove(lock, e) && sync_directory(p->partial, e) && give_name(p, e) && sync_directory(p->parent, e);
}

void publish_dir_drop(struct publish_dir *p)
{
    struct err e = { 0 };
    if (p->is_made && !path_remove_tree(p->partial, &e))
        log_warn("%s", e.msg);
    fd_auto(&p->lock);
    mem_free(p->path);
    mem_free(p->partial);
    mem_free(p->parent);
    mem_free(p);
}
