/* The data stream is the contents of the data members, one after another. */
#include "base/mem.h"
#include "bundle/recipes.h"
#include "bundle/tar.h"

#include "base/banned.h"

void data_map_make(struct data_map *d, const struct manifest *m)
{
    size_t cap = 0;
    uint64_t raw = 0;
    *d = (struct data_map){ 0 };
    for (size_t i = 0; i < m->n_members; i++) {
        const struct manifest_member *x = &m->members[i];
        if (manifest_is_data(x)) {
            MEM_PUSH(d->parts, d->n, cap) = (struct data_part){ d->total, raw + LAYOUT_TAR_BLOCK, x->size };
            d->total += x->size;
        }
        raw += tar_member_bytes(x->size);
    }
}

void data_map_clear(struct data_map *d)
{
    mem_free(d->parts);
    *d = (struct data_map){ 0 };
}

uint64_t data_map_find(const struct data_map *d, uint64_t data_offset, uint64_t *left)
{
    size_t low = 0;
    size_t high = d->n;
    BUG_IF(data_offset >= d->total);
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (d->parts[mid].data_offset <= data_offset)
            low = mid;
        else
            high = mid;
    }
    uint64_t within = data_offset - d->parts[low].data_offset;
    *left = d->parts[low].size - within;
    return d->parts[low].raw_offset + within;
}
