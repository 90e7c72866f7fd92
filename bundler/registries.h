/* The registries and the blob cache of one run, from the options that create and plan share; and the images of an application in them. */
#ifndef BUNDLER_REGISTRIES_H
#define BUNDLER_REGISTRIES_H

#include "app/application.h"
#include "bundler/access.h"
#include "bundler/cache.h"
#include "bundler/images.h"
#include "bundler/lock.h"

enum { ATTESTATIONS_CARRY, ATTESTATIONS_SKIP };
enum { FOREIGN_LAYERS_REFUSE, FOREIGN_LAYERS_FETCH };

struct registries_options {
    const char *cache_dir;
    struct access_options access;
    const char *engine_socket;
    uint64_t retries;
    uint64_t cache_limit; /* UINT64_MAX: none */
    uint64_t limit_rate;  /* bytes a second; 0: none */
    unsigned attestations;
    unsigned foreign_layers;
    bool is_without_cache;
};

enum { REGISTRIES_RETRIES = 5, REGISTRIES_MAX_RETRIES = 100 };
enum { REGISTRIES_LEAST_RATE = 10 * 1024 }; /* with less a layer of a GB takes more than a day */
#define REGISTRIES_DEFAULTS { .retries = REGISTRIES_RETRIES, .cache_limit = UINT64_MAX }

/* Rows for a command whose options struct has `struct registries_options registries`. */
#define REGISTRIES_ROWS(type)                                                                                                                      \
    CLI_TEXT_ROW("cache", 0, type, registries.cache_dir, "DIR", "where fetched blobs are kept (~/.cache/archon-bundle)"),                           \
        CLI_FLAG_ROW("no-cache", 0, type, registries.is_without_cache, "keep nothing that was fetched"),                                           \
        ACCESS_ROWS(type, registries.access),                                                                                                      \
        CLI_NUMBER_ROW("retries", 0, type, registries.retries, "N", "further attempts of a request, with growing pauses (5)", 0, REGISTRIES_MAX_RETRIES), \
        CLI_TEXT_ROW("engine", 0, type, registries.engine_socket, "SOCKET", "of the engine with docker-daemon:NAME images (DOCKER_HOST, or where Docker or Podman listens)"),       \
        CLI_CHOICE_ROW("attestations", 0, type, registries.attestations, "carry|skip", "provenance, SBOMs and signatures that registries hold beside an image (carry)"),              \
        CLI_CHOICE_ROW("foreign-layers", 0, type, registries.foreign_layers, "refuse|fetch", "layers that their owner keeps elsewhere (refuse); fetch: those that the registry has"), \
        CLI_BYTES_ROW("cache-limit", 0, type, registries.cache_limit, "SIZE", "what may stay in the cache; what was used longest ago goes first", UINT64_MAX - 1), \
        CLI_BYTES_ROW("limit-rate", 0, type, registries.limit_rate, "SIZE", "bytes a second, of all connections together: 10MiB", 1024 * GIB)

struct registries {
    struct cache *cache;
    uint64_t cache_limit;
    struct access access;
    struct registry *registry; /* of access */
    struct image_source *remote, *local, *files; /* where images come from; opened by registries_resolve */
    const char *engine_socket;
    bool is_without_attestations;
    bool takes_foreign_layers;
    const struct lock *locked; /* set by the caller, borrowed: images must be those of this file, which covers the application. Null: tags are looked up */
};

/* ERR_USAGE, ERR_CONFIG, ERR_IO. Closed by the caller in any case. */
MUST_CHECK bool registries_open(struct registries *r, const struct registries_options *o, struct err *e);
void registries_close(struct registries *r);

/* Every image of the application, in its order, for its platforms: exact digests, manifests and configs; no layers, but those of images that the engine here has. *images is given
 * back with images_clear(images, app->n_images) in any case. ERR_REGISTRY, ERR_AUTH, ERR_NET, ERR_INTEGRITY, ERR_ENGINE. */
MUST_CHECK bool registries_resolve(struct registries *r, const struct application *app, struct image **images, const struct progress *progress,
                                   struct err *e);
/* Then: the layers of images in files into the cache. ERR_INTEGRITY, ERR_REGISTRY, ERR_SPACE, ERR_IO. */
MUST_CHECK bool registries_put_layers(struct registries *r, const struct application *app, const struct image *images, struct err *e);

/* Keeps the cache within its limit. Before the layers are fetched: room for bytes that are to come, as far as blobs are there that no run needs. At the end: this run needs
 * nothing any more, and the limit holds. Trouble is told; it is no reason to fail. */
void registries_make_room(const struct registries *r, uint64_t bytes);
void registries_trim(struct registries *r);

/* What a reference leads to: the index where there is one, else the manifest. Borrows. */
const struct digest *image_digest(const struct image *i);

#endif
