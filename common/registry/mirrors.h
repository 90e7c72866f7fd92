/* Where else the images of a registry are: mirrors, from --mirror and from registries.conf of containers-common. Mirrors are asked first, in their order, the registry itself last;
 * what comes is checked by digest wherever it comes from. One thread.
 *
 *     AUTO(mirrors_free_auto) struct mirrors *m = mirrors_new();
 *     mirrors_add(m, "docker.io=mirror.example/hub", e) && mirrors_read(m, text, n, "/etc/containers/registries.conf", e)
 *     mirrors_find(m, "docker.io", "library/nginx", MIRROR_TAG, &places, e)
 *         -> mirror.example hub/library/nginx, docker.io library/nginx                                      */
#ifndef REGISTRY_MIRRORS_H
#define REGISTRY_MIRRORS_H

#include "base/buf.h"

/* What an image is asked for by; pull-from-mirror of a mirror. */
enum mirror_use { MIRROR_ANY, MIRROR_TAG, MIRROR_DIGEST };

struct mirror_place {
    char host[256];
    char repository[512];
    bool is_mirror; /* false: the registry itself */
};
enum { MIRROR_PLACES_MAX = 16 };
struct mirror_places {
    size_t n; /* at least 1; the last is the registry itself */
    struct mirror_place list[MIRROR_PLACES_MAX];
};

struct mirrors;
struct mirrors *mirrors_new(void);
void mirrors_free(struct mirrors *m);
AUTO_FREE(struct mirrors, mirrors_free)

/* "HOST[/PREFIX]=HOST[/PREFIX]": what begins with the left is there with the right in its place. Before all of any file. ERR_USAGE. */
MUST_CHECK bool mirrors_add(struct mirrors *m, const char *text, struct err *e);
/* A file of version 2. A [[registry]] with the prefix of an earlier one takes its place. ERR_CONFIG "<what>:LINE: ..." */
MUST_CHECK bool mirrors_read(struct mirrors *m, const char *text, size_t n, const char *what, struct err *e);
/* The files of this machine and user: $CONTAINERS_REGISTRIES_CONF, else ~/.config/containers/registries.conf, else /etc/containers/registries.conf; then *.conf of
 * /etc/containers/registries.conf.d and of ~/.config/containers/registries.conf.d. Missing ones are fine, but not the one that is named. ERR_CONFIG. */
MUST_CHECK bool mirrors_read_files(struct mirrors *m, struct err *e);

/* m may be null: the registry itself. ERR_POLICY when it is blocked; ERR_CONFIG when a mirror's name does not fit. */
MUST_CHECK bool mirrors_find(const struct mirrors *m, const char *host, const char *repository, enum mirror_use use, struct mirror_places *out, struct err *e);
/* insecure = true: may be asked without TLS, and then without a login. */
bool mirrors_is_insecure(const struct mirrors *m, const char *host);

/* A mirror that did not answer is not asked again in this run. */
void mirrors_set_down(struct mirrors *m, const char *host);
bool mirrors_is_down(const struct mirrors *m, const char *host);

#endif
