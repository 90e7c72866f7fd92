/* The engine's image is asked for whole, once; what it answers is exported.c's. */
#include "bundler/local.h"

#include <stdlib.h>
#include <sys/stat.h>

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

static bool is_socket(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* Where Docker listens, then where Podman does. Null: nowhere, and the engine's own message says where it looked. */
static char *find_socket(void)
{
    const char *own = getenv("XDG_RUNTIME_DIR");
    const char *run = own != NULL && own[0] == '/' ? own : "/run/user/none";
    char *places[] = { mem_text("/var/run/docker.sock"), mem_format("%s/docker.sock", run), mem_text("/run/podman/podman.sock"),
                       mem_format("%s/podman/podman.sock", run) };
    char *found = NULL;
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        if (found == NULL && is_socket(places[i]))
            found = TAKE(places[i]);
        mem_free(places[i]);
    }
    return found;
}

static bool open_engine(struct local *l, struct err *e)
{
    const char *host = getenv("DOCKER_HOST");
    const char *named = l->socket != NULL || host == NULL || host[0] == '\0' ? l->socket : host;
    AUTO(mem_auto) char *found = named == NULL ? find_socket() : NULL;
    if (l->engine == NULL)
        l->engine = engine_open(named != NULL ? named : found, e);
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
    return err_hint(e, "docker images (podman images) lists those that it has");
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
    const char *dir;
    if (!open_engine(l, e) || !find_image(l, name, e) || !cache_work_dir(l->cache, &dir, e))
        return false;
    AUTO(export_close_auto) struct export *x = export_fetch(l->engine, name, dir, l->progress, e);
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
