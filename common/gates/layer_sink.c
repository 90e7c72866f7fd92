/* The tar comes in writes, libarchive wants to read: sink_reader is between the two. */
#include "base/mem.h"
#include "gates/layer_files_parts.h"

#include "base/banned.h"

struct layer_sink {
    struct sink sink;
    struct sink *reader;
    struct spool *spool;
    struct layer_files *out;
    struct layer_files found;
    char *what;
};

static bool read_tar(void *ctx, struct source *tar, struct err *e)
{
    struct layer_sink *s = ctx;
    return layer_read(&s->found, s->spool, tar, s->what, e);
}

static bool layer_write(struct sink *sink, const void *bytes, size_t n, struct err *e)
{
    return sink_write(((struct layer_sink *)sink)->reader, bytes, n, e);
}

static bool layer_finish(struct sink *sink, struct err *e)
{
    struct layer_sink *s = (struct layer_sink *)sink;
    if (!sink_finish(s->reader, e))
        return false;
    layer_files_clear(s->out);
    *s->out = s->found;
    s->found = (struct layer_files){ 0 };
    return true;
}

static void layer_drop(struct sink *sink)
{
    struct layer_sink *s = (struct layer_sink *)sink;
    sink_drop(s->reader);
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
    s->reader = sink_reader(read_tar, s);
    return &s->sink;
}
