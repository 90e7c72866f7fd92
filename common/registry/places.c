/* Going from place to place. */
#include "registry/places.h"

#include <string.h>

#include "base/log.h"
#include "base/text.h"

#include "base/banned.h"

enum { REASONS_BYTES = 300 };

void places_clear(struct places *p)
{
    buf_clear(&p->reasons);
    *p = (struct places){ 0 };
}

const struct mirror_place *places_here(const struct places *p)
{
    return &p->all.list[p->at];
}

bool places_is_last(const struct places *p)
{
    return p->at + 1 >= p->all.n;
}

static void keep_reason(struct places *p, const char *reason)
{
    if (p->reasons.max == 0)
        p->reasons = (struct buf)BUF_LIMIT(REASONS_BYTES);
    const char *host = places_here(p)->host;
    bool is_named = strstr(reason, host) != NULL;
    buf_addf(&p->reasons, "%s%s%s%.120s", p->reasons.len > 0 ? "; " : "", is_named ? "" : host, is_named ? "" : " ", reason);
}

bool places_choose(struct places *p, const struct mirrors *m, const char *host, const char *repository, enum mirror_use use, struct err *e)
{
    if (p->all.n == 0 && !mirrors_find(m, host, repository, use, &p->all, e))
        return false;
    for (; !places_is_last(p) && mirrors_is_down(m, places_here(p)->host); p->at++)
        keep_reason(p, "did not answer before");
    return true;
}

bool places_may_move_on(const struct places *p, const struct err *e)
{
    return !places_is_last(p) && (e->code == ERR_NET || e->code == ERR_AUTH || e->code == ERR_REGISTRY);
}

void places_move_on(struct places *p, struct mirrors *m, bool is_down, const char *what, struct err *e)
{
    bool is_repeated = text_starts(e->msg, what);
    log_debug("mirror %s: %s", places_here(p)->host, e->msg);
    keep_reason(p, is_repeated ? e->msg + strlen(what) + strspn(e->msg + strlen(what), ": ") : e->msg);
    if (is_down)
        mirrors_set_down(m, places_here(p)->host);
    p->at++;
    p->has_answered = false;
    *e = (struct err){ 0 };
}

void places_explain(const struct places *p, struct err *e)
{
    if (p->all.n > 0 && places_here(p)->is_mirror)
        err_add(e, " (mirror %s)", places_here(p)->host);
    else if (p->reasons.len > 0)
        err_add(e, "; mirrors before it: %s", buf_text(&p->reasons));
}
