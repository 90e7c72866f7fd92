/* Verification. One function makes a struct bundle (make_verified); what authorises the manifest is its only difference. */
#include "bundle/verify.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "bundle/chunk_stream.h"
#include "bundle/exact_verify.h"
#include "bundle/layer_reader.h"
#include "bundle/members.h"
#include "format/jread.h"
#include "sys/start.h"
#include "sys/work.h"

#include "base/banned.h"

struct bundle {
    struct index *index;
    struct buf release;
    struct recipes recipes;
    struct data_map data;
    struct base_layers base; /* read null: none */
    bool is_data_later;
};

void bundle_close(struct bundle *b)
{
    if (b->index != NULL)
        index_close(b->index);
    buf_clear(&b->release);
    recipes_clear(&b->recipes);
    data_map_clear(&b->data);
    mem_free(b);
}

static bool feed_recipes(void *ctx, const void *bytes, size_t n, struct err *e)
{
    (void)e;
    recipe_check_feed(ctx, bytes, n);
    return true;
}

/* Does the chunk hold nothing but data? */
static bool is_data(const void *ctx, const struct table_chunk *c)
{
    const struct data_map *d = ctx;
    for (size_t i = 0; i < d->n; i++)
        if (c->raw_offset >= d->parts[i].raw_offset && c->raw_offset + c->raw_len <= d->parts[i].raw_offset + d->parts[i].size)
            return true;
    return false;
}

static bool tell_end(const struct progress *progress, const char *phase, uint64_t bytes, struct err *e)
{
    struct progress_fact fact = { .phase = phase, .done = bytes, .total = bytes, .is_finished = true };
    return progress_tell(progress, &fact) || err_set(e, ERR_INTERRUPTED, "verification was stopped");
}

static bool check_chunks(const struct bundle *b, const struct verify_how *how, struct members *members, struct err *e)
{
    const struct table *t = index_table(b->index);
    AUTO(chunk_stream_free_auto) struct chunk_stream *chunks = chunk_stream_new(index_file(b->index), t, how->jobs);
    const uint8_t *raw;
    uint32_t n;
    if (b->is_data_later)
        chunk_stream_skip(chunks, is_data, &b->data);
    while (chunk_stream_next(chunks, &raw, &n, e)) {
        struct progress_fact fact = { .phase = "verify", .done = chunk_stream_packed(chunks), .total = t->packed_len };
        if (!start_check(e) || !(raw == NULL ? members_pass_over(members, n, e) : members_feed(members, raw, n, e)))
            return false;
        if (!progress_tell(how->progress, &fact))
            return err_set(e, ERR_INTERRUPTED, "verification was stopped");
    }
    return e->code == ERR_NONE && members_finish(members, e) && tell_end(how->progress, "verify", t->packed_len, e);
}

/* Every chunk in order through the checker of members. release.json is kept, layers.bin is checked as it passes. */
static bool check_payload(struct bundle *b, const struct verify_how *how, struct recipe_check *recipes, struct err *e)
{
    const struct manifest *m = index_manifest(b->index);
    AUTO(sink_drop_auto) struct sink *release = sink_buf(&b->release, MEMBER_RELEASE);
    AUTO(sink_drop_auto) struct sink *layers = sink_call(feed_recipes, recipes);
    AUTO(members_free_auto) struct members *members = members_new(m);
    members_tap(members, 0, release);
    if (m->mode == MANIFEST_DEDUP)
        members_tap(members, m->n_members - 1, layers);
    return check_chunks(b, how, members, e);
}

static bool check_release(const struct bundle *b, struct err *e)
{
    const struct manifest *m = index_manifest(b->index);
    char name[sizeof m->name];
    char version[sizeof m->version];
    AUTO(jread_free_auto) struct jread *doc = jread_open(b->release.data, b->release.len, MEMBER_RELEASE, JREAD_STRICT, e);
    if (doc == NULL)
        return false;
    jread_str(jread_root(doc), "name", name, sizeof name);
    jread_str(jread_root(doc), "version", version, sizeof version);
    if (!jread_done(doc, e))
        return false;
    if (!text_is(name, m->name) || !text_is(version, m->version))
        return err_set(e, ERR_FORMAT, "release.json: is %s %s, bundle.json says %s %s", SHOWN(name), SHOWN(version), m->name, m->version);
    return true;
}

/* Where the layers are: in recipes, or as blobs. */
static bool check_layers(struct bundle *b, struct recipe_check *recipes, struct err *e)
{
    const struct manifest *m = index_manifest(b->index);
    if (m->mode == MANIFEST_DEDUP)
        return recipe_check_end(recipes, &b->recipes, e);
    b->recipes = (struct recipes){ .n = m->n_layers, .layers = mem_new_array(m->n_layers, sizeof *b->recipes.layers) };
    return exact_verify(b, e);
}

static bool check_all(struct bundle *b, const struct bundle_file *f, const struct verify_how *how, struct err *e)
{
    data_map_make(&b->data, index_manifest(b->index));
    AUTO(recipe_check_free_auto) struct recipe_check *recipes = recipe_check_new(index_manifest(b->index), index_table(b->index), &b->data);
    return check_payload(b, how, recipes, e) && check_release(b, e) && check_layers(b, recipes, e) &&
           bundle_file_unchanged(f, e);
}

/* The one place where a bundle becomes trusted. */
static struct bundle *make_verified(struct bundle_file *f, const struct authority *a, const struct verify_how *how, struct err *e)
{
    AUTO(bundle_close_auto) struct bundle *b = mem_new(sizeof *b);
    b->release = (struct buf)BUF_LIMIT(LIMIT_RELEASE_BYTES);
    b->is_data_later = how->is_data_later;
    bundle_file_read_ahead(f);
    b->index = index_open(f, a, e);
    if (b->index == NULL)
        return NULL;
    if (!check_all(b, f, how, e)) {
        err_in(e, "%s", index_name(b->index));
        return NULL;
    }
    return TAKE(b);
}

struct bundle *bundle_verify(struct bundle_file *f, const struct keyring *keys, const struct verify_how *how, struct verdict *verdict,
                             struct err *e)
{
    struct authority a = { .keys = keys, .verdict = verdict, .own_sums = how->sums };
    return make_verified(f, &a, how, e);
}

struct bundle *bundle_verify_own(struct bundle_file *f, const struct digest *manifest_sha256, const struct verify_how *how, struct err *e)
{
    struct authority a = { .own = manifest_sha256, .own_sums = how->sums };
    return make_verified(f, &a, how, e);
}

static bool is_rebuilt(const struct bundle *b, size_t i)
{
    return !b->recipes.layers[i].is_of_base;
}

static bool rebuild_layers(const struct bundle *b, struct chunk_cache *cache, const struct progress *progress, uint64_t total, struct err *e)
{
    enum { BLOCK = 256 * 1024 };
    AUTO(mem_auto) uint8_t *block = mem_new(BLOCK);
    uint64_t done = 0;
    for (size_t i = 0; i < bundle_manifest(b)->n_layers; i++) {
        if (!is_rebuilt(b, i))
            continue;
        AUTO(source_free_auto) struct source *layer = layer_reader_open(b, cache, i, e);
        for (size_t got = layer == NULL ? 0 : BLOCK; got > 0; done += got) {
            struct progress_fact fact = { .phase = "rebuild", .done = done, .total = total };
            if (!progress_tell(progress, &fact))
                return err_set(e, ERR_INTERRUPTED, "verification was stopped");
            if (!start_check(e) || !source_read(layer, block, BLOCK, &got, e))
                break;
        }
        if (e->code != ERR_NONE)
            return err_in(e, "layer %zu", i);
    }
    return true;
}

/* Every byte of data is there because a layer needs it, so this finds nothing to do in what create writes. */
static bool check_unread(const struct bundle *b, struct chunk_cache *cache, struct err *e)
{
    const struct table *t = index_table(b->index);
    for (size_t i = 0; i < t->n; i++) {
        struct table_chunk chunk = table_get(t, i);
        if (is_data(&b->data, &chunk) && !chunk_cache_has_read(cache, i) && chunk_cache_get(cache, i, e) == NULL)
            return false;
    }
    return true;
}

bool bundle_verify_layers(const struct bundle *b, uint64_t cache_bytes, const struct progress *progress, struct err *e)
{
    const struct manifest *m = bundle_manifest(b);
    uint64_t total = 0;
    if (m->mode == MANIFEST_EXACT)
        return exact_verify_layers(b, cache_bytes, progress, &total, e) && tell_end(progress, "rebuild", total, e);
    AUTO(chunk_cache_free_auto) struct chunk_cache *cache = chunk_cache_new(b->index, cache_bytes);
    chunk_cache_read_ahead(cache, work_cpus());
    for (size_t i = 0; i < m->n_layers; i++)
        total += is_rebuilt(b, i) ? m->layers[i].size : 0;
    return rebuild_layers(b, cache, progress, total, e) && (!b->is_data_later || check_unread(b, cache, e)) && tell_end(progress, "rebuild", total, e);
}

void bundle_use_base(struct bundle *b, const struct base_layers *base)
{
    b->base = *base;
}

const struct base_layers *bundle_base(const struct bundle *b)
{
    return b->base.read == NULL ? NULL : &b->base;
}

/* --- facts -------------------------------------------------------------------------------------------------------- */

const struct index *bundle_index(const struct bundle *b)
{
    return b->index;
}

const struct manifest *bundle_manifest(const struct bundle *b)
{
    return index_manifest(b->index);
}

const char *bundle_release_text(const struct bundle *b, size_t *n)
{
    *n = b->release.len;
    return buf_text(&b->release);
}

const struct recipes *bundle_recipes(const struct bundle *b)
{
    return &b->recipes;
}

bool bundle_has_data_later(const struct bundle *b)
{
    return b->is_data_later;
}

const struct data_map *bundle_data_map(const struct bundle *b)
{
    return &b->data;
}
