/* Pulls into memory. */
#include "registry/manifests.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "registry/pull.h"

#include "base/banned.h"

static const char manifest_types[] = OCI_TYPE_INDEX ", " OCI_TYPE_MANIFEST ", " DOCKER_TYPE_LIST ", " DOCKER_TYPE_MANIFEST;

enum { DEADLINE_MS = 5 * 60 * 1000 }; /* 20 MiB in that time: slower than that is no way to fetch layers either */

struct memory_pull {
    struct pull pull;
    struct buf *bytes;
    struct sink *sink;
    uint64_t max_bytes;
    const struct digest *want;      /* null: by tag */
    struct registry_document *document; /* manifests */
    uint64_t size;                  /* small blobs: must be this */
    bool *is_there;                 /* null: must be there */
};

static bool take_bytes(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct memory_pull *m = ctx;
    if (n > m->max_bytes - m->bytes->len)
        return err_set(e, m->document != NULL ? ERR_REGISTRY : ERR_INTEGRITY, "%s: longer than the %s %" PRIu64 " bytes", m->pull.what,
                       m->document != NULL ? "allowed" : "expected", m->max_bytes);
    buf_add(m->bytes, bytes, n);
    return true;
}

static enum pull_verdict prepare(struct pull *p, struct http_request *rq, struct err *e)
{
    (void)e;
    struct memory_pull *m = (struct memory_pull *)p;
    buf_reset(m->bytes);
    if (m->document != NULL)
        pull_add_header(p, "Accept", manifest_types);
    rq->out = m->sink;
    rq->max_body = UINT64_MAX; /* take_bytes knows better */
    rq->deadline_ms = DEADLINE_MS;
    return PULL_MORE;
}

/* The digest that the registry announces, where it announces one that we know. */
static bool check_announced(const struct memory_pull *m, const struct http_response *rs, const struct digest *got, struct err *e)
{
    struct digest announced;
    struct err ignored = { 0 };
    const char *text = http_response_get(rs, "docker-content-digest");
    if (text == NULL || !digest_parse(&announced, text, "digest", &ignored) || digest_equal(&announced, got))
        return true;
    return err_set(e, ERR_INTEGRITY, "%s: digest is %s, the registry announced %s", m->pull.what, DIGEST_SHOWN(got),
                   DIGEST_SHOWN(&announced));
}

static void keep_type(struct registry_document *d, const struct http_response *rs)
{
    const char *type = http_response_get(rs, "content-type");
    AUTO(mem_auto) char *plain = mem_text_n(type != NULL ? type : "", type != NULL ? strcspn(type, "; \t") : 0);
    if (!text_copy(d->content_type, sizeof d->content_type, plain))
        d->content_type[0] = '\0';
}

static bool judge(struct memory_pull *m, const struct http_response *rs, struct err *e)
{
    struct digest got;
    sha256_of(&got, buf_text(m->bytes), m->bytes->len);
    if (m->want != NULL && !digest_equal(&got, m->want))
        return err_set(e, ERR_INTEGRITY, "%s: digest is %s, expected %s", m->pull.what, DIGEST_SHOWN(&got), DIGEST_SHOWN(m->want));
    if (m->document == NULL)
        return true;
    if (!check_announced(m, rs, &got, e))
        return false;
    m->document->digest = got;
    keep_type(m->document, rs);
    return oci_kind_of(buf_text(m->bytes), m->bytes->len, http_response_get(rs, "content-type"), &m->document->kind, e) ||
           err_in(e, "%s", m->pull.what);
}

static enum pull_verdict complete(struct pull *p, const struct http_response *rs, struct err *e)
{
    struct memory_pull *m = (struct memory_pull *)p;
    if (m->document == NULL && m->bytes->len < m->size) {
        err_set(e, ERR_INTEGRITY, "%s: %zu bytes, expected %" PRIu64, p->what, m->bytes->len, m->size);
        return PULL_AGAIN;
    }
    return judge(m, rs, e) ? PULL_GOOD : PULL_FAILED;
}

static bool means_missing(unsigned status)
{
    return status == 404;
}

/* Takes path. */
static bool run(struct memory_pull *m, struct registry *r, const struct ref *ref, char *path, char *what, struct err *e)
{
    static const struct pull_ops ops = { .prepare = prepare, .complete = complete };
    pull_init(&m->pull, &ops, r, ref->host, ref->repository);
    m->pull.path = path;
    m->pull.what = what;
    m->pull.use = m->document == NULL ? MIRROR_ANY : ref->has_digest ? MIRROR_DIGEST : MIRROR_TAG;
    m->pull.means_missing = m->is_there != NULL ? means_missing : NULL;
    m->sink = sink_call(take_bytes, m);
    struct http_transfer *all[] = { &m->pull.transfer };
    bool is_good = http_run_all(registry_http(r), all, 1, 1, e);
    if (m->is_there != NULL)
        *m->is_there = is_good && !m->pull.is_missing;
    sink_drop(m->sink);
    pull_clear(&m->pull);
    return is_good;
}

void registry_document_clear(struct registry_document *d)
{
    buf_clear(&d->bytes);
    *d = (struct registry_document){ 0 };
}

void registry_document_clear_auto(struct registry_document *d)
{
    registry_document_clear(d);
}

static bool get_manifest(struct registry *r, const struct ref *ref, const struct digest *digest, struct registry_document *out, bool *is_there, struct err *e)
{
    const struct digest *want = digest != NULL ? digest : ref->has_digest ? &ref->digest : NULL;
    const char *name = want != NULL ? DIGEST_SHOWN(want) : ref->tag[0] != '\0' ? ref->tag : "latest";
    registry_document_clear(out);
    out->bytes = (struct buf)BUF_LIMIT(LIMIT_OCI_MANIFEST_BYTES);
    struct memory_pull m = { .bytes = &out->bytes, .max_bytes = LIMIT_OCI_MANIFEST_BYTES, .want = want, .document = out, .is_there = is_there };
    return run(&m, r, ref, mem_format("/v2/%s/manifests/%s", ref->repository, name),
               mem_format("%s/%s%c%s", ref->host, ref->repository, want != NULL ? '@' : ':', name), e);
}

bool registry_manifest(struct registry *r, const struct ref *ref, const struct digest *digest, struct registry_document *out, struct err *e)
{
    return get_manifest(r, ref, digest, out, NULL, e);
}

bool registry_manifest_find(struct registry *r, const struct ref *ref, const char *tag, struct registry_document *out, bool *is_there, struct err *e)
{
    struct ref at = *ref;
    at.has_digest = false;
    BUG_IF(!text_copy(at.tag, sizeof at.tag, tag));
    return get_manifest(r, &at, NULL, out, is_there, e);
}

bool registry_small_blob(struct registry *r, const struct ref *ref, const struct digest *digest, uint64_t size, struct buf *out, struct err *e)
{
    BUG_IF(out->max < size);
    struct memory_pull m = { .bytes = out, .max_bytes = size, .want = digest, .size = size };
    return run(&m, r, ref, mem_format("/v2/%s/blobs/%s", ref->repository, DIGEST_SHOWN(digest)),
               mem_format("%s/%s: blob %s", ref->host, ref->repository, DIGEST_SHOWN(digest)), e);
}
