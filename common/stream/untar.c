/* libarchive behind a small door: tar only, no decompression, no unpacking. */
#include "stream/untar_parts.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

enum { READ_BLOCK = 256 * 1024, ENTRIES_MAX = 100000 };

struct untar {
    struct archive *tar;
    struct archive_entry *entry; /* the last one, of tar */
    struct source *from; /* of a layer, or null */
    struct err from_err;
    uint8_t *block;
    char *what;
    char *path;
    char *target;
    size_t n_entries;
};

struct content {
    struct source source;
    struct untar *untar;
};

static bool fail(const struct untar *u, const char *doing, struct err *e)
{
    const char *why = archive_error_string(u->tar);
    if (u->from_err.code != ERR_NONE)
        return err_set(e, u->from_err.code, "%s", u->from_err.msg);
    return err_set(e, ERR_REGISTRY, "%s: %s: %s", u->what, doing, why == NULL ? "no reason was given" : SHOWN(why));
}

struct untar *untar_open(int fd, const char *what, struct err *e)
{
    AUTO(untar_close_auto) struct untar *u = mem_new(sizeof *u);
    u->what = mem_text(what);
    u->tar = archive_read_new();
    if (lseek(fd, 0, SEEK_SET) != 0) {
        err_set(e, ERR_IO, "%s: seek: %s", what, strerror(errno));
        return NULL;
    }
    if (u->tar == NULL || archive_read_support_filter_none(u->tar) != ARCHIVE_OK || archive_read_support_format_tar(u->tar) != ARCHIVE_OK ||
        archive_read_open_fd(u->tar, fd, READ_BLOCK) != ARCHIVE_OK) {
        fail(u, "is no tar archive", e);
        return NULL;
    }
    return TAKE(u);
}

static la_ssize_t on_read(struct archive *a, void *ctx, const void **bytes)
{
    struct untar *u = ctx;
    size_t got = 0;
    *bytes = u->block;
    if (source_read(u->from, u->block, READ_BLOCK, &got, &u->from_err))
        return (la_ssize_t)got;
    archive_set_error(a, EIO, "%s", u->from_err.msg);
    return ARCHIVE_FATAL;
}

struct untar *untar_open_layer(struct source *from, const char *what, struct err *e)
{
    AUTO(untar_close_auto) struct untar *u = mem_new(sizeof *u);
    u->what = mem_text(what);
    u->from = from;
    u->block = mem_new(READ_BLOCK);
    u->tar = archive_read_new();
    if (u->tar == NULL || archive_read_support_filter_none(u->tar) != ARCHIVE_OK || archive_read_support_format_tar(u->tar) != ARCHIVE_OK ||
        archive_read_support_format_empty(u->tar) != ARCHIVE_OK || archive_read_open(u->tar, u, NULL, on_read, NULL) != ARCHIVE_OK) {
        fail(u, "is no tar archive", e);
        return NULL;
    }
    return TAKE(u);
}

void untar_close(struct untar *u)
{
    archive_read_free(u->tar);
    source_free(u->from);
    mem_free(u->block);
    mem_free(u->what);
    mem_free(u->path);
    mem_free(u->target);
    mem_free(u);
}

/* ---- names ---- */

/* Without "./", repeated slashes and "x/.."; null when it leads out of the archive. */
static char *clean_path(const char *text)
{
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(LIMIT_PATH_BYTES);
    buf_adds(&out, "");
    for (const char *at = text; *at != '\0';) {
        size_t n = strcspn(at, "/");
        if (n == 2 && strncmp(at, "..", 2) == 0) {
            if (out.len == 0)
                return NULL;
            while (out.len > 0 && out.data[--out.len] != '/')
                ;
        } else if (n > 0 && !(n == 1 && at[0] == '.')) {
            if (out.len > 0)
                buf_addc(&out, '/');
            buf_add(&out, at, n);
        }
        at += n + (at[n] == '/');
    }
    if (out.over)
        return NULL;
    return mem_text_n(buf_text(&out), out.len);
}

/* A symbolic link's target starts at the folder of the link, a hard link's at the top. */
static char *find_target(const char *path, struct archive_entry *entry)
{
    const char *hard = archive_entry_hardlink(entry);
    const char *soft = archive_entry_symlink(entry);
    const char *slash = strrchr(path, '/');
    if (hard != NULL)
        return clean_path(hard);
    if (soft == NULL || soft[0] == '/')
        return NULL;
    AUTO(mem_auto) char *whole = slash == NULL ? mem_text(soft) : mem_format("%.*s/%s", (int)(slash - path), path, soft);
    return clean_path(whole);
}

static enum untar_kind kind_of(struct archive_entry *entry)
{
    if (archive_entry_hardlink(entry) != NULL || archive_entry_filetype(entry) == AE_IFLNK)
        return UNTAR_LINK;
    return archive_entry_filetype(entry) == AE_IFREG ? UNTAR_FILE : UNTAR_OTHER;
}

bool untar_next(struct untar *u, struct untar_entry *out, struct err *e)
{
    struct archive_entry *entry = NULL;
    int status = archive_read_next_header(u->tar, &entry);
    mem_free(TAKE(u->path));
    mem_free(TAKE(u->target));
    if (status == ARCHIVE_EOF)
        return false;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
        return fail(u, "an entry cannot be read", e);
    size_t max = u->from == NULL ? ENTRIES_MAX : LIMIT_LAYER_ENTRIES;
    if (++u->n_entries > max)
        return err_set(e, ERR_REGISTRY, "%s: more than %zu entries", u->what, max);
    const char *name = archive_entry_pathname(entry);
    u->path = name == NULL ? NULL : clean_path(name);
    bool is_nameless = u->path == NULL && u->from != NULL;
    if (is_nameless)
        u->path = mem_text("");
    if (u->path == NULL || archive_entry_size(entry) < 0)
        return err_set(e, ERR_REGISTRY, "%s: an entry has no usable name or size", u->what);
    if (u->from == NULL && archive_entry_sparse_count(entry) > 0)
        return err_set(e, ERR_REGISTRY, "%s: %s is stored with holes, which no program that packs images does", u->what, SHOWN(u->path));
    *out = (struct untar_entry){ .kind = kind_of(entry), .path = u->path, .size = (uint64_t)archive_entry_size(entry), .is_nameless = is_nameless };
    u->entry = entry;
    if (u->path[0] == '\0')
        out->kind = UNTAR_OTHER;
    out->is_folder = out->kind == UNTAR_OTHER && archive_entry_filetype(entry) == AE_IFDIR;
    out->is_hard = out->kind == UNTAR_LINK && archive_entry_hardlink(entry) != NULL;
    if (out->kind == UNTAR_LINK && !out->is_hard)
        out->text = archive_entry_symlink(entry);
    if (out->kind == UNTAR_LINK)
        out->target = u->target = find_target(u->path, entry);
    return true;
}

struct archive_entry *untar_raw_entry(struct untar *u)
{
    return u->entry;
}

bool untar_rest(struct untar *u, struct err *e)
{
    size_t got = READ_BLOCK;
    while (got > 0)
        if (!source_read(u->from, u->block, READ_BLOCK, &got, e))
            return false;
    return true;
}

/* ---- content ---- */

static bool content_read(struct source *s, void *to, size_t n, size_t *got, struct err *e)
{
    struct untar *u = ((struct content *)s)->untar;
    la_ssize_t count = archive_read_data(u->tar, to, n);
    *got = count < 0 ? 0 : (size_t)count;
    return count >= 0 || fail(u, "content", e);
}

static void content_free(struct source *s)
{
    mem_free(s);
}

static const struct source_ops content_ops = { content_read, content_free };

struct source *untar_content(struct untar *u)
{
    struct content *c = mem_new(sizeof *c);
    *c = (struct content){ { &content_ops }, u };
    return &c->source;
}
