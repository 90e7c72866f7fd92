/* The header region of a bundle, bytes 0 to H: one zstd frame of stored blocks holding bundle.json, chunks.bin and signatures as
 * canonical tar members, then one skippable frame of zero bytes. Read before anything is trusted: only lengths, comparisons and copies
 * happen here. docs/FORMAT.md sections 1.1 to 1.3. */
#ifndef BUNDLE_HEADER_H
#define BUNDLE_HEADER_H

#include "base/buf.h"
#include "bundle/file.h"
#include "bundle/layout.h"

struct header_signature {
    char name[LAYOUT_SIGNATURE_NAME]; /* whole member name */
    size_t n;
    uint8_t bytes[LIMIT_CMS_BYTES];
};

/* The parts, owned. */
struct header {
    uint8_t *manifest;
    size_t manifest_bytes;
    uint8_t *table;
    size_t table_bytes;
    size_t n_signatures;
    struct header_signature *signatures; /* in file order; room for as many as there may be */
    uint64_t frame_bytes;                /* E: where the padding frame starts; set by header_read */
};
void header_clear(struct header *h);
void header_clear_auto(struct header *h);

/* Reads and checks the header frame. Not the padding: its end is only known from the manifest. Fails with
 * ERR_FORMAT, ERR_IO. */
MUST_CHECK bool header_read(struct header *h, struct bundle_file *f, struct err *e);

/* Checks that bytes [frame_bytes, header_len) are exactly the padding frame. ERR_FORMAT. */
MUST_CHECK bool header_check_padding(const struct header *h, struct bundle_file *f, uint64_t header_len, struct err *e);

/* Adds a signature, or replaces the one of the same name, keeping the order. ERR_FORMAT when there is no room for more. */
MUST_CHECK bool header_add_signature(struct header *h, const char *name, const void *bytes, size_t n, struct err *e);

/* Signs bundle.json and adds the signature under the name that the key gives it. */
struct key_private;
MUST_CHECK bool header_sign(struct header *h, const struct key_private *key, const void *manifest, size_t n, struct err *e);

/* Builds the whole region: exactly header_len bytes. ERR_FORMAT when it does not fit. */
MUST_CHECK bool header_build(const struct header *h, uint64_t header_len, struct buf *out, struct err *e);

/* H for content of these sizes (bounds or real), with the room for signatures. */
uint64_t header_len_for(uint64_t manifest_bytes, uint64_t table_bytes);

#endif
