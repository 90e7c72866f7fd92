/* What happens, in order, when a bundle is made. */
#include "bundler/create.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundler/medium.h"
#include "sys/file.h"

#include "base/banned.h"

static bool create_resolve(struct create *c, struct err *e)
{
    if (!registries_open(&c->registries, &c->o->registries, e))
        return false;
    c->registries.locked = c->o->lock.is_locked ? &c->lock : NULL;
    if (registries_resolve(&c->registries, c->app, &c->images, &c->ctx->progress, e))
        return image_signatures_check(&c->registries, &c->rules, c->app, c->images, &c->proofs, e) &&
               create_plan_fetch(c, e);
    if (c->input.kind == INPUT_EMBEDDED && (e->code == ERR_REGISTRY || e->code == ERR_AUTH))
        err_hint(e, "no images of the built-in application are published: archon-bundle init writes it out, archon/build/README.md says how to make them");
    return false;
}

/* What registries say about sizes is an estimate of the bundle: rarely more than three quarters of it is written, and then writing tells. */
static bool create_check_medium(struct create *c, struct err *e)
{
    uint64_t bytes = c->base.bundle != NULL ? 0 : create_is_exact(c) ? c->fetched.bytes : c->fetched.bytes / 4 * 3;
    return medium_holds(c->path, bytes, c->o->part_bytes, "--split", e) &&
           medium_holds_parity(c->parity_path, create_parity_bytes(c, bytes), e);
}

static bool create_read_back(struct create *c, struct err *e)
{
    struct medium_check how = { .manifest_sha256 = &c->manifest_sha256, .jobs = c->jobs, .progress = &c->ctx->progress, .is_from_medium = true };
    return !c->o->is_checking_medium || (medium_check(writer_output(c->writer), &how, e) && create_check_parity(c, e));
}

static bool create_compare_scans(struct create *c, struct err *e)
{
    return gates_compare(&c->gates, c->app, c->images, e);
}

/* A file in one piece goes before parts of the same name. */
static bool warn_of_whole(const struct create *c, struct err *e)
{
    bool exists = false;
    if (c->o->part_bytes > 0 && !file_exists(c->path, &exists, e))
        return false;
    if (exists)
        log_warn("%s is there, too: it is read under this name, and not the parts: remove it", SHOWN(c->path));
    return true;
}

static bool create_publish(struct create *c, struct err *e)
{
    if (!writer_publish(c->writer, c->may_replace, e) || !create_publish_parity(c, e) || !warn_of_whole(c, e) ||
        (c->o->is_checking_medium && !medium_settle(c->path, e)))
        return false;
    registries_trim(&c->registries);
    return true;
}

static bool create_find_sboms(struct create *c, struct err *e)
{
    return gates_find_sboms(&c->gates, c->registries.cache, c->app, c->images, e);
}

bool create_plan(struct create *c, struct err *e)
{
    return create_read(c, e) && (!c->o->lock.is_locked || create_read_lock(c, e)) && create_open_base(c, e) && create_resolve(c, e);
}

bool create_run(struct create *c, struct err *e)
{
    return create_read(c, e) &&        /* what is asked for */
           create_read_lock(c, e) &&   /* and which images that were the last time */
           create_prepare(c, e) &&     /* keys, what a host has, and the place of the result */
           create_resolve(c, e) &&     /* which exact digests that is */
           create_check_exact(c, e) && /* and whether a bundle can hold it as it is */
           create_compare_scans(c, e) && /* and whether scan reports are about them */
           create_check_medium(c, e) && /* whether a file of that size can lie where it is to lie */
           create_prepare_fetch(c, e) && /* room in the cache, and what comes from elsewhere than registries */
           create_fetch_documents(c, e) && /* what speaks of the images */
           create_find_sboms(c, e) &&  /* with the SBOMs among them */
           create_describe(c, e) &&    /* release.json */
           create_list_layers(c, e) && /* each distinct layer once */
           create_fetch_and_write(c, e) && /* layers arrive, and go on: members, layers, manifest, signatures, into a file without a name */
           create_prove(c, e) &&       /* read back as a host will, every layer rebuilt */
           create_make_parity(c, e) && /* what can be repaired later */
           create_read_back(c, e) &&   /* and once more from the medium, when that was asked for */
           create_publish(c, e) &&     /* the file's name; the cache may be trimmed then */
           create_write_lock(c, e);    /* which images that were, for the next time */
}

void create_clear(struct create *c)
{
    if (c->writer != NULL)
        writer_drop(c->writer);
    if (c->sbom != NULL)
        sbom_run_close(c->sbom);
    for (size_t i = 0; i < c->n_layers; i++) {
        for (size_t k = 0; k < c->layers[i].n_blobs; k++)
            mem_free(c->layers[i].forms[k].path);
        mem_free(c->layers[i].forms);
        mem_free(c->layers[i].blobs);
    }
    mem_free(c->layers);
    buf_clear(&c->release);
    exact_layout_clear(&c->layout);
    if (c->proofs != NULL)
        image_proofs_clear(c->proofs, c->app->n_images);
    image_rules_clear(&c->rules);
    if (c->images != NULL)
        images_clear(c->images, c->app->n_images);
    registries_close(&c->registries);
    if (c->arrivals != NULL)
        arrivals_free(c->arrivals);
    for (size_t i = 0; i < c->n_loaders; i++) {
        mem_free(c->loaders[i].path);
        mem_free(c->loaders[i].member);
    }
    if (c->parity != NULL)
        publish_drop(c->parity);
    mem_free(c->path);
    mem_free(c->parity_path);
    mem_free(c->lock_path);
    lock_clear(&c->lock);
    base_close(&c->base);
    seal_keys_clear(&c->keys);
    gates_clear(&c->gates);
    input_clear(&c->input);
    *c = (struct create){ 0 };
}
