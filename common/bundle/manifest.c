/* What a manifest that was read can be asked. */
#include "bundle/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "bundle/tar.h"
#include "format/oci_layout.h"

#include "base/banned.h"

void manifest_clear(struct manifest *m)
{
    for (size_t i = 0; i < m->n_layers; i++)
        mem_free(m->layers[i].blobs);
    mem_free(m->layers);
    mem_free(m->layers_by_id);
    mem_free(m->members);
    mem_free(m->members_by_name);
    mem_free(m->platforms);
    mem_free(m->base_layers);
    mem_free(m->base_by_id);
    *m = (struct manifest){ 0 };
}

void manifest_clear_auto(struct manifest *m)
{
    manifest_clear(m);
}

bool manifest_is_data(const struct manifest_member *member)
{
    return text_starts(member->name, FOLDER_DATA);
}

bool manifest_is_blob(const struct manifest_member *member)
{
    return text_starts(member->name, OCI_BLOBS_FOLDER);
}

uint64_t manifest_layer_bytes(const struct manifest *m, size_t i)
{
    return m->mode == MANIFEST_EXACT ? m->layers[i].blobs[0].size : m->layers[i].size;
}

const char *manifest_mode_text(enum manifest_mode mode)
{
    return mode == MANIFEST_EXACT ? "exact" : "dedup";
}

/* --- in order ------------------------------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b, void *of)
{
    const struct manifest *m = of;
    return strcasecmp(m->members[*(const uint32_t *)a].name, m->members[*(const uint32_t *)b].name);
}

static int compare_ids(const void *a, const void *b, void *of)
{
    const struct manifest *m = of;
    return digest_compare(&m->layers[*(const uint32_t *)a].diff_id, &m->layers[*(const uint32_t *)b].diff_id);
}

static int compare_base(const void *a, const void *b, void *of)
{
    const struct manifest *m = of;
    return digest_compare(&m->base_layers[*(const uint32_t *)a].diff_id, &m->base_layers[*(const uint32_t *)b].diff_id);
}

static uint32_t *sorted(size_t n, int (*compare)(const void *a, const void *b, void *of), struct manifest *m)
{
    uint32_t *list = mem_new_array(n, sizeof *list);
    for (size_t i = 0; i < n; i++)
        list[i] = (uint32_t)i;
    qsort_r(list, n, sizeof *list, compare, m);
    return list;
}

void manifest_sort(struct manifest *m)
{
    uint64_t raw = 0;
    BUG_IF(m->members_by_name != NULL || m->layers_by_id != NULL || m->base_by_id != NULL);
    m->members_by_name = sorted(m->n_members, compare_names, m);
    m->layers_by_id = sorted(m->n_layers, compare_ids, m);
    m->base_by_id = sorted(m->n_base_layers, compare_base, m);
    for (size_t i = 0; i < m->n_members; i++) {
        m->members[i].raw_offset = raw;
        raw += tar_member_bytes(m->members[i].size);
    }
}

size_t manifest_find_member(const struct manifest *m, const char *name)
{
    size_t low = 0;
    size_t high = m->n_members;
    BUG_IF(m->members_by_name == NULL);
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        size_t i = m->members_by_name[mid];
        int order = strcasecmp(m->members[i].name, name);
        if (order == 0)
            return text_is(m->members[i].name, name) ? i : SIZE_MAX;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return SIZE_MAX;
}

static const struct digest *layer_id(const struct manifest *m, uint32_t i)
{
    return &m->layers[i].diff_id;
}

static const struct digest *base_id(const struct manifest *m, uint32_t i)
{
    return &m->base_layers[i].diff_id;
}

/* order: n indexes, sorted by the digest that id gives. */
static size_t find_id(const struct manifest *m, const uint32_t *order, size_t n, const struct digest *(*id)(const struct manifest *m, uint32_t i),
                      const struct digest *want)
{
    size_t low = 0;
    size_t high = n;
    BUG_IF(order == NULL && n > 0);
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int compared = digest_compare(id(m, order[mid]), want);
        if (compared == 0)
            return order[mid];
        if (compared < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return SIZE_MAX;
}

size_t manifest_find_layer(const struct manifest *m, const struct digest *diff_id)
{
    return find_id(m, m->layers_by_id, m->n_layers, layer_id, diff_id);
}

size_t manifest_find_base_layer(const struct manifest *m, const struct digest *diff_id)
{
    return find_id(m, m->base_by_id, m->n_base_layers, base_id, diff_id);
}

const char *manifest_base_text(struct manifest_base_text *text, const struct manifest *m)
{
    if (m->has_base_release)
        snprintf(text->text, sizeof text->text, "release %s (%s)", m->base_version, DIGEST_SHOWN(&m->base_release_sha256));
    else
        snprintf(text->text, sizeof text->text, "%zu layer%s that a host's inventory has", m->n_base_layers, text_s(m->n_base_layers));
    return text->text;
}
