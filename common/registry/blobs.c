/* Pulls of ranges into one blob. A broken connection costs nothing but the bytes on the wire: the next attempt asks for the rest of its range. A server
 * that gives no ranges is asked for all, and what is there already is skipped. The digest decides at the end; what an earlier run or another answer
 * brought in is thrown away once when it is wrong. */
#include "registry/blobs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "registry/blob_part.h"
#include "registry/content_range.h"
#include "registry/host.h"
#include "registry/pull.h"

#include "base/banned.h"

enum {
    PROGRESS_BYTES = 1024 * 1024,  /* so much new is progress: failures before it are forgiven */
    SHORT_MOST = 8,                /* answers that bring less than that although more was asked for: a byte at a time is no way to fetch anything */
    HELP_BYTES = BLOB_RANGE_LEAST,  /* a further connection for less is not worth its handshake */
};

struct blob;
struct lane {
    struct pull pull;
    struct blob *blob;
    struct blob_cursor cursor;
    struct sink *sink;
    bool is_active;
    bool is_ranged;    /* the request under way asks for a range */
    uint64_t stop;     /* where the answer under way ends */
    uint64_t n_new;    /* bytes that were not there before, since failures were forgiven last: each connection earns that for itself */
};
struct blob {
    struct registry *registry;
    struct blob_request q;
    char *host, *repository;
    struct blob_part *part;
    struct lane *lanes[BLOB_LANES];
    size_t n_lanes, n_active;
    size_t most_lanes;    /* fewer after one had to give up */
    uint64_t fetched, resumed;
    unsigned n_short;
    enum { RANGES_UNKNOWN, RANGES_GIVEN, RANGES_REFUSED } ranges;
    struct validator first; /* of the first answer */
    bool is_loaded, is_complete;
    bool is_mixed;        /* bytes of different answers, or of an earlier run: worth one more start when the digest is wrong */
    bool was_started_over;
    char item[DIGEST_TEXT_BYTES];
};

static bool tell(struct blob *b, bool is_finished, struct err *e)
{
    struct progress_fact fact = { .phase = "fetch", .item = b->item, .done = blob_part_there(b->part), .total = b->q.size, .is_finished = is_finished };
    return progress_tell(b->q.progress, &fact) || err_set(e, ERR_INTERRUPTED, "%s: stopped", b->lanes[0]->pull.what);
}

/* From the first byte again: once, since what is wrong then will not become right. */
static bool start_over(struct blob *b, struct err *e)
{
    b->was_started_over = true;
    b->is_mixed = false;
    b->first = (struct validator){ 0 };
    return blob_part_start_over(b->part, e);
}

static bool may_start_over(const struct blob *b)
{
    return !b->was_started_over && blob_part_goes_back(b->part);
}

/* The answer */

static bool count(struct lane *l, size_t n, size_t n_new)
{
    struct blob *b = l->blob;
    b->fetched += n;
    l->n_new += n_new;
    if (l->n_new >= PROGRESS_BYTES) {
        l->n_new = 0;
        pull_made_progress(&l->pull);
    }
    return true;
}

static bool take_bytes(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct lane *l = ctx;
    struct blob *b = l->blob;
    size_t n_new = 0;
    if (l->cursor.generation != blob_part_generation(b->part))
        return err_set(e, ERR_NET, "%s: began again meanwhile", l->pull.what);
    if (n > l->stop - l->cursor.at && l->is_ranged) {
        b->ranges = RANGES_REFUSED; /* who cannot count is asked for all */
        return err_set(e, ERR_NET, "%s%s: more bytes came", l->pull.what, l->pull.range);
    }
    if (n > l->stop - l->cursor.at)
        return err_set(e, ERR_INTEGRITY, "%s: longer than the expected %" PRIu64 " bytes", l->pull.what, b->q.size);
    return blob_part_take(b->part, &l->cursor, bytes, n, &n_new, e) && count(l, n, n_new) && tell(b, false, e);
}

/* Another version of the thing than the one that the first bytes are of? Servers behind one name may disagree about that, so it is believed once. */
static bool judge_validator(struct lane *l, const struct http_response *head, struct err *e)
{
    struct blob *b = l->blob;
    struct validator now;
    validator_read(&now, pull_url(&l->pull), head);
    if (b->first.origin[0] == '\0')
        b->first = now;
    if (!validator_differs(&b->first, &now))
        return true;
    log_debug("%s: changed while it was fetched", l->pull.what);
    b->is_mixed = true;
    if (!may_start_over(b))
        return true;
    return start_over(b, e) && err_set(e, ERR_NET, "%s%s: changed while it was fetched", l->pull.what, l->pull.range);
}

static bool judge_range(struct lane *l, const struct http_response *head, struct err *e)
{
    struct blob *b = l->blob;
    struct content_range got;
    const char *text = http_response_get(head, "content-range");
    const char *length = http_response_get(head, "content-length");
    uint64_t n = 0;
    bool is_ours = l->is_ranged && content_range_parse(&got, text) && got.first == l->cursor.at && got.last < l->cursor.end &&
                   (!got.has_total || got.total == b->q.size);
    if (is_ours && length != NULL)
        is_ours = num_parse(&n, length, strlen(length), UINT64_MAX) && n == got.last - got.first + 1;
    if (!is_ours) {
        b->ranges = RANGES_REFUSED;
        return err_set(e, ERR_NET, "%s%s: answered with \"%s\", %s bytes", l->pull.what, l->pull.range, SHOWN(text != NULL ? text : ""),
                       length != NULL ? SHOWN(length) : "unknown");
    }
    if (b->ranges == RANGES_UNKNOWN)
        b->ranges = RANGES_GIVEN;
    bool is_short = got.last + 1 < l->cursor.end && got.last - got.first + 1 < PROGRESS_BYTES;
    if (is_short && ++b->n_short > SHORT_MOST)
        b->ranges = RANGES_REFUSED;
    l->stop = got.last + 1;
    return judge_validator(l, head, e);
}

/* All of it, asked for or not. */
static bool judge_whole(struct lane *l, const struct http_response *head, struct err *e)
{
    struct blob *b = l->blob;
    uint64_t n = 0;
    const char *length = http_response_get(head, "content-length");
    if (length != NULL && num_parse(&n, length, strlen(length), UINT64_MAX) && n > b->q.size)
        return err_set(e, ERR_INTEGRITY, "%s: %" PRIu64 " bytes are announced, expected %" PRIu64, l->pull.what, n, b->q.size);
    if (l->is_ranged)
        b->ranges = RANGES_REFUSED;
    l->is_ranged = false;
    l->pull.range[0] = '\0';
    if (!judge_validator(l, head, e))
        return false;
    blob_part_rewind(b->part, &l->cursor);
    l->stop = b->q.size;
    return true;
}

static bool judge_head(void *ctx, const struct http_response *head, struct err *e)
{
    struct lane *l = ctx;
    if (head->status < 200 || head->status > 299)
        return true;
    return head->status == 206 ? judge_range(l, head, e) : judge_whole(l, head, e);
}

/* The end */

static enum pull_verdict be_done(struct lane *l)
{
    l->is_active = false;
    l->blob->n_active--;
    return PULL_GOOD;
}

/* All bytes are there: are they the right ones? */
static enum pull_verdict judge_all(struct lane *l, struct err *e)
{
    struct blob *b = l->blob;
    bool is_hashed = false;
    struct digest got;
    if (!blob_part_hash(b->part, &is_hashed, e))
        return PULL_FAILED;
    if (!is_hashed)
        return PULL_LATER;
    if (blob_part_is(b->part, &b->q.digest, &got)) {
        b->is_complete = true;
        return blob_part_end(b->part, e) && tell(b, true, e) ? be_done(l) : PULL_FAILED;
    }
    err_set(e, ERR_INTEGRITY, "%s: digest is %s", l->pull.what, DIGEST_SHOWN(&got));
    err_hint(e, "the registry, or something on the way, gives other bytes: fetch the image with another program, and push it again if that says the same");
    bool is_worth_it = (b->is_mixed || blob_part_was_resumed(b->part)) && may_start_over(b);
    struct err trouble = { 0 };
    if (blob_part_goes_back(b->part) && !start_over(b, &trouble)) {
        *e = trouble;
        return PULL_FAILED;
    }
    if (!is_worth_it)
        return PULL_FAILED;
    log_debug("%s; fetched again from the beginning", e->msg);
    *e = (struct err){ 0 };
    return PULL_LATER;
}

/* The request */

static enum pull_verdict load(struct lane *l, struct err *e)
{
    struct blob *b = l->blob;
    if (!blob_part_load(b->part, &b->is_loaded, e))
        return PULL_FAILED;
    b->resumed = blob_part_there(b->part);
    return b->is_loaded ? PULL_MORE : PULL_LATER;
}

/* A range of its own; false when there is none. */
static bool take_range(struct lane *l)
{
    struct blob *b = l->blob;
    struct blob_cursor *c = &l->cursor;
    if (c->generation != blob_part_generation(b->part))
        blob_part_give_back(b->part, c);
    bool has_rest = c->at < c->end && blob_part_in_units(b->part); /* in order there may be bytes to skip: given anew */
    return has_rest || blob_part_give(b->part, c);
}

static void ask(struct lane *l, struct http_request *rq)
{
    const struct blob *b = l->blob;
    const struct blob_cursor *c = &l->cursor;
    l->is_ranged = b->ranges != RANGES_REFUSED && (blob_part_in_units(b->part) || c->at > 0);
    l->stop = l->is_ranged ? c->end : b->q.size;
    l->pull.range[0] = '\0';
    if (l->is_ranged) {
        AUTO(mem_auto) char *range = mem_format("bytes=%" PRIu64 "-%" PRIu64, c->at, c->end - 1);
        pull_add_header(&l->pull, "Range", range);
        snprintf(l->pull.range, sizeof l->pull.range, " bytes %" PRIu64 "-%" PRIu64, c->at, c->end - 1);
    }
    rq->out = l->sink;
    rq->max_body = UINT64_MAX; /* take_bytes knows better */
    rq->on_head = judge_head;
    rq->on_head_ctx = l;
}

static enum pull_verdict prepare(struct pull *p, struct http_request *rq, struct err *e)
{
    struct lane *l = (struct lane *)p;
    struct blob *b = l->blob;
    if (!b->is_loaded) {
        enum pull_verdict verdict = load(l, e);
        if (verdict != PULL_MORE)
            return verdict;
    }
    if (b->n_active > 1 && b->ranges == RANGES_REFUSED) { /* each would ask for all of it: one does */
        blob_part_give_back(b->part, &l->cursor);
        return be_done(l);
    }
    if (take_range(l)) {
        ask(l, rq);
        return PULL_MORE;
    }
    if (b->n_active > 1)
        return be_done(l); /* another one brings the rest */
    BUG_IF(!blob_part_is_whole(b->part));
    return judge_all(l, e);
}

static enum pull_verdict complete(struct pull *p, const struct http_response *rs, struct err *e)
{
    struct lane *l = (struct lane *)p;
    (void)rs;
    if (l->cursor.at == l->stop)
        return PULL_MORE; /* the next range, the rest of this one, or the verdict */
    err_set(e, ERR_INTEGRITY, "%s%s: %" PRIu64 " bytes, expected %" PRIu64, p->what, p->range, l->cursor.at, l->stop);
    return PULL_AGAIN;
}

/* What we have is no beginning of what is there, or the server knows no ranges. */
static bool range_refused(struct pull *p, struct err *e)
{
    (void)e;
    struct lane *l = (struct lane *)p;
    if (!l->is_ranged)
        return false;
    l->blob->ranges = RANGES_REFUSED;
    return true;
}

/* Where others go on, a connection that only fails is one too many for the server. */
static bool give_up(struct pull *p, const struct err *e)
{
    (void)e;
    struct lane *l = (struct lane *)p;
    struct blob *b = l->blob;
    if (b->n_active < 2)
        return false;
    blob_part_give_back(b->part, &l->cursor);
    be_done(l);
    b->most_lanes = b->n_active;
    return true;
}

/* Building */

static struct lane *add_lane(struct blob *b)
{
    static const struct pull_ops ops = { .prepare = prepare, .complete = complete, .range_refused = range_refused, .give_up = give_up };
    struct lane *l = mem_new(sizeof *l);
    pull_init(&l->pull, &ops, b->registry, b->q.host, b->q.repository);
    l->pull.path = mem_format("/v2/%s/blobs/%s", b->q.repository, DIGEST_SHOWN(&b->q.digest));
    l->pull.what = mem_format("%s/%s: blob %s", b->q.host, b->q.repository, DIGEST_SHOWN(&b->q.digest));
    l->sink = sink_call(take_bytes, l);
    l->blob = b;
    b->lanes[b->n_lanes++] = l;
    l->cursor.lane = (unsigned)b->n_lanes;
    return l;
}

static struct http_transfer *start_lane(struct lane *l)
{
    l->is_active = true;
    l->blob->n_active++;
    return &l->pull.transfer;
}

struct blob *blob_new(struct registry *r, const struct blob_request *q)
{
    struct blob *b = mem_new(sizeof *b);
    b->registry = r;
    b->q = *q;
    b->q.host = b->host = mem_text(q->host);
    b->q.repository = b->repository = mem_text(q->repository);
    b->most_lanes = BLOB_LANES;
    const char *what = add_lane(b)->pull.what;
    b->part = q->sink != NULL ? blob_part_sink(q->sink, q->size, what) : blob_part_file(q->fd, q->size, registry_options_of(r)->large_blob_bytes, what);
    struct digest_text text;
    BUG_IF(!text_copy(b->item, sizeof b->item, digest_format(&text, &q->digest)));
    return b;
}

void blob_free(struct blob *b)
{
    if (b == NULL)
        return;
    for (size_t i = 0; i < b->n_lanes; i++) {
        pull_clear(&b->lanes[i]->pull);
        sink_drop(b->lanes[i]->sink);
        mem_free(b->lanes[i]);
    }
    blob_part_free(b->part);
    mem_free(b->host);
    mem_free(b->repository);
    mem_free(b);
}

struct http_transfer *blob_transfer(struct blob *b)
{
    return start_lane(b->lanes[0]);
}

struct http_transfer *blob_help(struct blob *b)
{
    if (b->ranges != RANGES_GIVEN || !blob_part_in_units(b->part) || b->n_active == 0 || b->n_active >= b->most_lanes ||
        blob_part_free_bytes(b->part) < HELP_BYTES)
        return NULL;
    for (size_t i = 0; i < b->n_lanes; i++)
        if (!b->lanes[i]->is_active)
            return start_lane(b->lanes[i]);
    return start_lane(add_lane(b));
}

bool blob_is_complete(const struct blob *b)
{
    return b->is_complete;
}

uint64_t blob_bytes_in_order(const struct blob *b)
{
    return blob_part_hashed(b->part);
}

uint64_t blob_bytes_fetched(const struct blob *b)
{
    return b->fetched;
}

uint64_t blob_bytes_resumed(const struct blob *b)
{
    return b->resumed;
}
