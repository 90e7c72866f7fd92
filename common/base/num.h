/* Arithmetic on sizes is asked, not assumed; and numbers in text are read in one place. */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include "base/auto.h"

/* out = a + b, a * b; false (out unchanged or garbage) on overflow. */
#define num_add(out, a, b) (!__builtin_add_overflow((a), (b), (out)))
#define num_mul(out, a, b) (!__builtin_mul_overflow((a), (b), (out)))

/* Rounds up to a multiple of unit (a power of two). The caller has checked that v is far from the end of the range. */
static inline uint64_t num_round_up(uint64_t v, uint64_t unit)
{
    return (v + unit - 1) & ~(unit - 1);
}

/* File size to memory size; false when it does not fit. */
static inline bool num_size(size_t *out, uint64_t v)
{
    *out = (size_t)v;
    return (uint64_t)*out == v;
}

/* Reads exactly n characters as a decimal number without sign, spaces or leading zeros; false if it is not one or is over max. */
MUST_CHECK bool num_parse(uint64_t *out, const char *text, size_t n, uint64_t max);

/* Reads "64", "512KiB", "4095MiB", "2GiB", "1TiB" (also K, M, G; powers of 1024) as bytes. */
MUST_CHECK bool num_parse_bytes(uint64_t *out, const char *text, uint64_t max);

/* Little-endian numbers at any address. */
static inline uint32_t num_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static inline uint64_t num_le64(const uint8_t *p)
{
    return (uint64_t)num_le32(p) | (uint64_t)num_le32(p + 4) << 32;
}
static inline void num_put_le32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}
static inline void num_put_le64(uint8_t *p, uint64_t v)
{
    num_put_le32(p, (uint32_t)v);
    num_put_le32(p + 4, (uint32_t)(v >> 32));
}

#endif
