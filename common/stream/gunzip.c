/* gzip of layers. ISA-L inflates several times faster than zlib; where it refuses a member before any of its content was
 * passed on, zlib reads the member again from its first byte and decides. (Headers with unusual fields and damaged first
 * blocks come down to zlib's opinion; later in a member a refusal stands, and the digest of the blob has said before
 * that the bytes are the registry's.) Members follow each other until the end; as in Go's reader, which the engines use,
 * anything else after a member is refused, zeros too. */
#include <limits.h>

#include <isa-l/igzip_lib.h>
#include <zlib.h>

#include "base/limits.h"
#include "base/mem.h"
#include "stream/decoder.h"

#include "base/banned.h"

enum {
    REPLAY_MAX = 512 * 1024,     /* more than fits before the first output: beyond, ISA-L has the last word */
    PIECE_MAX = 64 * 1024 * 1024, /* both libraries count input in 32 bits */
};

struct gunzip {
    struct decoder decoder;
    const char *what;
    uint64_t n_members;     /* begun */
    bool is_in_member;
    bool is_zlib;           /* zlib has this member */
    bool has_more;          /* the output was full: there may be more without further input */
    bool is_passed_on;      /* content of this member left already */
    struct buf replay;      /* input of this member that was used, until is_passed_on */
    struct inflate_state isal;
    z_stream z;
    uint8_t *out;
    size_t out_len;
};

static bool refuse(const struct gunzip *g, const char *why, struct err *e)
{
    return err_set(e, ERR_REGISTRY, "%s: gzip member %llu: %s", g->what, (unsigned long long)g->n_members, why);
}

static const char *isal_reason(int r)
{
    switch (r) {
    case ISAL_INVALID_BLOCK: return "invalid block";
    case ISAL_INVALID_SYMBOL: return "invalid symbol";
    case ISAL_INVALID_LOOKBACK: return "distance too far back";
    case ISAL_INVALID_WRAPPER: return "not gzip";
    case ISAL_UNSUPPORTED_METHOD: return "unknown method";
    case ISAL_INCORRECT_CHECKSUM: return "wrong checksum";
    default: return "damaged";
    }
}

static void begin_member(struct gunzip *g)
{
    isal_inflate_reset(&g->isal);
    g->isal.crc_flag = ISAL_GZIP;
    buf_reset(&g->replay);
    g->n_members++;
    g->is_in_member = true;
    g->is_zlib = false;
    g->has_more = false;
    g->is_passed_on = false;
}

static bool pass_on(struct gunzip *g, struct sink *next, struct err *e)
{
    size_t n = g->out_len;
    g->out_len = 0;
    if (n == 0)
        return true;
    g->is_passed_on = true;
    buf_reset(&g->replay);
    return sink_write(next, g->out, n, e);
}

/* What both libraries do after a call: count, pass on when full or at the end of the member. */
static bool after_call(struct gunzip *g, size_t out_left, bool is_end, struct sink *next, struct err *e)
{
    g->out_len = DECODER_OUT_BYTES - out_left;
    g->has_more = !is_end && out_left == 0;
    g->is_in_member = !is_end;
    return (!is_end && out_left > 0) || pass_on(g, next, e);
}

static bool zlib_step(struct gunzip *g, const uint8_t **bytes, size_t *n, struct sink *next, struct err *e)
{
    size_t piece = *n < PIECE_MAX ? *n : PIECE_MAX;
    g->z.next_in = (z_const Bytef *)(uintptr_t)*bytes;
    g->z.avail_in = (uInt)piece;
    g->z.next_out = g->out + g->out_len;
    g->z.avail_out = (uInt)(DECODER_OUT_BYTES - g->out_len);
    int r = inflate(&g->z, Z_NO_FLUSH);
    if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
        return refuse(g, g->z.msg != NULL ? g->z.msg : "damaged", e);
    *bytes += piece - g->z.avail_in;
    *n -= piece - g->z.avail_in;
    return after_call(g, g->z.avail_out, r == Z_STREAM_END, next, e);
}

/* Gives the member to zlib, from its first byte. */
static bool hand_to_zlib(struct gunzip *g, struct sink *next, struct err *e)
{
    BUG_IF(inflateReset(&g->z) != Z_OK);
    g->is_zlib = true;
    g->out_len = 0;
    AUTO(buf_clear_auto) struct buf replay = g->replay;
    g->replay = (struct buf)BUF_LIMIT(REPLAY_MAX);
    const uint8_t *bytes = (const uint8_t *)buf_text(&replay);
    size_t n = replay.len;
    while ((n > 0 || g->has_more) && g->is_in_member)
        if (!zlib_step(g, &bytes, &n, next, e))
            return false;
    return n == 0 || refuse(g, "ISA-L and zlib disagree about its end", e);
}

static bool isal_step(struct gunzip *g, const uint8_t **bytes, size_t *n, struct sink *next, struct err *e)
{
    size_t piece = *n < PIECE_MAX ? *n : PIECE_MAX;
    g->isal.next_in = (uint8_t *)(uintptr_t)*bytes;
    g->isal.avail_in = (uint32_t)piece;
    g->isal.next_out = g->out + g->out_len;
    g->isal.avail_out = (uint32_t)(DECODER_OUT_BYTES - g->out_len);
    int r = isal_inflate(&g->isal);
    if (r != ISAL_DECOMP_OK) {
        if (!g->is_passed_on && !g->replay.over)
            return hand_to_zlib(g, next, e);
        return refuse(g, isal_reason(r), e);
    }
    size_t used = piece - g->isal.avail_in;
    if (!g->is_passed_on)
        buf_add(&g->replay, *bytes, used);
    *bytes += used;
    *n -= used;
    return after_call(g, g->isal.avail_out, g->isal.block_state == ISAL_BLOCK_FINISH, next, e);
}

static bool gunzip_write(struct decoder *d, const uint8_t *bytes, size_t n, struct sink *next, struct err *e)
{
    struct gunzip *g = (struct gunzip *)d;
    while (n > 0 || g->has_more) {
        if (!g->is_in_member)
            begin_member(g);
        size_t before = n;
        bool had_zlib = g->is_zlib;
        size_t out_before = g->out_len;
        if (!(g->is_zlib ? zlib_step : isal_step)(g, &bytes, &n, next, e))
            return false;
        /* A step that neither reads nor writes nor hands over would be repeated for ever. */
        if (n == before && n > 0 && g->out_len == out_before && had_zlib == g->is_zlib && !g->has_more && g->is_in_member)
            return refuse(g, "makes no progress", e);
    }
    return true;
}

static bool gunzip_finish(struct decoder *d, struct err *e)
{
    struct gunzip *g = (struct gunzip *)d;
    if (g->n_members == 0)
        return err_set(e, ERR_REGISTRY, "%s: empty, expected gzip", g->what);
    return !g->is_in_member || refuse(g, "ends in the middle", e);
}

static void gunzip_free(struct decoder *d)
{
    struct gunzip *g = (struct gunzip *)d;
    inflateEnd(&g->z);
    buf_clear(&g->replay);
    mem_free(g->out);
    mem_free(g);
}

struct decoder *gunzip_new(const char *what)
{
    static const struct decoder_ops ops = { gunzip_write, gunzip_finish, gunzip_free };
    struct gunzip *g = mem_new(sizeof *g);
    g->decoder.ops = &ops;
    g->what = what;
    g->replay = (struct buf)BUF_LIMIT(REPLAY_MAX);
    g->out = mem_new(DECODER_OUT_BYTES);
    isal_inflate_init(&g->isal);
    BUG_IF(inflateInit2(&g->z, 15 + 16) != Z_OK); /* 32 KiB window, gzip wrapper */
    return &g->decoder;
}
