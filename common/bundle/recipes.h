/* Recipes, layers.bin (docs/FORMAT.md section 3): how a layer's tar is put together from the data stream. */
#ifndef BUNDLE_RECIPES_H
#define BUNDLE_RECIPES_H

#include "bundle/table.h"

struct extent {
    uint32_t source; /* 0: the data stream; k: base.layers[k-1] */
    uint32_t length;
    uint64_t offset;
};

struct recipe {
    uint32_t n;
    const uint8_t *extents; /* n * LAYOUT_EXTENT bytes within the owner's memory */
};

struct recipes {
    uint8_t *bytes; /* the whole of layers.bin */
    size_t n;
    struct recipe *layers;
};

/* Takes over bytes (mem_free). Checks everything against the manifest, the window rule against the chunk table. ERR_FORMAT. */
MUST_CHECK bool recipes_read(struct recipes *r, uint8_t *bytes, size_t n_bytes, const struct manifest *m, const struct table *t,
                             struct err *e);
void recipes_clear(struct recipes *r);

struct extent recipe_extent(const struct recipe *r, uint32_t i);

/* Data members in the order of the stream: where a data offset lies in the raw tar stream. */
struct data_map {
    size_t n;
    struct data_part {
        uint64_t data_offset; /* of its first byte */
        uint64_t raw_offset;  /* in the tar stream */
        uint64_t size;
    } *parts;
    uint64_t total;
};
void data_map_make(struct data_map *d, const struct manifest *m);
void data_map_clear(struct data_map *d);
/* Raw offset of a data offset (below total), and how many bytes follow it in the same member. */
uint64_t data_map_find(const struct data_map *d, uint64_t data_offset, uint64_t *left);

#endif
