/* release.json and, behind a NUL, the document that every digest in it leads to: what index.json and manifest.json are made from. */
#include <stdlib.h>
#include <string.h>

#include "bundle/exact_layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

struct document {
    const uint8_t *bytes;
    size_t n;
};

static bool read_document(void *ctx, const struct digest *d, struct buf *out, struct err *e)
{
    const struct document *doc = ctx;
    (void)d;
    buf_add(out, doc->bytes, doc->n);
    return buf_done(out, "document", e);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const uint8_t *end = n == 0 ? NULL : memchr(bytes, 0, n);
    if (end == NULL)
        return 0;
    struct err e = { 0 };
    struct document doc = { end + 1, n - (size_t)(end - bytes) - 1 };
    struct exact_layout x = { .read = read_document, .ctx = &doc };
    if (!exact_layout_make(&x, (const char *)bytes, (size_t)(end - bytes), &e) && e.code != ERR_FORMAT)
        abort();
    exact_layout_clear(&x);
    return 0;
}
