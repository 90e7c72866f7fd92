/* The members before the data, in the order of docs/FORMAT.md: release.json, app/, images/, docs/, bin/, reports/. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "bundler/create.h"
#include "bundler/attached.h"
#include "embed/embed.h"
#include "sys/file.h"

#include "base/banned.h"

enum { MEMBER_BLOCK = 256 * 1024 };

/* ---- app/ ---- */

static bool put_bytes(void *ctx, const void *bytes, size_t n, struct err *e)
{
    return writer_put_member(ctx, bytes, n, e);
}

/* The file was read before, for release.json: now it must be the same. */
static bool write_file(struct create *c, const struct application_file *file, struct err *e)
{
    struct digest found;
    AUTO(mem_auto) char *member = release_member(file->path);
    if (!writer_begin_member(c->writer, member, file->size, file->is_executable, e))
        return false;
    if (!(file->text != NULL ? writer_put_member(c->writer, file->text, file->size, e)
                             : origin_stream(c->input.origin, file->path, put_bytes, c->writer, e)) ||
        !writer_end_member(c->writer, &found, e))
        return false;
    return digest_equal(&found, &file->sha256) || err_set(e, ERR_CONFIG, "%s: changed while it was read", SHOWN(file->path));
}

static bool write_files(struct create *c, struct err *e)
{
    for (size_t i = 0; i < c->app->n_files; i++)
        if (!write_file(c, &c->app->files[i], e))
            return false;
    return true;
}

/* ---- images/ ---- */

static bool write_document(struct create *c, size_t image, const char *kind, const char *which, const struct buf *bytes, struct err *e)
{
    AUTO(mem_auto) char *name = mem_format("images/%zu/%s%s%s.json", image, kind, which[0] == '\0' ? "" : "-", which);
    return writer_add_member(c->writer, name, buf_text(bytes), bytes->len, false, e);
}

/* Nothing for the only platform, "linux-arm-v7" for one of several. */
static void platform_suffix(char out[LIMIT_NAME_BYTES], const struct image *x, size_t i)
{
    struct platform_text text;
    out[0] = '\0';
    if (x->n_platforms == 1)
        return;
    snprintf(out, LIMIT_NAME_BYTES, "%s", platform_format(&text, &x->platforms[i].platform));
    for (char *p = out; *p != '\0'; p++)
        if (*p == '/')
            *p = '-';
}

static bool write_attached(struct create *c, size_t image, const struct image_document *d, struct err *e)
{
    AUTO(buf_clear_auto) struct buf bytes = BUF_LIMIT(LIMIT_DOCUMENT_BYTES);
    AUTO(mem_auto) char *name = mem_format("images/%zu/%s", image, d->name);
    return attached_read(c->registries.cache, d, &bytes, e) && writer_add_member(c->writer, name, buf_text(&bytes), bytes.len, false, e);
}

static bool write_image(struct create *c, size_t at, struct err *e)
{
    const struct image *x = &c->images[at];
    char which[LIMIT_NAME_BYTES];
    for (size_t i = 0; i < x->n_indexes; i++) {
        snprintf(which, sizeof which, "%zu", i);
        if (!write_document(c, at, "index", i == 0 ? "" : which, &x->indexes[i].bytes, e))
            return false;
    }
    for (size_t i = 0; i < x->n_platforms; i++) {
        platform_suffix(which, x, i);
        if (!write_document(c, at, "manifest", which, &x->platforms[i].manifest, e) ||
            !write_document(c, at, "config", which, &x->platforms[i].config, e))
            return false;
    }
    for (size_t i = 0; i < x->n_documents; i++)
        if (!write_attached(c, at, &x->documents[i], e))
            return false;
    return create_write_finder(c, at, e);
}

static bool write_images(struct create *c, struct err *e)
{
    for (size_t i = 0; i < c->app->n_images; i++)
        if (!write_image(c, i, e))
            return false;
    return true;
}

/* ---- docs/, bin/ ---- */

static bool write_docs(struct create *c, struct err *e)
{
    size_t n;
    const struct embed_file *files = embed_docs(&n);
    for (size_t i = 0; i < n; i++) {
        AUTO(mem_auto) char *name = mem_format("docs/%s", files[i].path);
        if (!writer_add_member(c->writer, name, files[i].bytes, files[i].size, false, e))
            return false;
    }
    return true;
}

static bool write_loader(struct create *c, const struct create_loader *l, struct err *e)
{
    struct stat st;
    AUTO(mem_auto) uint8_t *block = mem_new(MEMBER_BLOCK);
    AUTO(fd_auto) int fd = file_open_read(l->path, FILE_PLAIN, e);
    if (fd < 0)
        return false;
    if (fstat(fd, &st) != 0)
        return file_fail(e, errno, "look at", l->path);
    if (!writer_begin_member(c->writer, l->member, (uint64_t)st.st_size, true, e))
        return false;
    for (size_t got = MEMBER_BLOCK; got == MEMBER_BLOCK;)
        if (!fd_read_full(fd, block, MEMBER_BLOCK, &got, l->path, e) || !writer_put_member(c->writer, block, got, e))
            return false;
    return writer_end_member(c->writer, NULL, e);
}

static bool write_loaders(struct create *c, struct err *e)
{
    for (size_t i = 0; i < c->n_loaders; i++)
        if (!write_loader(c, &c->loaders[i], e))
            return false;
    return true;
}

bool create_write_members(struct create *c, struct err *e)
{
    return writer_add_member(c->writer, RELEASE_MEMBER, buf_text(&c->release), c->release.len, false, e) && write_files(c, e) &&
           write_images(c, e) && write_docs(c, e) && write_loaders(c, e) && gates_write(&c->gates, c->writer, e);
}

/* ---- how much that is ---- */

static uint64_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0; /* write_loader says what is wrong */
}

void create_measure_members(const struct create *c, size_t *n, uint64_t *bytes)
{
    size_t n_docs;
    const struct embed_file *docs = embed_docs(&n_docs);
    *n = 1 + c->app->n_files + n_docs + c->n_loaders;
    *bytes = c->release.len;
    for (size_t i = 0; i < c->app->n_files; i++)
        *bytes += c->app->files[i].size;
    for (size_t i = 0; i < c->app->n_images; i++) {
        const struct image *x = &c->images[i];
        *n += x->n_indexes + 2 * x->n_platforms + x->n_documents;
        for (size_t k = 0; k < x->n_indexes; k++)
            *bytes += x->indexes[k].bytes.len;
        for (size_t k = 0; k < x->n_platforms; k++)
            *bytes += x->platforms[k].manifest.len + x->platforms[k].config.len;
        for (size_t k = 0; k < x->n_documents; k++)
            *bytes += x->documents[k].descriptor.size;
    }
    for (size_t i = 0; i < n_docs; i++)
        *bytes += docs[i].size;
    for (size_t i = 0; i < c->n_loaders; i++)
        *bytes += size_of(c->loaders[i].path);
    gates_measure(&c->gates, n, bytes);
}
