/* The stage that changes threads: what is written before it and what comes after it work at the same time, a few blocks apart. */
#include <string.h>

#include "base/mem.h"
#include "stream/decoder.h"
#include "sys/work.h"

#include "base/banned.h"

enum { BLOCKS = 4, BLOCK_BYTES = DECODER_OUT_BYTES };

struct block {
    size_t n;
    uint8_t bytes[BLOCK_BYTES];
};

struct handover {
    struct sink sink;
    struct sink *next;
    struct block *blocks;
    struct work_queue *empty, *full;
    struct work_thread *thread; /* null: joined */
    bool is_direct;             /* the system had no thread */
    struct block *open;         /* is being filled, or null */
};

/* The other side. After a failure nothing is taken any more; the blocks that were on their way are dropped with the stage. */
static bool pass_blocks(void *ctx, struct err *e)
{
    struct handover *h = ctx;
    bool ok = true;
    for (struct block *b; ok && (b = work_queue_pop(h->full)) != NULL;) {
        ok = sink_write(h->next, b->bytes, b->n, e);
        if (ok)
            BUG_IF(!work_queue_push(h->empty, b));
    }
    if (!ok) {
        work_queue_close(h->full);
        work_queue_close(h->empty);
    }
    return ok;
}

/* Waits for the other side; says why it stopped. */
static bool join(struct handover *h, struct err *e)
{
    work_queue_close(h->full);
    struct work_thread *t = TAKE(h->thread);
    return work_thread_join(&t, e);
}

/* False: the other side has failed and e says why. */
static bool open_block(struct handover *h, struct err *e)
{
    if (h->open != NULL)
        return true;
    h->open = work_queue_pop(h->empty);
    if (h->open == NULL)
        return join(h, e);
    h->open->n = 0;
    return true;
}

static bool send_block(struct handover *h, struct err *e)
{
    struct block *b = TAKE(h->open);
    return b == NULL || work_queue_push(h->full, b) || join(h, e);
}

static bool handover_write(struct sink *s, const void *bytes, size_t n, struct err *e)
{
    struct handover *h = (struct handover *)s;
    const uint8_t *from = bytes;
    if (h->is_direct)
        return sink_write(h->next, bytes, n, e);
    while (n > 0) {
        if (!open_block(h, e))
            return false;
        size_t room = BLOCK_BYTES - h->open->n;
        size_t take = n < room ? n : room;
        memcpy(h->open->bytes + h->open->n, from, take);
        h->open->n += take;
        from += take;
        n -= take;
        if (h->open->n == BLOCK_BYTES && !send_block(h, e))
            return false;
    }
    return true;
}

static bool handover_finish(struct sink *s, struct err *e)
{
    struct handover *h = (struct handover *)s;
    return send_block(h, e) && join(h, e) && sink_finish(h->next, e);
}

static void handover_drop(struct sink *s)
{
    struct handover *h = (struct handover *)s;
    work_queue_close(h->full);
    work_thread_auto(&h->thread);
    sink_drop(h->next);
    work_queue_free(h->empty);
    work_queue_free(h->full);
    mem_free(h->blocks);
    mem_free(h);
}

struct sink *sink_handover(struct sink *next)
{
    static const struct sink_ops ops = { handover_write, handover_finish, handover_drop };
    struct handover *h = mem_new(sizeof *h);
    h->sink.ops = &ops;
    h->next = next;
    h->empty = work_queue_new(BLOCKS);
    h->full = work_queue_new(BLOCKS);
    h->blocks = mem_resize(NULL, BLOCKS * sizeof *h->blocks); /* filled before they are looked at */
    for (size_t i = 0; i < BLOCKS; i++)
        BUG_IF(!work_queue_push(h->empty, &h->blocks[i]));
    h->thread = work_thread_start(pass_blocks, h);
    h->is_direct = !work_thread_is_running(h->thread);
    if (h->is_direct)
        work_thread_auto(&h->thread);
    return &h->sink;
}
