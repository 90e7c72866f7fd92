/* Chunk frames (FORMAT.md 1.4). The frame's header and its block headers are walked by our own code first: it decides
 * what a chunk frame may be (window, sizes, one frame and nothing after it), libzstd only decodes what is left.
 * The walk also keeps the old zstd formats, which libzstd may understand, away from it. */
#include <inttypes.h>
#include <string.h>

#include <zstd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"
#include "stream/zstd.h"

#include "base/banned.h"

enum {
    WINDOW_LOG = 22,              /* 4 MiB, the largest chunk */
    BLOCK_MAX = 128 * 1024,       /* zstd's own maximum */
    CHECKSUM_BYTES = 4,
    STORED_HEADER_BYTES = 522,    /* the one frame without checksum: a stored tar header */
    LIGHT_LEVEL = -1,             /* 7 GB/s on gzip's output; every lower one is as fast */
};

struct zstd_packer {
    ZSTD_CCtx *ctx;
    int level;
};

struct zstd_packer *zstd_packer_new(int level)
{
    struct zstd_packer *p = mem_new(sizeof *p);
    p->ctx = ZSTD_createCCtx();
    BUG_IF(p->ctx == NULL);
    BUG_IF(level < 1 || level > 19);
    p->level = level;
    /* The window is fixed at the size of a chunk: every level then sees the whole chunk, and no level asks for more. */
    BUG_IF(ZSTD_isError(ZSTD_CCtx_setParameter(p->ctx, ZSTD_c_compressionLevel, level)));
    BUG_IF(ZSTD_isError(ZSTD_CCtx_setParameter(p->ctx, ZSTD_c_windowLog, WINDOW_LOG)));
    BUG_IF(ZSTD_isError(ZSTD_CCtx_setParameter(p->ctx, ZSTD_c_contentSizeFlag, 1)));
    BUG_IF(ZSTD_isError(ZSTD_CCtx_setParameter(p->ctx, ZSTD_c_checksumFlag, 1)));
    BUG_IF(ZSTD_isError(ZSTD_CCtx_setParameter(p->ctx, ZSTD_c_dictIDFlag, 0)));
    return p;
}

void zstd_packer_free(struct zstd_packer *p)
{
    if (p == NULL)
        return;
    ZSTD_freeCCtx(p->ctx);
    mem_free(p);
}

size_t zstd_bound(size_t raw_bytes)
{
    return ZSTD_compressBound(raw_bytes);
}

bool zstd_pack(struct zstd_packer *p, const void *raw, size_t raw_bytes, void *out, size_t out_size, size_t *packed,
               struct err *e)
{
    BUG_IF(raw_bytes == 0 || raw_bytes > LIMIT_CHUNK_BYTES);
    size_t n = ZSTD_compress2(p->ctx, out, out_size, raw, raw_bytes);
    if (ZSTD_isError(n))
        return err_set(e, ERR_INTERNAL, "zstd: %s", ZSTD_getErrorName(n));
    *packed = n;
    return true;
}

bool zstd_pack_light(struct zstd_packer *p, const void *raw, size_t raw_bytes, void *out, size_t out_size, size_t *packed, struct err *e)
{
    BUG_IF(ZSTD_isError(ZSTD_CCtx_setParameter(p->ctx, ZSTD_c_compressionLevel, LIGHT_LEVEL)));
    bool ok = zstd_pack(p, raw, raw_bytes, out, out_size, packed, e);
    BUG_IF(ZSTD_isError(ZSTD_CCtx_setParameter(p->ctx, ZSTD_c_compressionLevel, p->level)));
    return ok;
}

/* What the frame header says. */
struct frame_shape {
    size_t header_bytes;
    uint64_t content_bytes;
    uint64_t window_bytes; /* the content size when is_single */
    bool is_single;
    bool has_checksum;
};

static bool refuse(struct err *e, const char *why)
{
    return err_set(e, ERR_FORMAT, "zstd frame: %s", why);
}

static uint64_t read_le(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static bool read_frame_header(struct frame_shape *out, const uint8_t *f, size_t n, struct err *e)
{
    static const uint8_t magic[4] = { 0x28, 0xB5, 0x2F, 0xFD };
    static const size_t size_field[4] = { 0, 2, 4, 8 };
    if (n < 6 || memcmp(f, magic, sizeof magic) != 0)
        return refuse(e, "does not begin as one");
    uint8_t descriptor = f[4];
    bool is_single = (descriptor & 0x20) != 0;
    if ((descriptor & 0x1B) != 0)
        return refuse(e, "has a dictionary or reserved bits");
    size_t at = is_single ? 5 : 6;
    size_t field = size_field[descriptor >> 6];
    if (field == 0)
        field = is_single ? 1 : 0;
    if (field == 0)
        return refuse(e, "has no content size");
    if (n < at + field)
        return refuse(e, "is cut short");
    out->content_bytes = read_le(f + at, field) + (field == 2 ? 256 : 0);
    uint64_t base = (uint64_t)1 << (10 + (f[5] >> 3));
    out->window_bytes = is_single ? out->content_bytes : base + base / 8 * (f[5] & 7);
    out->is_single = is_single;
    out->has_checksum = (descriptor & 4) != 0;
    out->header_bytes = at + field;
    return true;
}

/* Walks the block headers from the end of the frame header; the last block must end where the frame does. */
static bool walk_blocks(const struct frame_shape *shape, const uint8_t *f, size_t n, struct err *e)
{
    uint64_t block_max = shape->window_bytes < BLOCK_MAX ? shape->window_bytes : BLOCK_MAX;
    size_t at = shape->header_bytes;
    bool is_last = false;
    while (!is_last) {
        if (n - at < 3)
            return refuse(e, "is cut short");
        uint32_t header = (uint32_t)read_le(f + at, 3);
        uint32_t type = header >> 1 & 3, size = header >> 3;
        is_last = (header & 1) != 0;
        at += 3;
        if (type == 3 || size > block_max)
            return refuse(e, "has an impossible block");
        size_t stored = type == 1 ? 1 : size; /* an RLE block stores one byte, whatever its size */
        if (n - at < stored)
            return refuse(e, "is cut short");
        at += stored;
    }
    if (n - at != (shape->has_checksum ? CHECKSUM_BYTES : 0))
        return refuse(e, "is cut short or something follows it");
    return true;
}

static bool is_stored_header(const uint8_t *f, size_t n)
{
    static const uint8_t begin[10] = { 0x28, 0xB5, 0x2F, 0xFD, 0x60, 0x00, 0x01, 0x01, 0x10, 0x00 };
    return n == STORED_HEADER_BYTES && memcmp(f, begin, sizeof begin) == 0;
}

static bool check_frame(const uint8_t *f, size_t n, size_t raw_bytes, bool may_lack_checksum, struct err *e)
{
    struct frame_shape shape = { 0 };
    if (!read_frame_header(&shape, f, n, e))
        return false;
    if (!shape.has_checksum && !(may_lack_checksum && is_stored_header(f, n)))
        return refuse(e, "has no checksum");
    if (shape.window_bytes > LIMIT_CHUNK_BYTES && !shape.is_single)
        return err_set(e, ERR_FORMAT, "zstd frame: window of %" PRIu64 " bytes, at most %" PRIu64, shape.window_bytes,
                       LIMIT_CHUNK_BYTES);
    if (!walk_blocks(&shape, f, n, e))
        return false;
    if (shape.content_bytes != raw_bytes)
        return err_set(e, ERR_INTEGRITY, "zstd frame: holds %" PRIu64 " bytes, expected %zu", shape.content_bytes, raw_bytes);
    return true;
}

struct zstd_unpacker {
    ZSTD_DCtx *ctx;
};

struct zstd_unpacker *zstd_unpacker_new(void)
{
    struct zstd_unpacker *u = mem_new(sizeof *u);
    u->ctx = ZSTD_createDCtx();
    BUG_IF(u->ctx == NULL);
    return u;
}

void zstd_unpacker_free(struct zstd_unpacker *u)
{
    if (u == NULL)
        return;
    ZSTD_freeDCtx(u->ctx);
    mem_free(u);
}

bool zstd_unpack(struct zstd_unpacker *u, const void *frame, size_t frame_bytes, void *raw, size_t raw_bytes,
                 bool may_lack_checksum, struct err *e)
{
    if (!check_frame(frame, frame_bytes, raw_bytes, may_lack_checksum, e))
        return false;
    size_t n = ZSTD_decompressDCtx(u->ctx, raw, raw_bytes, frame, frame_bytes);
    if (ZSTD_isError(n))
        return err_set(e, ERR_FORMAT, "zstd frame: %s", ZSTD_getErrorName(n));
    if (n != raw_bytes)
        return err_set(e, ERR_FORMAT, "zstd frame: %zu bytes came out, expected %zu", n, raw_bytes);
    return true;
}
