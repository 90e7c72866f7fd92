/* The header frame: the only parser that sees bytes nobody has signed. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bundle/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct err e = { 0 };
    struct header h = { 0 };
    int fd = memfd_create("header", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes, n) != (ssize_t)n)
        abort();
    struct bundle_file *f = bundle_file_of(fd, "header", &e);
    bool ok = f != NULL && header_read(&h, f, &e) && n >= h.frame_bytes + 8 && header_check_padding(&h, f, n, &e);
    if (f == NULL || (!ok && e.code == ERR_NONE && n >= h.frame_bytes + 8))
        abort(); /* a refusal without a reason */
    header_clear(&h);
    bundle_file_close(f);
    close(fd);
    return 0;
}
