/* The state machine of a GET. Every attempt begins at the registry, never at the target of an earlier redirect: those are
 * signed for minutes. Our login goes to the registry's own origin only. */
#include "registry/pull.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/jread.h"
#include "registry/echo.h"
#include "registry/retry.h"
#include "registry/throttle.h"
#include "sys/clock.h"

#include "base/banned.h"

enum {
    REDIRECTS_MAX = 5,
    QUICK = 8,        /* the first new attempt after a break comes so much sooner */
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

const struct url *pull_url(const struct pull *p)
{
    return &p->url;
}

/* Entered at the registry's throttle: an attempt with all its redirects is one request there. */

static bool enter(struct pull *p, unsigned *wait_ms)
{
    p->is_entered = throttle_enter(registry_host_throttle(p->host), clock_monotonic_ms(), wait_ms);
    return p->is_entered;
}

static void leave(struct pull *p)
{
    if (p->is_entered)
        throttle_leave(registry_host_throttle(p->host));
    p->is_entered = false;
}

void pull_clear(struct pull *p)
{
    leave(p);
    forget_headers(p);
    secret_clear(&p->authorization);
    mem_free(p->host_name);
    mem_free(p->repository);
    mem_free(p->path);
    mem_free(p->what);
    places_clear(&p->places);
}

static enum http_step over(struct pull *p)
{
    leave(p);
    return HTTP_DONE;
}

static const char *repository(const struct pull *p)
{
    return places_here(&p->places)->repository;
}

static enum http_step move_on(struct pull *p, unsigned *wait_ms, struct err *e)
{
    bool is_down = p->n_tries > 0 || (e->code == ERR_NET && !p->places.has_answered);
    places_move_on(&p->places, registry_mirrors(p->registry), is_down, p->what, e);
    leave(p);
    p->n_tries = p->n_refusals = 0;
    *wait_ms = 0;
    return HTTP_WAIT;
}

static enum http_step fail(struct pull *p, unsigned *wait_ms, struct err *e)
{
    BUG_IF(e->code == ERR_NONE);
    echo_hide(e, p->what, &p->authorization);
    if (places_may_move_on(&p->places, e))
        return move_on(p, wait_ms, e);
    if (p->places.said_missing && e->code == ERR_NET) { /* nobody knows better */
        *e = (struct err){ 0 };
        p->is_missing = true;
        return over(p);
    }
    places_explain(&p->places, e);
    leave(p);
    return HTTP_FAILED;
}

/* As fail, where others may do what is left. */
static enum http_step give_up(struct pull *p, unsigned *wait_ms, struct err *e)
{
    if (places_may_move_on(&p->places, e) || p->ops->give_up == NULL || !p->ops->give_up(p, e))
        return fail(p, wait_ms, e);
    log_debug("given up: %s", e->msg);
    *e = (struct err){ 0 };
    return over(p);
}

/* Another attempt after a wait, or the end with what is in e. */
static enum http_step wait_or_give_up(struct pull *p, const char *retry_after, unsigned *wait_ms, struct err *e)
{
    const struct registry_options *o = p->host != NULL ? registry_host_options(p->host) : NULL;
    echo_hide(e, p->what, &p->authorization);
    if (o == NULL || p->n_tries >= o->tries)
        return give_up(p, wait_ms, e);
    p->n_tries++;
    log_debug("attempt %u failed: %s", p->n_tries, e->msg);
    *wait_ms = retry_wait_ms(retry_after, p->n_tries, o->first_wait_ms, clock_unix(), retry_chance());
    *e = (struct err){ 0 };
    return HTTP_WAIT;
}

static enum http_step try_again(struct pull *p, unsigned *wait_ms, struct err *e)
{
    enum http_step step = wait_or_give_up(p, NULL, wait_ms, e);
    leave(p);
    return step;
}

/* The registry, or one of its stores, asked for less: nobody goes on before the wait is over. */
static enum http_step try_slower(struct pull *p, const char *retry_after, unsigned *wait_ms, struct err *e)
{
    enum http_step step = wait_or_give_up(p, retry_after, wait_ms, e);
    if (step == HTTP_WAIT)
        throttle_refused(registry_host_throttle(p->host), clock_monotonic_ms(), *wait_ms);
    leave(p);
    return step;
}

static enum http_step begin(struct pull *p, struct http_request *rq, unsigned *wait_ms, struct err *e);

/* What the owner of the bytes decided. */
static enum http_step turn(struct pull *p, enum pull_verdict verdict, struct http_request *rq, unsigned *wait_ms, struct err *e)
{
    switch (verdict) {
    case PULL_GOOD: return over(p);
    case PULL_MORE: leave(p); return begin(p, rq, wait_ms, e);
    case PULL_LATER: leave(p); *wait_ms = 0; return HTTP_WAIT;
    case PULL_AGAIN: return try_again(p, wait_ms, e);
    case PULL_FAILED: break;
    }
    return fail(p, wait_ms, e);
}

static enum http_step send_request(struct pull *p, struct http_request *rq, unsigned *wait_ms, struct err *e)
{
    forget_headers(p);
    secret_clear(&p->authorization);
    enum pull_verdict verdict = p->ops->prepare(p, rq, e);
    if (verdict != PULL_MORE)
        return turn(p, verdict, rq, wait_ms, e);
    rq->method = "GET";
    rq->url = p->url.text;
    rq->identity = registry_host_identity(p->host, &p->url);
    rq->headers = p->headers;
    rq->n_headers = p->n_headers;
    if (url_same_origin(&p->url, registry_host_base(p->host))) {
        p->authorization = registry_authorization(p->host, repository(p));
        rq->authorization = &p->authorization;
    }
    return HTTP_SEND;
}

/* The same below the repository of the place where we are. */
static char *path_here(const struct pull *p)
{
    AUTO(mem_auto) char *own = mem_format("/v2/%s/", p->repository);
    return text_starts(p->path, own) ? mem_format("/v2/%s/%s", repository(p), p->path + strlen(own)) : mem_text(p->path);
}

/* Each attempt chooses anew where it begins. */
static bool choose_host(struct pull *p, struct err *e)
{
    BUG_IF(p->is_entered);
    if (!places_choose(&p->places, registry_mirrors(p->registry), p->host_name, p->repository, p->use, e))
        return false;
    p->host = registry_host(p->registry, places_here(&p->places)->host, e);
    AUTO(mem_auto) char *path = path_here(p);
    return p->host != NULL && url_join(&p->url, registry_host_base(p->host), path, p->what, e);
}

static enum http_step begin(struct pull *p, struct http_request *rq, unsigned *wait_ms, struct err *e)
{
    if (!choose_host(p, e))
        return fail(p, wait_ms, e);
    p->n_redirects = 0;
    return enter(p, wait_ms) ? send_request(p, rq, wait_ms, e) : HTTP_WAIT;
}

static enum http_step redirect(struct pull *p, const struct http_response *rs, struct http_request *rq, unsigned *wait_ms, struct err *e)
{
    const char *location = http_response_get(rs, "location");
    bool was_https = p->url.is_https;
    if (++p->n_redirects > REDIRECTS_MAX) {
        err_set(e, ERR_NET, "%s: more than %d redirects", p->what, REDIRECTS_MAX);
        return fail(p, wait_ms, e);
    }
    if (!url_join(&p->url, &p->url, location != NULL ? location : "", "redirect", e)) {
        err_in(e, "%s", p->what);
        return fail(p, wait_ms, e);
    }
    if (was_https && !p->url.is_https) {
        err_set(e, ERR_NET, "%s: redirect from https to %s, which is refused", p->what, URL_ORIGIN(&p->url));
        return fail(p, wait_ms, e);
    }
    return send_request(p, rq, wait_ms, e);
}

static enum http_step unauthorized(struct pull *p, const struct http_response *rs, struct http_request *rq, unsigned *wait_ms, struct err *e)
{
    if (!url_same_origin(&p->url, registry_host_base(p->host))) {
        err_set(e, ERR_AUTH, "%s: %s asks for a login after a redirect", p->what, URL_ORIGIN(&p->url));
        return fail(p, wait_ms, e);
    }
    if (p->n_refusals >= REFUSALS_MAX) {
        registry_refused(p->host, repository(p), e);
        return fail(p, wait_ms, e);
    }
    p->n_refusals++;
    if (registry_challenged(p->host, repository(p), &p->authorization, rs, e))
        return send_request(p, rq, wait_ms, e);
    p->n_refusals--;
    return e->code == ERR_NET ? try_again(p, wait_ms, e) : fail(p, wait_ms, e);
}

/* The first error of a registry's answer: {"errors":[{"code":"DENIED","message":"..."}]}. Empty when there is none, or when it tells our login to
 * whoever reads the log. */
static void read_reason(const struct pull *p, const struct http_response *rs, char out[200])
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
    if (echo_is_in(text, &p->authorization) || !text_copy(out, 200, text))
        out[0] = '\0';
}

static const struct meaning {
    unsigned status;
    enum err_code code;
    const char *text, *hint; /* null: none */
} meanings[] = {
    { 403, ERR_AUTH, "access denied", "the login, or nobody without one, may not read this: archon-bundle login HOST tells who you are there" },
    { 404, ERR_REGISTRY, "the registry has no such thing", "check the name, and the tag or digest; some registries say this, too, to who is not logged in" },
    { 416, ERR_REGISTRY, "the range was refused", NULL },
    { 429, ERR_NET, "too many requests", "run it again later; many registries allow more to who is logged in" },
    { 451, ERR_REGISTRY, "not available for legal reasons", NULL },
    { 500, ERR_REGISTRY, "the registry has trouble of its own", "run it again later" },
    { 502, ERR_REGISTRY, "a gateway before the registry gets no answer", "run it again later" },
    { 503, ERR_NET, "the registry is not available now", "run it again later" },
    { 504, ERR_REGISTRY, "a gateway before the registry gets no answer in time", "run it again later" },
};

/* "registry.example/app: blob sha256:... bytes 0-99: https://registry.example answered 404: the registry has no such thing (BLOB_UNKNOWN: ...)" */
static void describe(const struct pull *p, const struct http_response *rs, struct err *e)
{
    static const struct meaning other = { 0, ERR_REGISTRY, "", NULL };
    const struct meaning *m = &other;
    char reason[200], length[24];
    for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
        if (meanings[i].status == rs->status)
            m = &meanings[i];
    read_reason(p, rs, reason);
    err_set(e, m->code, "%s%s: %s answered %u%s%s%s", p->what, p->range, URL_ORIGIN(&p->url), rs->status, m->text[0] != '\0' ? ": " : "", m->text,
            SHOWN(reason));
    if (reason[0] == '\0' && rs->body_bytes > 0)
        err_add(e, " (with %s that are no error of a registry)", text_bytes(length, rs->body_bytes));
    if (m->hint != NULL)
        err_hint(e, "%s", m->hint);
    else if (rs->status == 400 && !p->url.is_https)
        err_hint(e, "it was asked without TLS: if it speaks TLS, leave --plain-http out");
}

static enum http_step refused_for_now(struct pull *p, const struct http_response *rs, unsigned *wait_ms, struct err *e)
{
    const char *after = http_response_get(rs, "retry-after");
    if (rs->status == 429)
        registry_limited(p->host, repository(p), e);
    describe(p, rs, e);
    if (p->n_tries > 0)
        err_add(e, ", tried %u times", p->n_tries + 1);
    if (after != NULL && !echo_is_in(after, &p->authorization))
        err_add(e, ", asks to come back after %s", SHOWN(after));
    return rs->status == 429 || rs->status == 503 ? try_slower(p, after, wait_ms, e) : try_again(p, wait_ms, e);
}

static bool is_redirect(unsigned status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static enum http_step answered(struct pull *p, const struct http_response *rs, struct http_request *rq, unsigned *wait_ms, struct err *e)
{
    if (url_same_origin(&p->url, registry_host_base(p->host)))
        registry_answered(p->host, rs);
    p->places.has_answered = true;
    if (rs->status == 401)
        return unauthorized(p, rs, rq, wait_ms, e);
    p->n_refusals = 0;
    if (is_redirect(rs->status))
        return redirect(p, rs, rq, wait_ms, e);
    if (retry_is_sensible(rs->status))
        return refused_for_now(p, rs, wait_ms, e);
    if (rs->status == 416 && p->ops->range_refused != NULL && p->ops->range_refused(p, e))
        return turn(p, PULL_MORE, rq, wait_ms, e);
    bool is_missing = p->means_missing != NULL && p->means_missing(rs->status);
    p->is_missing = is_missing && places_is_last(&p->places); /* a mirror need not have everything */
    p->places.said_missing = p->places.said_missing || is_missing;
    if (p->is_missing)
        return over(p);
    if (rs->status < 200 || rs->status > 299) {
        describe(p, rs, e);
        if (rs->status == 403 && url_same_origin(&p->url, registry_host_base(p->host)))
            registry_denied(p->host, repository(p), e);
        return fail(p, wait_ms, e);
    }
    throttle_good(registry_host_throttle(p->host));
    return turn(p, p->ops->complete(p, rs, e), rq, wait_ms, e);
}

static enum http_step not_answered(struct pull *p, const struct http_failure *failure, unsigned *wait_ms, struct err *e)
{
    *e = failure->err;
    if (!text_starts(e->msg, p->what)) /* sinks name it themselves */
        err_in(e, "%s%s", p->what, p->range);
    bool is_silent_mirror = !places_is_last(&p->places) && !p->places.has_answered;
    if (e->code != ERR_NET || failure->is_lasting || is_silent_mirror)
        return fail(p, wait_ms, e);
    if (p->n_tries > 0)
        err_add(e, ", tried %u times", p->n_tries + 1);
    err_hint(e, "run it again when the line is better");
    enum http_step step = try_again(p, wait_ms, e);
    if (step == HTTP_WAIT && p->n_tries == 1)
        *wait_ms /= QUICK; /* bytes came until now: a line that breaks now and then is there again at once */
    return step;
}

static enum http_step pull_next(struct http_transfer *t, const struct http_response *rs, const struct http_failure *failure,
                                struct http_request *rq, unsigned *wait_ms, struct err *e)
{
    struct pull *p = (struct pull *)t;
    if (rs != NULL)
        return answered(p, rs, rq, wait_ms, e);
    return failure != NULL ? not_answered(p, failure, wait_ms, e) : begin(p, rq, wait_ms, e);
}

void pull_init(struct pull *p, const struct pull_ops *ops, struct registry *r, const char *host_name, const char *repository)
{
    p->transfer.next = pull_next;
    p->ops = ops;
    p->registry = r;
    p->host_name = mem_text(host_name);
    p->repository = mem_text(repository);
}
