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

static bool ask_max(const char *path, uint64_t *max, struct err *e)
{
    AUTO(mem_auto) char *dir = path_dir(path);
    return file_max_bytes_in(dir, max, e);
}

static bool too_long(const char *path, uint64_t bytes, uint64_t max, struct err *e)
{
    char a[24];
    char b[24];
    return err_set(e, ERR_SPACE, "%s: about %s are expected, and a file there can have %s at most", SHOWN(path), text_bytes(a, bytes),
                   text_bytes(b, max));
}

bool medium_holds(const char *path, uint64_t bytes, uint64_t part_bytes, const char *option, struct err *e)
{
    uint64_t max = 0;
    if (!ask_max(path, &max, e))
        return false;
    if (part_bytes > max)
        return err_set(e, ERR_USAGE, "%s: a file there can have %llu bytes at most", option, (unsigned long long)max) ||
               err_hint(e, "%s 4095MiB", option);
    return part_bytes > 0 || bytes <= max || too_long(path, bytes, max, e) || err_hint(e, "write it in parts: %s 4095MiB", option);
}

bool medium_holds_parity(const char *path, uint64_t bytes, struct err *e)
{
    uint64_t max = 0;
    return ask_max(path, &max, e) && (bytes <= max || too_long(path, bytes, max, e) ||
                                      err_hint(e, "a smaller share (--parity N%%) fits, or a file system for larger files, such as exFAT"));
}
