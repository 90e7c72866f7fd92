/* A decompressor of one format: bytes in, content to a sink. Private to sink_inflate and the decoders behind it. */
#ifndef STREAM_DECODER_H
#define STREAM_DECODER_H

#include "stream/sink.h"

struct decoder;
struct decoder_ops {
    bool (*write)(struct decoder *d, const uint8_t *bytes, size_t n, struct sink *next, struct err *e);
    bool (*finish)(struct decoder *d, struct err *e); /* refuses a stream that ends in the middle */
    void (*free)(struct decoder *d);
};
struct decoder { /* first member of every decoder */
    const struct decoder_ops *ops;
};
struct decoder *gunzip_new(const char *what); /* gunzip.c; what is borrowed */
struct decoder *unzstd_new(const char *what); /* unzstd.c; what is borrowed */

static inline void decoder_free(struct decoder *d)
{
    if (d != NULL)
        d->ops->free(d);
}

/* A decoder gives its output in pieces of this size. */
enum { DECODER_OUT_BYTES = 256 * 1024 };

#endif
