/* Signing in place. Order: copy of the old region, synced under its name; new region, synced; copy removed. Whatever the crash left, the copy, if
 * it is there, is a complete old region, and writing it back is always right. */
#include "bundle/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundle/chunk_stream.h"
#include "bundle/manifest.h"
#include "bundle/part_name.h"
#include "bundle/table.h"
#include "sys/file.h"
#include "sys/path.h"

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

static bool region_read(struct region *r, struct bundle_file *f, struct err *e)
{
    return header_read(&r->header, f, e) && manifest_read(&r->manifest, r->header.manifest, r->header.manifest_bytes, e) &&
           table_read(&r->table, &r->manifest, r->header.table, r->header.table_bytes, e) &&
           header_check_padding(&r->header, f, r->manifest.header_len, e);
}

/* The copy must be gone for good before success is told: one that came back after a power failure would undo what was done. */
static bool remove_copy(const char *copy, struct err *e)
{
    AUTO(mem_auto) char *dir = path_dir(copy);
    AUTO(fd_auto) int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return file_fail(e, errno, "open directory", dir);
    /* Some file systems cannot sync a directory, and say so with EINVAL. */
    return file_remove(copy, e) && (fsync(dir_fd) == 0 || errno == EINVAL || file_fail(e, errno, "sync directory", dir));
}

/* --- healing ------------------------------------------------------------------------------------------------------ */

/* Is this the region of that file? Its length fits and its first chunk is there. */
static bool belongs(const struct region *r, struct bundle_file *f, struct err *e)
{
    struct chunk_id first = { .file = f, .table = &r->table };
    struct table_chunk c = table_get(&r->table, 0);
    AUTO(mem_auto) uint8_t *packed = mem_new(c.packed_len);
    struct digest found;
    if (!bundle_file_settle(f, r->manifest.total_len, e) || !chunk_read(&first, packed, e))
        return false;
    sha256_of(&found, packed, c.packed_len);
    return digest_equal(&found, &c.sha256) || err_set(e, ERR_INTEGRITY, "it is of another bundle");
}

/* The saved region in *old, when it is one, and that of this file. */
static bool read_copy(struct bundle_file *f, const char *copy, struct buf *old, struct err *e)
{
    struct region r = { 0 };
    AUTO(fd_auto) int copy_fd = file_open_read(copy, FILE_NO_LINK, e);
    AUTO(bundle_file_close_auto) struct bundle_file *saved = copy_fd < 0 ? NULL : bundle_file_of(copy_fd, copy, e);
    if (saved == NULL)
        return false;
    uint64_t copy_bytes = bundle_file_bytes(saved);
    bool ok = region_read(&r, saved, e) && belongs(&r, f, e) &&
              (copy_bytes == r.manifest.header_len || err_set(e, ERR_INTEGRITY, "it has %llu bytes", (unsigned long long)copy_bytes));
    region_clear(&r);
    void *to = ok ? buf_reserve(old, (size_t)copy_bytes) : NULL;
    if (to == NULL || !bundle_file_read(saved, to, (size_t)copy_bytes, 0, copy, e))
        return false;
    old->len = (size_t)copy_bytes;
    return true;
}

static bool write_back(struct bundle_file *f, const char *path, const char *copy, struct err *e)
{
    AUTO(buf_clear_auto) struct buf old = BUF_LIMIT(LAYOUT_HEADER_MAX);
    struct err why = { 0 };
    if (!read_copy(f, copy, &old, &why)) {
        err_set(e, ERR_IO, "%s: does not fit %s: %s", SHOWN(copy), SHOWN(path), why.msg);
        return err_hint(e, "if all of the bundle is there, it is the saved header of another one: move it away, then verify the bundle");
    }
    return bundle_file_write(f, old.data, old.len, 0, path, e) && bundle_file_sync(f, path, e) && remove_copy(copy, e);
}

static bool heal(struct bundle_file *f, const char *path, const char *copy, bool *was_healed, struct err *e)
{
    bool exists = false;
    if (!file_exists(copy, &exists, e) || (exists && !write_back(f, path, copy, e)))
        return false;
    if (exists)
        log_info("%s: a signing that was interrupted has been undone", SHOWN(path));
    *was_healed = exists;
    return true;
}

/* --- signing ------------------------------------------------------------------------------------------------------ */

static bool save_copy(struct bundle_file *f, const char *path, const char *copy, uint64_t header_len, struct err *e)
{
    AUTO(mem_auto) uint8_t *old = mem_new((size_t)header_len);
    return bundle_file_read(f, old, (size_t)header_len, 0, path, e) && file_publish(copy, old, (size_t)header_len, 0644, e);
}

static bool replace(struct bundle_file *f, const char *path, const char *copy, const struct region *r, struct err *e)
{
    AUTO(buf_clear_auto) struct buf region = BUF_LIMIT(LAYOUT_HEADER_MAX);
    if (!header_build(&r->header, r->manifest.header_len, &region, e) || !save_copy(f, path, copy, r->manifest.header_len, e))
        return false;
    if (bundle_file_write(f, region.data, region.len, 0, path, e) && bundle_file_sync(f, path, e) && remove_copy(copy, e))
        return true;
    return err_hint(e, "%s has the old header: signing again puts it back first", SHOWN(copy));
}

/* What the caller of seal_sign wants. */
struct wish {
    seal_sign_fn sign;
    void *ctx;
    bool was_healed;
};

static bool sign_open(struct bundle_file *f, const char *path, const char *copy, struct wish *wish, struct err *e)
{
    struct region r = { 0 };
    bool ok = heal(f, path, copy, &wish->was_healed, e) && region_read(&r, f, e) && bundle_file_settle(f, r.manifest.total_len, e) &&
              wish->sign(wish->ctx, r.header.manifest, r.header.manifest_bytes, &r.header, e) && replace(f, path, copy, &r, e);
    region_clear(&r);
    return ok;
}

/* Of parts there is no file of the bundle's own name. */
char *seal_real_path(const char *path, struct err *e)
{
    size_t len = 0;
    char *real = realpath(path, NULL);
    if (real == NULL && part_name_number(path, &len) == 0) {
        AUTO(mem_auto) char *first = part_name(path, 1);
        real = realpath(first, NULL);
    }
    if (real == NULL) {
        file_fail(e, errno, "open", path);
        return NULL;
    }
    char *own = part_name_number(real, &len) == 0 ? mem_text(real) : mem_text_n(real, len);
    free(real);
    return own;
}

bool seal_sign(const char *path, seal_sign_fn sign, void *ctx, bool *was_healed, struct err *e)
{
    struct wish wish = { .sign = sign, .ctx = ctx };
    AUTO(mem_auto) char *real = seal_real_path(path, e);
    if (real == NULL)
        return false;
    AUTO(mem_auto) char *copy = seal_copy_path(real);
    AUTO(bundle_file_close_auto) struct bundle_file *f = bundle_file_open_writable(real, e);
    bool ok = f != NULL && sign_open(f, path, copy, &wish, e);
    if (was_healed != NULL)
        *was_healed = wish.was_healed;
    return ok;
}
