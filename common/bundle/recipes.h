/* Recipes, layers.bin (docs/FORMAT.md section 3): how a layer's tar is put together from the data stream. They are checked as they pass and not kept: there may be 256 MiB
 * of them. Whoever rebuilds a layer reads its extents again.
 *
 *     c = recipe_check_new(m, t, data);  recipe_check_feed(c, bytes, n) ...;  recipe_check_end(c, &recipes, e);
 */
#ifndef BUNDLE_RECIPES_H
#define BUNDLE_RECIPES_H

#include "bundle/table.h"

struct extent {
    uint32_t source; /* 0: the data stream; k: base.layers[k-1] */
    uint32_t length;
    uint64_t offset;
};
struct extent extent_read(const uint8_t bytes[LAYOUT_EXTENT]);

struct recipe {
    uint64_t at; /* of its first extent, within layers.bin */
    uint32_t n;
    bool needs_base; /* some of it */
    bool is_of_base; /* all of it: the base has this very layer (it is in base.layers), and its recipe is that layer from end to end */
};

struct recipes {
    size_t n;
    struct recipe *layers;
};
void recipes_clear(struct recipes *r);

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

/* Against manifest, data and, for the window rule, the chunk table; all borrowed. */
struct recipe_check;
struct recipe_check *recipe_check_new(const struct manifest *m, const struct table *t, const struct data_map *data);
void recipe_check_free(struct recipe_check *c);
AUTO_FREE(struct recipe_check, recipe_check_free)
/* The bytes of layers.bin in any portions. What is wrong is told at the end: other checks come first. */
void recipe_check_feed(struct recipe_check *c, const uint8_t *bytes, size_t n);
/* Gives *out (recipes_clear). ERR_FORMAT. */
MUST_CHECK bool recipe_check_end(struct recipe_check *c, struct recipes *out, struct err *e);

#endif
