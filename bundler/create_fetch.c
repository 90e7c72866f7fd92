/* Layers and documents from the registries. The layers come while the bundle is written: what is there is packed, what is not there yet is waited for. */
#include "base/log.h"
#include "base/text.h"
#include "bundler/attached.h"
#include "bundler/create.h"
#include "sys/work.h"

#include "base/banned.h"

enum { PARALLEL_FETCHES = 6 }; /* registries slow down who asks for more */

bool create_prepare_fetch(struct create *c, struct err *e)
{
    char a[24];
    char b[24];
    const struct fetch_totals *t = &c->fetched;
    log_info("%zu layer%s of %s, %zu of them (%s) to fetch", t->n_blobs, text_s(t->n_blobs), text_bytes(a, t->bytes), t->n_missing, text_bytes(b, t->missing_bytes));
    registries_make_room(&c->registries, t->missing_bytes);
    if (!cache_is_passing(c->registries.cache))
        c->arrivals = arrivals_new();
    return registries_put_layers(&c->registries, c->app, c->images, e);
}

bool create_fetch_documents(struct create *c, struct err *e)
{
    return image_signatures_collect(&c->registries, c->app, c->proofs, c->images, e) &&
           attached_fetch(c->registries.registry, c->registries.cache, c->images, c->app->n_images, e);
}

bool create_wants_layer(const struct create *c, const struct digest *diff_id, const struct digest *blob, uint64_t size)
{
    return c->o->gates.is_with_sbom || !base_has_proven(&c->base, diff_id, blob, size);
}

static bool is_wanted(const void *ctx, const struct digest *diff_id, const struct oci_descriptor *blob)
{
    return create_wants_layer(ctx, diff_id, &blob->digest, blob->size);
}

bool create_plan_fetch(struct create *c, struct err *e)
{
    const struct fetch_choice choice = { is_wanted, c };
    return fetch_plan(c->registries.cache, c->images, c->app->n_images, &choice, &c->fetched, e);
}

static bool fetch(void *ctx, struct err *e)
{
    struct create *c = ctx;
    const struct fetch_choice choice = { is_wanted, c };
    bool ok = fetch_layers(c->registries.registry, c->registries.cache, c->images, c->app->n_images, &choice, PARALLEL_FETCHES, c->arrivals, &c->ctx->progress, e);
    arrivals_end(c->arrivals);
    return ok;
}

/* A system that has no thread left gets them one after the other. */
static bool begin(struct create *c, struct work_thread **thread, struct err *e)
{
    *thread = work_thread_start(fetch, c);
    if (work_thread_is_running(*thread))
        return true;
    work_thread_auto(thread);
    return fetch(c, e);
}

bool create_fetch_and_write(struct create *c, struct err *e)
{
    struct work_thread *thread = NULL;
    struct err why = { 0 };
    if (c->arrivals == NULL)
        return create_write(c, e);
    bool ok = begin(c, &thread, e) && create_write(c, e);
    if (!ok)
        http_stop(registry_http(c->registries.registry));
    bool is_fetched = work_thread_join(&thread, &why);
    if (!is_fetched && (ok || e->code == ERR_INTERRUPTED)) /* packing ended because a layer did not come */
        *e = why;
    return ok && is_fetched;
}
