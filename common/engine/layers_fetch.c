/* Layers out of an exported image. Which file is which layer stands in manifest.json, and that comes last: so each file that may be one is
 * inflated, hashed and written, and forgotten when it was another one. What a file's name or size says saves work and decides nothing. */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "engine/export.h"
#include "engine/layers.h"
#include "stream/untar.h"
#include "sys/file.h"

#include "base/banned.h"

enum { DIGEST_HEX_CHARS = 64, HEAD_BYTES = 4 };
static const char what[] = "exported image";

struct fetching {
    struct layer_file *layers;
    size_t n, n_missing;
    const char *dir;
    int fd; /* where the next one is written; -1: not made yet */
    struct sha256 *hash;
    uint64_t bytes, max_bytes; /* of the file that is being written */
    atomic_bool is_over; /* set by the thread that reads the archive: nothing more of it is read, as all is there or something is wrong */
};

void layer_files_close(struct layer_file *layers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fd_auto(&layers[i].fd);
}

/* ---- may it be one of them? ---- */

static uint64_t longest_missing(const struct fetching *f)
{
    uint64_t max = 0;
    for (size_t i = 0; i < f->n; i++) {
        uint64_t size = f->layers[i].size > 0 ? f->layers[i].size : LIMIT_LAYER_BYTES;
        if (f->layers[i].fd < 0 && size > max)
            max = size;
    }
    return max;
}

static struct layer_file *find_missing(const struct fetching *f, const struct digest *d)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->layers[i].fd < 0 && digest_equal(&f->layers[i].diff_id, d))
            return &f->layers[i];
    return NULL;
}

static bool has_wanted_size(const struct fetching *f, uint64_t size)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->layers[i].fd < 0 && (f->layers[i].size == 0 || f->layers[i].size == size))
            return true;
    return false;
}

/* HEX and HEX.tar: the digest of the file. */
static bool is_named_by_digest(const char *path, struct digest *d)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash == NULL ? path : slash + 1;
    struct err ignored = { 0 };
    if (strlen(base) < DIGEST_HEX_CHARS || !text_is(base + DIGEST_HEX_CHARS, base[DIGEST_HEX_CHARS] == '\0' ? "" : ".tar"))
        return false;
    AUTO(mem_auto) char *hex = mem_text_n(base, DIGEST_HEX_CHARS);
    return digest_parse_hex(d, hex, "layer", &ignored);
}

static bool may_be_missing(const struct fetching *f, const struct untar_entry *entry, const uint8_t *head, size_t n_head)
{
    struct digest named;
    if (entry->size == 0 || n_head == 0)
        return false;
    if (inflate_kind_of(head, n_head) != INFLATE_RAW)
        return true;
    if (is_named_by_digest(entry->path, &named))
        return find_missing(f, &named) != NULL;
    return has_wanted_size(f, entry->size);
}

/* ---- one file ---- */

static bool write_bytes(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct fetching *f = ctx;
    if (n > f->max_bytes - f->bytes) /* the rest is not even inflated: it may have no end */
        return err_set(e, ERR_REGISTRY, "longer than any layer that is wanted");
    f->bytes += n;
    sha256_add(f->hash, bytes, n);
    return fd_write_all(f->fd, bytes, n, "layer of the base", e);
}

static bool empty_file(struct fetching *f, struct err *e)
{
    f->bytes = 0;
    f->max_bytes = longest_missing(f);
    if (f->fd < 0)
        f->fd = file_temp(f->dir, e);
    else if (ftruncate(f->fd, 0) != 0 || lseek(f->fd, 0, SEEK_SET) != 0)
        return file_fail(e, errno, "empty", "layer of the base");
    return f->fd >= 0;
}

static bool write_content(struct fetching *f, const uint8_t *head, size_t n_head, struct source *content, struct err *e)
{
    AUTO(sink_drop_auto) struct sink *to = sink_inflate(INFLATE_DETECT, what, sink_call(write_bytes, f));
    return sink_write(to, head, n_head, e) && pump(content, to, e) && sink_finish(to, e);
}

static void keep_if_wanted(struct fetching *f)
{
    struct digest found;
    sha256_end(f->hash, &found);
    struct layer_file *layer = f->bytes == UINT64_MAX ? NULL : find_missing(f, &found);
    if (layer == NULL)
        return;
    layer->fd = f->fd;
    layer->size = f->bytes;
    f->fd = -1;
    f->n_missing--;
}

/* What does not inflate was none of them. */
static bool try_file(struct fetching *f, const struct untar_entry *entry, struct source *content, struct err *e)
{
    uint8_t head[HEAD_BYTES];
    size_t n_head = 0;
    struct err odd = { 0 };
    for (size_t got = 1; got > 0 && n_head < sizeof head; n_head += got)
        if (!source_read(content, head + n_head, sizeof head - n_head, &got, e))
            return false;
    if (!may_be_missing(f, entry, head, n_head))
        return true;
    if (!empty_file(f, e))
        return false;
    bool ok = write_content(f, head, n_head, content, &odd);
    if (!ok && odd.code != ERR_REGISTRY) {
        *e = odd;
        return false;
    }
    if (!ok)
        f->bytes = UINT64_MAX;
    keep_if_wanted(f);
    return true;
}

/* ---- the archive ---- */

static bool read_archive(void *ctx, struct source *from, struct err *e)
{
    struct fetching *f = ctx;
    struct untar_entry entry;
    AUTO(untar_close_auto) struct untar *u = untar_open_layer(from, what, e);
    while (u != NULL && f->n_missing > 0 && untar_next(u, &entry, e)) {
        if (entry.kind != UNTAR_FILE)
            continue;
        AUTO(source_free_auto) struct source *content = untar_content(u);
        if (!try_file(f, &entry, content, e))
            break;
    }
    atomic_store(&f->is_over, true);
    return e->code == ERR_NONE || (e->code == ERR_REGISTRY && err_as(e, ERR_ENGINE));
}

static void begin(struct fetching *f, const char *dir, struct layer_file *layers, size_t n)
{
    *f = (struct fetching){ .layers = layers, .n = n, .n_missing = n, .dir = dir, .fd = -1, .hash = sha256_new() };
    atomic_init(&f->is_over, false);
}

static void end(struct fetching *f)
{
    fd_auto(&f->fd);
    sha256_free(f->hash);
}

bool layers_read(struct source *archive, const char *dir, struct layer_file *layers, size_t n, struct err *e)
{
    struct fetching f;
    begin(&f, dir, layers, n);
    bool ok = read_archive(&f, archive, e);
    end(&f);
    return ok;
}

static bool all_found(const struct fetching *f, const struct digest *image, struct err *e)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->layers[i].fd < 0) {
            err_set(e, ERR_INTEGRITY, "engine: image %s: no layer with digest %s among those it gives away, although the image has it",
                    DIGEST_SHOWN(image), DIGEST_SHOWN(&f->layers[i].diff_id));
            return err_hint(e, "this engine does not give layers back byte for byte: use the full bundle, or the base's own with --base");
        }
    return true;
}

struct passing {
    struct fetching *fetching;
    struct sink *to;
    bool is_enough; /* the rest was not taken */
};

/* An engine that gives away gigabytes is not listened to longer than somebody reads them. */
static bool pass_on(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct passing *p = ctx;
    p->is_enough = atomic_load(&p->fetching->is_over);
    return p->is_enough ? err_set(e, ERR_INTERRUPTED, "enough") : sink_write(p->to, bytes, n, e);
}

static bool get(struct engine *g, const struct digest *image, struct passing *p, bool *is_there, const struct progress *progress,
                struct err *e)
{
    struct err broken = { 0 };
    struct export_request q = { .name = DIGEST_SHOWN(image), .phase = "base", .progress = progress };
    AUTO(sink_drop_auto) struct sink *to = sink_call(pass_on, p);
    if (export_get(g, &q, to, is_there, &broken))
        return true;
    *is_there = p->is_enough;
    if (!p->is_enough)
        *e = broken;
    return p->is_enough;
}

bool layers_fetch(struct engine *g, const struct digest *image, const char *dir, struct layer_file *layers, size_t n, bool *is_there,
                  const struct progress *progress, struct err *e)
{
    struct fetching f;
    begin(&f, dir, layers, n);
    AUTO(sink_drop_auto) struct sink *to = sink_reader(read_archive, &f);
    struct passing passing = { .fetching = &f, .to = to };
    bool ok = get(g, image, &passing, is_there, progress, e) && (!*is_there || (sink_finish(to, e) && all_found(&f, image, e)));
    sink_drop(TAKE(to)); /* its thread has ended */
    end(&f);
    return ok;
}
