/* Where members begin and end. Nothing depends on whether this is right: a header that is read wrongly only moves places where pieces end.
 * So it knows just what is needed to get from one header to the next. */
#include "bundle/member_cutter.h"

#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "bundle/layout.h"

#include "base/banned.h"

enum { SIZE_AT = 124, SIZE_BYTES = 12, SUM_AT = 148, SUM_BYTES = 8, TYPE_AT = 156 };

struct member_cutter {
    struct sink sink;
    struct sink *next; /* a cutter */
    uint8_t header[LAYOUT_TAR_BLOCK];
    size_t n_header;  /* bytes of it that have come */
    uint64_t content; /* bytes that are left of a member, fill bytes included */
    bool is_inner;    /* of a header that speaks of the next one: no piece ends */
    bool is_lost;     /* no header where one was due: what follows is cut as it comes */
};

static uint64_t octal(const uint8_t *field, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        if (field[i] >= '0' && field[i] <= '7')
            v = v * 8 + (uint64_t)(field[i] - '0');
        else if (field[i] != ' ' || v != 0)
            break;
    return v;
}

static bool is_header(const uint8_t *h)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < LAYOUT_TAR_BLOCK; i++)
        sum += i >= SUM_AT && i < SUM_AT + SUM_BYTES ? (uint64_t)' ' : h[i];
    return h[0] != 0 && sum == octal(h + SUM_AT, SUM_BYTES);
}

/* Octal, or from 8 GiB on a number of 11 bytes. */
static uint64_t size_of(const uint8_t *h)
{
    const uint8_t *field = h + SIZE_AT;
    uint64_t v = 0;
    if ((field[0] & 0x80) == 0)
        return octal(field, SIZE_BYTES);
    for (size_t i = 4; i < SIZE_BYTES; i++)
        v = v << 8 | field[i];
    return v;
}

static void begin_member(struct member_cutter *c)
{
    uint8_t type = c->header[TYPE_AT];
    uint64_t size = 0;
    c->n_header = 0;
    if (!is_header(c->header) || !num_add(&size, size_of(c->header), (uint64_t)LAYOUT_TAR_BLOCK - 1)) {
        c->is_lost = true;
        return;
    }
    bool has_content = type == '0' || type == '\0' || type == '7';
    c->is_inner = type == 'x' || type == 'g' || type == 'L' || type == 'K';
    c->content = has_content || c->is_inner ? size / LAYOUT_TAR_BLOCK * LAYOUT_TAR_BLOCK : 0;
    if (!c->is_inner)
        cutter_end_piece(c->next);
}

static bool member_cutter_write(struct sink *s, const void *bytes, size_t n, struct err *e)
{
    struct member_cutter *c = (struct member_cutter *)s;
    const uint8_t *from = bytes;
    while (n > 0 && !c->is_lost) {
        uint64_t due = c->content > 0 ? c->content : LAYOUT_TAR_BLOCK - c->n_header;
        size_t take = n < due ? n : (size_t)due;
        if (!sink_write(c->next, from, take, e))
            return false;
        if (c->content == 0) {
            memcpy(c->header + c->n_header, from, take);
            c->n_header += take;
            if (c->n_header == LAYOUT_TAR_BLOCK)
                begin_member(c);
        } else {
            c->content -= take;
            if (c->content == 0 && !c->is_inner)
                cutter_end_piece(c->next);
        }
        from += take;
        n -= take;
    }
    return n == 0 || sink_write(c->next, from, n, e);
}

static bool member_cutter_finish(struct sink *s, struct err *e)
{
    return sink_finish(((struct member_cutter *)s)->next, e);
}

static void member_cutter_drop(struct sink *s)
{
    sink_drop(((struct member_cutter *)s)->next);
    mem_free(s);
}

static const struct sink_ops member_cutter_ops = { member_cutter_write, member_cutter_finish, member_cutter_drop };

struct sink *member_cutter_new(uint32_t average, struct work_queue *out)
{
    struct member_cutter *c = mem_new(sizeof *c);
    c->sink.ops = &member_cutter_ops;
    c->next = cutter_new(average, out);
    return &c->sink;
}
