/* SBOMs that came with the images: those among the attached documents that are one, in whatever wrapping. */
#include "bundler/attached.h"
#include "bundler/gates.h"

#include "base/mem.h"
#include "base/text.h"
#include "gates/statement.h"

#include "base/banned.h"

/* The platform that a document speaks of; empty for an index. */
static const char *platform_of(struct platform_text *out, const struct image *x, const struct digest *subject)
{
    out->text[0] = '\0';
    for (size_t i = 0; i < x->n_platforms; i++)
        if (digest_equal(&x->platforms[i].manifest_digest, subject))
            return platform_format(out, &x->platforms[i].platform);
    return out->text;
}

static bool look_at(struct gates *g, const struct cache *c, const struct application *app, const struct image *images, size_t image,
                    size_t document, struct err *e)
{
    const struct image_document *d = &images[image].documents[document];
    enum reports_sbom_kind kind;
    struct platform_text platform;
    AUTO(buf_clear_auto) struct buf bytes = BUF_LIMIT(LIMIT_DOCUMENT_BYTES);
    if (!attached_read(c, d, &bytes, e))
        return false;
    if (!statement_is_sbom(buf_text(&bytes), bytes.len, &kind))
        return true;
    struct reports_sbom x = { .kind = kind, .member = mem_format("images/%zu/%s", image, d->name) };
    x.image = reports_image_of(REF_SHOWN(&app->images[image].original), platform_of(&platform, &images[image], &d->subject));
    MEM_PUSH(g->reports.sboms, g->reports.n_sboms, g->reports.cap_sboms) = x;
    return true;
}

bool gates_find_sboms(struct gates *g, const struct cache *c, const struct application *app, const struct image *images, struct err *e)
{
    for (size_t i = 0; i < app->n_images; i++)
        for (size_t k = 0; k < images[i].n_documents; k++)
            if (!look_at(g, c, app, images, i, k, e))
                return false;
    return true;
}
