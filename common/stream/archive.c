/* The tar writer: libarchive makes the headers, a small buffer turns its pushes into pulls. */
#include "stream/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

enum { BLOCK = 256 * 1024 };

void archive_list_text(struct archive_list *l, const char *path, const char *text, size_t n)
{
    MEM_PUSH(l->parts, l->n, l->cap) = (struct archive_part){ .path = mem_text(path), .size = n, .text = mem_copy(text, n) };
}

void archive_list_stream(struct archive_list *l, const char *path, uint64_t size, struct source *(*open)(void *ctx, struct err *e), void *ctx)
{
    MEM_PUSH(l->parts, l->n, l->cap) = (struct archive_part){ .path = mem_text(path), .size = size, .open = open, .ctx = ctx };
}

void archive_list_gate(struct archive_list *l, bool (*pass)(void *ctx, struct err *e), void *ctx)
{
    MEM_PUSH(l->parts, l->n, l->cap) = (struct archive_part){ .pass = pass, .ctx = ctx };
}

void archive_list_clear(struct archive_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        mem_free(l->parts[i].path);
        mem_free(l->parts[i].text);
    }
    mem_free(l->parts);
    *l = (struct archive_list){ 0 };
}

struct puller {
    struct source source;
    const struct archive_list *list;
    uint64_t *sent;
    struct archive *tar;
    struct buf out;   /* what libarchive has written and nobody has pulled yet */
    size_t pulled;
    size_t next;      /* part */
    struct source *content;
    uint64_t left;    /* content bytes of the current part */
    bool is_open;     /* a part is under way */
    bool is_closed;   /* the end mark is written */
    bool is_dropped;  /* nobody will pull any more */
    uint8_t block[BLOCK];
};

static la_ssize_t on_write(struct archive *a, void *ctx, const void *bytes, size_t n)
{
    (void)a;
    struct puller *p = ctx;
    if (p->is_dropped)
        return -1;
    buf_add(&p->out, bytes, n);
    return p->out.over ? -1 : (la_ssize_t)n;
}

static bool tar_failed(struct puller *p, struct err *e)
{
    return err_set(e, ERR_INTERNAL, "tar: %s", SHOWN(archive_error_string(p->tar) == NULL ? "?" : archive_error_string(p->tar)));
}

static bool begin_part(struct puller *p, struct err *e)
{
    const struct archive_part *part = &p->list->parts[p->next];
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, part->path);
    archive_entry_set_size(entry, (la_int64_t)part->size);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_mtime(entry, 0, 0);
    int code = archive_write_header(p->tar, entry);
    archive_entry_free(entry);
    if (code != ARCHIVE_OK)
        return tar_failed(p, e);
    p->is_open = true;
    p->left = part->size;
    p->content = part->text != NULL ? source_memory(part->text, (size_t)part->size) : part->open(part->ctx, e);
    return p->content != NULL;
}

/* The source must end exactly here: its last read is where a layer proves its digest. */
static bool end_part(struct puller *p, struct err *e)
{
    size_t got = 0;
    if (!source_read(p->content, p->block, 1, &got, e))
        return false;
    if (got > 0)
        return err_set(e, ERR_INTEGRITY, "%s: is longer than it should be", p->list->parts[p->next].path);
    if (archive_write_finish_entry(p->tar) != ARCHIVE_OK)
        return tar_failed(p, e);
    source_free(p->content);
    p->content = NULL;
    p->is_open = false;
    p->next++;
    return true;
}

static bool move_content(struct puller *p, struct err *e)
{
    size_t got = 0;
    size_t want = p->left < BLOCK ? (size_t)p->left : BLOCK;
    if (!source_read(p->content, p->block, want, &got, e))
        return false;
    if (got == 0)
        return err_set(e, ERR_INTEGRITY, "%s: ends %llu bytes too early", p->list->parts[p->next].path, (unsigned long long)p->left);
    if (archive_write_data(p->tar, p->block, got) != (la_ssize_t)got)
        return tar_failed(p, e);
    p->left -= got;
    if (p->sent != NULL)
        *p->sent += got;
    return true;
}

static bool pass_gate(struct puller *p, struct err *e)
{
    const struct archive_part *part = &p->list->parts[p->next++];
    return part->pass(part->ctx, e);
}

/* One small step on; the buffer then may hold more. */
static bool advance(struct puller *p, struct err *e)
{
    if (p->is_open)
        return p->left > 0 ? move_content(p, e) : end_part(p, e);
    if (p->next < p->list->n)
        return p->list->parts[p->next].pass != NULL ? pass_gate(p, e) : begin_part(p, e);
    if (archive_write_close(p->tar) != ARCHIVE_OK)
        return tar_failed(p, e);
    p->is_closed = true;
    return true;
}

static bool puller_read(struct source *s, void *to, size_t n, size_t *got, struct err *e)
{
    struct puller *p = (struct puller *)s;
    while (p->pulled == p->out.len && !p->is_closed) {
        buf_reset(&p->out);
        p->pulled = 0;
        if (!advance(p, e))
            return false;
    }
    size_t left = p->out.len - p->pulled;
    *got = n < left ? n : left;
    if (*got > 0)
        memcpy(to, p->out.data + p->pulled, *got);
    p->pulled += *got;
    return true;
}

static void puller_free(struct source *s)
{
    struct puller *p = (struct puller *)s;
    p->is_dropped = true; /* libarchive closes, and would fill up the entry: its first write fails */
    archive_write_free(p->tar);
    source_free(p->content);
    buf_clear(&p->out);
    mem_free(p);
}

static const struct source_ops puller_ops = { puller_read, puller_free };

struct source *archive_source(const struct archive_list *l, uint64_t *sent)
{
    struct puller *p = mem_new(sizeof *p);
    p->source.ops = &puller_ops;
    p->list = l;
    p->sent = sent;
    p->out = (struct buf)BUF_LIMIT(4 * MIB);
    p->tar = archive_write_new();
    BUG_IF(p->tar == NULL || archive_write_set_format_pax_restricted(p->tar) != ARCHIVE_OK || archive_write_add_filter_none(p->tar) != ARCHIVE_OK);
    archive_write_set_bytes_per_block(p->tar, 0);
    archive_write_set_bytes_in_last_block(p->tar, 1);
    BUG_IF(archive_write_open(p->tar, p, NULL, on_write, NULL) != ARCHIVE_OK);
    return &p->source;
}
