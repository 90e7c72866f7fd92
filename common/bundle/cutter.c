/* Cutting and hashing. Bytes are gathered until a batch is full; what does not make a whole piece opens the next batch. */
#include "bundle/cutter.h"

#include <string.h>

#include "base/mem.h"
#include "stream/chunker.h"

#include "base/banned.h"

struct cutter {
    struct sink sink;
    struct chunker chunker;
    struct work_queue *out;
    struct cut_batch *batch; /* bytes beyond the pieces are not cut yet */
    size_t cut;              /* bytes of the batch that are in pieces */
};

void cut_batch_free(struct cut_batch *b)
{
    mem_free(b->bytes);
    mem_free(b->pieces);
    mem_free(b);
}

static struct cut_batch *batch_new(void)
{
    struct cut_batch *b = mem_new(sizeof *b);
    b->bytes = mem_resize(NULL, CUTTER_BATCH_BYTES); /* filled before it is looked at: zeros would be a waste */
    return b;
}

static void cut(struct cutter *c, bool is_end)
{
    struct cut_batch *b = c->batch;
    for (;;) {
        size_t n = chunker_cut(&c->chunker, b->bytes + c->cut, b->n_bytes - c->cut, is_end);
        if (n == 0)
            return;
        struct digest d;
        struct cut_piece piece = { .n = (uint32_t)n };
        sha256_of(&d, b->bytes + c->cut, n);
        memcpy(piece.hash, d.bytes, sizeof piece.hash);
        MEM_PUSH(b->pieces, b->n_pieces, b->cap) = piece;
        c->cut += n;
    }
}

/* Sends the pieces that are complete; the rest of the bytes opens a new batch. */
static bool send(struct cutter *c, struct err *e)
{
    struct cut_batch *next = batch_new();
    next->n_bytes = c->batch->n_bytes - c->cut;
    memcpy(next->bytes, c->batch->bytes + c->cut, next->n_bytes);
    c->batch->n_bytes = c->cut;
    if (!work_queue_push(c->out, c->batch)) {
        cut_batch_free(next);
        return err_set(e, ERR_INTERRUPTED, "the layer is not wanted any more");
    }
    c->batch = next;
    c->cut = 0;
    return true;
}

static bool cutter_write(struct sink *s, const void *bytes, size_t n, struct err *e)
{
    struct cutter *c = (struct cutter *)s;
    const uint8_t *from = bytes;
    while (n > 0) {
        size_t room = CUTTER_BATCH_BYTES - c->batch->n_bytes;
        size_t take = n < room ? n : room;
        memcpy(c->batch->bytes + c->batch->n_bytes, from, take);
        c->batch->n_bytes += take;
        from += take;
        n -= take;
        if (c->batch->n_bytes == CUTTER_BATCH_BYTES) {
            cut(c, false);
            if (!send(c, e))
                return false;
        }
    }
    return true;
}

static bool cutter_finish(struct sink *s, struct err *e)
{
    struct cutter *c = (struct cutter *)s;
    cut(c, true);
    return send(c, e);
}

static void cutter_drop(struct sink *s)
{
    struct cutter *c = (struct cutter *)s;
    cut_batch_free(c->batch);
    mem_free(c);
}

void cutter_end_piece(struct sink *cutter)
{
    cut((struct cutter *)cutter, true);
}

static const struct sink_ops cutter_ops = { cutter_write, cutter_finish, cutter_drop };

struct sink *cutter_new(uint32_t average, struct work_queue *out)
{
    struct cutter *c = mem_new(sizeof *c);
    c->sink.ops = &cutter_ops;
    chunker_init(&c->chunker, average);
    /* The largest piece must fit a batch several times, or cutting would never get on. */
    BUG_IF(chunker_max(&c->chunker) * 2 > CUTTER_BATCH_BYTES);
    c->out = out;
    c->batch = batch_new();
    return &c->sink;
}
