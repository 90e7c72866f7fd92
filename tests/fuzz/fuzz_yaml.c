/* The YAML door over arbitrary bytes, in both modes: the whole tree is visited as a reader would, aliases written out. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "format/yread.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static size_t visit(const struct ynode *n, size_t depth)
{
    size_t nodes = 1;
    must(n->line > 0 && n->column > 0);
    if (n->kind == YNODE_SCALAR) {
        must(n->text != NULL && n->n == 0);
        return nodes;
    }
    must(depth < LIMIT_YAML_DEPTH);
    for (size_t i = 0; i < n->n; i++) {
        nodes += visit(n->items[i], depth + 1);
        if (n->kind == YNODE_MAP) {
            must(n->keys[i]->kind == YNODE_SCALAR);
            must(ynode_get(n, n->keys[i]->text) == n->items[i]); /* no key twice */
            nodes++;
        }
    }
    return nodes;
}

static void run(const char *text, size_t n, enum yread_mode mode)
{
    struct err e = { 0 };
    AUTO(yread_free_auto) struct yread *y = yread_open(text, n, "fuzz", mode, &e);
    must((y == NULL) == (e.code == ERR_CONFIG));
    if (y != NULL)
        must(visit(yread_root(y), 0) <= LIMIT_YAML_NODES);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const char *text = n > 0 ? (const char *)bytes : "";
    run(text, n, YREAD_PLAIN);
    run(text, n, YREAD_COMPOSE);
    return 0;
}
