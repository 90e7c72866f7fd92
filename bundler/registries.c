/* From options to a cache and a client; from references to images. */
#include "bundler/registries.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "bundler/local.h"
#include "bundler/resolve.h"
#include "sys/file.h"
#include "sys/path.h"
#include "sys/start.h"

#include "base/banned.h"

static bool make_own_dir(struct registries *r, struct err *e)
{
    r->own_dir = mem_text("/var/tmp/archon-bundle-XXXXXX");
    if (mkdtemp(r->own_dir) != NULL)
        return true;
    file_fail(e, errno, "create", r->own_dir);
    mem_free(TAKE(r->own_dir));
    return false;
}

static bool open_cache(struct registries *r, const struct registries_options *o, struct err *e)
{
    if (o->is_without_cache && o->cache_dir != NULL)
        return err_set(e, ERR_USAGE, "--cache and --no-cache: expected one of them");
    if (o->is_without_cache && !make_own_dir(r, e))
        return false;
    r->cache = cache_open(o->is_without_cache ? r->own_dir : o->cache_dir, e);
    return r->cache != NULL;
}

static bool open_credentials(struct registries *r, const char *authfile, struct err *e)
{
    AUTO(mem_auto) char *path = NULL;
    bool must_exist = false;
    credentials_locate(authfile, &path, &must_exist);
    r->credentials = credentials_open(path, must_exist, e);
    return r->credentials != NULL;
}

static bool open_registry(struct registries *r, const struct registries_options *o, struct err *e)
{
    struct registry_options how = { .ca_file = o->ca_file, .use_proxy_env = true, .credentials = r->credentials };
    how.tries = o->retries == 0 ? UINT_MAX : (unsigned)o->retries;
    r->registry = registry_open(&how, e);
    return r->registry != NULL;
}

bool registries_open(struct registries *r, const struct registries_options *o, struct err *e)
{
    *r = (struct registries){ .engine_socket = o->engine_socket };
    return open_cache(r, o, e) && open_credentials(r, o->authfile, e) && open_registry(r, o, e);
}

void registries_close(struct registries *r)
{
    struct err ignored = { 0 };
    if (r->registry != NULL)
        registry_free(r->registry);
    if (r->credentials != NULL)
        credentials_free(r->credentials);
    cache_close(r->cache);
    if (r->own_dir != NULL && !path_remove_tree(r->own_dir, &ignored))
        log_warn("%s", ignored.msg);
    mem_free(r->own_dir);
    *r = (struct registries){ 0 };
}

const struct digest *image_digest(const struct image *i)
{
    return i->n_indexes > 0 ? &i->indexes[0].digest : &i->platforms[0].manifest_digest;
}

bool registries_resolve(struct registries *r, const struct application *app, struct image **images, const struct progress *progress, struct err *e)
{
    const struct definition *d = &app->definition;
    AUTO(image_source_free_auto) struct image_source *remote = resolve_in_registries(r->registry, r->cache);
    AUTO(image_source_free_auto) struct image_source *local = local_images(r->cache, r->engine_socket, progress);
    *images = mem_new_array(app->n_images, sizeof **images);
    for (size_t i = 0; i < app->n_images; i++) {
        const struct application_image *from = &app->images[i];
        struct image_source *source = from->is_local ? local : remote;
        if (!start_check(e) || !source->resolve(source, &from->original, d->platforms, d->n_platforms, &(*images)[i], e))
            return false;
        log_info("%s is %s%s", REF_SHOWN(&from->original), DIGEST_SHOWN(image_digest(&(*images)[i])), from->is_local ? ", from the engine here" : "");
    }
    return true;
}
