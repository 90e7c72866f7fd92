/* Bytes come in writes, the reader wants to read: a thread of its own and a short queue of blocks between the two. */
#include <string.h>

#include "base/mem.h"
#include "stream/sink.h"
#include "sys/work.h"

#include "base/banned.h"

enum { BLOCKS_AHEAD = 8 }; /* of what one write brings: 256 KiB as a rule */

struct block {
    size_t n;
    uint8_t bytes[];
};

struct reader_sink {
    struct sink sink;
    sink_reader_fn fn;
    void *ctx;
    struct work_queue *blocks;
    struct work_thread *thread;
};

struct block_source {
    struct source source;
    struct work_queue *blocks;
    struct block *now;
    size_t at;
};

/* ---- the reader's side ---- */

static bool block_source_read(struct source *source, void *to, size_t n, size_t *got, struct err *e)
{
    (void)e;
    struct block_source *s = (struct block_source *)source;
    if (s->now != NULL && s->at == s->now->n)
        mem_free(TAKE(s->now));
    if (s->now == NULL) {
        s->now = work_queue_pop(s->blocks);
        s->at = 0;
    }
    size_t left = s->now == NULL ? 0 : s->now->n - s->at;
    *got = n < left ? n : left;
    if (*got > 0)
        memcpy(to, s->now->bytes + s->at, *got);
    s->at += *got;
    return true;
}

static void block_source_free(struct source *source)
{
    struct block_source *s = (struct block_source *)source;
    mem_free(s->now);
    mem_free(s);
}

static bool read_blocks(void *ctx, struct err *e)
{
    static const struct source_ops ops = { block_source_read, block_source_free };
    struct reader_sink *s = ctx;
    struct block_source *from = mem_new(sizeof *from);
    *from = (struct block_source){ { &ops }, s->blocks, NULL, 0 };
    bool ok = s->fn(s->ctx, &from->source, e);
    work_queue_close(s->blocks); /* nobody reads any more */
    return ok;
}

/* ---- the sink ---- */

static bool reader_write(struct sink *sink, const void *bytes, size_t n, struct err *e)
{
    (void)e;
    struct reader_sink *s = (struct reader_sink *)sink;
    struct block *b = mem_new(sizeof *b + n);
    b->n = n;
    memcpy(b->bytes, bytes, n);
    if (n == 0 || !work_queue_push(s->blocks, b))
        mem_free(b);
    return true;
}

static bool reader_finish(struct sink *sink, struct err *e)
{
    struct reader_sink *s = (struct reader_sink *)sink;
    work_queue_close(s->blocks);
    return work_thread_join(&s->thread, e);
}

static void reader_drop(struct sink *sink)
{
    struct reader_sink *s = (struct reader_sink *)sink;
    work_queue_close(s->blocks);
    work_thread_auto(&s->thread);
    for (void *b; (b = work_queue_pop(s->blocks)) != NULL;)
        mem_free(b);
    work_queue_free(s->blocks);
    mem_free(s);
}

struct sink *sink_reader(sink_reader_fn fn, void *ctx)
{
    static const struct sink_ops ops = { reader_write, reader_finish, reader_drop };
    struct reader_sink *s = mem_new(sizeof *s);
    *s = (struct reader_sink){ { &ops }, fn, ctx, work_queue_new(BLOCKS_AHEAD), NULL };
    s->thread = work_thread_start(read_blocks, s);
    if (!work_thread_is_running(s->thread))
        work_queue_close(s->blocks); /* joining says why */
    return &s->sink;
}
