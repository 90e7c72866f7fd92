/* Names, magics and sizes inside a bundle (docs/FORMAT.md). No other literal may decide how a bundle is read or written. */
#ifndef BUNDLE_LAYOUT_H
#define BUNDLE_LAYOUT_H

#include "base/limits.h"

#define BUNDLE_FIRST_BYTES "{\"archon_bundle\":1,"
#define BUNDLE_SUFFIX ".bundle.tar.zst"

#define MEMBER_MANIFEST "bundle.json"
#define MEMBER_CHUNKS "chunks.bin"
#define MEMBER_RELEASE "release.json"
#define MEMBER_LAYERS "layers.bin"
#define FOLDER_SIGNATURES "signatures/"
#define FOLDER_DATA "data/"
#define FOLDER_IMAGES "images/"

enum {
    LAYOUT_TAR_BLOCK = 512,
    LAYOUT_TAR_END = 1024,
    LAYOUT_STORED_BLOCK = 131072,      /* zstd's largest block */
    LAYOUT_HEADER_UNIT = 65536,        /* header_len is a multiple of it */
    LAYOUT_HEADER_SIGNATURES = 131072, /* room that every writer leaves for signatures and framing */
    LAYOUT_TABLE_ENTRY = 40,
    LAYOUT_EXTENT = 16,
    LAYOUT_DATA_HEADER_FRAME = 522,    /* the stored frame that holds the tar header of a data member */
    LAYOUT_WINDOW_CHUNKS = 64,         /* distinct chunks that any LAYOUT_WINDOW bytes of a layer may touch */
    LAYOUT_SIGNATURE_NAME = 64,
};
#define LAYOUT_WINDOW (16 * MIB)
#define LAYOUT_DATA_MEMBER (4 * GIB)
#define LAYOUT_HEADER_MAX 44367872ull /* 4 MiB + 40 000 000 + 128 KiB, rounded up to 64 KiB */
#define LAYOUT_FRAME_MAX (LIMIT_CHUNK_BYTES + 64 * KIB) /* compressed chunk */
#define LAYOUT_LAYERS_BIN_MAX (256 * MIB)
#define LAYOUT_RECIPES_MAGIC "ARCHREC1"

/* the parity file */
#define PARITY_SUFFIX ".par"
#define LAYOUT_PARITY_MAGIC "ARCHPAR1"
enum {
    LAYOUT_PARITY_DATA = 240,      /* slices of a bundle, at most */
    LAYOUT_PARITY_SLICES = 255,    /* together with those of parity: GF(2^8) */
    LAYOUT_PARITY_BLOCK_MIN = 4096,
    LAYOUT_PARITY_HASH = 8,        /* of a block: the beginning of its SHA-256 */
    LAYOUT_PARITY_HEAD = 128,      /* of a record, before the hashes */
    LAYOUT_PARITY_UNIT = 512,      /* a head is a multiple of it */
    LAYOUT_PARITY_HEAD_MAX = 2048, /* 128 + 240 * 8 */
};

#endif
