/* The base while a delta is read back: each layer that is read from is put together from its bundle into a file without a name, when it is
 * wanted first. */
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundle/base_needed.h"
#include "bundler/base_parts.h"
#include "sys/file.h"
#include "sys/work.h"

#include "base/banned.h"

#define FILES_CACHE_BYTES (48 * MIB)

struct base_files {
    const struct bundle *base;
    const struct manifest *delta; /* whose base.layers these are */
    struct chunk_cache *cache;
    struct work_mutex *mutex; /* while a file is made */
    char *dir;
    size_t n;
    int *fds; /* -1: not made yet */
};

void base_files_free(struct base_files *f)
{
    for (size_t k = 0; k < f->n; k++)
        fd_auto(&f->fds[k]);
    work_mutex_free(f->mutex);
    chunk_cache_free(f->cache);
    mem_free(f->fds);
    mem_free(f->dir);
    mem_free(f);
}

/* The reader of the layer proves its digest. */
static bool make(struct base_files *f, size_t k, struct err *e)
{
    size_t layer = manifest_find_layer(bundle_manifest(f->base), &f->delta->base_layers[k].diff_id);
    BUG_IF(layer == SIZE_MAX);
    AUTO(fd_auto) int fd = file_temp(f->dir, e);
    if (fd < 0)
        return false;
    AUTO(source_free_auto) struct source *tar = layer_reader_open(f->base, f->cache, layer, e);
    AUTO(sink_drop_auto) struct sink *to = sink_fd(fd, f->dir);
    if (tar == NULL || !pump(tar, to, e) || !sink_finish(to, e))
        return err_in(e, "--base: layer %zu", layer);
    f->fds[k] = fd;
    fd = -1;
    return true;
}

static bool file_of(struct base_files *f, size_t k, int *fd, struct err *e)
{
    work_mutex_lock(f->mutex);
    bool ok = f->fds[k] >= 0 || make(f, k, e);
    *fd = f->fds[k];
    work_mutex_unlock(f->mutex);
    return ok;
}

static bool read_file(void *ctx, size_t k, uint64_t offset, void *to, size_t n, struct err *e)
{
    struct base_files *f = ctx;
    int fd = -1;
    return file_of(f, k, &fd, e) && fd_pread_exact(fd, to, n, offset, f->dir, e);
}

/* Which base layers are read from. */
static bool find_used(const struct bundle *delta, bool is_whole, bool *uses, struct err *e)
{
    const struct manifest *m = bundle_manifest(delta);
    AUTO(mem_auto) bool *layers = mem_new_array(m->n_layers, sizeof *layers);
    AUTO(chunk_cache_free_auto) struct chunk_cache *cache = chunk_cache_new(bundle_index(delta), 2 * LIMIT_CHUNK_BYTES);
    for (size_t i = 0; i < m->n_layers; i++)
        layers[i] = is_whole || !bundle_recipes(delta)->layers[i].is_of_base;
    return base_needed(delta, cache, layers, uses, e);
}

static bool is_in_base(const struct base *b, const struct manifest *m, size_t k, struct err *e)
{
    struct manifest_base_text base;
    const struct manifest *given = bundle_manifest(b->bundle);
    if (manifest_find_layer(given, &m->base_layers[k].diff_id) != SIZE_MAX)
        return true;
    return err_set(e, ERR_POLICY, "--base: %s %s has no layer %.12s; %s %s is a delta from %s", given->name, given->version,
                   DIGEST_HEX(&m->base_layers[k].diff_id), m->name, m->version, manifest_base_text(&base, m));
}

static bool measure(const struct base *b, const struct bundle *delta, bool is_whole, uint64_t *bytes, size_t *n, struct err *e)
{
    const struct manifest *m = bundle_manifest(delta);
    AUTO(mem_auto) bool *uses = mem_new_array(m->n_base_layers, sizeof *uses);
    if (!find_used(delta, is_whole, uses, e))
        return false;
    for (size_t k = 0; k < m->n_base_layers; k++) {
        if (uses[k] && !is_in_base(b, m, k, e))
            return false;
        *bytes += uses[k] ? m->base_layers[k].size : 0;
        *n += uses[k];
    }
    return true;
}

static bool check_space(const struct base *b, const struct bundle *delta, bool is_whole, const char *dir, struct err *e)
{
    char needed[24];
    char there[24];
    uint64_t bytes = 0;
    uint64_t room = 0;
    size_t n = 0;
    if (!measure(b, delta, is_whole, &bytes, &n, e) || !file_free_bytes(dir, &room, e))
        return false;
    log_info("reading the delta takes %s in %s for %zu layer%s of the base", text_bytes(needed, bytes), SHOWN(dir), n, text_s(n));
    if (room >= bytes)
        return true;
    return err_set(e, ERR_SPACE, "%s: %s are needed to read the delta, for layers of its base, and %s are free", SHOWN(dir),
                   text_bytes(needed, bytes), text_bytes(there, room));
}

bool base_lend(struct base *b, struct bundle *delta, bool is_whole, const char *dir, struct err *e)
{
    const struct manifest *m = bundle_manifest(delta);
    if (b->bundle == NULL || !m->has_base)
        return true;
    if (!check_space(b, delta, is_whole, dir, e))
        return false;
    struct base_files *f = mem_new(sizeof *f);
    *f = (struct base_files){ .base = b->bundle, .delta = m, .dir = mem_text(dir), .n = m->n_base_layers };
    f->cache = chunk_cache_new(bundle_index(b->bundle), FILES_CACHE_BYTES);
    f->mutex = work_mutex_new();
    f->fds = mem_new_array(f->n, sizeof *f->fds);
    for (size_t k = 0; k < f->n; k++)
        f->fds[k] = -1;
    b->files = f;
    bundle_use_base(delta, &(struct base_layers){ .read = read_file, .ctx = f });
    return true;
}
