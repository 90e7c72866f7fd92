/* Media: what they can hold, and whether they do. */
#include "bundler/medium.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundle/verify.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

bool medium_check(const struct output *o, const struct medium_check *how, struct err *e)
{
    struct verify_how verify = { .jobs = how->jobs, .progress = how->progress };
    struct bundle_file *f = output_file(o, e);
    if (f != NULL && how->is_from_medium && !bundle_file_read_medium(f, e)) {
        bundle_file_close(f);
        return err_in(e, "reading back from the medium");
    }
    AUTO(bundle_close_auto) struct bundle *b = f == NULL ? NULL : bundle_verify_own(f, how->manifest_sha256, &verify, e);
    return b != NULL || err_in(e, how->is_from_medium ? "reading back from the medium" : "reading back");
}

static int open_dir(const char *path, struct err *e)
{
    AUTO(mem_auto) char *dir = path_dir(path);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        file_fail(e, errno, "open directory", dir);
    return fd;
}

bool medium_settle(const char *path, struct err *e)
{
    AUTO(fd_auto) int fd = open_dir(path, e);
    if (fd < 0)
        return false;
    if (syncfs(fd) != 0)
        return file_fail(e, errno, "sync the file system of", path);
    log_info("%s was read back from the medium: it is safe to remove", SHOWN(path));
    return true;
}

bool medium_holds(const char *path, uint64_t bytes, uint64_t part_bytes, struct err *e)
{
    char a[24];
    char b[24];
    AUTO(fd_auto) int fd = open_dir(path, e);
    if (fd < 0)
        return false;
    uint64_t max = file_max_bytes(fd);
    if (part_bytes > max)
        return err_set(e, ERR_USAGE, "--split: a file there can have %llu bytes at most", (unsigned long long)max) || err_hint(e, "--split 4095MiB");
    if (part_bytes > 0 || bytes <= max)
        return true;
    err_set(e, ERR_SPACE, "%s: about %s are expected, and a file there can have %s at most", SHOWN(path), text_bytes(a, bytes), text_bytes(b, max));
    return err_hint(e, "write it in parts: --split 4095MiB");
}
