/* Content-defined cutting (FORMAT.md section 3): gear hash, table from SHA-256 of "archon-gear-v1:<i>", pieces of A/4 to 8*A bytes. The boundaries are part of the format.
 *
 *     struct chunker c;                       chunker_init(&c, 4096);
 *     while ((n = chunker_cut(&c, bytes, len, is_end)) > 0) { piece is bytes[0..n); bytes += n; len -= n; }
 */
#ifndef STREAM_CHUNKER_H
#define STREAM_CHUNKER_H

#include "base/err.h"

struct chunker {
    uint32_t average; /* 4, 8, 16, 32 or 64 KiB */
    uint32_t mask_shift;
    const uint64_t *gear;
};
bool chunker_average_is_valid(uint64_t average);
void chunker_init(struct chunker *c, uint32_t average);
/* Length of the first piece of bytes[0..len), or 0 when more bytes are needed to tell (only when !is_end and len < 8*A). */
size_t chunker_cut(const struct chunker *c, const uint8_t *bytes, size_t len, bool is_end);
uint32_t chunker_max(const struct chunker *c); /* 8*A */
const uint64_t *chunker_gear(void);            /* 256 entries, made once */

#endif
