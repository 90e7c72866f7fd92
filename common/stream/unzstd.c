/* zstd of layers: several frames, skippable frames between them, windows up to 128 MiB. The magic of each frame is
 * looked at first: libzstd may be built to read the formats from before 1.0, and nothing from outside should get there. */
#include <string.h>

#include <zstd.h>

#include "base/mem.h"
#include "base/num.h"
#include "stream/decoder.h"

#include "base/banned.h"

enum {
    WINDOW_LOG_MAX = 27, /* 128 MiB: what `zstd --ultra` without --long makes at most, and what engines accept */
    MAGIC_BYTES = 4,
};
#define MAGIC_FRAME 0xFD2FB528u
#define MAGIC_SKIPPABLE 0x184D2A50u /* and the 15 after it */

struct unzstd {
    struct decoder decoder;
    const char *what;
    ZSTD_DCtx *ctx;
    bool is_in_frame;
    bool has_frame; /* a frame ended */
    uint8_t magic[MAGIC_BYTES];
    size_t n_magic;
    uint8_t *out;
};

static bool refuse(const struct unzstd *u, const char *why, struct err *e)
{
    return err_set(e, ERR_REGISTRY, "%s: zstd: %s", u->what, why);
}

/* Decodes until the input is used up or the frame has ended. */
static bool decode(struct unzstd *u, const uint8_t **bytes, size_t *n, struct sink *next, struct err *e)
{
    ZSTD_inBuffer in = { *bytes, *n, 0 };
    bool is_full = false;
    while (u->is_in_frame && (in.pos < in.size || is_full)) {
        ZSTD_outBuffer out = { u->out, DECODER_OUT_BYTES, 0 };
        size_t r = ZSTD_decompressStream(u->ctx, &out, &in);
        if (ZSTD_isError(r))
            return refuse(u, ZSTD_getErrorName(r), e);
        if (out.pos > 0 && !sink_write(next, u->out, out.pos, e))
            return false;
        is_full = out.pos == out.size;
        u->is_in_frame = r != 0;
    }
    u->has_frame = u->has_frame || !u->is_in_frame;
    *bytes += in.pos;
    *n -= in.pos;
    return true;
}

/* Collects the first four bytes of a frame, judges them and gives them to the decoder. */
static bool begin_frame(struct unzstd *u, const uint8_t **bytes, size_t *n, struct sink *next, struct err *e)
{
    while (u->n_magic < MAGIC_BYTES && *n > 0) {
        u->magic[u->n_magic++] = *(*bytes)++;
        --*n;
    }
    if (u->n_magic < MAGIC_BYTES)
        return true;
    uint32_t magic = num_le32(u->magic);
    if (magic != MAGIC_FRAME && (magic & 0xFFFFFFF0u) != MAGIC_SKIPPABLE)
        return refuse(u, u->has_frame ? "something that is no frame follows the data" : "not zstd", e);
    const uint8_t *at = u->magic;
    size_t left = MAGIC_BYTES;
    u->n_magic = 0;
    u->is_in_frame = true;
    return decode(u, &at, &left, next, e);
}

static bool unzstd_write(struct decoder *d, const uint8_t *bytes, size_t n, struct sink *next, struct err *e)
{
    struct unzstd *u = (struct unzstd *)d;
    while (n > 0)
        if (!(u->is_in_frame ? decode : begin_frame)(u, &bytes, &n, next, e))
            return false;
    return true;
}

static bool unzstd_finish(struct decoder *d, struct err *e)
{
    struct unzstd *u = (struct unzstd *)d;
    if (u->is_in_frame || u->n_magic > 0)
        return refuse(u, "ends in the middle", e);
    return u->has_frame || err_set(e, ERR_REGISTRY, "%s: empty, expected zstd", u->what);
}

static void unzstd_free(struct decoder *d)
{
    struct unzstd *u = (struct unzstd *)d;
    ZSTD_freeDCtx(u->ctx);
    mem_free(u->out);
    mem_free(u);
}

struct decoder *unzstd_new(const char *what)
{
    static const struct decoder_ops ops = { unzstd_write, unzstd_finish, unzstd_free };
    struct unzstd *u = mem_new(sizeof *u);
    u->decoder.ops = &ops;
    u->what = what;
    u->out = mem_new(DECODER_OUT_BYTES);
    u->ctx = ZSTD_createDCtx();
    BUG_IF(u->ctx == NULL);
    BUG_IF(ZSTD_isError(ZSTD_DCtx_setParameter(u->ctx, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)));
    return &u->decoder;
}
