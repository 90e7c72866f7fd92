/* From options to a cache and a client; from references to images. */
#include "bundler/registries.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundler/cache_room.h"
#include "bundler/image_files.h"
#include "bundler/local.h"
#include "bundler/resolve.h"
#include "sys/file.h"
#include "sys/path.h"
#include "sys/start.h"

#include "base/banned.h"

static bool open_cache(struct registries *r, const struct registries_options *o, struct err *e)
{
    if (o->is_without_cache && o->cache_dir != NULL)
        return err_set(e, ERR_USAGE, "--cache and --no-cache: expected one of them");
    if (o->is_without_cache && o->cache_limit != UINT64_MAX)
        return err_set(e, ERR_USAGE, "--cache-limit and --no-cache: expected one of them");
    r->cache_limit = o->cache_limit;
    r->cache = o->is_without_cache ? cache_open_passing() : cache_open(o->cache_dir, e);
    return r->cache != NULL;
}

bool registries_open(struct registries *r, const struct registries_options *o, struct err *e)
{
    *r = (struct registries){ .engine_socket = o->engine_socket, .is_without_attestations = o->attestations == ATTESTATIONS_SKIP,
                               .takes_foreign_layers = o->foreign_layers == FOREIGN_LAYERS_FETCH };
    if (o->limit_rate > 0 && o->limit_rate < REGISTRIES_LEAST_RATE)
        return err_set(e, ERR_USAGE, "--limit-rate: at least %d bytes a second", REGISTRIES_LEAST_RATE);
    bool is_open = open_cache(r, o, e) && access_open(&r->access, &o->access, o->retries, o->limit_rate, e);
    r->registry = r->access.registry;
    return is_open;
}

void registries_close(struct registries *r)
{
    image_source_free(r->remote);
    image_source_free(r->local);
    image_source_free(r->files);
    access_close(&r->access);
    cache_close(r->cache);
    *r = (struct registries){ 0 };
}

void registries_make_room(const struct registries *r, uint64_t bytes)
{
    char freed[24];
    struct err trouble = { 0 };
    struct cache_room made;
    struct cache_wanted wanted = { .bytes = r->cache_limit > bytes ? r->cache_limit - bytes : 0, .used_since = INT64_MIN };
    if (r->cache_limit == UINT64_MAX)
        return;
    if (!cache_make_room(r->cache, &wanted, &made, &trouble))
        log_warn("%s", trouble.msg);
    else if (made.n_removed > 0)
        log_info("%zu blob%s removed from the cache, %s freed", made.n_removed, text_s(made.n_removed), text_bytes(freed, made.freed_bytes));
}

void registries_trim(struct registries *r)
{
    cache_release(r->cache);
    registries_make_room(r, 0);
}

const struct digest *image_digest(const struct image *i)
{
    return i->n_indexes > 0 ? &i->indexes[0].digest : &i->platforms[0].manifest_digest;
}

static struct image_source *source_for(const struct registries *r, enum place_kind kind)
{
    struct image_source *const sources[PLACE_KINDS] = {
        [PLACE_REGISTRY] = r->remote, [PLACE_ENGINE] = r->local, [PLACE_OCI] = r->files, [PLACE_OCI_ARCHIVE] = r->files, [PLACE_DOCKER_ARCHIVE] = r->files,
    };
    return sources[kind];
}

static void tell_found(const struct application_image *from, const struct image *image)
{
    bool is_named = from->place.written != NULL;
    log_info("%s is %s%s%s", REF_SHOWN(&from->written), DIGEST_SHOWN(image_digest(image)), is_named ? ", from " : "", is_named ? SHOWN(from->place.written) : "");
}

/* With a lock file: what it names, and nothing else. */
static bool resolve_locked(struct image_source *source, struct image_request *rq, const struct lock_entry *locked, struct image *out, struct err *e)
{
    rq->pinned = lock_pinned(locked);
    if (source->resolve(source, rq, out, e))
        return lock_agrees(locked, out, e);
    if (e->code == ERR_REGISTRY || e->code == ERR_INTEGRITY) {
        err_in(e, "locked image %s", SHOWN(locked->image));
        e->hint[0] = '\0'; /* what helps with any image is not what helps here */
        err_hint(e, "if it is no longer there (or hidden from who is not logged in): create without --locked looks its tag up again and writes a new lock file");
    }
    return false;
}

static bool resolve_one(struct registries *r, const struct application_image *from, const struct definition *d, struct image *out, struct err *e)
{
    struct image_source *source = source_for(r, from->place.kind);
    struct image_request rq = { .ref = &from->original, .place = &from->place, .platforms = d->platforms, .n_platforms = d->n_platforms,
                                .is_without_attestations = r->is_without_attestations, .takes_foreign_layers = r->takes_foreign_layers };
    if (r->locked == NULL)
        return source->resolve(source, &rq, out, e);
    AUTO(mem_auto) char *name = lock_image_name(from);
    const struct lock_entry *locked = lock_find(r->locked, name);
    BUG_IF(locked == NULL);
    return resolve_locked(source, &rq, locked, out, e);
}

bool registries_resolve(struct registries *r, const struct application *app, struct image **images, const struct progress *progress, struct err *e)
{
    r->remote = resolve_in_registries(r->registry, r->cache);
    r->local = local_images(r->cache, r->engine_socket, progress);
    r->files = image_files(r->cache);
    *images = mem_new_array(app->n_images, sizeof **images);
    for (size_t i = 0; i < app->n_images; i++) {
        if (!start_check(e) || !resolve_one(r, &app->images[i], &app->definition, &(*images)[i], e))
            return false;
        tell_found(&app->images[i], &(*images)[i]);
    }
    return true;
}

bool registries_put_layers(struct registries *r, const struct application *app, const struct image *images, struct err *e)
{
    for (size_t i = 0; i < app->n_images; i++) {
        const struct image_place *place = &app->images[i].place;
        struct image_source *source = source_for(r, place->kind);
        if (source->put_layers == NULL)
            continue;
        if (!start_check(e) || !source->put_layers(source, place, &images[i], e))
            return false;
    }
    return true;
}
