/* The engine's image is asked for whole, once; what it answers is exported.c's. */
#include "bundler/local.h"

#include <stdlib.h>

#include "base/mem.h"
#include "bundler/exported.h"
#include "engine/images.h"

#include "base/banned.h"

struct local {
    struct image_source source;
    struct cache *cache;
    const char *socket;
    const struct progress *progress;
    struct engine *engine; /* null until it is needed */
};

/* ---- the source ---- */

static const char *choose_socket(const char *asked)
{
    const char *host = getenv("DOCKER_HOST");
    return asked != NULL || host == NULL || host[0] == '\0' ? asked : host;
}

static bool open_engine(struct local *l, struct err *e)
{
    if (l->engine == NULL)
        l->engine = engine_open(choose_socket(l->socket), e);
    return l->engine != NULL;
}

static bool find_image(struct local *l, const char *name, struct err *e)
{
    AUTO(engine_image_clear_auto) struct engine_image found = { 0 };
    if (!image_inspect(l->engine, name, &found, e))
        return false;
    if (found.is_found)
        return true;
    err_set(e, ERR_REGISTRY, "%s: the engine at %s has no such image", name, engine_facts(l->engine)->socket);
    return err_hint(e, "docker images lists those that it has");
}

static bool take_platform(struct local *l, struct export *x, struct image_platform *p, const char *what, struct err *e)
{
    struct platform_text asked, found;
    for (size_t i = 0; i < export_n_images(x); i++)
        if (platform_equal(&export_image(x, i)->c.platform, &p->platform))
            return exported_describe(x, export_image(x, i), p, what, e) && exported_put(x, export_image(x, i), l->cache, what, e);
    return err_set(e, ERR_REGISTRY, "%s: the engine's image is for %s, expected %s", what, platform_format(&found, &export_image(x, 0)->c.platform),
                   platform_format(&asked, &p->platform));
}

static bool resolve(struct image_source *source, const struct image_request *rq, struct image *out, struct err *e)
{
    struct local *l = (struct local *)source;
    struct ref_text text;
    const char *name = ref_format_tag(&text, rq->ref);
    *out = (struct image){ .ref = *rq->ref, .n_platforms = rq->n_platforms };
    out->platforms = mem_new_array(rq->n_platforms, sizeof *out->platforms);
    if (!open_engine(l, e) || !find_image(l, name, e))
        return false;
    AUTO(export_close_auto) struct export *x = export_fetch(l->engine, name, cache_dir(l->cache), l->progress, e);
    for (size_t i = 0; x != NULL && i < rq->n_platforms; i++) {
        out->platforms[i].platform = rq->platforms[i];
        if (!take_platform(l, x, &out->platforms[i], name, e))
            return false;
    }
    return x != NULL;
}

static void free_local(struct image_source *source)
{
    struct local *l = (struct local *)source;
    engine_close(l->engine);
    mem_free(l);
}

struct image_source *local_images(struct cache *c, const char *socket, const struct progress *progress)
{
    struct local *l = mem_new(sizeof *l);
    *l = (struct local){ .source = { .resolve = resolve, .free = free_local }, .cache = c, .socket = socket, .progress = progress };
    return &l->source;
}
