/* From layers to packages. What a layer holds is found while it is packed, in any order; what an image has is put together afterwards, in
 * the order of its layers. */
#include "bundler/sbom.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "gates/sbom.h"

#include "base/banned.h"

struct tapped { /* a layer */
    struct sbom_run *run;
    struct digest diff_id;
    struct layer_files files;
};
struct sbom_run {
    struct spool *spool;
    struct tapped *layers;
    const struct tapped **by_id; /* sorted */
    size_t n;
};

static int by_diff_id(const void *a, const void *b)
{
    const struct tapped *const *x = a;
    const struct tapped *const *y = b;
    return digest_compare(&(*x)->diff_id, &(*y)->diff_id);
}

/* Called by the thread that unpacks the layer; again when that is begun anew. */
static struct sink *open_tap(void *ctx)
{
    struct tapped *t = ctx;
    return layer_files_sink(t->run->spool, &t->files, "its packages, for --sbom");
}

struct sbom_run *sbom_run_open(const char *dir, struct pack_layer *layers, size_t n_layers, struct err *e)
{
    AUTO(sbom_run_close_auto) struct sbom_run *r = mem_new(sizeof *r);
    r->spool = spool_open(dir, e);
    if (r->spool == NULL)
        return NULL;
    r->n = n_layers;
    r->layers = mem_new_array(n_layers, sizeof *r->layers);
    r->by_id = mem_new_array(n_layers, sizeof *r->by_id);
    for (size_t i = 0; i < n_layers; i++) {
        r->layers[i] = (struct tapped){ .run = r, .diff_id = layers[i].diff_id };
        r->by_id[i] = &r->layers[i];
        layers[i].tap = (struct pack_tap){ open_tap, &r->layers[i] };
    }
    if (n_layers > 0)
        qsort(r->by_id, n_layers, sizeof *r->by_id, by_diff_id);
    return TAKE(r);
}

void sbom_run_close(struct sbom_run *r)
{
    for (size_t i = 0; i < r->n; i++)
        layer_files_clear(&r->layers[i].files);
    if (r->spool != NULL)
        spool_close(r->spool);
    mem_free(r->layers);
    mem_free(r->by_id);
    mem_free(r);
}

/* ---- images ---- */

static const struct layer_files *files_of(const struct sbom_run *r, const struct digest *diff_id)
{
    const struct tapped key = { .diff_id = *diff_id };
    const struct tapped *at = &key;
    const struct tapped *const *found = r->n == 0 ? NULL : bsearch(&at, r->by_id, r->n, sizeof *r->by_id, by_diff_id);
    BUG_IF(found == NULL);
    return &(*found)->files;
}

static bool read_image(const struct sbom_run *r, const struct image_platform *p, struct packages *out, struct err *e)
{
    AUTO(mem_auto) const struct layer_files **layers = mem_new_array(p->c.n_diff_ids, sizeof *layers);
    AUTO(layer_files_clear_auto) struct layer_files merged = { 0 };
    for (size_t i = 0; i < p->c.n_diff_ids; i++)
        layers[i] = files_of(r, &p->c.diff_ids[i]);
    return layer_files_merge(&merged, layers, p->c.n_diff_ids, e) && packages_read(out, &merged, r->spool, e);
}

static void warn(const struct sbom_image *x)
{
    struct reports_databases_text text;
    if (x->packages->unread != 0)
        log_warn("%s (%s): the packages of %s are not in the SBOM: %s", x->reference, x->platform,
                 reports_databases(&text, x->packages->unread),
                 x->packages->unread == REPORTS_RPM ? "the program rpm, which reads them, is not here"
                                                    : "its database is a link to something else");
    else if (x->packages->found == 0)
        log_info("%s (%s): has no package database", x->reference, x->platform);
}

struct listing {
    struct sbom_image *images;
    struct packages *packages;
    struct reports_image *names;
    size_t n;
};

static bool list_images(struct sbom_run *r, const struct sbom_release *release, struct listing *l, struct err *e)
{
    for (size_t i = 0; i < release->app->n_images; i++)
        for (size_t k = 0; k < release->images[i].n_platforms; k++, l->n++) {
            const struct image_platform *p = &release->images[i].platforms[k];
            l->names[l->n] = reports_image_of(REF_SHOWN(&release->app->images[i].original),
                                              platform_format(&(struct platform_text){ { 0 } }, &p->platform));
            struct sbom_image *x = &l->images[l->n];
            *x = (struct sbom_image){ l->names[l->n].reference, l->names[l->n].platform, &p->manifest_digest, &l->packages[l->n] };
            if (!read_image(r, p, &l->packages[l->n], e)) {
                err_in(e, "%s (%s)", x->reference, x->platform);
                l->n++;
                return err_hint(e, "its packages cannot be listed; without --sbom it can be packed");
            }
            warn(x);
        }
    return true;
}

static bool write_member(const struct sbom_release *release, const struct listing *l, struct writer *w, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_SBOM_BYTES);
    const struct definition *d = &release->app->definition;
    const struct sbom s = { .name = d->name,
                            .version = d->version.text,
                            .release = release->sha256,
                            .created = release->created,
                            .builder_version = ARCHON_VERSION,
                            .images = l->images,
                            .n_images = l->n };
    return sbom_write(&s, &text, e) && writer_add_member(w, REPORTS_SBOM, buf_text(&text), text.len, false, e);
}

static void tell(const struct listing *l, struct reports *reports)
{
    reports->has_packages = true;
    for (size_t i = 0; i < l->n; i++) {
        const struct packages *p = &l->packages[i];
        struct reports_packages x = { .image = reports_image_of(l->names[i].reference, l->names[i].platform),
                                      .distro = mem_text(p->distro == NULL ? "" : p->distro),
                                      .n = p->n,
                                      .found = p->found,
                                      .unread = p->unread };
        MEM_PUSH(reports->packages, reports->n_packages, reports->cap_packages) = x;
    }
}

bool sbom_run_write(struct sbom_run *r, const struct sbom_release *release, struct reports *reports, struct writer *w, struct err *e)
{
    size_t n = 0;
    for (size_t i = 0; i < release->app->n_images; i++)
        n += release->images[i].n_platforms;
    struct listing l = { .images = mem_new_array(n, sizeof *l.images),
                         .packages = mem_new_array(n, sizeof *l.packages),
                         .names = mem_new_array(n, sizeof *l.names) };
    bool ok = list_images(r, release, &l, e) && write_member(release, &l, w, e);
    if (ok)
        tell(&l, reports);
    for (size_t i = 0; i < l.n; i++) {
        packages_clear(&l.packages[i]);
        mem_free(l.names[i].reference);
        mem_free(l.names[i].platform);
    }
    mem_free(l.images);
    mem_free(l.packages);
    mem_free(l.names);
    return ok;
}
