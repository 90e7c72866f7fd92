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
    bool ok = header_read(&h, fd, n, &e) && n >= h.frame_bytes + 8 && header_check_padding(&h, fd, n, &e);
    if (!ok && e.code == ERR_NONE && n >= h.frame_bytes + 8)
        abort(); /* a refusal without a reason */
    header_clear(&h);
    close(fd);
    return 0;
}
