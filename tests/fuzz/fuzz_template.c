/* Interpolation: what has a good form can be expanded when every variable has a value. */
#include <stdint.h>

#include "app/template.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const char *lookup(void *ctx, const char *name, struct err *e)
{
    (void)ctx;
    (void)e;
    return name[0] == 'E' ? "" : "value";
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    AUTO(mem_auto) char *text = mem_text_n((const char *)bytes, n);
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(1 << 16);
    struct err form = { 0 };
    struct err e = { 0 };
    bool ok = template_uses(text, "fuzz", NULL, NULL, &form);
    bool is_expanded = template_expand(&out, text, "fuzz", lookup, NULL, &e);
    BUG_IF(is_expanded && !ok && template_has_variables(text) == false);
    BUG_IF(ok && !is_expanded && e.code != ERR_CONFIG && e.code != ERR_FORMAT);
    return 0;
}
