/* Release and manifest brought together. */
#include "show/facts.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "bundle/layer_reader.h"

#include "base/banned.h"

/* release.json lies in the first chunks. */
#define FACTS_CACHE_BYTES (8 * MIB)

struct layer_use {
    struct digest diff_id;
    uint64_t bytes;
    size_t n; /* images and platforms that have it */
};

static int compare_uses(const void *a, const void *b)
{
    return digest_compare(&((const struct layer_use *)a)->diff_id, &((const struct layer_use *)b)->diff_id);
}

static struct layer_use *find_use(struct layer_use *uses, size_t n, const struct digest *diff_id)
{
    struct layer_use key = { .diff_id = *diff_id };
    return n == 0 ? NULL : bsearch(&key, uses, n, sizeof *uses, compare_uses);
}

static bool read_release(struct facts *f, struct err *e)
{
    AUTO(chunk_cache_free_auto) struct chunk_cache *cache = chunk_cache_new(f->index, FACTS_CACHE_BYTES);
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_RELEASE_BYTES);
    struct digest found;
    if (!member_read(f->index, cache, MEMBER_RELEASE, &text, e))
        return false;
    sha256_of(&found, buf_text(&text), text.len);
    if (!digest_equal(&found, &index_manifest(f->index)->release_sha256))
        return err_set(e, ERR_INTEGRITY, "%s: digest is %s, expected %s", MEMBER_RELEASE, DIGEST_SHOWN(&found),
                       DIGEST_SHOWN(&index_manifest(f->index)->release_sha256));
    return release_read(&f->release, buf_text(&text), text.len, e);
}

/* Few bundles have reports; what they say of themselves is in one member. */
static bool read_reports(struct facts *f, struct err *e)
{
    AUTO(chunk_cache_free_auto) struct chunk_cache *cache = chunk_cache_new(f->index, FACTS_CACHE_BYTES);
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_REPORTS_BYTES);
    if (manifest_find_member(index_manifest(f->index), REPORTS_SUMMARY) == SIZE_MAX)
        return true;
    return member_read(f->index, cache, REPORTS_SUMMARY, &text, e) && reports_read(&f->reports, buf_text(&text), text.len, e);
}

/* A layer of the release must be in the bundle, unless it is one of a delta's base. */
static bool count_uses(const struct facts *f, struct layer_use *uses, size_t n, struct err *e)
{
    for (size_t i = 0; i < f->n_images; i++)
        for (size_t k = 0; k < f->images[i].platform->n_diff_ids; k++) {
            struct layer_use *u = find_use(uses, n, &f->images[i].platform->diff_ids[k]);
            if (u != NULL)
                u->n++;
            else if (!index_manifest(f->index)->has_base)
                return err_set(e, ERR_FORMAT, "layer %s of %s is not in the bundle", DIGEST_SHOWN(&f->images[i].platform->diff_ids[k]),
                               f->images[i].image->reference);
        }
    return true;
}

static void add_sizes(struct facts *f, struct layer_use *uses, size_t n)
{
    for (size_t i = 0; i < f->n_images; i++) {
        struct facts_image *x = &f->images[i];
        for (size_t k = 0; k < x->platform->n_diff_ids; k++) {
            const struct layer_use *u = find_use(uses, n, &x->platform->diff_ids[k]);
            x->bytes += u == NULL ? 0 : u->bytes;
            x->shared_bytes += u == NULL || u->n < 2 ? 0 : u->bytes;
        }
        f->image_bytes += x->bytes;
    }
}

/* Members images/<n>/<kind>-<k>/manifest.json. */
static size_t count_attached(const struct facts *f, size_t image, const char *kind)
{
    const struct manifest *m = index_manifest(f->index);
    AUTO(mem_auto) char *prefix = mem_format("images/%zu/%s-", image, kind);
    size_t n = 0;
    for (size_t i = 0; i < m->n_members; i++)
        n += text_starts(m->members[i].name, prefix) && text_ends(m->members[i].name, "/manifest.json");
    return n;
}

static void list_images(struct facts *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->release.n_images; i++)
        n += f->release.images[i].n_platforms;
    f->images = mem_new_array(n, sizeof *f->images);
    for (size_t i = 0; i < f->release.n_images; i++) {
        size_t n_attestations = count_attached(f, i, "attestation");
        size_t n_signatures = count_attached(f, i, "signature");
        for (size_t k = 0; k < f->release.images[i].n_platforms; k++)
            f->images[f->n_images++] = (struct facts_image){ .image = &f->release.images[i], .platform = &f->release.images[i].platforms[k],
                                                             .n_attestations = n_attestations, .n_signatures = n_signatures };
    }
}

static bool measure(struct facts *f, struct err *e)
{
    const struct manifest *m = index_manifest(f->index);
    AUTO(mem_auto) struct layer_use *uses = mem_new_array(m->n_layers, sizeof *uses);
    for (size_t i = 0; i < m->n_layers; i++) {
        uses[i] = (struct layer_use){ .diff_id = m->layers[i].diff_id, .bytes = manifest_layer_bytes(m, i) };
        f->layer_bytes += manifest_layer_bytes(m, i);
    }
    for (size_t i = 0; i < m->n_members; i++)
        f->stored_bytes += manifest_is_data(&m->members[i]) || manifest_is_blob(&m->members[i]) ? m->members[i].size : 0;
    if (m->n_layers > 0)
        qsort(uses, m->n_layers, sizeof *uses, compare_uses);
    if (!count_uses(f, uses, m->n_layers, e))
        return false;
    add_sizes(f, uses, m->n_layers);
    return true;
}

bool facts_collect(struct facts *f, const struct index *x, const struct verdict *verdict, struct err *e)
{
    *f = (struct facts){ .index = x, .verdict = verdict };
    if (!read_release(f, e) || !read_reports(f, e))
        return err_in(e, "%s", index_name(x));
    list_images(f);
    return measure(f, e) || err_in(e, "%s", index_name(x));
}

void facts_clear(struct facts *f)
{
    release_clear(&f->release);
    reports_clear(&f->reports);
    mem_free(f->images);
    *f = (struct facts){ 0 };
}

void facts_clear_auto(struct facts *f)
{
    facts_clear(f);
}
