/* One thread reads and cuts, the caller's takes. */
#include "bundler/layer_cut.h"

#include "bundle/member_cutter.h"

#include "base/banned.h"

enum { BATCHES_AHEAD = 8 };

struct cutting {
    const struct layer_cut *how;
    size_t layer;
    struct work_queue *batches;
};

static bool cut(void *ctx, struct err *e)
{
    const struct cutting *c = ctx;
    AUTO(source_free_auto) struct source *tar = layer_reader_open(c->how->bundle, c->how->cache, c->layer, e);
    AUTO(sink_drop_auto) struct sink *to = member_cutter_new(c->how->average, c->batches);
    bool ok = tar != NULL && pump(tar, to, e) && sink_finish(to, e);
    work_queue_close(c->batches);
    return ok;
}

static bool take_batches(const struct cutting *c, struct err *e)
{
    bool ok = true;
    for (struct cut_batch *b; (b = work_queue_pop(c->batches)) != NULL; cut_batch_free(b)) {
        ok = ok && c->how->take(c->how->ctx, b, e);
        if (!ok)
            work_queue_close(c->batches);
    }
    return ok;
}

bool layer_cut(const struct layer_cut *how, size_t i, struct err *e)
{
    struct err why = { 0 };
    AUTO(work_queue_free_auto) struct work_queue *batches = work_queue_new(BATCHES_AHEAD);
    struct cutting c = { how, i, batches };
    struct work_thread *thread = work_thread_start(cut, &c);
    if (!work_thread_is_running(thread))
        work_queue_close(batches);
    bool ok = take_batches(&c, e);
    if (work_thread_join(&thread, &why) || !ok) /* when the taker has failed, the cutter did because of that */
        return ok;
    *e = why;
    return err_in(e, "%s: layer %zu", index_name(bundle_index(how->bundle)), i);
}
