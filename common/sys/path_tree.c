/* Trees of files: made, written, walked and removed without ever leaving the directory they begin at.
 *
 * Below that directory every step is opened relative to the last one, without following links. openat2 does it in one
 * call and also refuses mount points; where the kernel lacks it (before 5.6), or a filter forbids it, plain names are
 * opened one by one with O_NOFOLLOW. */
#include "sys/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "sys/file.h"

#include "base/banned.h"

/* Opens a plain name (no slash) in dir_fd as a directory; a link or, with is_same_mount, a mount point is refused. */
static int open_dir_in(int dir_fd, const char *name, bool is_same_mount)
{
    struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | (is_same_mount ? RESOLVE_NO_XDEV : 0);
    int fd = (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof how);
    if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
        return fd;
    struct stat here;
    struct stat there;
    fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && is_same_mount && (fstat(dir_fd, &here) != 0 || fstat(fd, &there) != 0 || here.st_dev != there.st_dev)) {
        close(fd);
        errno = EXDEV;
        return -1;
    }
    return fd;
}

/* ---- making ---- */

/* The umask of this program hides what mode asks for, so it is set again, and only on what was made here. */
static bool make_dir(int dir_fd, const char *name, mode_t mode, const char *shown, struct err *e)
{
    if (mkdirat(dir_fd, name, 0700) != 0)
        return errno == EEXIST || file_fail(e, errno, "make directory", shown);
    if ((mode & 077) != 0 && fchmodat(dir_fd, name, mode, 0) != 0)
        return file_fail(e, errno, "set the mode of", shown);
    fsync(dir_fd); /* a file published inside must be found after a power cut; not every file system can */
    return true;
}

bool path_make_dirs(const char *path, mode_t mode, struct err *e)
{
    struct stat st;
    if (stat(path, &st) == 0)
        return S_ISDIR(st.st_mode) || err_set(e, ERR_IO, "%s: exists and is not a directory", path);
    if (errno != ENOENT)
        return file_fail(e, errno, "look at", path);
    AUTO(mem_auto) char *parent = path_dir(path);
    if (!path_make_dirs(parent, mode, e))
        return false;
    AUTO(fd_auto) int dir_fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return file_fail(e, errno, "open directory", parent);
    AUTO(mem_auto) char *whole = path_trim(path);
    return make_dir(dir_fd, path_base(whole), mode, path, e);
}

/* The directory of dir/name, made where it is missing; *base is the last component. -1 on failure. */
static int open_parent(const char *dir, const struct safe_path *name, const char **base, struct err *e)
{
    AUTO(mem_auto) char *shown = path_join(dir, name->text);
    AUTO(fd_auto) int at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (at < 0) {
        file_fail(e, errno, "open directory", dir);
        return -1;
    }
    *base = name->text;
    for (const char *slash = strchr(*base, '/'); slash != NULL; slash = strchr(*base, '/')) {
        AUTO(mem_auto) char *component = mem_text_n(*base, (size_t)(slash - *base));
        if (!make_dir(at, component, 0755, shown, e))
            return -1;
        int next = open_dir_in(at, component, false);
        if (next < 0) {
            file_fail(e, errno, "open a directory of", shown);
            return -1;
        }
        close(at);
        at = next;
        *base = slash + 1;
    }
    int found = at;
    at = -1;
    return found;
}

struct publish *path_publish_beneath(const char *dir, const struct safe_path *name, mode_t mode, struct err *e)
{
    const char *base = NULL;
    AUTO(mem_auto) char *shown = path_join(dir, name->text);
    AUTO(fd_auto) int parent = open_parent(dir, name, &base, e);
    return parent < 0 ? NULL : publish_open_at(parent, base, shown, mode, e);
}

bool path_write_beneath(const char *dir, const struct safe_path *name, const void *bytes, size_t n, mode_t mode, struct err *e)
{
    const char *base = NULL;
    AUTO(mem_auto) char *shown = path_join(dir, name->text);
    AUTO(fd_auto) int parent = open_parent(dir, name, &base, e);
    return parent >= 0 && file_publish_at(parent, base, shown, bytes, n, mode, e);
}

/* ---- reading ---- */

static int refuse_to_open(const char *shown, int number, struct err *e)
{
    if (number == ELOOP || number == EXDEV)
        err_set(e, ERR_IO, "%s: a part of it is a symbolic link, expected folders and files only", SHOWN(shown));
    else
        file_fail(e, number, "open", shown);
    return -1;
}

/* open_dir_in for the folders, then the file. */
static int open_plain_file(int dir_fd, const char *name, const char *shown, struct err *e)
{
    struct stat st;
    AUTO(fd_auto) int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -1 : refuse_to_open(shown, errno, e);
    if (fstat(fd, &st) != 0)
        return refuse_to_open(shown, errno, e);
    if (!S_ISREG(st.st_mode)) {
        file_not_regular(shown, st.st_mode, e);
        return -1;
    }
    int found = fd;
    fd = -1;
    return found;
}

int path_open_beneath(int dir_fd, const struct safe_path *name, const char *dir, bool *is_there, struct err *e)
{
    AUTO(mem_auto) char *shown = path_join(dir, name->text);
    AUTO(fd_auto) int at = -1;
    const char *base = name->text;
    *is_there = false;
    for (const char *slash = strchr(base, '/'); slash != NULL; slash = strchr(base, '/')) {
        AUTO(mem_auto) char *component = mem_text_n(base, (size_t)(slash - base));
        int next = open_dir_in(at < 0 ? dir_fd : at, component, false);
        if (next < 0)
            return errno == ENOENT ? -1 : refuse_to_open(shown, errno == ENOTDIR ? ELOOP : errno, e);
        fd_auto(&at);
        at = next;
        base = slash + 1;
    }
    int found = open_plain_file(at < 0 ? dir_fd : at, base, shown, e);
    *is_there = found >= 0;
    return found;
}

/* ---- lists of names ---- */

void path_names_clear(struct path_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        mem_free(names->text[i]);
    mem_free(names->text);
    *names = (struct path_names){ 0 };
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

AUTO_FREE(DIR, closedir)

static bool is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* The names in a directory, as they come. */
static bool names_read(struct path_names *names, int dir_fd, uint64_t max, const char *shown, struct err *e)
{
    int again = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO(closedir_auto) DIR *dir = again < 0 ? NULL : fdopendir(again);
    if (dir == NULL) {
        fd_auto(&again);
        return file_fail(e, errno, "list", shown);
    }
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL)
            return errno == 0 || file_fail(e, errno, "list", shown);
        if (is_dot(entry->d_name))
            continue;
        if (names->n >= max)
            return err_set(e, ERR_CONFIG, "%s: more than %llu entries", shown, (unsigned long long)max);
        MEM_PUSH(names->text, names->n, names->cap) = mem_text(entry->d_name);
    }
}

static void names_sort(struct path_names *names)
{
    if (names->n > 1)
        qsort(names->text, names->n, sizeof *names->text, compare_names);
}

bool path_list(const char *dir, uint64_t max, struct path_names *out, struct err *e)
{
    AUTO(fd_auto) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return file_fail(e, errno, "open directory", dir);
    if (!names_read(out, fd, max, dir, e))
        return false;
    names_sort(out);
    return true;
}

/* ---- removing ---- */

static bool remove_entries(int dir_fd, const char *shown, unsigned depth, struct err *e);

static bool remove_entry(int dir_fd, const char *name, const char *shown, unsigned depth, struct err *e)
{
    if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
        return true;
    if (errno != EISDIR && errno != EPERM)
        return file_fail(e, errno, "remove", shown);
    AUTO(fd_auto) int fd = open_dir_in(dir_fd, name, true);
    if (fd < 0 && errno == EXDEV)
        return err_set(e, ERR_IO, "%s: something is mounted there", shown);
    if (fd < 0)
        return file_fail(e, errno, "remove", shown);
    if (!remove_entries(fd, shown, depth + 1, e))
        return false;
    return unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || file_fail(e, errno, "remove directory", shown);
}

static bool remove_entries(int dir_fd, const char *shown, unsigned depth, struct err *e)
{
    if (depth > LIMIT_TREE_DEPTH)
        return err_set(e, ERR_IO, "%s: deeper than %u folders", shown, (unsigned)LIMIT_TREE_DEPTH);
    AUTO(path_names_clear) struct path_names names = { 0 };
    if (!names_read(&names, dir_fd, LIMIT_TREE_FILES, shown, e))
        return false;
    for (size_t i = 0; i < names.n; i++) {
        AUTO(mem_auto) char *inner = path_join(shown, SHOWN(names.text[i]));
        if (!remove_entry(dir_fd, names.text[i], inner, depth, e))
            return false;
    }
    return true;
}

bool path_remove_tree(const char *path, struct err *e)
{
    AUTO(mem_auto) char *parent = path_dir(path);
    AUTO(mem_auto) char *whole = path_trim(path);
    const char *name = path_base(whole);
    if (name[0] == '\0' || is_dot(name))
        return err_set(e, ERR_IO, "%s: not a directory that can be removed", path);
    AUTO(fd_auto) int dir_fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return errno == ENOENT || file_fail(e, errno, "open directory", parent);
    return remove_entry(dir_fd, name, whole, 0, e);
}

/* ---- walking ---- */

struct walk {
    struct path_names files;
    uint64_t max_files;
    uint64_t n_dirs;
};

static bool walk_dir(struct walk *w, int dir_fd, const char *prefix, unsigned depth, struct err *e);

static bool walk_entry(struct walk *w, int dir_fd, const char *name, const char *relative, unsigned depth, struct err *e)
{
    struct stat st;
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return file_fail(e, errno, "look at", SHOWN(relative));
    if (S_ISREG(st.st_mode)) {
        if (w->files.n >= w->max_files)
            return err_set(e, ERR_CONFIG, "more than %llu files", (unsigned long long)w->max_files);
        MEM_PUSH(w->files.text, w->files.n, w->files.cap) = mem_text(relative);
        return true;
    }
    if (!S_ISDIR(st.st_mode))
        return err_set(e, ERR_CONFIG, "%s: is a %s, expected files and directories only", SHOWN(relative),
                       S_ISLNK(st.st_mode) ? "symbolic link" : "special file");
    if (++w->n_dirs > LIMIT_TREE_FILES)
        return err_set(e, ERR_CONFIG, "%s: too many directories", SHOWN(relative));
    AUTO(fd_auto) int fd = open_dir_in(dir_fd, name, false);
    if (fd < 0)
        return file_fail(e, errno, "open directory", SHOWN(relative));
    return walk_dir(w, fd, relative, depth + 1, e);
}

static bool walk_dir(struct walk *w, int dir_fd, const char *prefix, unsigned depth, struct err *e)
{
    if (depth > LIMIT_TREE_DEPTH)
        return err_set(e, ERR_CONFIG, "%s: deeper than %u folders", SHOWN(prefix), (unsigned)LIMIT_TREE_DEPTH);
    AUTO(path_names_clear) struct path_names names = { 0 };
    if (!names_read(&names, dir_fd, LIMIT_TREE_FILES, prefix[0] == '\0' ? "." : SHOWN(prefix), e))
        return false;
    for (size_t i = 0; i < names.n; i++) {
        AUTO(mem_auto) char *relative = prefix[0] == '\0' ? mem_text(names.text[i]) : path_join(prefix, names.text[i]);
        if (names.text[i][0] == '.') {
            log_info("%s: hidden, left out", SHOWN(relative));
            continue;
        }
        if (strlen(relative) > LIMIT_PATH_BYTES)
            return err_set(e, ERR_CONFIG, "%s: longer than %u bytes", SHOWN(relative), (unsigned)LIMIT_PATH_BYTES);
        if (!walk_entry(w, dir_fd, names.text[i], relative, depth, e))
            return false;
    }
    return true;
}

static void walk_clear(struct walk *w)
{
    path_names_clear(&w->files);
}

bool path_walk(const char *root, uint64_t max_files, path_visit_fn fn, void *ctx, struct err *e)
{
    AUTO(fd_auto) int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return file_fail(e, errno, "open directory", root);
    AUTO(walk_clear) struct walk w = { .max_files = max_files };
    if (!walk_dir(&w, fd, "", 0, e))
        return err_in(e, "%s", root);
    names_sort(&w.files);
    for (size_t i = 0; i < w.files.n; i++)
        if (!fn(ctx, w.files.text[i], e))
            return false;
    return true;
}
