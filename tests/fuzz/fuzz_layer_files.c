/* A layer's tar of arbitrary bytes: read in a thread, ended properly. */
#include <stdlib.h>

#include "gates/layer_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct err e = { 0 };
    struct layer_files out = { 0 };
    struct layer_files merged;
    AUTO(spool_close_auto) struct spool *s = spool_open("/tmp", &e);
    AUTO(sink_drop_auto) struct sink *to = layer_files_sink(s, &out, "fuzz");
    if (!sink_write(to, bytes, n, &e))
        abort();
    if (!sink_finish(to, &e) && (e.code == ERR_NONE || out.n_files > 0))
        abort();
    const struct layer_files *layers[] = { &out, &out };
    if (!layer_files_merge(&merged, layers, 2, &e))
        abort();
    for (size_t i = 0; i < merged.n_files; i++)
        if (merged.files[i].link != NULL || merged.files[i].size > LIMIT_PACKAGES_DB_BYTES)
            abort();
    layer_files_clear(&merged);
    layer_files_clear(&out);
    return 0;
}
