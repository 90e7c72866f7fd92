/* Bytes flow through a chain of sinks in a fixed order: limit -> digest of the raw bytes -> decompress -> limit -> digest of
 * the content -> file. Every stage can fail; verdicts are given at finish; a chain dropped without finish publishes nothing.
 *
 *     AUTO(sink_drop_auto) struct sink *in = sink_limit(size, SINK_EXACT, "blob", sink_sha256(&digest, "blob", sink_fd(fd, path)));
 *     if (!pump(from, in, e) || !sink_finish(in, e))
 *         return err_in(e, "blob %s", DIGEST_SHOWN(&digest));
 *
 * A stage owns the next one: dropping the first drops all. */
#ifndef STREAM_SINK_H
#define STREAM_SINK_H

#include "base/buf.h"
#include "format/digest.h"

struct sink;
struct sink_ops {
    bool (*write)(struct sink *s, const void *bytes, size_t n, struct err *e);
    bool (*finish)(struct sink *s, struct err *e); /* last check, then passes on */
    void (*drop)(struct sink *s);                  /* frees itself and the next; unfinished work vanishes */
};
struct sink { /* first member of every stage */
    const struct sink_ops *ops;
};
MUST_CHECK static inline bool sink_write(struct sink *s, const void *bytes, size_t n, struct err *e)
{
    return s->ops->write(s, bytes, n, e);
}
MUST_CHECK static inline bool sink_finish(struct sink *s, struct err *e)
{
    return s->ops->finish(s, e);
}
static inline void sink_drop(struct sink *s)
{
    if (s != NULL)
        s->ops->drop(s);
}
AUTO_FREE(struct sink, sink_drop)

/* Bytes over the limit are refused as they come; SINK_EXACT: fewer are refused at finish. ERR_INTEGRITY "<what>: ...". */
enum sink_limit_kind { SINK_AT_MOST, SINK_EXACT };
struct sink *sink_limit(uint64_t max_bytes, enum sink_limit_kind kind, const char *what, struct sink *next);
/* Compares at finish: ERR_INTEGRITY "<what>: digest is sha256:..., expected sha256:...". want is copied. */
struct sink *sink_sha256(const struct digest *want, const char *what, struct sink *next);
/* Reports the digest and the count at finish. */
struct sink *sink_measure(struct digest *digest, uint64_t *bytes, struct sink *next);
struct sink *sink_fd(int fd, const char *what);          /* borrows the descriptor */
struct sink *sink_buf(struct buf *out, const char *what); /* borrows; its limit is ERR_INTEGRITY */
struct sink *sink_null(void);
/* Calls a function for each piece of bytes, which is never empty; not at finish. */
typedef bool (*sink_call_fn)(void *ctx, const void *bytes, size_t n, struct err *e);
struct sink *sink_call(sink_call_fn fn, void *ctx);
/* Two ways: everything goes to both; owns both. */
struct sink *sink_tee(struct sink *a, struct sink *b);
/* What comes after it runs in a thread of its own, at most 1 MiB behind; finish waits for it and then runs in the caller's thread. A failure there is that of a later write, or of
 * finish. Dropping waits too: what comes after must not block for ever. */
struct sink *sink_handover(struct sink *next);

/* What passes is read by a function on a thread of its own, as a source, which it frees: for readers that want to pull (libarchive). When the function has ended, for
 * whatever reason, the rest passes unseen; finish waits for it and reports its failure. */
struct source;
typedef bool (*sink_reader_fn)(void *ctx, struct source *from, struct err *e);
struct sink *sink_reader(sink_reader_fn fn, void *ctx);

/* Inflates a layer: gzip (several members; zeros or rubbish after the last member is refused) with ISA-L, and where ISA-L refuses the stream
 * zlib decides; zstd (several frames, skippable frames, window at most 128 MiB); or raw. Detected by magic when DETECT. A stream that ends
 * in the middle is refused at finish. ERR_REGISTRY "<what>: ...": the caller may change the class. */
enum inflate_kind { INFLATE_DETECT, INFLATE_RAW, INFLATE_GZIP, INFLATE_ZSTD };
struct sink *sink_inflate(enum inflate_kind kind, const char *what, struct sink *next);
/* What the first bytes, four of them as a rule, say: never INFLATE_DETECT. */
enum inflate_kind inflate_kind_of(const uint8_t *head, size_t n);

/* Where bytes come from. */
struct source_ops {
    bool (*read)(struct source *s, void *to, size_t n, size_t *got, struct err *e); /* *got = 0: the end */
    void (*free)(struct source *s);
};
struct source {
    const struct source_ops *ops;
};
MUST_CHECK static inline bool source_read(struct source *s, void *to, size_t n, size_t *got, struct err *e)
{
    return s->ops->read(s, to, n, got, e);
}
static inline void source_free(struct source *s)
{
    if (s != NULL)
        s->ops->free(s);
}
AUTO_FREE(struct source, source_free)
struct source *source_fd(int fd, const char *what); /* borrows */
struct source *source_memory(const void *bytes, size_t n); /* borrows */
/* Compares where the end is reported: ERR_INTEGRITY "<what>: digest is sha256:..., expected sha256:...". Takes from over; want is copied. */
struct source *source_sha256(const struct digest *want, const char *what, struct source *from);

/* Moves everything from a source to a sink (does not finish it). */
MUST_CHECK bool pump(struct source *from, struct sink *to, struct err *e);

#endif
