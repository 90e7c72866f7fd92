/* Compose files: read, frozen, and the packed text read again. What was accepted and frozen must be accepted once more as packed. */
#include <stdint.h>

#include "app/compose.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const char *lookup(void *ctx, const char *name, struct err *e)
{
    (void)ctx;
    (void)e;
    return name[0] == 'T' ? "1.0" : NULL;
}

static void read_packed(const struct compose *c, const struct texts *list)
{
    struct origin_file file = { .name = c->files[0].path, .bytes = c->files[0].text, .n = c->files[0].n };
    AUTO(origin_free_auto) struct origin *src = origin_memory(&file, 1);
    AUTO(findings_clear_auto) struct findings f = { 0 };
    struct err e = { 0 };
    AUTO(compose_free_auto) struct compose *packed = compose_read(src, list, COMPOSE_PACKED, &f, &e);
    BUG_IF(packed == NULL || f.n > 0 || packed->n_services != c->n_services);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static char name[] = "compose.yaml";
    static char *items[] = { name };
    static const struct texts list = { .items = items, .n = 1 };
    struct origin_file file = { .name = name, .bytes = bytes, .n = n };
    AUTO(origin_free_auto) struct origin *src = origin_memory(&file, 1);
    AUTO(findings_clear_auto) struct findings f = { 0 };
    struct err e = { 0 };
    AUTO(compose_free_auto) struct compose *c = compose_read(src, &list, COMPOSE_AUTHOR, &f, &e);
    if (c != NULL && f.n == 0 && compose_freeze(c, lookup, NULL, &f, &e) && f.n == 0)
        read_packed(c, &list);
    return 0;
}
