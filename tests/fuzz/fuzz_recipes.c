/* layers.bin against a small fixed manifest: the first byte chooses the number of layers. */
#include <stdlib.h>

#include "base/mem.h"
#include "bundle/recipes.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n == 0)
        return 0;
    struct err e = { 0 };
    struct manifest_layer layers[4] = { { .size = 16 }, { .size = 4096 }, { .size = 0 }, { .size = 100000 } };
    struct manifest_member members[3] = { { .name = "release.json", .size = 10 }, { .name = "data/00000.bin", .size = 5000000 }, { .name = "layers.bin" } };
    struct digest base = { { 0 } };
    struct manifest_base_layer base_layers[2] = { { .size = 3000 }, { .diff_id = { { 7 } }, .size = 100000 } }; /* the second one is layer 3 */
    layers[1].diff_id.bytes[0] = 1;
    layers[2].diff_id.bytes[0] = 2;
    layers[3].diff_id.bytes[0] = 7;
    layers[0].diff_id.bytes[0] = 3;
    struct manifest m = { .n_layers = bytes[0] % 5u, .layers = layers, .members = members, .n_members = 3, .has_base = true, .n_base_layers = 2, .base_layers = base_layers };
    manifest_sort(&m);
    struct table t = { 0 };
    struct recipes r = { 0 };
    struct data_map data;
    table_add(&t, 100, 1024, &base);
    table_add(&t, 522, 512, &base);
    table_add(&t, 100, 4194304, &base);
    table_add(&t, 100, 4000000, &base);
    data_map_make(&data, &m);
    struct recipe_check *c = recipe_check_new(&m, &t, &data);
    recipe_check_feed(c, bytes + 1, (n - 1) / 3); /* in two portions */
    recipe_check_feed(c, bytes + 1 + (n - 1) / 3, n - 1 - (n - 1) / 3);
    if (!recipe_check_end(c, &r, &e) && e.code != ERR_FORMAT)
        abort();
    for (size_t i = 0; i < r.n; i++)
        if (r.layers[i].at + (uint64_t)r.layers[i].n * LAYOUT_EXTENT > n - 1)
            abort();
    recipe_check_free(c);
    data_map_clear(&data);
    recipes_clear(&r);
    table_clear(&t);
    mem_free(m.members_by_name);
    mem_free(m.layers_by_id);
    mem_free(m.base_by_id);
    return 0;
}
