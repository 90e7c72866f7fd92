/* An exported image: whatever the archive holds, it is read or refused as the engine's fault. */
#include <stdlib.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "engine/export.h"
#include "sys/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static bool pass_over(void *ctx, size_t layer, struct source *content, struct err *e)
{
    size_t *n_layers = ctx;
    AUTO(sink_drop_auto) struct sink *to = sink_limit(1 << 20, SINK_AT_MOST, "layer", sink_null());
    if (layer >= *n_layers)
        abort();
    return pump(content, to, e);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct err e = { 0 };
    AUTO(fd_auto) int fd = memfd_create("export", MFD_CLOEXEC);
    if (fd < 0 || !fd_write_all(fd, bytes, n, "memory", &e))
        abort();
    int own = fd;
    fd = -1;
    AUTO(export_close_auto) struct export *x = export_of(tarball_open(own, "exported image", &e), ERR_ENGINE, &e);
    if (x == NULL) {
        if (e.code != ERR_ENGINE)
            abort();
        return 0;
    }
    for (size_t i = 0; i < export_n_images(x); i++) {
        size_t n_layers = export_image(x, i)->n_layers;
        struct err layer = { 0 };
        if (!export_layers(x, export_image(x, i), pass_over, &n_layers, &layer) && layer.code == ERR_NONE)
            abort();
    }
    return 0;
}
