/* Where bytes come from, and the pump that moves them. */
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "stream/sink.h"
#include "sys/file.h"
#include "sys/start.h"

#include "base/banned.h"

enum { PUMP_BYTES = 256 * 1024 }; /* large enough that the cost of a call does not show */

struct fd_source {
    struct source source;
    int fd;
    char *what;
};

static bool fd_source_read(struct source *source, void *to, size_t n, size_t *got, struct err *e)
{
    struct fd_source *s = (struct fd_source *)source;
    return fd_read_full(s->fd, to, n, got, s->what, e);
}

static void fd_source_free(struct source *source)
{
    struct fd_source *s = (struct fd_source *)source;
    mem_free(s->what);
    mem_free(s);
}

struct source *source_fd(int fd, const char *what)
{
    static const struct source_ops ops = { fd_source_read, fd_source_free };
    struct fd_source *s = mem_new(sizeof *s);
    s->source.ops = &ops;
    s->fd = fd;
    s->what = mem_text(what);
    return &s->source;
}

struct memory_source {
    struct source source;
    const uint8_t *at;
    size_t left;
};

static bool memory_source_read(struct source *source, void *to, size_t n, size_t *got, struct err *e)
{
    (void)e;
    struct memory_source *s = (struct memory_source *)source;
    *got = n < s->left ? n : s->left;
    if (*got > 0)
        memcpy(to, s->at, *got);
    s->at += *got;
    s->left -= *got;
    return true;
}

static void memory_source_free(struct source *source)
{
    mem_free(source);
}

struct source *source_memory(const void *bytes, size_t n)
{
    static const struct source_ops ops = { memory_source_read, memory_source_free };
    static const uint8_t nothing[1] = { 0 };
    struct memory_source *s = mem_new(sizeof *s);
    s->source.ops = &ops;
    s->at = n > 0 ? bytes : nothing;
    s->left = n;
    return &s->source;
}

struct digest_source {
    struct source source;
    struct source *from;
    struct sha256 *hash;
    struct digest want;
    char *what;
    bool is_proven;
};

static bool prove(struct digest_source *s, struct err *e)
{
    struct digest found;
    if (s->is_proven)
        return true;
    sha256_end(s->hash, &found);
    s->is_proven = digest_equal(&found, &s->want);
    return s->is_proven || err_set(e, ERR_INTEGRITY, "%s: digest is %s, expected %s", s->what, DIGEST_SHOWN(&found), DIGEST_SHOWN(&s->want));
}

static bool digest_source_read(struct source *source, void *to, size_t n, size_t *got, struct err *e)
{
    struct digest_source *s = (struct digest_source *)source;
    if (!source_read(s->from, to, n, got, e))
        return false;
    sha256_add(s->hash, to, *got);
    return *got > 0 || prove(s, e);
}

static void digest_source_free(struct source *source)
{
    struct digest_source *s = (struct digest_source *)source;
    source_free(s->from);
    sha256_free(s->hash);
    mem_free(s->what);
    mem_free(s);
}

struct source *source_sha256(const struct digest *want, const char *what, struct source *from)
{
    static const struct source_ops ops = { digest_source_read, digest_source_free };
    struct digest_source *s = mem_new(sizeof *s);
    *s = (struct digest_source){ { &ops }, from, sha256_new(), *want, mem_text(what), false };
    return &s->source;
}

bool pump(struct source *from, struct sink *to, struct err *e)
{
    AUTO(mem_auto) uint8_t *piece = mem_new(PUMP_BYTES);
    size_t got = 0;
    do {
        if (!start_check(e) || !source_read(from, piece, PUMP_BYTES, &got, e) || !sink_write(to, piece, got, e))
            return false;
    } while (got > 0);
    return true;
}
