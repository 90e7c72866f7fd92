/* The inflating stage: finds out the format by its magic when asked to, and lets the decoder of that format work. */
#include <string.h>

#include "base/mem.h"
#include "stream/decoder.h"

#include "base/banned.h"

enum { HEAD_BYTES = 4 }; /* enough to tell */

struct inflate_stage {
    struct sink sink;
    struct sink *next;
    char *what;
    enum inflate_kind kind; /* INFLATE_DETECT until it is known */
    uint8_t head[HEAD_BYTES];
    size_t n_head;
    struct decoder *decoder; /* null for raw */
};

static void choose(struct inflate_stage *s, enum inflate_kind kind)
{
    s->kind = kind;
    if (kind == INFLATE_GZIP)
        s->decoder = gunzip_new(s->what);
    if (kind == INFLATE_ZSTD)
        s->decoder = unzstd_new(s->what);
}

enum inflate_kind inflate_kind_of(const uint8_t *head, size_t n)
{
    static const uint8_t zstd[4] = { 0x28, 0xB5, 0x2F, 0xFD };
    if (n >= 2 && head[0] == 0x1F && head[1] == 0x8B)
        return INFLATE_GZIP;
    if (n >= 4 && memcmp(head, zstd, 4) == 0)
        return INFLATE_ZSTD;
    if (n >= 4 && (head[0] & 0xF0) == 0x50 && memcmp(head + 1, "\x2A\x4D\x18", 3) == 0)
        return INFLATE_ZSTD; /* zstd:chunked and seekable files may begin with a skippable frame */
    return INFLATE_RAW;
}

static bool pass(struct inflate_stage *s, const uint8_t *bytes, size_t n, struct err *e)
{
    if (n == 0)
        return true;
    if (s->decoder != NULL)
        return s->decoder->ops->write(s->decoder, bytes, n, s->next, e);
    return sink_write(s->next, bytes, n, e);
}

static bool decide(struct inflate_stage *s, struct err *e)
{
    choose(s, inflate_kind_of(s->head, s->n_head));
    return pass(s, s->head, s->n_head, e);
}

static bool inflate_write(struct sink *sink, const void *bytes, size_t n, struct err *e)
{
    struct inflate_stage *s = (struct inflate_stage *)sink;
    const uint8_t *at = bytes;
    if (s->kind == INFLATE_DETECT) {
        while (s->n_head < HEAD_BYTES && n > 0) {
            s->head[s->n_head++] = *at++;
            n--;
        }
        if (s->n_head < HEAD_BYTES)
            return true;
        if (!decide(s, e))
            return false;
    }
    return pass(s, at, n, e);
}

static bool inflate_finish(struct sink *sink, struct err *e)
{
    struct inflate_stage *s = (struct inflate_stage *)sink;
    if (s->kind == INFLATE_DETECT && !decide(s, e))
        return false;
    if (s->decoder != NULL && !s->decoder->ops->finish(s->decoder, e))
        return false;
    return sink_finish(s->next, e);
}

static void inflate_drop(struct sink *sink)
{
    struct inflate_stage *s = (struct inflate_stage *)sink;
    sink_drop(s->next);
    decoder_free(s->decoder);
    mem_free(s->what);
    mem_free(s);
}

struct sink *sink_inflate(enum inflate_kind kind, const char *what, struct sink *next)
{
    static const struct sink_ops ops = { inflate_write, inflate_finish, inflate_drop };
    struct inflate_stage *s = mem_new(sizeof *s);
    s->sink.ops = &ops;
    s->next = next;
    s->what = mem_text(what);
    if (kind != INFLATE_DETECT)
        choose(s, kind);
    return &s->sink;
}
