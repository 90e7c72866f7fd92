#include "stream/checksum.h"

#include <isa-l/crc64.h>

#include "base/banned.h"

uint64_t checksum_add(uint64_t so_far, const void *bytes, size_t n)
{
    return crc64_ecma_refl(so_far, bytes, n);
}
