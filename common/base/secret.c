/* Secrets in memory. */
#include "base/secret.h"

#include <string.h>

#include "base/mem.h"

#include "base/banned.h"

struct secret secret_of(const char *bytes, size_t n)
{
    struct secret s = { .bytes = mem_new(n + 1), .n = n };
    if (n > 0)
        memcpy(s.bytes, bytes, n);
    return s;
}

bool secret_is_set(const struct secret *s)
{
    return s->bytes != NULL && s->n > 0;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
    if (a->n != b->n)
        return false;
    unsigned char differs = 0;
    for (size_t i = 0; i < a->n; i++)
        differs |= (unsigned char)(a->bytes[i] ^ b->bytes[i]);
    return differs == 0;
}

void secret_wipe(void *p, size_t n)
{
    if (p != NULL && n > 0)
        explicit_bzero(p, n);
}

void secret_clear(struct secret *s)
{
    secret_wipe(s->bytes, s->n);
    mem_free(s->bytes);
    *s = (struct secret){ 0 };
}

void secret_clear_auto(struct secret *s)
{
    secret_clear(s);
}
