/* Where each base layer is, and its file. Layers may be read by several threads at once: files are made under a mutex and then only read.
 */
#include "loader/base_source.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundle/base_needed.h"
#include "engine/layers.h"
#include "sys/file.h"
#include "sys/work.h"

#include "base/banned.h"

#define KEPT_CACHE_BYTES (48 * MIB)
enum { MISSING_SHOWN = 3, GONE_MAX = 3 /* images that the engine lists and does not give away */ };

enum place { PLACE_UNKNOWN, PLACE_KEPT, PLACE_ENGINE };
struct old_layer { /* one of base.layers */
    bool is_used;
    enum place place;
    size_t kept_layer;   /* its number in the kept bundle */
    struct digest image; /* that has it */
    struct layer_file file;
};
struct base_source {
    struct bundle *delta;
    struct chunk_cache *cache;
    struct base_where where;
    struct engine *engine;
    struct work_mutex *mutex;
    unsigned n_gone;
    size_t n;
    struct old_layer *layers;
};

void base_source_free(struct base_source *s)
{
    for (size_t k = 0; k < s->n; k++)
        layer_files_close(&s->layers[k].file, 1);
    if (s->engine != NULL)
        engine_close(s->engine);
    if (s->where.kept != NULL)
        bundle_close(s->where.kept);
    work_mutex_free(s->mutex);
    mem_free(s->layers);
    mem_free(s);
}

static bool is_to_fetch(const struct old_layer *l)
{
    return l->is_used && l->file.fd < 0;
}

uint64_t base_source_bytes(const struct base_source *s)
{
    uint64_t bytes = 0;
    for (size_t k = 0; k < s->n; k++)
        bytes += is_to_fetch(&s->layers[k]) ? bundle_manifest(s->delta)->base_layers[k].size : 0;
    return bytes;
}

size_t base_source_count(const struct base_source *s)
{
    size_t n = 0;
    for (size_t k = 0; k < s->n; k++)
        n += is_to_fetch(&s->layers[k]) ? 1 : 0;
    return n;
}

bool base_source_check_room(const struct base_source *s, struct err *e)
{
    char need[24], room[24];
    uint64_t bytes = base_source_bytes(s);
    uint64_t free_bytes = 0;
    if (!file_free_bytes(BASE_SOURCE_DIR, &free_bytes, e))
        return false;
    return bytes <= free_bytes || err_set(e, ERR_SPACE, BASE_SOURCE_DIR ": %s are needed for layers of the base, %s are free",
                                          text_bytes(need, bytes), text_bytes(room, free_bytes));
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

static void look_in_kept(struct base_source *s)
{
    for (size_t k = 0; k < s->n && s->where.kept != NULL; k++) {
        struct old_layer *l = &s->layers[k];
        size_t i = is_to_fetch(l) ? manifest_find_layer(bundle_manifest(s->where.kept), &l->file.diff_id) : SIZE_MAX;
        if (i == SIZE_MAX || bundle_recipes(s->where.kept)->layers[i].needs_base)
            continue;
        l->place = PLACE_KEPT;
        l->kept_layer = i;
    }
}

static bool is_nowhere(const struct old_layer *l)
{
    return is_to_fetch(l) && l->place == PLACE_UNKNOWN;
}

static size_t count_nowhere(const struct base_source *s)
{
    size_t n = 0;
    for (size_t k = 0; k < s->n; k++)
        n += is_nowhere(&s->layers[k]) ? 1 : 0;
    return n;
}

static bool look_in_engine(struct base_source *s, struct err *e)
{
    size_t n = 0;
    size_t n_missing = count_nowhere(s);
    AUTO(mem_auto) struct digest *wanted = mem_new_array(n_missing, sizeof *wanted);
    AUTO(mem_auto) struct layer_place *places = mem_new_array(n_missing, sizeof *places);
    if (n_missing == 0 || s->where.is_kept_only)
        return true;
    for (size_t k = 0; k < s->n; k++)
        if (is_nowhere(&s->layers[k]))
            wanted[n++] = s->layers[k].file.diff_id;
    if (s->engine == NULL)
        s->engine = engine_open(s->where.engine, e);
    if (s->engine == NULL || !layers_find(s->engine, wanted, places, n, e))
        return false;
    n = 0;
    for (size_t k = 0; k < s->n; k++)
        if (is_nowhere(&s->layers[k]) && places[n++].is_found) {
            s->layers[k].place = PLACE_ENGINE;
            s->layers[k].image = places[n - 1].image;
        }
    return true;
}

static bool tell_missing(const struct base_source *s, size_t n_missing, struct err *e)
{
    const struct manifest *m = bundle_manifest(s->delta);
    struct manifest_base_text base;
    size_t n_used = 0;
    size_t n_shown = 0;
    for (size_t k = 0; k < s->n; k++)
        n_used += s->layers[k].is_used ? 1 : 0;
    err_set(e, ERR_POLICY,
            "%s %s is a delta, and its base is not on this host: %s; %zu of the %zu layers that are needed of it %s missing:", m->name,
            m->version, manifest_base_text(&base, m), n_missing, n_used, n_missing == 1 ? "is" : "are");
    for (size_t k = 0; k < s->n && n_shown < MISSING_SHOWN; k++)
        if (is_nowhere(&s->layers[k]))
            err_add(e, "%s %.12s", n_shown++ > 0 ? "," : "", DIGEST_HEX(&s->layers[k].file.diff_id));
    if (n_missing > MISSING_SHOWN)
        err_add(e, ", ...");
    if (m->has_base_release)
        return err_hint(e, "use the full bundle of %s %s, or the bundle of %s %s as well: --base BUNDLE", m->name, m->version, m->name,
                        m->base_version);
    return err_hint(e, "use the full bundle of %s %s, or a bundle with these layers as well: --base BUNDLE", m->name, m->version);
}

static bool look(struct base_source *s, struct err *e)
{
    look_in_kept(s);
    if (!look_in_engine(s, e))
        return false;
    size_t n_missing = count_nowhere(s);
    return n_missing == 0 || tell_missing(s, n_missing, e);
}

bool base_source_find(struct base_source *s, const bool *layers, struct err *e)
{
    AUTO(mem_auto) bool *uses = mem_new_array(s->n, sizeof *uses);
    if (!base_needed(s->delta, s->cache, layers, uses, e))
        return err_in(e, "%s", index_name(bundle_index(s->delta)));
    for (size_t k = 0; k < s->n; k++)
        s->layers[k].is_used = s->layers[k].is_used || uses[k];
    return look(s, e);
}

/* --- fetching ----------------------------------------------------------------------------------------------------- */

/* The reader itself proves the digest. */
static bool fetch_kept(struct base_source *s, struct chunk_cache *cache, struct old_layer *l, struct err *e)
{
    AUTO(fd_auto) int fd = file_temp(BASE_SOURCE_DIR, e);
    if (fd < 0)
        return false;
    AUTO(source_free_auto) struct source *tar = layer_reader_open(s->where.kept, cache, l->kept_layer, e);
    AUTO(sink_drop_auto) struct sink *to = sink_fd(fd, BASE_SOURCE_DIR);
    if (tar == NULL || !pump(tar, to, e) || !sink_finish(to, e))
        return err_in(e, "base layer %.12s", DIGEST_HEX(&l->file.diff_id));
    l->file.fd = fd;
    fd = -1;
    return true;
}

static bool fetch_all_kept(struct base_source *s, struct err *e)
{
    AUTO(chunk_cache_free_auto) struct chunk_cache *cache = NULL;
    uint64_t done = 0;
    uint64_t total = base_source_bytes(s);
    for (size_t k = 0; k < s->n; k++) {
        struct old_layer *l = &s->layers[k];
        if (!is_to_fetch(l) || l->place != PLACE_KEPT)
            continue;
        if (cache == NULL)
            cache = chunk_cache_new(bundle_index(s->where.kept), KEPT_CACHE_BYTES);
        struct progress_fact fact = { .phase = "base", .item = index_name(bundle_index(s->where.kept)), .done = done, .total = total };
        if (!progress_tell(s->where.progress, &fact))
            return err_set(e, ERR_INTERRUPTED, "stopped");
        if (!fetch_kept(s, cache, l, e))
            return false;
        done += bundle_manifest(s->delta)->base_layers[k].size;
    }
    return true;
}

static const struct digest *next_image(const struct base_source *s)
{
    for (size_t k = 0; k < s->n; k++)
        if (is_to_fetch(&s->layers[k]) && s->layers[k].place == PLACE_ENGINE)
            return &s->layers[k].image;
    return NULL;
}

static bool is_of(const struct old_layer *l, const struct digest *image)
{
    return is_to_fetch(l) && l->place == PLACE_ENGINE && digest_equal(&l->image, image);
}

/* All that is wanted of one image, in one go. An image that is gone may leave another one with these layers. */
static bool fetch_image(struct base_source *s, const struct digest *image, struct err *e)
{
    size_t n = 0;
    bool is_there = false;
    AUTO(mem_auto) size_t *which = mem_new_array(s->n, sizeof *which);
    AUTO(mem_auto) struct layer_file *files = mem_new_array(s->n, sizeof *files);
    for (size_t k = 0; k < s->n; k++)
        if (is_of(&s->layers[k], image)) {
            which[n] = k;
            files[n++] = s->layers[k].file;
        }
    bool ok = layers_fetch(s->engine, image, BASE_SOURCE_DIR, files, n, &is_there, s->where.progress, e);
    for (size_t i = 0; i < n; i++) {
        s->layers[which[i]].file = files[i];
        s->layers[which[i]].place = ok && is_there ? PLACE_ENGINE : PLACE_UNKNOWN;
    }
    if (!ok || is_there)
        return ok;
    if (++s->n_gone > GONE_MAX)
        return err_set(e, ERR_ENGINE, "image %s: the engine lists it, but does not find it", DIGEST_SHOWN(image));
    log_debug("image %s is gone", DIGEST_SHOWN(image));
    return look(s, e);
}

bool base_source_fetch(struct base_source *s, struct err *e)
{
    if (!fetch_all_kept(s, e))
        return false;
    for (const struct digest *at; (at = next_image(s)) != NULL;) {
        struct digest image = *at;
        if (!fetch_image(s, &image, e))
            return false;
    }
    return true;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static bool ensure(struct base_source *s, size_t k, struct err *e)
{
    work_mutex_lock(s->mutex);
    bool ok = s->layers[k].file.fd >= 0;
    if (!ok) {
        s->layers[k].is_used = true;
        ok = look(s, e) && base_source_fetch(s, e);
    }
    work_mutex_unlock(s->mutex);
    return ok;
}

static bool read_base(void *ctx, size_t k, uint64_t offset, void *to, size_t n, struct err *e)
{
    struct base_source *s = ctx;
    return ensure(s, k, e) && fd_pread_exact(s->layers[k].file.fd, to, n, offset, BASE_SOURCE_DIR, e);
}

struct base_source *base_source_new(struct bundle *delta, struct chunk_cache *cache, const struct base_where *where)
{
    const struct manifest *m = bundle_manifest(delta);
    struct base_source *s = mem_new(sizeof *s);
    *s = (struct base_source){ .delta = delta, .cache = cache, .where = *where, .mutex = work_mutex_new(), .n = m->n_base_layers };
    s->layers = mem_new_array(s->n, sizeof *s->layers);
    for (size_t k = 0; k < s->n; k++)
        s->layers[k].file = (struct layer_file){ .diff_id = m->base_layers[k].diff_id, .size = m->base_layers[k].size, .fd = -1 };
    bundle_use_base(delta, &(struct base_layers){ .read = read_base, .ctx = s });
    return s;
}
