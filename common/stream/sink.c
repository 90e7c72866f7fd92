/* The plain stages: limit, digest, measure, and the ends of chains (descriptor, buffer, function, nothing, two ways).
 *
 * A stage is one allocation that begins with struct sink and, where it passes bytes on, struct stage. Dropping a stage
 * drops what follows it, so an abandoned chain leaves nothing behind. */
#include <inttypes.h>

#include "base/mem.h"
#include "base/text.h"
#include "stream/sink.h"
#include "sys/file.h"

#include "base/banned.h"

/* What every stage that passes bytes on has in common. */
struct stage {
    struct sink sink;
    struct sink *next;
    char *what; /* null when no message needs it */
};

static void stage_start(struct stage *s, const struct sink_ops *ops, const char *what, struct sink *next)
{
    s->sink.ops = ops;
    s->next = next;
    s->what = mem_text(what);
}

static void stage_drop(struct sink *sink)
{
    struct stage *s = (struct stage *)sink;
    sink_drop(s->next);
    mem_free(s->what);
    mem_free(s);
}

/* limit */

struct limit_stage {
    struct stage stage;
    uint64_t max_bytes;
    uint64_t seen;
    enum sink_limit_kind kind;
};

static bool limit_write(struct sink *sink, const void *bytes, size_t n, struct err *e)
{
    struct limit_stage *s = (struct limit_stage *)sink;
    if (n > s->max_bytes - s->seen)
        return err_set(e, ERR_INTEGRITY, "%s: longer than the %s %" PRIu64 " bytes", s->stage.what,
                       s->kind == SINK_EXACT ? "expected" : "allowed", s->max_bytes);
    s->seen += n;
    return sink_write(s->stage.next, bytes, n, e);
}

static bool limit_finish(struct sink *sink, struct err *e)
{
    struct limit_stage *s = (struct limit_stage *)sink;
    if (s->kind == SINK_EXACT && s->seen != s->max_bytes)
        return err_set(e, ERR_INTEGRITY, "%s: %" PRIu64 " bytes, expected %" PRIu64, s->stage.what, s->seen, s->max_bytes);
    return sink_finish(s->stage.next, e);
}

struct sink *sink_limit(uint64_t max_bytes, enum sink_limit_kind kind, const char *what, struct sink *next)
{
    static const struct sink_ops ops = { limit_write, limit_finish, stage_drop };
    struct limit_stage *s = mem_new(sizeof *s);
    stage_start(&s->stage, &ops, what, next);
    s->max_bytes = max_bytes;
    s->kind = kind;
    return &s->stage.sink;
}

/* digest: compares with what was wanted, or reports */

struct digest_stage {
    struct stage stage;
    struct sha256 *hash;
    struct digest want;      /* sink_sha256 */
    struct digest *out;      /* sink_measure */
    uint64_t *out_bytes;     /* sink_measure */
    uint64_t seen;
};

static bool digest_write(struct sink *sink, const void *bytes, size_t n, struct err *e)
{
    struct digest_stage *s = (struct digest_stage *)sink;
    sha256_add(s->hash, bytes, n);
    s->seen += n;
    return sink_write(s->stage.next, bytes, n, e);
}

static bool digest_finish_compare(struct sink *sink, struct err *e)
{
    struct digest_stage *s = (struct digest_stage *)sink;
    struct digest got;
    sha256_end(s->hash, &got);
    if (!digest_equal(&got, &s->want))
        return err_set(e, ERR_INTEGRITY, "%s: digest is %s, expected %s", s->stage.what, DIGEST_SHOWN(&got),
                       DIGEST_SHOWN(&s->want));
    return sink_finish(s->stage.next, e);
}

static bool digest_finish_report(struct sink *sink, struct err *e)
{
    struct digest_stage *s = (struct digest_stage *)sink;
    struct digest got;
    sha256_end(s->hash, &got);
    if (s->out != NULL)
        *s->out = got;
    if (s->out_bytes != NULL)
        *s->out_bytes = s->seen;
    return sink_finish(s->stage.next, e);
}

static void digest_drop(struct sink *sink)
{
    struct digest_stage *s = (struct digest_stage *)sink;
    sha256_free(s->hash);
    stage_drop(sink);
}

static struct digest_stage *digest_stage_new(const struct sink_ops *ops, const char *what, struct sink *next)
{
    struct digest_stage *s = mem_new(sizeof *s);
    stage_start(&s->stage, ops, what, next);
    s->hash = sha256_new();
    return s;
}

struct sink *sink_sha256(const struct digest *want, const char *what, struct sink *next)
{
    static const struct sink_ops ops = { digest_write, digest_finish_compare, digest_drop };
    struct digest_stage *s = digest_stage_new(&ops, what, next);
    s->want = *want;
    return &s->stage.sink;
}

struct sink *sink_measure(struct digest *digest, uint64_t *bytes, struct sink *next)
{
    static const struct sink_ops ops = { digest_write, digest_finish_report, digest_drop };
    struct digest_stage *s = digest_stage_new(&ops, NULL, next);
    s->out = digest;
    s->out_bytes = bytes;
    return &s->stage.sink;
}

/* two ways: the first way is the stage's next */

struct tee_stage {
    struct stage stage;
    struct sink *other;
};

static bool tee_write(struct sink *sink, const void *bytes, size_t n, struct err *e)
{
    struct tee_stage *s = (struct tee_stage *)sink;
    return sink_write(s->stage.next, bytes, n, e) && sink_write(s->other, bytes, n, e);
}

static bool tee_finish(struct sink *sink, struct err *e)
{
    struct tee_stage *s = (struct tee_stage *)sink;
    return sink_finish(s->stage.next, e) && sink_finish(s->other, e);
}

static void tee_drop(struct sink *sink)
{
    struct tee_stage *s = (struct tee_stage *)sink;
    sink_drop(s->other);
    stage_drop(sink);
}

struct sink *sink_tee(struct sink *a, struct sink *b)
{
    static const struct sink_ops ops = { tee_write, tee_finish, tee_drop };
    struct tee_stage *s = mem_new(sizeof *s);
    stage_start(&s->stage, &ops, NULL, a);
    s->other = b;
    return &s->stage.sink;
}

/* ends of chains */

struct end_stage {
    struct stage stage; /* next is null */
    int fd;
    struct buf *out;
    sink_call_fn fn;
    void *ctx;
};

static bool end_finish(struct sink *sink, struct err *e)
{
    (void)sink, (void)e;
    return true;
}

static struct end_stage *end_new(const struct sink_ops *ops, const char *what)
{
    struct end_stage *s = mem_new(sizeof *s);
    stage_start(&s->stage, ops, what, NULL);
    return s;
}

static bool fd_end_write(struct sink *sink, const void *bytes, size_t n, struct err *e)
{
    struct end_stage *s = (struct end_stage *)sink;
    return fd_write_all(s->fd, bytes, n, s->stage.what, e);
}

struct sink *sink_fd(int fd, const char *what)
{
    static const struct sink_ops ops = { fd_end_write, end_finish, stage_drop };
    struct end_stage *s = end_new(&ops, what);
    s->fd = fd;
    return &s->stage.sink;
}

static bool buf_end_write(struct sink *sink, const void *bytes, size_t n, struct err *e)
{
    struct end_stage *s = (struct end_stage *)sink;
    if (n > s->out->max - s->out->len)
        return err_set(e, ERR_INTEGRITY, "%s: longer than the allowed %zu bytes", s->stage.what, s->out->max);
    buf_add(s->out, bytes, n);
    return true;
}

struct sink *sink_buf(struct buf *out, const char *what)
{
    static const struct sink_ops ops = { buf_end_write, end_finish, stage_drop };
    struct end_stage *s = end_new(&ops, what);
    s->out = out;
    return &s->stage.sink;
}

static bool null_end_write(struct sink *sink, const void *bytes, size_t n, struct err *e)
{
    (void)sink, (void)bytes, (void)n, (void)e;
    return true;
}

struct sink *sink_null(void)
{
    static const struct sink_ops ops = { null_end_write, end_finish, stage_drop };
    return &end_new(&ops, NULL)->stage.sink;
}

static bool call_end_write(struct sink *sink, const void *bytes, size_t n, struct err *e)
{
    struct end_stage *s = (struct end_stage *)sink;
    return n == 0 || s->fn(s->ctx, bytes, n, e);
}

struct sink *sink_call(sink_call_fn fn, void *ctx)
{
    static const struct sink_ops ops = { call_end_write, end_finish, stage_drop };
    struct end_stage *s = end_new(&ops, NULL);
    s->fn = fn;
    s->ctx = ctx;
    return &s->stage.sink;
}
