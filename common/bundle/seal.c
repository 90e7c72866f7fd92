/* Signing in place. Order: copy of the old region, synced under its name; new region, synced; copy removed. Whatever the crash left, the copy, if
 * it is there, is a complete old region, and writing it back is always right. */
#include "bundle/seal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundle/manifest.h"
#include "bundle/table.h"
#include "sys/file.h"

#include "base/banned.h"

char *seal_copy_path(const char *path)
{
    return mem_format("%s.header", path);
}

/* A header region that was read: the parts and the manifest's numbers. */
struct region {
    struct header header;
    struct manifest manifest;
    struct table table;
};

static void region_clear(struct region *r)
{
    header_clear(&r->header);
    manifest_clear(&r->manifest);
    table_clear(&r->table);
}

static bool region_read(struct region *r, int fd, uint64_t bytes, struct err *e)
{
    return header_read(&r->header, fd, bytes, e) && manifest_read(&r->manifest, r->header.manifest, r->header.manifest_bytes, e) &&
           table_read(&r->table, &r->manifest, r->header.table, r->header.table_bytes, e) &&
           header_check_padding(&r->header, fd, r->manifest.header_len, e);
}

static bool size_of(int fd, const char *path, uint64_t *bytes, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return err_set(e, ERR_IO, "%s: is not a regular file", SHOWN(path));
    *bytes = (uint64_t)st.st_size;
    return true;
}

/* Is this the region of that file? Its length fits and its first chunk is there. */
static bool belongs(const struct region *r, int fd, uint64_t bytes, struct err *e)
{
    struct table_chunk c = table_get(&r->table, 0);
    AUTO(mem_auto) uint8_t *packed = mem_new(c.packed_len);
    struct digest found;
    if (r->manifest.total_len != bytes)
        return false;
    if (!fd_pread_exact(fd, packed, c.packed_len, c.file_offset, "bundle", e))
        return false;
    sha256_of(&found, packed, c.packed_len);
    return digest_equal(&found, &c.sha256);
}

static bool write_back(int fd, const char *path, const char *copy, uint64_t bytes, struct err *e)
{
    AUTO(buf_clear_auto) struct buf old = BUF_LIMIT(LAYOUT_HEADER_MAX);
    struct region r = { 0 };
    AUTO(fd_auto) int copy_fd = file_open_read(copy, FILE_NO_LINK, e);
    uint64_t copy_bytes = 0;
    if (copy_fd < 0 || !size_of(copy_fd, copy, &copy_bytes, e))
        return false;
    bool ok = region_read(&r, copy_fd, copy_bytes, e) && copy_bytes == r.manifest.header_len && belongs(&r, fd, bytes, e);
    region_clear(&r);
    if (!ok) {
        struct err why = { 0 };
        err_set(&why, ERR_IO, "%s: is not the saved header of %s", SHOWN(copy), SHOWN(path));
        err_hint(&why, "move it away, then verify the bundle");
        *e = why;
        return false;
    }
    if (!file_read(copy, FILE_NO_LINK, LAYOUT_HEADER_MAX, &old, e))
        return false;
    return fd_pwrite_all(fd, old.data, old.len, 0, path, e) && fd_sync(fd, path, e) && file_remove(copy, e);
}

static bool heal(int fd, const char *path, const char *copy, uint64_t bytes, bool *was_healed, struct err *e)
{
    bool exists = false;
    if (!file_exists(copy, &exists, e) || (exists && !write_back(fd, path, copy, bytes, e)))
        return false;
    if (exists)
        log_info("%s: a signing that was interrupted has been undone", SHOWN(path));
    *was_healed = exists;
    return true;
}

static bool save_copy(int fd, const char *copy, uint64_t header_len, struct err *e)
{
    AUTO(mem_auto) uint8_t *old = mem_new((size_t)header_len);
    return fd_pread_exact(fd, old, (size_t)header_len, 0, "bundle", e) && file_publish(copy, old, (size_t)header_len, 0600, e);
}

static bool replace(int fd, const char *path, const char *copy, struct region *r, struct err *e)
{
    AUTO(buf_clear_auto) struct buf region = BUF_LIMIT(LAYOUT_HEADER_MAX);
    return header_build(&r->header, r->manifest.header_len, &region, e) && save_copy(fd, copy, r->manifest.header_len, e) &&
           fd_pwrite_all(fd, region.data, region.len, 0, path, e) && fd_sync(fd, path, e) && file_remove(copy, e);
}

bool seal_sign(const char *path, seal_sign_fn sign, void *ctx, bool *was_healed, struct err *e)
{
    bool ignored;
    uint64_t bytes = 0;
    struct region r = { 0 };
    AUTO(mem_auto) char *copy = seal_copy_path(path);
    AUTO(fd_auto) int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_set(e, ERR_IO, "%s: cannot be opened for writing: %s", SHOWN(path), strerror(errno));
    bool ok = size_of(fd, path, &bytes, e) && heal(fd, path, copy, bytes, was_healed == NULL ? &ignored : was_healed, e) &&
              region_read(&r, fd, bytes, e) && sign(ctx, r.header.manifest, r.header.manifest_bytes, &r.header, e) &&
              replace(fd, path, copy, &r, e);
    region_clear(&r);
    return ok && fd_close(&fd, path, e);
}
