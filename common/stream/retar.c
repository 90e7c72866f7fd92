/* libarchive writes what libarchive has read; its bytes go to the sink as they come. */
#include "stream/retar.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>

#include "base/mem.h"
#include "base/text.h"
#include "stream/untar_parts.h"
#include "sys/start.h"

#include "base/banned.h"

enum { COPY_BYTES = 256 * 1024 };

struct retar {
    struct archive *tar;
    struct sink *to;
    locale_t utf8;  /* names of files are that as a rule, and libarchive asks the locale; (locale_t)0: there is none */
    struct err err; /* of the sink */
    uint64_t bytes;
    bool is_dropped;
    uint8_t block[COPY_BYTES];
};

static la_ssize_t on_write(struct archive *a, void *ctx, const void *bytes, size_t n)
{
    struct retar *r = ctx;
    if (!r->is_dropped && r->err.code == ERR_NONE && sink_write(r->to, bytes, n, &r->err)) {
        r->bytes += n;
        return (la_ssize_t)n;
    }
    archive_set_error(a, EIO, "%s", r->err.msg);
    return -1;
}

struct retar *retar_open(struct sink *to)
{
    struct retar *r = mem_new(sizeof *r);
    r->to = to;
    r->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    r->tar = archive_write_new();
    BUG_IF(r->tar == NULL || archive_write_set_format_pax_restricted(r->tar) != ARCHIVE_OK ||
           archive_write_add_filter_none(r->tar) != ARCHIVE_OK);
    archive_write_set_format_option(r->tar, "pax", "xattrheader",
                                    "SCHILY"); /* the form that other programs read; older libraries write both */
    archive_write_set_bytes_per_block(r->tar, 0);
    archive_write_set_bytes_in_last_block(r->tar, 1);
    BUG_IF(archive_write_open(r->tar, r, NULL, on_write, NULL) != ARCHIVE_OK);
    return r;
}

void retar_close(struct retar *r)
{
    r->is_dropped = true; /* libarchive closes, and would fill up the entry: its first write fails */
    archive_write_free(r->tar);
    if (r->utf8 != (locale_t)0)
        freelocale(r->utf8);
    mem_free(r);
}

static bool fail(struct retar *r, const char *path, struct err *e)
{
    const char *why = archive_error_string(r->tar);
    if (r->err.code != ERR_NONE)
        return err_set(e, r->err.code, "%s", r->err.msg);
    return err_set(e, ERR_REGISTRY, "%s: cannot be written: %s", SHOWN(path), why == NULL ? "no reason was given" : SHOWN(why));
}

/* When an image was read last is nobody's business, and holes are written out. */
static struct archive_entry *entry_as(struct untar *u, const char *path)
{
    struct archive_entry *entry = archive_entry_clone(untar_raw_entry(u));
    archive_entry_copy_pathname(entry, path[0] == '\0' ? "." : path);
    archive_entry_unset_atime(entry);
    archive_entry_unset_ctime(entry);
    archive_entry_unset_birthtime(entry);
    archive_entry_sparse_clear(entry);
    return entry;
}

static bool write_header(struct retar *r, struct archive_entry *entry, const char *path, struct err *e)
{
    locale_t before = uselocale(r->utf8); /* (locale_t)0 changes nothing */
    int code = archive_write_header(r->tar, entry);
    uselocale(before);
    archive_entry_free(entry);
    return code == ARCHIVE_OK || code == ARCHIVE_WARN || fail(r, path, e);
}

static bool copy_content(struct retar *r, struct untar *u, uint64_t left, const char *path, struct err *e)
{
    AUTO(source_free_auto) struct source *from = untar_content(u);
    while (left > 0) {
        size_t got = 0;
        size_t want = left < COPY_BYTES ? (size_t)left : COPY_BYTES;
        if (!start_check(e) || !source_read(from, r->block, want, &got, e))
            return false;
        if (got == 0)
            return err_set(e, ERR_REGISTRY, "%s: ends %llu bytes too early", SHOWN(path), (unsigned long long)left);
        if (archive_write_data(r->tar, r->block, got) != (la_ssize_t)got)
            return fail(r, path, e);
        left -= got;
    }
    return true;
}

static bool finish_entry(struct retar *r, const char *path, struct err *e)
{
    return archive_write_finish_entry(r->tar) == ARCHIVE_OK || fail(r, path, e);
}

bool retar_copy(struct retar *r, struct untar *u, const char *path, struct err *e)
{
    struct archive_entry *entry = entry_as(u, path);
    bool is_file = archive_entry_filetype(entry) == AE_IFREG;
    uint64_t size = is_file ? (uint64_t)archive_entry_size(entry) : 0;
    return write_header(r, entry, path, e) && copy_content(r, u, size, path, e) && finish_entry(r, path, e);
}

bool retar_link(struct retar *r, struct untar *u, const char *path, const char *target, struct err *e)
{
    struct archive_entry *entry = entry_as(u, path);
    archive_entry_copy_hardlink(entry, target);
    archive_entry_set_size(entry, 0);
    archive_entry_xattr_clear(entry);
    return write_header(r, entry, path, e) && finish_entry(r, path, e);
}

bool retar_finish(struct retar *r, struct err *e)
{
    return archive_write_close(r->tar) == ARCHIVE_OK || fail(r, "end of the archive", e);
}

uint64_t retar_bytes(const struct retar *r)
{
    return r->bytes;
}
