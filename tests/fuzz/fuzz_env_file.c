/* Env files: every value that is read can be stored and comes back the same. */
#include <stdint.h>
#include <string.h>

#include "app/variables.h"
#include "base/limits.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check_store(const struct env_pairs *p)
{
    AUTO(values_clear_auto) struct values v = { 0 };
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(16 * MIB);
    AUTO(env_pairs_clear_auto) struct env_pairs back = { 0 };
    struct err e = { 0 };
    for (size_t i = 0; i < p->n; i++)
        if (strpbrk(p->items[i].value, "\r\n") == NULL)
            MEM_PUSH(v.items, v.n, v.cap) =
                (struct value){ .name = p->items[i].name, .text = secret_of(p->items[i].value, strlen(p->items[i].value)) };
    if (!values_write(&out, &v, &e) || out.len > LIMIT_ENV_FILE_BYTES)
        return;
    BUG_IF(!env_file_read(&back, buf_text(&out), out.len, "store", &e) || back.n != v.n);
    for (size_t i = 0; i < v.n; i++)
        BUG_IF(back.items[i].is_doubtful || strcmp(back.items[i].value, values_get(&v, v.items[i].name)) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    AUTO(env_pairs_clear_auto) struct env_pairs p = { 0 };
    struct err e = { 0 };
    if (env_file_read(&p, n == 0 ? "" : (const char *)bytes, n, "fuzz", &e))
        check_store(&p);
    return 0;
}
