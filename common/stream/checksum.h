/* A checksum against accidents: a disk that does not have what was written to it. Nothing that somebody could have meant to change is believed for its
 * sake; that takes a digest. CRC-64 of ECMA-182, reflected, as ISA-L computes it: some 10 GB/s, where SHA-256 with the processor's instructions does 2. */
#ifndef STREAM_CHECKSUM_H
#define STREAM_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Of what `so_far` is the checksum of (0: nothing) and n bytes behind it. */
uint64_t checksum_add(uint64_t so_far, const void *bytes, size_t n);

#endif
