/* The walk over the members, as a machine that takes bytes in any portions. */
#include "bundle/members.h"

#include <string.h>

#include "base/mem.h"
#include "bundle/tar.h"

#include "base/banned.h"

enum part { PART_HEADER, PART_CONTENT, PART_FILL, PART_END };

struct members {
    const struct manifest *m;
    size_t index;
    enum part part;
    uint64_t at;  /* within the part */
    uint64_t raw; /* offset in the stream, for messages */
    uint8_t header[LAYOUT_TAR_BLOCK];
    struct sha256 *hash;
    struct tap {
        size_t index;
        struct sink *to;
    } taps[2];
    size_t n_taps;
};

struct members *members_new(const struct manifest *m)
{
    struct members *s = mem_new(sizeof *s);
    s->m = m;
    s->hash = sha256_new();
    tar_header(s->header, m->members[0].name, m->members[0].size, m->members[0].is_executable);
    return s;
}

void members_free(struct members *s)
{
    sha256_free(s->hash);
    mem_free(s);
}

void members_tap(struct members *s, size_t i, struct sink *to)
{
    BUG_IF(s->n_taps == ARRAY_LEN(s->taps));
    s->taps[s->n_taps++] = (struct tap){ i, to };
}

static uint64_t part_bytes(const struct members *s)
{
    switch (s->part) {
    case PART_HEADER:
        return LAYOUT_TAR_BLOCK;
    case PART_CONTENT:
        return s->m->members[s->index].size;
    case PART_FILL:
        return tar_fill(s->m->members[s->index].size);
    case PART_END:
        return LAYOUT_TAR_END;
    }
    return 0;
}

static bool add_content(struct members *s, const uint8_t *bytes, size_t n, struct err *e)
{
    if (s->m->members[s->index].has_sha256)
        sha256_add(s->hash, bytes, n);
    for (size_t i = 0; i < s->n_taps; i++)
        if (s->taps[i].index == s->index && !sink_write(s->taps[i].to, bytes, n, e))
            return false;
    return true;
}

static bool check_zero(const struct members *s, const uint8_t *bytes, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != 0)
            return err_set(e, ERR_FORMAT, "%s at raw offset %llu: a byte is not zero", s->part == PART_END ? "end mark" : "fill bytes",
                           (unsigned long long)s->raw);
    return true;
}

static bool take(struct members *s, const uint8_t *bytes, size_t n, struct err *e)
{
    if (s->part == PART_CONTENT)
        return add_content(s, bytes, n, e);
    if (s->part != PART_HEADER)
        return check_zero(s, bytes, n, e);
    if (memcmp(bytes, s->header + s->at, n) != 0)
        return err_set(e, ERR_FORMAT, "tar header at raw offset %llu is not the canonical one of %s", (unsigned long long)(s->raw - s->at),
                       s->m->members[s->index].name);
    return true;
}

static bool check_content(struct members *s, struct err *e)
{
    const struct manifest_member *x = &s->m->members[s->index];
    struct digest found;
    if (!x->has_sha256)
        return true;
    sha256_end(s->hash, &found);
    if (!digest_equal(&found, &x->sha256))
        return err_set(e, ERR_INTEGRITY, "%s: digest is %s, expected %s", x->name, DIGEST_SHOWN(&found), DIGEST_SHOWN(&x->sha256));
    return true;
}

/* The part is complete: which one is next? */
static bool next_part(struct members *s, struct err *e)
{
    s->at = 0;
    if (s->part == PART_CONTENT && !check_content(s, e))
        return false;
    if (s->part != PART_FILL) {
        s->part = s->part == PART_HEADER ? PART_CONTENT : PART_FILL;
        return true;
    }
    s->index++;
    if (s->index == s->m->n_members) {
        s->part = PART_END;
        return true;
    }
    const struct manifest_member *x = &s->m->members[s->index];
    tar_header(s->header, x->name, x->size, x->is_executable);
    s->part = PART_HEADER;
    return true;
}

static bool end_parts(struct members *s, struct err *e)
{
    while (s->part != PART_END && s->at == part_bytes(s))
        if (!next_part(s, e))
            return false;
    return true;
}

bool members_pass_over(struct members *s, size_t n, struct err *e)
{
    if (!end_parts(s, e))
        return false;
    BUG_IF(s->part != PART_CONTENT || s->m->members[s->index].has_sha256 || n > part_bytes(s) - s->at);
    s->at += n;
    s->raw += n;
    return true;
}

bool members_feed(struct members *s, const uint8_t *bytes, size_t n, struct err *e)
{
    for (;;) {
        if (!end_parts(s, e))
            return false;
        if (n == 0)
            return true;
        uint64_t left = part_bytes(s) - s->at;
        if (left == 0)
            return err_set(e, ERR_FORMAT, "%zu raw bytes after the end mark", n);
        size_t len = left < n ? (size_t)left : n;
        if (!take(s, bytes, len, e))
            return false;
        s->at += len;
        s->raw += len;
        bytes += len;
        n -= len;
    }
}

bool members_finish(struct members *s, struct err *e)
{
    if (s->part != PART_END || s->at != LAYOUT_TAR_END)
        return err_set(e, ERR_FORMAT, "the tar stream ends at raw offset %llu", (unsigned long long)s->raw);
    return true;
}
