/* Is a report about what is packed? Scanners name images by digests: of the config ("image ID"), the manifest, or the index that a
 * reference leads to; and by layers. A name alone says little: what a tag meant when it was scanned need not be what it means now. */
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundler/gates.h"

#include "base/banned.h"

enum { TOLD_MAX = 10 };

struct compared {
    const struct application *app;
    const struct image *images;
    struct reports_scan *scan;
};

typedef bool (*fits_fn)(const struct compared *c, size_t image, const struct image_platform *p);

static bool has_id(const struct scan *s, const struct digest *d)
{
    for (size_t i = 0; i < s->ids.n; i++)
        if (digest_equal(&s->ids.items[i], d))
            return true;
    return false;
}

static bool has_layers(const struct scan *s, const struct image_platform *p)
{
    if (p->c.n_diff_ids == 0 || p->c.n_diff_ids != s->diff_ids.n)
        return false;
    for (size_t i = 0; i < s->diff_ids.n; i++)
        if (!digest_equal(&s->diff_ids.items[i], &p->c.diff_ids[i]))
            return false;
    return true;
}

/* Exactly this platform. */
static bool fits_exactly(const struct compared *c, size_t image, const struct image_platform *p)
{
    (void)image;
    const struct scan *s = &c->scan->scan;
    return has_id(s, &p->manifest_digest) || has_id(s, &p->m.config.digest) || has_layers(s, p);
}

static bool may_be_platform(const struct scan *s, const struct platform *p)
{
    return s->platform.os[0] == '\0' || (text_is(s->platform.os, p->os) && text_is(s->platform.architecture, p->architecture));
}

/* One of the platforms below an index. */
static bool fits_by_index(const struct compared *c, size_t image, const struct image_platform *p)
{
    const struct image *x = &c->images[image];
    if (!may_be_platform(&c->scan->scan, &p->platform))
        return false;
    for (size_t i = 0; i < x->n_indexes; i++)
        if (has_id(&c->scan->scan, &x->indexes[i].digest))
            return true;
    return false;
}

static bool fits_by_name(const struct compared *c, size_t image, const struct image_platform *p)
{
    const struct ref *want = &c->app->images[image].original;
    const struct scan *s = &c->scan->scan;
    for (size_t i = 0; i < s->n_names && may_be_platform(s, &p->platform); i++) {
        struct err ignored = { 0 };
        struct ref named;
        if (ref_parse(&named, s->names[i], &ignored) && text_is(named.host, want->host) && text_is(named.repository, want->repository) &&
            text_is(named.tag, want->tag))
            return true;
    }
    return false;
}

static bool cover(struct compared *c, fits_fn fits, enum reports_match match)
{
    for (size_t i = 0; i < c->app->n_images; i++)
        for (size_t k = 0; k < c->images[i].n_platforms; k++) {
            const struct image_platform *p = &c->images[i].platforms[k];
            if (fits(c, i, p))
                reports_images_add(&c->scan->images, REF_SHOWN(&c->app->images[i].original),
                                   platform_format(&(struct platform_text){ { 0 } }, &p->platform));
        }
    if (c->scan->images.n > 0)
        c->scan->match = match;
    return c->scan->images.n > 0;
}

static void compare(struct compared *c)
{
    const struct scan *s = &c->scan->scan;
    if (cover(c, fits_exactly, REPORTS_DIGEST) || cover(c, fits_by_index, REPORTS_DIGEST))
        return;
    if (s->ids.n + s->diff_ids.n > 0)
        c->scan->match = REPORTS_OTHER;
    else
        cover(c, fits_by_name, REPORTS_NAME);
}

/* ---- telling ---- */

/* What it says it is about: "shop/app:1.4.0 (sha256:...)". */
static char *named(const struct scan *s)
{
    const struct scan_digests *d = s->ids.n > 0 ? &s->ids : &s->diff_ids;
    if (s->artifact[0] == '\0' && d->n == 0)
        return mem_text("something that it does not name");
    return mem_format("%s%s%s%s", SHOWN(s->artifact), s->artifact[0] == '\0' ? "" : " (",
                      d->n == 0 ? "without a digest" : DIGEST_SHOWN(&d->items[0]), s->artifact[0] == '\0' ? "" : ")");
}

static bool tell(const struct gates *g, const struct reports_scan *x, struct err *e)
{
    AUTO(mem_auto) char *what = named(&x->scan);
    if (x->match == REPORTS_OTHER && g->reports.has_fail_on) {
        err_set(e, ERR_POLICY, "%s is about %s, which is no image of this bundle", x->member, what);
        return err_hint(e, "a gate that looks at another image is none: scan what is packed (archon-bundle plan shows the digests), or "
                           "leave --fail-on out");
    }
    if (x->match == REPORTS_OTHER)
        log_warn("%s is about %s, which is no image of this bundle", x->member, what);
    else if (x->match == REPORTS_NAME)
        log_warn("%s is about %s: the name is that of an image of this bundle, whether it is the same image is not known", x->member, what);
    else if (x->match == REPORTS_UNKNOWN)
        log_warn("%s is about %s: whether that is an image of this bundle is not known", x->member, what);
    return true;
}

static bool is_covered(const struct reports *r, const char *reference, const char *platform)
{
    for (size_t i = 0; i < r->n_scans; i++)
        for (size_t k = 0; k < r->scans[i].images.n; k++)
            if (text_is(r->scans[i].images.items[k].reference, reference) && text_is(r->scans[i].images.items[k].platform, platform))
                return true;
    return false;
}

static void list_unscanned(struct reports *r, const struct application *app, const struct image *images)
{
    for (size_t i = 0; i < app->n_images; i++)
        for (size_t k = 0; k < images[i].n_platforms; k++) {
            struct ref_text ref;
            struct platform_text platform;
            ref_format(&ref, &app->images[i].original);
            platform_format(&platform, &images[i].platforms[k].platform);
            if (!is_covered(r, ref.text, platform.text))
                reports_images_add(&r->unscanned, ref.text, platform.text);
        }
    for (size_t i = 0; i < r->unscanned.n && i < TOLD_MAX; i++)
        log_warn("no scan report is about %s (%s)", r->unscanned.items[i].reference, r->unscanned.items[i].platform);
    if (r->unscanned.n > TOLD_MAX)
        log_warn("nor about %zu others", r->unscanned.n - TOLD_MAX);
}

bool gates_compare(struct gates *g, const struct application *app, const struct image *images, struct err *e)
{
    for (size_t i = 0; i < g->reports.n_scans; i++) {
        struct compared c = { app, images, &g->reports.scans[i] };
        compare(&c);
        if (!tell(g, &g->reports.scans[i], e))
            return false;
    }
    if (g->reports.n_scans > 0)
        list_unscanned(&g->reports, app, images);
    return true;
}
