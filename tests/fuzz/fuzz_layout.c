/* An archive of an OCI layout: whatever it holds, it is read or refused. */
#include <stdlib.h>
#include <sys/mman.h>

#include "bundler/layout.h"
#include "sys/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct err e = { 0 };
    AUTO(fd_auto) int fd = memfd_create("layout", MFD_CLOEXEC);
    if (fd < 0 || !fd_write_all(fd, bytes, n, "memory", &e))
        abort();
    int own = fd;
    fd = -1;
    AUTO(layout_close_auto) struct layout *l = layout_open_archive(tarball_open(own, "layout", &e), &e);
    if (l == NULL) {
        if (e.code != ERR_REGISTRY && e.code != ERR_INTEGRITY)
            abort();
        return 0;
    }
    static const char *const inside[] = { NULL, "1.0", "docker.io/library/web:1.0" };
    for (size_t i = 0; i < 3; i++) {
        struct err why = { 0 };
        AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(1 << 20);
        const struct layout_image *x = layout_find(l, inside[i], &why);
        if ((x == NULL) != (why.code == ERR_REGISTRY))
            abort();
        if (x != NULL && layout_read(l, &x->descriptor.digest, &text, &why) == (why.code != ERR_NONE))
            abort();
    }
    return 0;
}
