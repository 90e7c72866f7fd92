/* The tar comes in writes, libarchive wants to read: a thread of its own and a short queue of blocks between the two. When the reader has
 * ended, for whatever reason, the rest passes unseen. */
#include <string.h>

#include "base/mem.h"
#include "gates/layer_files_parts.h"
#include "sys/work.h"

#include "base/banned.h"

enum { BLOCKS_AHEAD = 8 }; /* of what one write brings: 256 KiB as a rule */

struct block {
    size_t n;
    uint8_t bytes[];
};

struct layer_sink {
    struct sink sink;
    struct spool *spool;
    struct layer_files *out;
    struct layer_files found;
    char *what;
    struct work_queue *blocks;
    struct work_thread *thread;
};

struct block_source {
    struct source source;
    struct work_queue *blocks;
    struct block *now;
    size_t at;
};

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

static const struct source_ops block_source_ops = { block_source_read, block_source_free };

static bool read_blocks(void *ctx, struct err *e)
{
    struct layer_sink *s = ctx;
    struct block_source *from = mem_new(sizeof *from);
    *from = (struct block_source){ { &block_source_ops }, s->blocks, NULL, 0 };
    bool ok = layer_read(&s->found, s->spool, &from->source, s->what, e);
    work_queue_close(s->blocks); /* nobody reads any more */
    return ok;
}

/* ---- the sink ---- */

static bool layer_write(struct sink *sink, const void *bytes, size_t n, struct err *e)
{
    (void)e;
    struct layer_sink *s = (struct layer_sink *)sink;
    struct block *b = mem_new(sizeof *b + n);
    b->n = n;
    memcpy(b->bytes, bytes, n);
    if (n == 0 || !work_queue_push(s->blocks, b))
        mem_free(b);
    return true;
}

static bool layer_finish(struct sink *sink, struct err *e)
{
    struct layer_sink *s = (struct layer_sink *)sink;
    work_queue_close(s->blocks);
    if (!work_thread_join(&s->thread, e))
        return false;
    layer_files_clear(s->out);
    *s->out = s->found;
    s->found = (struct layer_files){ 0 };
    return true;
}

static void layer_drop(struct sink *sink)
{
    struct layer_sink *s = (struct layer_sink *)sink;
    struct err ignored = { 0 };
    work_queue_close(s->blocks);
    if (s->thread != NULL && !work_thread_join(&s->thread, &ignored))
        layer_files_clear(&s->found);
    for (void *b; (b = work_queue_pop(s->blocks)) != NULL;)
        mem_free(b);
    work_queue_free(s->blocks);
    layer_files_clear(&s->found);
    mem_free(s->what);
    mem_free(s);
}

static const struct sink_ops layer_ops = { layer_write, layer_finish, layer_drop };

struct sink *layer_files_sink(struct spool *spool, struct layer_files *out, const char *what)
{
    struct layer_sink *s = mem_new(sizeof *s);
    s->sink.ops = &layer_ops;
    s->spool = spool;
    s->out = out;
    s->what = mem_text(what);
    s->blocks = work_queue_new(BLOCKS_AHEAD);
    s->thread = work_thread_start(read_blocks, s);
    if (!work_thread_is_running(s->thread))
        work_queue_close(s->blocks); /* joining says why */
    return &s->sink;
}
