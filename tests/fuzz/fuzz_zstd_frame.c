/* Chunk frames: the expected raw size is taken from the input's first two bytes. */
#include "base/mem.h"
#include "stream/zstd.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n < 2)
        return 0;
    struct err e = { 0 };
    size_t raw_bytes = (size_t)bytes[0] * 256 + bytes[1] + 1;
    AUTO(mem_auto) uint8_t *raw = mem_new(raw_bytes);
    AUTO(zstd_unpacker_free_auto) struct zstd_unpacker *u = zstd_unpacker_new();
    bool is_good = zstd_unpack(u, bytes + 2, n - 2, raw, raw_bytes, true, &e);
    BUG_IF(is_good != (e.code == ERR_NONE));
    return 0;
}
