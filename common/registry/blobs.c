/* Pulls into files. Position and hash move together with what is written, so a broken connection costs nothing but the
 * bytes on the wire: the next attempt asks for the rest. What a file held before this run is hashed again from byte 0. */
#include "registry/blobs.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "registry/pull.h"
#include "sys/file.h"

#include "base/banned.h"

enum {
    REHASH_BYTES = 1024 * 1024,
    PROGRESS_BYTES = 1024 * 1024, /* so much new is progress: failures before it are forgiven */
};

struct blob {
    struct pull pull;
    struct blob_request q;
    struct sha256 *hash;
    struct sink *sink;
    uint64_t at;          /* bytes in the file that are hashed */
    uint64_t skip;        /* bytes that come again and that the sink has already */
    uint64_t fetched;
    uint64_t forgiven_at;
    bool is_primed;       /* what the file held was hashed */
    bool is_whole;        /* a sink whose server refuses ranges: everything is asked for, and what is there is skipped */
    bool was_resumed;     /* some bytes are from an earlier run */
    char item[DIGEST_TEXT_BYTES];
};

/* The next bytes are those from 0 on. */
static bool start_over(struct blob *b, struct err *e)
{
    if (b->q.sink != NULL) {
        b->skip = b->at; /* a sink does not go back */
        return true;
    }
    struct digest ignored;
    sha256_end(b->hash, &ignored);
    b->at = 0; /* forgiven_at stays: only bytes that nobody saw before are progress, so starting over cannot go on for ever */
    b->was_resumed = false;
    return ftruncate(b->q.fd, 0) == 0 || err_set(e, ERR_IO, "%s: truncate: %s", b->pull.what, strerror(errno));
}

/* Hashes what the file holds already. */
static bool prime(struct blob *b, struct err *e)
{
    struct stat st;
    b->is_primed = true;
    if (b->q.sink != NULL)
        return true;
    if (fstat(b->q.fd, &st) != 0)
        return err_set(e, ERR_IO, "%s: %s", b->pull.what, strerror(errno));
    if (st.st_size <= 0 || (uint64_t)st.st_size > b->q.size)
        return start_over(b, e);
    AUTO(mem_auto) uint8_t *piece = mem_new(REHASH_BYTES);
    while (b->at < (uint64_t)st.st_size) {
        uint64_t left = (uint64_t)st.st_size - b->at;
        size_t n = left < REHASH_BYTES ? (size_t)left : REHASH_BYTES;
        if (!fd_pread_exact(b->q.fd, piece, n, b->at, b->pull.what, e))
            return false;
        sha256_add(b->hash, piece, n);
        b->at += n;
    }
    b->was_resumed = true;
    b->forgiven_at = b->at;
    return true;
}

static bool tell(struct blob *b, bool is_finished, struct err *e)
{
    struct progress_fact fact = { .phase = "fetch", .item = b->item, .done = b->at, .total = b->q.size, .is_finished = is_finished };
    return progress_tell(b->q.progress, &fact) || err_set(e, ERR_INTERRUPTED, "%s: stopped", b->pull.what);
}

/* All bytes are there: are they the right ones? The hash is used up by this. */
static bool is_right(struct blob *b, struct err *e)
{
    struct digest got;
    sha256_end(b->hash, &got);
    if (digest_equal(&got, &b->q.digest))
        return true;
    return err_set(e, ERR_INTEGRITY, "%s: digest is %s", b->pull.what, DIGEST_SHOWN(&got));
}

static bool take_bytes(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct blob *b = ctx;
    size_t known = n < b->skip ? n : (size_t)b->skip;
    b->skip -= known;
    b->fetched += n;
    n -= known;
    if (n == 0)
        return true;
    bytes = (const char *)bytes + known;
    if (n > b->q.size - b->at)
        return err_set(e, ERR_INTEGRITY, "%s: longer than the expected %" PRIu64 " bytes", b->pull.what, b->q.size);
    if (b->q.sink != NULL ? !sink_write(b->q.sink, bytes, n, e) : !fd_pwrite_all(b->q.fd, bytes, n, b->at, b->pull.what, e))
        return false;
    sha256_add(b->hash, bytes, n);
    b->at += n;
    if (b->at >= b->forgiven_at + PROGRESS_BYTES) {
        b->forgiven_at = b->at;
        pull_made_progress(&b->pull);
    }
    return tell(b, false, e);
}

/* After a range that did not work. */
static bool ask_for_all(struct blob *b, struct err *e)
{
    b->is_whole = b->q.sink != NULL;
    return start_over(b, e);
}

/* "bytes 100-199/200" that begins where we are and ends where the blob does. */
static bool is_our_range(const struct blob *b, const char *range)
{
    AUTO(mem_auto) char *whole = mem_format("bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, b->at, b->q.size - 1, b->q.size);
    AUTO(mem_auto) char *unknown = mem_format("bytes %" PRIu64 "-%" PRIu64 "/*", b->at, b->q.size - 1);
    return text_is(range, whole) || text_is(range, unknown);
}

static bool judge_head(void *ctx, const struct http_response *head, struct err *e)
{
    struct blob *b = ctx;
    if (head->status < 200 || head->status > 299)
        return true;
    if (head->status == 206 && !is_our_range(b, http_response_get(head, "content-range")))
        return ask_for_all(b, e) && err_set(e, ERR_NET, "%s: another range than asked for", b->pull.what);
    if (head->status != 206 && b->at > 0 && !start_over(b, e)) /* all of it, although we asked for the rest */
        return false;
    uint64_t n = 0;
    const char *length = http_response_get(head, "content-length");
    if (length != NULL && num_parse(&n, length, strlen(length), UINT64_MAX) && n > b->q.size - b->at + b->skip)
        return err_set(e, ERR_INTEGRITY, "%s: %" PRIu64 " bytes are announced, expected %" PRIu64, b->pull.what, b->at - b->skip + n, b->q.size);
    return true;
}

static bool prepare(struct pull *p, struct http_request *rq, bool *is_done, struct err *e)
{
    struct blob *b = (struct blob *)p;
    if (!b->is_primed && !prime(b, e))
        return false;
    b->skip = b->is_whole ? b->at : 0;
    if (b->at == b->q.size) {
        struct err trouble = { 0 };
        if (is_right(b, &trouble)) {
            *is_done = true;
            return tell(b, true, e);
        }
        if (b->q.sink != NULL) {
            *e = trouble;
            return false;
        }
        if (!start_over(b, e)) /* leftovers of something else */
            return false;
    }
    if (b->at > 0 && !b->is_whole) {
        AUTO(mem_auto) char *range = mem_format("bytes=%" PRIu64 "-", b->at);
        pull_add_header(p, "Range", range);
    }
    rq->out = b->sink;
    rq->max_body = UINT64_MAX; /* take_bytes knows better */
    rq->on_head = judge_head;
    rq->on_head_ctx = b;
    return true;
}

static enum pull_verdict complete(struct pull *p, const struct http_response *rs, struct err *e)
{
    struct blob *b = (struct blob *)p;
    (void)rs;
    if (b->at < b->q.size) {
        err_set(e, ERR_INTEGRITY, "%s: %" PRIu64 " bytes, expected %" PRIu64, p->what, b->at, b->q.size);
        return PULL_AGAIN;
    }
    bool was_resumed = b->was_resumed;
    if (is_right(b, e))
        return tell(b, true, e) ? PULL_GOOD : PULL_FAILED;
    struct err ignored = { 0 };
    if (b->q.sink != NULL || !start_over(b, &ignored))
        return PULL_FAILED;
    return was_resumed ? PULL_AGAIN : PULL_FAILED;
}

/* 416: what we have is no beginning of what is there. */
static bool range_refused(struct pull *p, struct err *e)
{
    struct blob *b = (struct blob *)p;
    return b->at > 0 && !b->is_whole && ask_for_all(b, e);
}

struct blob *blob_new(struct registry *r, const struct blob_request *q)
{
    static const struct pull_ops ops = { .prepare = prepare, .complete = complete, .range_refused = range_refused };
    struct blob *b = mem_new(sizeof *b);
    pull_init(&b->pull, &ops, r, q->host, q->repository);
    b->q = *q;
    b->q.host = b->pull.host_name;
    b->q.repository = b->pull.repository;
    b->pull.path = mem_format("/v2/%s/blobs/%s", q->repository, DIGEST_SHOWN(&q->digest));
    b->pull.what = mem_format("%s/%s: blob %s", q->host, q->repository, DIGEST_SHOWN(&q->digest));
    b->hash = sha256_new();
    b->sink = sink_call(take_bytes, b);
    struct digest_text text;
    BUG_IF(!text_copy(b->item, sizeof b->item, digest_format(&text, &q->digest)));
    return b;
}

void blob_free(struct blob *b)
{
    if (b == NULL)
        return;
    pull_clear(&b->pull);
    sha256_free(b->hash);
    sink_drop(b->sink);
    mem_free(b);
}

struct http_transfer *blob_transfer(struct blob *b)
{
    return &b->pull.transfer;
}

uint64_t blob_bytes_fetched(const struct blob *b)
{
    return b->fetched;
}
