/* The inventory of a host over arbitrary bytes. What is accepted can be written, and reads as the same again. */
#include <stdlib.h>
#include <string.h>

#include "bundle/inventory.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct err e = { 0 };
    struct inventory v, again;
    struct buf first = BUF_LIMIT(LIMIT_INVENTORY_BYTES);
    struct buf second = BUF_LIMIT(LIMIT_INVENTORY_BYTES);
    if (!inventory_read(&v, n > 0 ? (const char *)bytes : "", n, "fuzz", &e)) {
        must(e.code == ERR_CONFIG && v.layers == NULL && v.releases == NULL);
        return 0;
    }
    for (size_t i = 0; i < v.n_layers; i++)
        must(inventory_has_layer(&v, &v.layers[i]));
    for (size_t i = 0; i < v.n_releases; i++)
        must(inventory_find_release(&v, &v.releases[i].sha256) == i);
    must(inventory_write(&v, &first, &e) && inventory_read(&again, buf_text(&first), first.len, "again", &e));
    must(again.n_layers == v.n_layers && inventory_write(&again, &second, &e) && strcmp(buf_text(&first), buf_text(&second)) == 0);
    buf_clear(&first);
    buf_clear(&second);
    inventory_clear(&again);
    inventory_clear(&v);
    return 0;
}
