/* The state machine of a GET. Every attempt begins at the registry, never at the target of an earlier redirect: those are
 * signed for minutes. Our login goes to the registry's own origin only. */
#include "registry/pull.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/jread.h"
#include "registry/retry.h"
#include "sys/clock.h"

#include "base/banned.h"

enum {
    REDIRECTS_MAX = 5,
    REFUSALS_MAX = 1, /* one 401 tells what to send; the next one means no */
};

static void forget_headers(struct pull *p)
{
    for (size_t i = 0; i < p->n_headers; i++)
        mem_free(p->header_texts[i]);
    p->n_headers = 0;
}

void pull_add_header(struct pull *p, const char *name, const char *value)
{
    BUG_IF(p->n_headers == PULL_HEADERS_MAX);
    p->header_texts[p->n_headers] = mem_text(value);
    p->headers[p->n_headers] = (struct http_header){ name, p->header_texts[p->n_headers] };
    p->n_headers++;
}

void pull_made_progress(struct pull *p)
{
    p->n_tries = 0;
}

void pull_clear(struct pull *p)
{
    forget_headers(p);
    secret_clear(&p->authorization);
    mem_free(p->host_name);
    mem_free(p->repository);
    mem_free(p->path);
    mem_free(p->what);
}

static enum http_step fail(struct pull *p, struct err *e)
{
    (void)p;
    BUG_IF(e->code == ERR_NONE);
    return HTTP_FAILED;
}

/* Another attempt after a wait, or the end with what is in e. */
static enum http_step try_again(struct pull *p, const char *retry_after, unsigned *wait_ms, struct err *e)
{
    const struct registry_options *o = p->host != NULL ? registry_host_options(p->host) : NULL;
    if (o == NULL || p->n_tries >= o->tries)
        return fail(p, e);
    p->n_tries++;
    log_debug("attempt %u failed: %s", p->n_tries, e->msg);
    *wait_ms = retry_wait_ms(retry_after, p->n_tries, o->first_wait_ms, clock_unix());
    *e = (struct err){ 0 };
    return HTTP_WAIT;
}

static enum http_step send_request(struct pull *p, struct http_request *rq, struct err *e)
{
    bool is_done = false;
    forget_headers(p);
    secret_clear(&p->authorization);
    if (!p->ops->prepare(p, rq, &is_done, e))
        return fail(p, e);
    if (is_done)
        return HTTP_DONE;
    rq->method = "GET";
    rq->url = p->url.text;
    rq->headers = p->headers;
    rq->n_headers = p->n_headers;
    if (url_same_origin(&p->url, registry_host_base(p->host))) {
        p->authorization = registry_authorization(p->host, p->repository);
        rq->authorization = &p->authorization;
    }
    return HTTP_SEND;
}

static enum http_step begin(struct pull *p, struct http_request *rq, struct err *e)
{
    if (p->host == NULL)
        p->host = registry_host(p->registry, p->host_name, e);
    if (p->host == NULL || !url_join(&p->url, registry_host_base(p->host), p->path, p->what, e))
        return fail(p, e);
    p->n_redirects = 0;
    return send_request(p, rq, e);
}

static enum http_step redirect(struct pull *p, const struct http_response *rs, struct http_request *rq, struct err *e)
{
    const char *location = http_response_get(rs, "location");
    bool was_https = p->url.is_https;
    if (++p->n_redirects > REDIRECTS_MAX) {
        err_set(e, ERR_NET, "%s: more than %d redirects", p->what, REDIRECTS_MAX);
        return fail(p, e);
    }
    if (!url_join(&p->url, &p->url, location != NULL ? location : "", "redirect", e)) {
        err_in(e, "%s", p->what);
        return fail(p, e);
    }
    if (was_https && !p->url.is_https) {
        err_set(e, ERR_NET, "%s: redirect from https to %s, which is refused", p->what, URL_ORIGIN(&p->url));
        return fail(p, e);
    }
    return send_request(p, rq, e);
}

static enum http_step unauthorized(struct pull *p, const struct http_response *rs, struct http_request *rq, unsigned *wait_ms, struct err *e)
{
    if (!url_same_origin(&p->url, registry_host_base(p->host))) {
        err_set(e, ERR_AUTH, "%s: %s asks for a login after a redirect", p->what, URL_ORIGIN(&p->url));
        return fail(p, e);
    }
    if (p->n_refusals >= REFUSALS_MAX) {
        registry_refused(p->host, p->repository, e);
        return fail(p, e);
    }
    p->n_refusals++;
    if (registry_challenged(p->host, p->repository, &p->authorization, rs, e))
        return send_request(p, rq, e);
    p->n_refusals--;
    return e->code == ERR_NET ? try_again(p, NULL, wait_ms, e) : fail(p, e);
}

/* The first error of a registry's answer: {"errors":[{"code":"DENIED","message":"..."}]}. Empty when there is none. */
static void read_reason(const struct http_response *rs, char out[200])
{
    struct err ignored = { 0 };
    struct jnode errors;
    char code[64] = "", message[160] = "";
    out[0] = '\0';
    AUTO(jread_free_auto) struct jread *doc = jread_open(buf_text(&rs->text), rs->text.len, "answer", JREAD_OCI, &ignored);
    if (doc == NULL || !jread_has(jread_root(doc), "errors") || jread_array(jread_root(doc), "errors", 100, &errors) == 0)
        return;
    struct jnode first = jread_item(errors, 0);
    if (jread_has(first, "code"))
        jread_str(first, "code", code, sizeof code);
    if (jread_has(first, "message"))
        jread_str(first, "message", message, sizeof message);
    if (!jread_done(doc, &ignored))
        return;
    AUTO(mem_auto) char *text = mem_format(" (%s: %s)", code, message);
    if (!text_copy(out, 200, text))
        out[0] = '\0';
}

static enum http_step refused(struct pull *p, const struct http_response *rs, struct err *e)
{
    char reason[200];
    read_reason(rs, reason);
    if (rs->status == 403)
        err_set(e, ERR_AUTH, "%s: access denied%s", p->what, SHOWN(reason));
    else if (rs->status == 404)
        err_set(e, ERR_REGISTRY, "%s: the registry has no such thing%s", p->what, SHOWN(reason));
    else
        err_set(e, ERR_REGISTRY, "%s: %s answered %u%s", p->what, URL_ORIGIN(&p->url), rs->status, SHOWN(reason));
    return fail(p, e);
}

static enum http_step answered(struct pull *p, const struct http_response *rs, struct http_request *rq, unsigned *wait_ms, struct err *e)
{
    if (url_same_origin(&p->url, registry_host_base(p->host)))
        registry_answered(p->host, rs);
    if (rs->status == 401)
        return unauthorized(p, rs, rq, wait_ms, e);
    p->n_refusals = 0;
    if (rs->status == 301 || rs->status == 302 || rs->status == 303 || rs->status == 307 || rs->status == 308)
        return redirect(p, rs, rq, e);
    if (retry_is_sensible(rs->status)) {
        err_set(e, rs->status == 429 || rs->status == 503 ? ERR_NET : ERR_REGISTRY, "%s: %s answered %u, tried %u times", p->what,
                URL_ORIGIN(&p->url), rs->status, p->n_tries + 1);
        if (rs->status == 429)
            registry_limited(p->host, p->repository, e);
        return try_again(p, http_response_get(rs, "retry-after"), wait_ms, e);
    }
    if (rs->status == 416 && p->ops->range_refused != NULL && p->ops->range_refused(p, e)) {
        err_set(e, ERR_NET, "%s: the registry refuses to go on in the middle", p->what);
        return try_again(p, "0", wait_ms, e);
    }
    p->is_missing = p->means_missing != NULL && p->means_missing(rs->status);
    if (p->is_missing)
        return HTTP_DONE;
    if (rs->status < 200 || rs->status > 299)
        return refused(p, rs, e);
    switch (p->ops->complete(p, rs, e)) {
    case PULL_GOOD: return HTTP_DONE;
    case PULL_AGAIN: return try_again(p, NULL, wait_ms, e);
    case PULL_FAILED: break;
    }
    return fail(p, e);
}

static enum http_step pull_next(struct http_transfer *t, const struct http_response *rs, const struct err *net_error, struct http_request *rq,
                                unsigned *wait_ms, struct err *e)
{
    struct pull *p = (struct pull *)t;
    if (rs != NULL)
        return answered(p, rs, rq, wait_ms, e);
    if (net_error == NULL)
        return begin(p, rq, e);
    *e = *net_error;
    if (!text_starts(e->msg, p->what)) /* sinks name it themselves */
        err_in(e, "%s", p->what);
    return net_error->code == ERR_NET ? try_again(p, NULL, wait_ms, e) : fail(p, e);
}

void pull_init(struct pull *p, const struct pull_ops *ops, struct registry *r, const char *host_name, const char *repository)
{
    p->transfer.next = pull_next;
    p->ops = ops;
    p->registry = r;
    p->host_name = mem_text(host_name);
    p->repository = mem_text(repository);
}
