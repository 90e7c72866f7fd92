/* The referrers API: a list in pages, each an index. */
#include "registry/referrers.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "registry/manifests.h"
#include "registry/pull.h"

#include "base/banned.h"

enum { DEADLINE_MS = 60 * 1000 };

struct page {
    struct pull pull;
    struct buf bytes;
    struct sink *sink;
    bool is_index; /* other answers come from servers that know no such address */
    char *next;    /* path of the next page, or null */
};

static bool take_bytes(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct page *p = ctx;
    if (n > p->bytes.max - p->bytes.len)
        return err_set(e, ERR_REGISTRY, "%s: longer than the allowed %zu bytes", p->pull.what, p->bytes.max);
    buf_add(&p->bytes, bytes, n);
    return true;
}

static enum pull_verdict prepare(struct pull *pull, struct http_request *rq, struct err *e)
{
    (void)e;
    struct page *p = (struct page *)pull;
    buf_reset(&p->bytes);
    pull_add_header(pull, "Accept", OCI_TYPE_INDEX);
    rq->out = p->sink;
    rq->max_body = UINT64_MAX; /* take_bytes knows better */
    rq->deadline_ms = DEADLINE_MS;
    return PULL_MORE;
}

/* The target of a header like </v2/app/referrers/sha256:...?last=x>; rel="next". Null when there is none. */
static char *next_of(const char *link)
{
    const char *end = link == NULL || *link != '<' ? NULL : strchr(link, '>');
    return end != NULL && strstr(end, "rel=\"next\"") != NULL ? mem_text_n(link + 1, (size_t)(end - link - 1)) : NULL;
}

static enum pull_verdict complete(struct pull *pull, const struct http_response *rs, struct err *e)
{
    (void)e;
    struct page *p = (struct page *)pull;
    const char *type = http_response_get(rs, "content-type");
    p->is_index = type != NULL && text_starts(type, OCI_TYPE_INDEX);
    mem_free(p->next);
    p->next = next_of(http_response_get(rs, "link"));
    return PULL_GOOD;
}

/* What servers without the API answer. */
static bool means_missing(unsigned status)
{
    return status == 404 || status == 400 || status == 405 || status == 406 || status == 501;
}

/* The next page is on the server that gave this one: a list goes nowhere else. */
static bool check_next(struct page *p, struct err *e)
{
    struct url next;
    const struct url *here = registry_host_base(p->pull.host);
    if (!url_join(&next, here, p->next, p->pull.what, e))
        return err_as(e, ERR_REGISTRY);
    return url_same_origin(&next, here) ||
           err_set(e, ERR_REGISTRY, "%s: the next page is said to be at %s", p->pull.what, URL_ORIGIN(&next));
}

/* Takes path; *next is the path of the next one, or null. */
static bool get_page(struct registry *r, const struct ref *ref, char *path, const char *what, struct referrers *out, bool *is_supported,
                     char **next, struct err *e)
{
    static const struct pull_ops ops = { .prepare = prepare, .complete = complete };
    struct page p = { .bytes = BUF_LIMIT(LIMIT_OCI_MANIFEST_BYTES) };
    pull_init(&p.pull, &ops, r, ref->host, ref->repository);
    p.pull.path = path;
    p.pull.what = mem_text(what);
    p.pull.means_missing = means_missing;
    p.sink = sink_call(take_bytes, &p);
    struct http_transfer *all[] = { &p.pull.transfer };
    bool ok = http_run_all(registry_http(r), all, 1, 1, e);
    *is_supported = ok && p.is_index && !p.pull.is_missing;
    if (*is_supported)
        ok = referrers_read(out, buf_text(&p.bytes), p.bytes.len, what, e) && (p.next == NULL || check_next(&p, e));
    *next = TAKE(p.next);
    sink_drop(p.sink);
    buf_clear(&p.bytes);
    pull_clear(&p.pull);
    return ok;
}

static bool get_pages(struct registry *r, const struct ref *ref, const struct digest *subject, const char *what, struct referrers *out,
                      bool *is_supported, struct err *e)
{
    char *path = mem_format("/v2/%s/referrers/%s", ref->repository, DIGEST_SHOWN(subject));
    for (int page = 0; path != NULL; page++) {
        char *next = NULL;
        bool is_page = false;
        bool ok = get_page(r, ref, path, what, out, &is_page, &next, e);
        AUTO(mem_auto) char *owned = next;
        if (!ok)
            return false;
        if (page == 0)
            *is_supported = is_page;
        else if (!is_page)
            return err_set(e, ERR_REGISTRY, "%s: page %d is missing", what, page + 1);
        if (page + 1 == LIMIT_REFERRER_PAGES && next != NULL)
            return err_set(e, ERR_REGISTRY, "%s: more than %d pages", what, LIMIT_REFERRER_PAGES);
        path = is_page ? TAKE(owned) : NULL;
    }
    return true;
}

static bool get_tag(struct registry *r, const struct ref *ref, const struct digest *subject, const char *what, struct referrers *out,
                    bool *is_there, struct err *e)
{
    AUTO(registry_document_clear_auto) struct registry_document d = { 0 };
    AUTO(mem_auto) char *tag = mem_format("sha256-%s", DIGEST_HEX(subject));
    if (!registry_manifest_find(r, ref, tag, &d, is_there, e))
        return false;
    return !*is_there || referrers_read(out, buf_text(&d.bytes), d.bytes.len, what, e);
}

bool registry_referrers(struct registry *r, const struct ref *ref, const struct digest *subject, struct referrers *out,
                        enum registry_referrers_from *from, struct err *e)
{
    AUTO(mem_auto) char *what = mem_format("%s/%s: referrers of %s", ref->host, ref->repository, DIGEST_SHOWN(subject));
    bool is_there = false;
    *from = REFERRERS_NOWHERE;
    if (!get_pages(r, ref, subject, what, out, &is_there, e))
        return false;
    if (is_there) {
        *from = REFERRERS_API;
        return true;
    }
    if (!get_tag(r, ref, subject, what, out, &is_there, e))
        return false;
    *from = is_there ? REFERRERS_TAG : REFERRERS_NOWHERE;
    return true;
}
